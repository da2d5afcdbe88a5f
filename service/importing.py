"""Files of what sources state, line by line: NDJSON, or CSV and Parquet with a column a field and a namespace."""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic.alias_generators import to_camel

from graph.domain.attributes import AttributesStatement
from graph.domain.consents import Channel, ConsentStatement, Decision
from graph.domain.errors import InvalidInput, Problem
from graph.domain.interactions import Interaction, InteractionStatement
from graph.domain.observations import Observation, Tier
from graph.domain.orders import Order, OrderLine, OrderStatement, OrderStatus
from graph.domain.outside import OutsideStatement
from graph.domain.rules import Rules
from graph.domain.statements import Statement
from schema.scalars import microseconds

ATTRIBUTE = "attributes."
"""What the column of an attribute begins with in CSV."""
MANY = "|"
"""Separates several values of one namespace in a CSV cell."""


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


@dataclass(frozen=True, slots=True)
class Raw:
    """One line of a file with its number and the bytes up to its end: as it stands, as an object, or unreadable."""

    line: int
    read_bytes: int
    value: bytes | Mapping[str, Any] | Problem


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a file, read; `what` is a problem if unreadable."""

    line: int
    read_bytes: int
    what: Statement | Problem


def items(path: Path, rules: Rules, source: str = "") -> Iterator[Item]:
    """The lines of a file; `source` is taken where a line names none."""
    return (Item(one.line, one.read_bytes, read(one.value, source)) for one in raw_lines(path, rules))


def raw_lines(path: Path, rules: Rules) -> Iterator[Raw]:
    """The lines of a file as they stand, to be read by `read`, perhaps elsewhere."""
    match path.suffix.lower():
        case ".parquet":
            yield from _parquet(path, rules)
        case ".csv":
            with path.open("rb") as file:
                yield from _csv(file, rules)
        case _:
            read = 0
            with path.open("rb") as file:
                for number, line in enumerate(file, 1):
                    read += len(line)
                    if line.strip():
                        yield Raw(number, read, line)


def read(value: bytes | Mapping[str, Any] | Problem, source: str = "") -> Statement | Problem:
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


def _csv(file: BinaryIO, rules: Rules) -> Iterator[Raw]:
    state = {"read": 0, "line": 0}
    bad: list[Raw] = []

    def lines() -> Iterator[str]:
        for raw in file:
            state["read"] += len(raw)
            state["line"] += 1
            try:
                yield raw.decode("utf-8-sig" if state["line"] == 1 else "utf-8")
            except UnicodeDecodeError:
                bad.append(Raw(state["line"], state["read"], Problem("BAD_LINE", "is not UTF-8")))

    rows = csv.reader(lines(), strict=True)
    header: list[str] | None = None
    while True:
        try:
            row = next(rows, None)
        except csv.Error as error:
            yield Raw(state["line"], state["read"], Problem("BAD_LINE", f"is not CSV: {error}"))
            continue
        yield from bad
        bad.clear()
        if row is None:
            return
        if header is None:
            header = [name.strip() for name in row]
            continue
        if not any(row):
            continue
        if len(row) != len(header):
            message = f"has {len(row)} cells, the header {len(header)}"
            yield Raw(state["line"], state["read"], Problem("BAD_LINE", message))
            continue
        yield Raw(state["line"], state["read"], _from_cells(dict(zip(header, row, strict=True)), rules))


PARQUET_ROWS = 50_000
"""Rows of a Parquet file that are in memory at a time."""


def _parquet(path: Path, rules: Rules) -> Iterator[Raw]:
    """The rows of a Parquet file, numbered from 1: columns as in CSV; values may be lists, structures and times too."""
    try:
        import polars
    except ImportError as error:
        raise InvalidInput("BAD_FILE", f"{path}: Parquet is read by the extra kith[bulk], which is not here") from error
    try:
        frame = polars.scan_parquet(path).with_columns(polars.selectors.datetime().dt.epoch("us"))
        total = frame.select(polars.len()).collect().item()
        for start in range(0, total, PARQUET_ROWS):
            part = frame.slice(start, PARQUET_ROWS).collect()
            for number, row in enumerate(part.iter_rows(named=True), start + 1):
                yield Raw(number, path.stat().st_size * number // total, _from_cells(row, rules))
    except polars.exceptions.PolarsError as error:
        raise InvalidInput("BAD_FILE", f"{path} cannot be read as Parquet: {error}") from error


def _from_cells(cells: Mapping[str, Any], rules: Rules) -> dict[str, Any]:
    """A row as the object it would be in NDJSON; empty cells are left out."""
    value: dict[str, Any] = {}
    identifiers: list[dict[str, str]] = []
    # A file of orders has a column `number`; in any other file `order` is a namespace like the rest.
    for name, cell in cells.items():
        if cell is None or (isinstance(cell, str) and not cell.strip()):
            continue
        if name in rules.by_name:
            parts = cell.split(MANY) if isinstance(cell, str) else cell
            identifiers += [{"namespace": name, "value": part} for part in parts]
        elif name.startswith(ATTRIBUTE):
            value.setdefault("attributes", {})[name.removeprefix(ATTRIBUTE)] = _stripped(cell)
        else:
            value[name] = _stripped(cell)
    value.setdefault("identifiers", []).extend(identifiers)
    return value


def _stripped(cell: Any) -> Any:
    return cell.strip() if isinstance(cell, str) else cell


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
