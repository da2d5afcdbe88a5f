"""Writes messages as CloudEvents 1.0, in structured mode, or in binary mode for a transport.

Follows the specification 1.0.2 with its JSON format, and the bindings for HTTP, Kafka and NATS. Reading them is
`service/connectors/cloud_events.py`.
"""

from typing import Annotated, Any, Literal
from urllib.parse import quote

from msgspec import Struct
from pydantic import Field

from service.destinations.messages import Message
from service.runtime.json_body import encode_json

STRUCTURED = "application/cloudevents+json; charset=utf-8"
BATCHED = "application/cloudevents-batch+json; charset=utf-8"
JSON = "application/json"
_AS_IS = "".join(map(chr, range(0x21, 0x7F))).replace('"', "").replace("%", "")
"""Characters of a header's value that are not percent-encoded."""

Mode = Literal["binary", "structured"]
Source = Annotated[str, Field(pattern=r"^[!-~]{1,500}$")]
"""A field of settings: the attribute `source`, a URI or a path."""
TypePrefix = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{0,200}$")]
"""A field of settings: what the attribute `type` begins with."""
SOURCE = "/kith"
TYPE_PREFIX = "kith."


class CloudEvents(Struct, frozen=True):
    """How messages become events: `source` and `type_prefix` are those of the settings."""

    source: str
    type_prefix: str

    def attributes(self, message: Message) -> dict[str, str]:
        """Return the attributes of an event, without `datacontenttype`."""
        found = {
            "specversion": "1.0",
            "id": message.id,
            "source": self.source,
            "type": self.type_prefix + message.type,
            "time": message.time,
            "subject": message.customer_id,
        }
        return {name: value for name, value in found.items() if value}

    def structured(self, message: Message) -> dict[str, Any]:
        """Return the event as an object of JSON."""
        return {**self.attributes(message), "datacontenttype": JSON, "data": message.data}

    def body(self, message: Message, mode: Mode) -> bytes:
        """Return what the body or the value of a message is."""
        return encode_json(message.data if mode == "binary" else self.structured(message))

    def http_headers(self, message: Message, mode: Mode) -> dict[str, str]:
        """Return the headers over HTTP."""
        if mode == "structured":
            return {"Content-Type": STRUCTURED}
        return {"Content-Type": JSON, **_encoded(self.attributes(message))}

    def nats_headers(self, message: Message, mode: Mode) -> dict[str, str]:
        """Return the headers of a message of NATS: in binary mode the type of the data is an attribute as any other."""
        if mode == "structured":
            return {"content-type": STRUCTURED}
        return _encoded({**self.attributes(message), "datacontenttype": JSON})

    def kafka_headers(self, message: Message, mode: Mode) -> list[tuple[str, bytes]]:
        """Return the headers of a message of Kafka, where values are UTF-8."""
        if mode == "structured":
            return [("content-type", STRUCTURED.encode())]
        attributes = [(f"ce_{name}", value.encode()) for name, value in self.attributes(message).items()]
        return [("content-type", JSON.encode()), *attributes]


def _encoded(attributes: dict[str, str]) -> dict[str, str]:
    return {f"ce-{name}": quote(value, safe=_AS_IS) for name, value in attributes.items()}
