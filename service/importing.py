"""Files of observations and orders, line by line: NDJSON, or CSV with a column a field and a column a namespace."""

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

from graph.actions.record_orders import OrderStatement
from graph.domain.errors import Problem
from graph.domain.observations import Observation, Tier
from graph.domain.orders import Order, OrderLine, OrderStatus
from graph.domain.rules import Rules
from schema.scalars import microseconds

MANY = "|"
"""Separates several values of one namespace in a CSV cell."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True)


class _Identifier(_Model):
    namespace: str
    value: str


class _Timed(_Model):
    """What lines of both kinds share."""

    source: str
    party: Literal["FIRST", "SECOND", "THIRD"] = "FIRST"
    identifiers: list[_Identifier] = []

    @field_validator("seen_at", "placed_at", "stated_at", mode="before", check_fields=False)
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
class Item:
    """One line of a file, read, with its number and the bytes up to its end; `what` is a problem if unreadable."""

    line: int
    read_bytes: int
    what: Observation | OrderStatement | Problem


def items(path: Path, rules: Rules, source: str = "") -> Iterator[Item]:
    """The lines of a file; `source` is taken where a line names none."""
    with path.open("rb") as file:
        if path.suffix.lower() == ".csv":
            yield from _csv(file, rules, source)
        else:
            yield from _ndjson(file, source)


def _ndjson(file: BinaryIO, source: str) -> Iterator[Item]:
    read = 0
    for number, raw in enumerate(file, 1):
        read += len(raw)
        if not raw.strip():
            continue
        try:
            value = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            try:
                raw.decode()
                what = Problem("BAD_LINE", f"is not JSON: {error.msg} at column {error.colno}")
            except UnicodeDecodeError:
                what = Problem("BAD_LINE", "is not UTF-8")
            yield Item(number, read, what)
            continue
        if not isinstance(value, dict):
            yield Item(number, read, Problem("BAD_LINE", "is not a JSON object"))
            continue
        yield Item(number, read, _read(value if "source" in value else {**value, "source": source}))


def _csv(file: BinaryIO, rules: Rules, source: str) -> Iterator[Item]:
    state = {"read": 0, "line": 0}
    bad: list[Item] = []

    def lines() -> Iterator[str]:
        for raw in file:
            state["read"] += len(raw)
            state["line"] += 1
            try:
                yield raw.decode("utf-8-sig" if state["line"] == 1 else "utf-8")
            except UnicodeDecodeError:
                bad.append(Item(state["line"], state["read"], Problem("BAD_LINE", "is not UTF-8")))

    rows = csv.reader(lines(), strict=True)
    header: list[str] | None = None
    while True:
        try:
            row = next(rows, None)
        except csv.Error as error:
            yield Item(state["line"], state["read"], Problem("BAD_LINE", f"is not CSV: {error}"))
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
            yield Item(state["line"], state["read"], Problem("BAD_LINE", message))
            continue
        value = _from_cells(dict(zip(header, row, strict=True)), rules, source)
        yield Item(state["line"], state["read"], _read(value))


def _from_cells(cells: Mapping[str, str], rules: Rules, source: str) -> dict[str, Any]:
    """A row as the object it would be in NDJSON; empty cells are left out."""
    value: dict[str, Any] = {"source": source, "identifiers": []}
    # A file of orders has a column `number`; in any other file `order` is a namespace like the rest.
    for name, cell in cells.items():
        if not cell.strip():
            continue
        if name in rules.by_name:
            value["identifiers"] += [{"namespace": name, "value": part} for part in cell.split(MANY)]
        else:
            value[name] = cell.strip()
    return value


def _read(value: Mapping[str, Any]) -> Observation | OrderStatement | Problem:
    model: type[_Observation | _Order] = _Order if "number" in value else _Observation
    try:
        return model.model_validate(value).read()
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]
        path = tuple(wrong["loc"])
        name = ".".join(str(part) for part in path)
        found = "" if wrong["type"] == "missing" else f", not {json.dumps(wrong['input'], default=str)[:60]}"
        return Problem("BAD_FIELD", f"{name}: {wrong['msg'].removeprefix('Value error, ')}{found}", path)
