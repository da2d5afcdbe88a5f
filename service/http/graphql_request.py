"""What was sent, as GraphQL requests; what is none is refused with 400."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from cross_web import HTTPException

LONGEST_ID = 200


@dataclass(slots=True)
class Sent:
    """One request as it was sent: a document, or the name of one that is known."""

    query: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    operation_name: str | None = None
    extensions: Mapping[str, Any] = field(default_factory=dict)
    document_id: str | None = None

    @property
    def hash(self) -> str | None:
        """The hash by which an automatic document is asked for."""
        persisted = self.extensions.get("persistedQuery")
        found = persisted.get("sha256Hash") if isinstance(persisted, Mapping) else None
        return found if isinstance(found, str) else None

    @property
    def tell_cost(self) -> bool:
        """Whether the caller asks what the operation costs."""
        return self.extensions.get("cost") is True


def from_body(body: bytes, most: int) -> Sent | list[Sent]:
    """The request in a body, or the batch of requests."""
    data = _json(body, "the body")
    if isinstance(data, list):
        if most <= 1:
            raise HTTPException(400, "the body must be one JSON object: batches are switched off here")
        if not 1 <= len(data) <= most:
            raise HTTPException(400, f"the batch holds {len(data)} operations; 1 to {most} are allowed")
        return [sent_from(one) for one in data]
    return sent_from(data)


def from_parameters(parameters: Mapping[str, str]) -> Sent:
    """The request in the parameters of a GET."""
    data: dict[str, Any] = {name: value for name, value in parameters.items() if value}
    for name in ("variables", "extensions"):
        if name in data:
            data[name] = _json(data[name].encode(), name)
    return sent_from(data)


def _json(text: bytes, name: str) -> Any:
    """JSON, strictly: no NaN, no bytes that are not UTF-8, no nesting without end."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise HTTPException(400, f"{name} is not JSON") from None


def sent_from(data: Any) -> Sent:
    """The request that a JSON object is."""
    if not isinstance(data, dict):
        raise HTTPException(400, "a request must be a JSON object")
    query, document_id = data.get("query"), data.get("documentId")
    for name, value in (("query", query), ("operationName", data.get("operationName")), ("documentId", document_id)):
        if not isinstance(value, str | None):
            raise HTTPException(400, f"{name} must be a string")
    for name in ("variables", "extensions"):
        if not isinstance(data.get(name), Mapping | None):
            raise HTTPException(400, f"{name} must be an object")
    if document_id is not None and len(document_id) > LONGEST_ID:
        raise HTTPException(400, f"documentId holds {len(document_id)} characters; {LONGEST_ID} are allowed")
    sent = Sent(
        query, data.get("variables") or {}, data.get("operationName"), data.get("extensions") or {}, document_id
    )
    if not (query and query.strip()) and not document_id and not sent.hash:
        raise HTTPException(400, "query: a GraphQL document is needed, or the documentId of one")
    return sent
