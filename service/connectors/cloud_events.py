"""Unwrap CloudEvents 1.0: the data of an event, and what its attributes say about it.

Binary mode has the attributes in headers (`ce-id` over HTTP and NATS, `ce_id` in Kafka) and the data as the body. In
structured mode, the body is a JSON object with both; in batched mode, a list of these.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import orjson
from msgspec import Struct

from graph.domain.model.errors import InvalidInput

PREFIX = "ce-"
"""Attributes are read by mappings as headers of binary mode over HTTP: `@ce-type`."""
_PREFIXES = (PREFIX, "ce_")
_CONTENT_TYPE = "application/cloudevents"
_REQUIRED = ("specversion", "id", "source", "type")
_MARK = b'"specversion"'
MAX_ID_LENGTH = 150
"""A longer id is replaced by its digest: an id of a statement has at most 200 characters, and mappings add labels."""


class CloudEvent(Struct, frozen=True):
    """The attributes of an event by lower-case name, and its data: bytes if they are still to be parsed."""

    attributes: Mapping[str, str]
    data: Any

    @property
    def id(self) -> str:
        """The id that no other event has: source and id together."""
        whole = f"{self.attributes['source']}#{self.attributes['id']}"
        return whole if len(whole) <= MAX_ID_LENGTH else hashlib.sha256(whole.encode()).hexdigest()

    @property
    def beside(self) -> dict[str, str]:
        """The attributes, as mappings read them beside a record."""
        return {f"{PREFIX}{name}": value for name, value in self.attributes.items()}


def unwrap(body: bytes, headers: Mapping[str, str]) -> list[CloudEvent] | None:
    """Return the events of a message, whose headers are by lower-case name; `None` if it is not one of CloudEvents.

    Raises `InvalidInput` if it says that it is one, but lacks an attribute or is malformed.
    """
    attributes = {
        # Over HTTP and NATS values are percent-encoded, since headers have to be ASCII.
        name[len(PREFIX) :]: unquote(value) if name.startswith(PREFIX) else value
        for name, value in headers.items()
        if name.startswith(_PREFIXES) and value
    }
    if "specversion" in attributes:
        if content_type := headers.get("content-type"):
            attributes["datacontenttype"] = content_type
        return [CloudEvent(_checked(attributes), body)]
    declared = headers.get("content-type", "").strip().lower().startswith(_CONTENT_TYPE)
    if not declared and _MARK not in body:
        return None
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        if declared:
            raise InvalidInput("INVALID_BODY", "the CloudEvent is not JSON, the only format that is read") from None
        return None
    events = content if isinstance(content, list) else [content]
    if not declared and not all(_is_event(event) for event in events):
        return None
    return [_structured(event) for event in events]


def _is_event(content: Any) -> bool:
    return isinstance(content, dict) and all(isinstance(content.get(name), str) for name in _REQUIRED)


def _structured(content: Any) -> CloudEvent:
    if not isinstance(content, dict):
        raise InvalidInput("INVALID_BODY", "the CloudEvent is not a JSON object")
    attributes = {
        name.lower(): value if isinstance(value, str) else orjson.dumps(value).decode()
        for name, value in content.items()
        if name not in ("data", "data_base64") and value is not None
    }
    return CloudEvent(_checked(attributes), _data(content, attributes.get("datacontenttype", "")))


def _data(content: Mapping[str, Any], content_type: str) -> Any:
    if (encoded := content.get("data_base64")) is not None:
        try:
            return base64.b64decode(encoded, validate=True)
        except (binascii.Error, TypeError, ValueError):
            raise InvalidInput(
                "INVALID_BODY", "data_base64 of the CloudEvent is not base64", ("data_base64",)
            ) from None
    data = content.get("data")
    # A text of another type than JSON is what the body would be in binary mode.
    return data.encode() if isinstance(data, str) and content_type and "json" not in content_type else data


def _checked(attributes: Mapping[str, str]) -> Mapping[str, str]:
    for name in _REQUIRED:
        if not attributes.get(name):
            raise InvalidInput("INVALID_BODY", f"the CloudEvent has no attribute {name!r}", (name,))
    return attributes
