"""The kinds of records: the fields of each, and the statement that they make.

The fields are those of the GraphQL inputs; docs/reference/import-formats.md describes them.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from msgspec import Struct

from graph.domain.commands import SourceStatement
from graph.domain.model.cleaning import clean
from graph.domain.model.observations import Observation, Party
from graph.domain.model.orders import Order, OrderStatement, OrderStatus
from graph.domain.model.products import Availability, Product
from graph.domain.model.times import parse_time
from graph.domain.profile.attributes import AttributesStatement
from graph.domain.profile.consents import ConsentMethod, ConsentStatement, Decision
from graph.domain.profile.external_segments import ExternalSegmentStatement
from graph.domain.profile.interactions import Interaction, InteractionStatement
from service.ingest.record_fields import (
    REQUIRED,
    FieldError,
    Required,
    attributes,
    boolean,
    categories,
    country,
    decimal,
    evidence,
    identifiers,
    money,
    number,
    one_of,
    order_lines,
    product_attributes,
    properties,
    text,
    texts,
)

Reader = Callable[[Any], Any]
T = TypeVar("T")
Values = dict[str, Any]
"""The values of a record by the name of the field in the statement."""

COUNTRY = "country"
"""The field with the country that all phone numbers of a record are read for."""
TIMES = ("seenAt", "reportedAt", "decidedAt", "occurredAt", "timestamp")
"""The names of the time of a record; each kind has one of them and accepts any other in its place."""


class RecordKind(Struct, frozen=True):
    """A kind of record: the name for messages, the readers by field, and how the values make a statement.

    A reader comes with the name of the field in the statement. `time` is the field that `TIMES` can replace.
    """

    name: str
    fields: Mapping[str, tuple[str, Reader]]
    required: tuple[str, ...]
    time: str
    statement: Callable[[Values], SourceStatement | Product]


_PARTY = one_of({party.name: party for party in Party})
_DECISION = one_of({decision.name: decision for decision in Decision if decision is not Decision.NONE})
_METHOD = one_of({method.name: method for method in ConsentMethod})
_AVAILABILITY = one_of({availability.name: availability for availability in Availability})
_STATUS = one_of({status.name: status for status in OrderStatus}, {"CANCELED": OrderStatus.CANCELLED})
_COMMON: Mapping[str, tuple[str, Reader]] = {
    "source": ("source", text),
    "party": ("party", _PARTY),
    "identifiers": ("identifiers", identifiers),
    COUNTRY: (COUNTRY, country),
}


def _channel(value: Any) -> str:
    # A consent without a channel is for every channel; the remains of an empty template must not give it.
    channel = clean(text(value)).upper()
    if not channel:
        raise Required("must not be empty; without the field, the decision is for every channel")
    return channel


def _with_identifiers(statement: Callable[..., T]) -> Callable[[Values], T]:
    """Return what makes a statement of its fields; without identifiers it has an empty list of them."""
    return lambda values: statement(**{"identifiers": (), **values})


def _attributes(values: Values) -> AttributesStatement:
    paths = {name: ("attributes", name) for name in values["values"]}
    return AttributesStatement(**{"identifiers": (), "paths": paths, **values})


def _consent(values: Values) -> ConsentStatement:
    for name in () if values.get("tc_string") else ("purpose", "decision"):
        if name not in values:
            raise FieldError((name,), REQUIRED)
    return ConsentStatement(**{"identifiers": (), **values})


def _interaction(values: Values) -> InteractionStatement:
    pairs, party = values.pop("identifiers", ()), values.pop("party", Party.FIRST_PARTY)
    return InteractionStatement(Interaction(**values), pairs, party)


def _order(values: Values) -> OrderStatement:
    # Without the field, the order keeps the identifiers of earlier reports; an empty list removes them.
    pairs, party = values.pop("identifiers", None), values.pop("party", Party.FIRST_PARTY)
    values.setdefault("currency", "")
    return OrderStatement(Order(**values), pairs, party)


OBSERVATION = RecordKind(
    "an observation",
    {
        **_COMMON,
        "id": ("id", text),
        "seenAt": ("seen_at", parse_time),
        "confidence": ("confidence", number),
        "evidence": ("evidence", text),
    },
    (),
    "seenAt",
    _with_identifiers(Observation),
)
ATTRIBUTES = RecordKind(
    "a line of attributes",
    {
        **_COMMON,
        "id": ("id", text),
        "reportedAt": ("reported_at", parse_time),
        "attributes": ("values", attributes),
    },
    ("attributes",),
    "reportedAt",
    _attributes,
)
CONSENT = RecordKind(
    "a consent",
    {
        **_COMMON,
        "id": ("id", text),
        "decidedAt": ("decided_at", parse_time),
        "purpose": ("purpose", text),
        "decision": ("decision", _DECISION),
        "channel": ("channel", _channel),
        "policyVersion": ("policy_version", text),
        "method": ("method", _METHOD),
        "evidence": ("evidence", evidence),
        "collectedBy": ("collected_by", text),
        "requestedAt": ("requested_at", parse_time),
        "confirmedAt": ("confirmed_at", parse_time),
        "language": ("language", text),
        "policyText": ("policy_text", text),
        "tcString": ("tc_string", text),
    },
    (),
    "decidedAt",
    _consent,
)
INTERACTION = RecordKind(
    "an interaction",
    {
        **_COMMON,
        "id": ("id", text),
        "type": ("type", text),
        "occurredAt": ("occurred_at", parse_time),
        "channel": ("channel", text),
        "device": ("device", text),
        "campaign": ("campaign", text),
        "sku": ("sku", text),
        "text": ("text", text),
        "properties": ("properties", properties),
        "offerType": ("offer_type", text),
    },
    ("type", "occurredAt"),
    "occurredAt",
    _interaction,
)
EXTERNAL_SEGMENT = RecordKind(
    "an external segment",
    {
        **_COMMON,
        "id": ("id", text),
        "reportedAt": ("reported_at", parse_time),
        "segment": ("segment", text),
        "expiresAt": ("expires_at", parse_time),
        "isMember": ("is_member", boolean),
    },
    ("segment",),
    "reportedAt",
    _with_identifiers(ExternalSegmentStatement),
)
ORDER = RecordKind(
    "an order",
    {
        **_COMMON,
        "number": ("number", text),
        "placedAt": ("placed_at", parse_time),
        "reportedAt": ("reported_at", parse_time),
        "currency": ("currency", text),
        "total": ("total", decimal),
        "refunded": ("refunded", decimal),
        "status": ("status", _STATUS),
        "lines": ("lines", order_lines),
    },
    ("number", "placedAt", "reportedAt", "total"),
    "reportedAt",
    _order,
)
PRODUCT = RecordKind(
    "a product",
    {
        "source": ("source", text),
        "sku": ("sku", text),
        "name": ("name", text),
        "reportedAt": ("reported_at", parse_time),
        "brand": ("brand", text),
        "categories": ("categories", categories),
        "description": ("description", text),
        "url": ("url", text),
        "images": ("images", texts("images")),
        "price": ("price", money("price")),
        "salePrice": ("sale_price", money("salePrice")),
        "gtin": ("gtin", text),
        "availability": ("availability", _AVAILABILITY),
        "attributes": ("attributes", product_attributes),
    },
    ("sku", "name", "reportedAt"),
    "reportedAt",
    lambda values: Product(**values),
)

KINDS: Mapping[str, RecordKind] = {
    "number": ORDER,
    "type": INTERACTION,
    "sku": PRODUCT,
    "attributes": ATTRIBUTES,
    "purpose": CONSENT,
    "tcString": CONSENT,
    "segment": EXTERNAL_SEGMENT,
    "lines": ORDER,
}
"""The kind of a record that has a field of this name; the first counts. One without any of them is an observation."""
EVERY_KIND = (*KINDS.values(), OBSERVATION)
FIELDS: tuple[str, ...] = (*dict.fromkeys(name for kind in EVERY_KIND for name in kind.fields), "timestamp")
"""The names of all fields of all kinds."""


def kind_of(fields: Mapping[str, Any]) -> RecordKind:
    """Return the kind of a record by its fields."""
    if KINDS.keys().isdisjoint(fields):
        return OBSERVATION
    return next((kind for name, kind in KINDS.items() if fields.get(name) is not None), OBSERVATION)
