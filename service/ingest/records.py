"""Parse lines of files into statements, with a model for each kind of line.

The fields are those of the GraphQL inputs; docs/reference/import-formats.md describes them.
"""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic.alias_generators import to_camel

from graph.domain.commands import SourceStatement
from graph.domain.model.errors import Problem
from graph.domain.model.observations import Observation, Party
from graph.domain.model.orders import Order, OrderLine, OrderStatement, OrderStatus
from graph.domain.model.rules import Rules
from graph.domain.profile.attributes import AttributesStatement
from graph.domain.profile.consents import Channel, ConsentStatement, Decision
from graph.domain.profile.external_segments import ExternalSegmentStatement
from graph.domain.profile.interactions import Interaction, InteractionStatement
from schema.shared.scalars import microseconds
from service.ingest.file_formats import LineContent, raw_lines


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True)


class _Identifier(_Model):
    namespace: str
    value: str


class _SourceRecord(_Model):
    """The fields that lines of all kinds have in common."""

    source: str
    party: Literal["FIRST_PARTY", "SECOND_PARTY", "THIRD_PARTY"] = "FIRST_PARTY"
    identifiers: list[_Identifier] = []

    @field_validator(
        "seen_at",
        "placed_at",
        "reported_at",
        "occurred_at",
        "decided_at",
        "expires_at",
        mode="before",
        check_fields=False,
    )
    @classmethod
    def _time(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return microseconds(value)
        except (ValueError, OverflowError):
            raise ValueError("must be an ISO 8601 date and time such as 2026-03-01T12:00:00Z") from None

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Return the identifiers as pairs of namespace and value."""
        return tuple((identifier.namespace, identifier.value) for identifier in self.identifiers)


class _Observation(_SourceRecord):
    id: str = ""
    seen_at: int | None = None
    confidence: float | None = None
    evidence: str = ""

    def to_statement(self) -> Observation:
        return Observation(
            self.source, self.pairs, self.id, Party[self.party], self.seen_at, self.confidence, self.evidence
        )


class _Attributes(_SourceRecord):
    id: str = ""
    reported_at: int | None = None
    attributes: dict[str, str | dict[str, str] | None]

    def to_statement(self) -> AttributesStatement:
        paths: dict[str, tuple[str | int, ...]] = {name: ("attributes", name) for name in self.attributes}
        return AttributesStatement(
            self.source, self.pairs, self.attributes, self.id, Party[self.party], self.reported_at, paths
        )


class _Consent(_SourceRecord):
    id: str = ""
    decided_at: int | None = None
    purpose: str
    decision: Literal["GIVEN", "REFUSED", "WITHDRAWN"]
    channel: Literal["EMAIL", "PHONE", "SMS", "POSTAL_MAIL", "PUSH", "WEB"] | None = None
    policy_version: str = ""

    def to_statement(self) -> ConsentStatement:
        return ConsentStatement(
            self.source,
            self.pairs,
            self.purpose,
            Decision[self.decision],
            None if self.channel is None else Channel[self.channel],
            self.policy_version,
            self.id,
            Party[self.party],
            self.decided_at,
        )


class _Interaction(_SourceRecord):
    id: str = ""
    type: str
    occurred_at: int
    channel: str = ""
    device: str = ""
    campaign: str = ""
    sku: str = ""
    text: str = ""
    properties: dict[str, Any] = {}
    offer_type: str = ""

    def to_statement(self) -> InteractionStatement:
        details = (self.channel, self.device, self.campaign, self.sku, self.text, self.properties, self.offer_type)
        interaction = Interaction(self.source, self.type, self.occurred_at, self.id, *details)
        return InteractionStatement(interaction, self.pairs, Party[self.party])


class _ExternalSegment(_SourceRecord):
    id: str = ""
    party: Literal["FIRST_PARTY", "SECOND_PARTY", "THIRD_PARTY"] = "THIRD_PARTY"
    reported_at: int | None = None
    segment: str
    expires_at: int | None = None
    is_member: bool = True

    def to_statement(self) -> ExternalSegmentStatement:
        return ExternalSegmentStatement(
            self.source,
            self.pairs,
            self.segment,
            self.expires_at,
            self.is_member,
            self.id,
            Party[self.party],
            self.reported_at,
        )


class _OrderLine(_Model):
    sku: str
    quantity: Decimal
    total: Decimal
    name: str = ""


class _Order(_SourceRecord):
    number: str
    placed_at: int
    reported_at: int
    currency: str
    total: Decimal
    status: Annotated[OrderStatus, Field(strict=False)] = OrderStatus.PLACED
    lines: list[_OrderLine] = []

    @field_validator("status", mode="before")
    @classmethod
    def _status(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value

    def to_statement(self) -> OrderStatement:
        lines = tuple(OrderLine(line.sku, line.quantity, line.total, line.name) for line in self.lines)
        order = Order(
            self.number, self.source, self.placed_at, self.reported_at, self.currency, self.total, self.status, lines
        )
        return OrderStatement(order, self.pairs, Party[self.party])


class Record(Struct, frozen=True):
    """One parsed line of a file. `content` is a problem if the line cannot be read."""

    line: int
    read_bytes: int
    content: SourceStatement | Problem


def read_records(path: Path, rules: Rules, source: str = "") -> Iterator[Record]:
    """Parse the lines of a file. Lines that do not name a source get `source`."""
    return (Record(line.line, line.read_bytes, parse_record(line.value, source)) for line in raw_lines(path, rules))


def parse_record(content: LineContent, source: str = "") -> SourceStatement | Problem:
    """Return the statement of a line, or the problem with it. A line that does not name a source gets `source`."""
    if isinstance(content, Problem):
        return content
    if isinstance(content, bytes):
        try:
            parsed = orjson.loads(content)
        except orjson.JSONDecodeError as error:
            try:
                content.decode()
            except UnicodeDecodeError:
                return Problem("INVALID_LINE", "is not UTF-8")
            return Problem("INVALID_LINE", f"is not JSON: {error.msg} at column {error.colno}")
        if not isinstance(parsed, dict):
            return Problem("INVALID_LINE", "is not a JSON object")
        content = parsed
    return _to_statement(content if "source" in content else {**content, "source": source})


_RECORD_KINDS: dict[str, type[_Order | _Attributes | _Consent | _Interaction | _ExternalSegment]] = {
    "number": _Order,
    "attributes": _Attributes,
    "purpose": _Consent,
    "type": _Interaction,
    "segment": _ExternalSegment,
}
"""The kind of a line that has a field of this name. A line without any of them is an observation."""


def _to_statement(fields: Mapping[str, Any]) -> SourceStatement | Problem:
    model = next((kind for name, kind in _RECORD_KINDS.items() if name in fields), _Observation)
    try:
        return model.model_validate(fields).to_statement()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = tuple(first["loc"])
        name = ".".join(str(part) for part in path)
        value = "" if first["type"] == "missing" else f", not {json.dumps(first['input'], default=str)[:60]}"
        return Problem("INVALID_FIELD", f"{name}: {first['msg'].removeprefix('Value error, ')}{value}", path)
