"""What the lines of files state: each kind of line as a model that is held against it."""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic.alias_generators import to_camel

from graph.domain.commands import Statement
from graph.domain.model.errors import Problem
from graph.domain.model.observations import Observation, Tier
from graph.domain.model.orders import Order, OrderLine, OrderStatement, OrderStatus
from graph.domain.model.rules import Rules
from graph.domain.profile.attributes import AttributesStatement
from graph.domain.profile.consents import Channel, ConsentStatement, Decision
from graph.domain.profile.external_segments import OutsideStatement
from graph.domain.profile.interactions import Interaction, InteractionStatement
from schema.shared.scalars import microseconds
from service.ingest.files import Value, raw_lines


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True)


class _Identifier(_Model):
    namespace: str
    value: str


class _Timed(_Model):
    """What lines of all kinds share."""

    source: str
    party: Literal["FIRST", "SECOND", "THIRD"] = "FIRST"
    identifiers: list[_Identifier] = []

    @field_validator(
        "seen_at", "placed_at", "stated_at", "at", "decided_at", "expires_at", mode="before", check_fields=False
    )
    @classmethod
    def _time(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return microseconds(value)
        except (ValueError, OverflowError):
            raise ValueError("not a date and time of ISO 8601 such as 2026-03-01T12:00:00Z") from None

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The identifiers as namespace and value."""
        return tuple((one.namespace, one.value) for one in self.identifiers)


class _Observation(_Timed):
    id: str = ""
    seen_at: int | None = None
    confidence: float | None = None
    evidence: str = ""

    def read(self) -> Observation:
        return Observation(
            self.source, self.pairs, self.id, Tier[self.party], self.seen_at, self.confidence, self.evidence
        )


class _Attributes(_Timed):
    id: str = ""
    stated_at: int | None = None
    attributes: dict[str, str | dict[str, str] | None]

    def read(self) -> AttributesStatement:
        paths: dict[str, tuple[str | int, ...]] = {name: ("attributes", name) for name in self.attributes}
        return AttributesStatement(
            self.source, self.pairs, self.attributes, self.id, Tier[self.party], self.stated_at, paths
        )


class _Consent(_Timed):
    id: str = ""
    decided_at: int | None = None
    purpose: str
    decision: Literal["GIVEN", "REFUSED", "WITHDRAWN"]
    channel: Literal["EMAIL", "PHONE", "SMS", "POST", "PUSH", "WEB"] | None = None
    text_version: str = ""

    def read(self) -> ConsentStatement:
        return ConsentStatement(
            self.source,
            self.pairs,
            self.purpose,
            Decision[self.decision],
            None if self.channel is None else Channel[self.channel],
            self.text_version,
            self.id,
            Tier[self.party],
            self.decided_at,
        )


class _Interaction(_Timed):
    id: str = ""
    type: str
    at: int
    channel: str = ""
    device: str = ""
    campaign: str = ""
    sku: str = ""
    text: str = ""
    properties: dict[str, Any] = {}
    appeal: str = ""

    def read(self) -> InteractionStatement:
        facts = (self.channel, self.device, self.campaign, self.sku, self.text, self.properties, self.appeal)
        one = Interaction(self.source, self.type, self.at, self.id, *facts)
        return InteractionStatement(one, self.pairs, Tier[self.party])


class _Outside(_Timed):
    id: str = ""
    party: Literal["FIRST", "SECOND", "THIRD"] = "THIRD"
    stated_at: int | None = None
    segment: str
    expires_at: int | None = None
    belongs: bool = True

    def read(self) -> OutsideStatement:
        told = (self.segment, self.expires_at, self.belongs, self.id, Tier[self.party], self.stated_at)
        return OutsideStatement(self.source, self.pairs, *told)


class _Line(_Model):
    sku: str
    quantity: Decimal
    total: Decimal
    name: str = ""


class _Order(_Timed):
    number: str
    placed_at: int
    stated_at: int
    currency: str
    total: Decimal
    status: Annotated[OrderStatus, Field(strict=False)] = OrderStatus.PLACED
    lines: list[_Line] = []

    @field_validator("status", mode="before")
    @classmethod
    def _status(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value

    def read(self) -> OrderStatement:
        lines = tuple(OrderLine(line.sku, line.quantity, line.total, line.name) for line in self.lines)
        order = Order(
            self.number, self.source, self.placed_at, self.stated_at, self.currency, self.total, self.status, lines
        )
        return OrderStatement(order, self.pairs, Tier[self.party])


class Item(Struct, frozen=True):
    """One line of a file, read; `what` is a problem if unreadable."""

    line: int
    read_bytes: int
    what: Statement | Problem


def items(path: Path, rules: Rules, source: str = "") -> Iterator[Item]:
    """The lines of a file; `source` is taken where a line names none."""
    return (Item(one.line, one.read_bytes, read(one.value, source)) for one in raw_lines(path, rules))


def read(value: Value, source: str = "") -> Statement | Problem:
    """What a line states, or what is wrong with it; `source` is taken where it names none."""
    if isinstance(value, Problem):
        return value
    if isinstance(value, bytes):
        try:
            parsed = orjson.loads(value)
        except orjson.JSONDecodeError as error:
            try:
                value.decode()
            except UnicodeDecodeError:
                return Problem("BAD_LINE", "is not UTF-8")
            return Problem("BAD_LINE", f"is not JSON: {error.msg} at column {error.colno}")
        if not isinstance(parsed, dict):
            return Problem("BAD_LINE", "is not a JSON object")
        value = parsed
    return _read(value if "source" in value else {**value, "source": source})


_KINDS: dict[str, type[_Order | _Attributes | _Consent | _Interaction | _Outside]] = {
    "number": _Order,
    "attributes": _Attributes,
    "purpose": _Consent,
    "type": _Interaction,
    "segment": _Outside,
}
"""The field by which a line tells what it is; one without any of these is an observation."""


def _read(value: Mapping[str, Any]) -> Statement | Problem:
    model = next((kind for name, kind in _KINDS.items() if name in value), _Observation)
    try:
        return model.model_validate(value).read()
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]
        path = tuple(wrong["loc"])
        name = ".".join(str(part) for part in path)
        found = "" if wrong["type"] == "missing" else f", not {json.dumps(wrong['input'], default=str)[:60]}"
        return Problem("BAD_FIELD", f"{name}: {wrong['msg'].removeprefix('Value error, ')}{found}", path)
