"""Messages of data pipelines on lines of JSON: those of the Singer specification, and of the Airbyte protocol."""

from collections.abc import Mapping
from typing import Any

import orjson
from msgspec import Struct

from graph.domain.model.errors import InvalidInput


class Record(Struct, frozen=True):
    """A record of a stream, and what came beside it."""

    stream: str
    content: Mapping[str, Any]
    beside: Mapping[str, Any]


class State(Struct, frozen=True):
    """A position of the tap. `text` is what it gets back once all before it is stored: a line of JSON."""

    text: str


Message = Record | State


class Messages:
    """Reads lines, and remembers the streams that were declared."""

    def __init__(self) -> None:
        self._keys: dict[str, tuple[str, ...]] = {}
        self.line = 0
        """The number of the line that was read last."""

    def read(self, line: bytes) -> Message | None:
        """Return the message of the next line; `None` for one that is blank, or of no meaning here.

        Raises `InvalidInput` with the number of the line, and without its content.
        """
        self.line += 1
        if not line.strip():
            return None
        try:
            message = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise self._invalid(f"is not JSON: {error.msg} at column {error.colno}") from None
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise self._invalid("is not a message: an object with a type")
        match message["type"]:
            case "SCHEMA":
                self._declare(message)
            case "RECORD":
                return self._record(message)
            case "STATE":
                return self._state(message, line)
            case "BATCH":
                raise self._invalid("is a BATCH, which names files with records: let the tap send RECORD messages")
            case _:
                pass  # ACTIVATE_VERSION of full tables, logs, catalogs, and what is not known yet
        return None

    def _declare(self, message: Mapping[str, Any]) -> None:
        stream, keys = self._text(message, "stream"), message.get("key_properties") or []
        if not isinstance(message.get("schema"), dict):
            raise self._invalid("is a SCHEMA without an object schema")
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            raise self._invalid("is a SCHEMA whose key_properties are not a list of names")
        self._keys[stream] = tuple(keys)

    def _record(self, message: Mapping[str, Any]) -> Record:
        content = message.get("record")
        if not isinstance(content, dict):
            raise self._invalid("is a RECORD without an object record")
        if "stream" not in message and isinstance(content.get("data"), dict):
            stream = self._text(content, "stream")
            beside = {"emitted_at": content.get("emitted_at"), "namespace": content.get("namespace")}
            return _beside(stream, content["data"], (), beside)
        stream = self._text(message, "stream")
        if stream not in self._keys:
            raise self._invalid(f"is a RECORD of the stream {stream[:60]!r} before its SCHEMA")
        return _beside(stream, content, self._keys[stream], {"time_extracted": message.get("time_extracted")})

    def _state(self, message: Mapping[str, Any], line: bytes) -> State:
        if "value" in message:
            return State(orjson.dumps(message["value"]).decode())
        if isinstance(message.get("state"), dict):
            return State(line.decode().strip())  # Airbyte gets the message itself back.
        raise self._invalid("is a STATE without a value")

    def _text(self, message: Mapping[str, Any], name: str) -> str:
        value = message.get(name)
        if not isinstance(value, str) or not value:
            raise self._invalid(f"is a message without a {name}")
        return value

    def _invalid(self, reason: str) -> InvalidInput:
        return InvalidInput("INVALID_LINE", f"line {self.line} {reason}")


def _beside(stream: str, content: Mapping[str, Any], keys: tuple[str, ...], more: Mapping[str, Any]) -> Record:
    beside: dict[str, Any] = {name: value for name, value in more.items() if value is not None}
    beside["stream"] = stream
    values = [content.get(key) for key in keys]
    if values and None not in values:
        beside["key"] = "/".join(map(str, values))
    return Record(stream, content, beside)
