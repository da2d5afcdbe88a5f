"""The records in a message: JSON, a list, or lines of it, whatever compression, envelope or schema id is around."""

from collections.abc import Mapping
from typing import Any

import orjson
from msgspec import Struct

from graph.domain.model.errors import InvalidInput
from graph.domain.model.times import iso
from service.brokers.subscription import Message
from service.connectors.cloud_events import CloudEvent, unwrap
from service.connectors.mapping import EVENT_ID, EVENT_TIME, RecordMapping
from service.connectors.unpack import inflate, unpack

MAX_BYTES = 16_000_000
"""Length of a message without its compression."""
_SCHEMA_ID_BYTES = 5
"""A zero and the number of a schema, which serializers for a schema registry write before the value."""
_JSON_STARTS = (b"{", b"[")


class Record(Struct, frozen=True):
    """A record as its source sent it, and what came beside it."""

    content: Any
    beside: Mapping[str, Any]


def records_of(message: Message, mapping: RecordMapping) -> list[Record]:
    """Return the records in a message, none if it has no value. Raises `InvalidInput` if it cannot be read."""
    if message.value is None:
        return []
    body = inflate(message.value, message.headers.get("content-encoding", ""), MAX_BYTES)
    events = unwrap(body, message.headers)
    beside = {**message.headers, **message.beside, EVENT_TIME: iso(message.time)}
    if events is None:
        return _split(_content(body, mapping.format), beside, mapping, "")
    return [record for event in events for record in _of_event(event, beside, mapping)]


def _of_event(event: CloudEvent, beside: Mapping[str, Any], mapping: RecordMapping) -> list[Record]:
    beside = {**beside, **event.beside}
    if time := event.attributes.get("time"):
        beside[EVENT_TIME] = time
    data = event.data
    if isinstance(data, bytes):
        data = _content(data, mapping.format) if data.strip() else None
    # An event without data may say something by its attributes alone.
    return _split({} if data is None else data, beside, mapping, event.id)


def _split(content: Any, beside: Mapping[str, Any], mapping: RecordMapping, id: str) -> list[Record]:
    records, beside = mapping.split(content, beside)
    if not id:
        return [Record(record, beside) for record in records]
    ids = [id] if len(records) == 1 else [f"{id}/{number}" for number in range(len(records))]
    return [Record(record, {**beside, EVENT_ID: id}) for record, id in zip(records, ids, strict=True)]


def _content(body: bytes, format: str) -> Any:
    if body.startswith(b"\0"):
        if not body[_SCHEMA_ID_BYTES:].startswith(_JSON_STARTS):
            message = "the message is binary, probably Avro or Protobuf of a schema registry; JSON is read"
            raise InvalidInput("INVALID_BODY", message)
        body = body[_SCHEMA_ID_BYTES:]
    return unpack(body, "ndjson" if format == "json" and _is_lines(body) else format)


def _is_lines(body: bytes) -> bool:
    """Whether a body is lines of JSON rather than one JSON value: its first line is one, and it is not the only one."""
    first, _, rest = body.strip().partition(b"\n")
    if not rest or not first.startswith(_JSON_STARTS):
        return False
    try:
        orjson.loads(first)
    except orjson.JSONDecodeError:
        return False
    return True
