"""Parses request bodies and query parameters into GraphQL requests; anything else is rejected with 400."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from json import JSONDecodeError
from typing import Any

from cross_web import HTTPException

from schema.execution.bookmarks import EXTENSION
from service.runtime.json_body import NestedTooDeeply, parse_json

MAX_DOCUMENT_ID_LENGTH = 200
"""Maximum number of characters of `documentId`."""


@dataclass(slots=True)
class RequestParameters:
    """The parameters of one request: a document, or the id or hash of a persisted document."""

    query: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    operation_name: str | None = None
    extensions: Mapping[str, Any] = field(default_factory=dict)
    document_id: str | None = None

    @property
    def hash(self) -> str | None:
        """The hash of an automatic persisted query."""
        persisted = self.extensions.get("persistedQuery")
        hash = persisted.get("sha256Hash") if isinstance(persisted, Mapping) else None
        return hash if isinstance(hash, str) else None

    @property
    def bookmark(self) -> object:
        """What the caller sends as the bookmark of an earlier answer; `None` or an empty text if it sends none."""
        return self.extensions.get(EXTENSION)

    @property
    def include_cost(self) -> bool:
        """Whether the caller requests the operation's cost."""
        return self.extensions.get("cost") is True


def parse_body(body: bytes, max_operations: int) -> RequestParameters | list[RequestParameters]:
    """Parse a body into a request or a batch of requests."""
    data = _json(body, "the body")
    if isinstance(data, list):
        if max_operations <= 1:
            raise HTTPException(400, "the body must be one JSON object: batches are disabled")
        if not 1 <= len(data) <= max_operations:
            raise HTTPException(400, f"the batch contains {len(data)} operations; 1 to {max_operations} are allowed")
        return [parse_parameters(operation) for operation in data]
    return parse_parameters(data)


def parse_query_parameters(parameters: Mapping[str, str]) -> RequestParameters:
    """Parse the query parameters of a GET request."""
    data: dict[str, Any] = {name: value for name, value in parameters.items() if value}
    for name in ("variables", "extensions"):
        if name in data:
            data[name] = _json(data[name].encode(), name)
    return parse_parameters(data)


def _json(text: bytes, name: str) -> Any:
    try:
        return parse_json(text)
    except NestedTooDeeply:
        raise HTTPException(400, f"{name} is nested too deeply") from None
    except JSONDecodeError:
        raise HTTPException(400, f"{name} is not JSON") from None


def parse_parameters(data: Any) -> RequestParameters:
    """Check a JSON object and return it as request parameters."""
    if not isinstance(data, dict):
        raise HTTPException(400, "a request must be a JSON object")
    query, document_id = data.get("query"), data.get("documentId")
    for name, value in (("query", query), ("operationName", data.get("operationName")), ("documentId", document_id)):
        if not isinstance(value, str | None):
            raise HTTPException(400, f"{name} must be a string")
    for name in ("variables", "extensions"):
        if not isinstance(data.get(name), Mapping | None):
            raise HTTPException(400, f"{name} must be an object")
    if document_id is not None and len(document_id) > MAX_DOCUMENT_ID_LENGTH:
        raise HTTPException(400, f"documentId has {len(document_id)} characters; {MAX_DOCUMENT_ID_LENGTH} are allowed")
    parameters = RequestParameters(
        query, data.get("variables") or {}, data.get("operationName"), data.get("extensions") or {}, document_id
    )
    if not (query and query.strip()) and not document_id and not parameters.hash:
        raise HTTPException(400, "query: a GraphQL document or a documentId is required")
    return parameters
