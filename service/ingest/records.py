"""Parse lines of files into statements."""

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from graph.domain.commands import SourceStatement
from graph.domain.model.errors import Problem
from graph.domain.model.orders import OrderStatement
from graph.domain.model.products import Product
from graph.domain.model.rules import with_country
from graph.domain.model.times import TimeNote, parse_time
from graph.domain.profile.interactions import InteractionStatement
from service.ingest.json_objects import parse_object
from service.ingest.raw_lines import LineContent
from service.ingest.record_fields import REQUIRED, FieldError, unknown
from service.ingest.record_kinds import COUNTRY, TIMES, RecordKind, kind_of

_UNREPORTED = frozenset({TimeNote.NO_OFFSET})
"""Notes that say nothing of use: nearly all files without offsets are in UTC."""
_DAY_FIRST = re.compile(r"\s*[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{2,4}(?![0-9])")
"""A date with the day or the month first; which of them is first cannot be known."""


class ParsedRecord(Struct, frozen=True, gc=False):
    """The statement of a line, or the problem with it, and what was assumed about its times."""

    statement: SourceStatement | Product | Problem
    notes: tuple[TimeNote, ...] = ()


def parse_record(content: LineContent, source: str = "") -> ParsedRecord:
    """Return the statement of a line, or the problem with it. A line that does not name a source gets `source`."""
    place = "a column"
    if isinstance(content, bytes):
        content, place = parse_object(content), "the key"
    if isinstance(content, Problem):
        return ParsedRecord(content)
    notes: list[TimeNote] = []
    try:
        statement = _statement(content, source, notes)
    except FieldError as error:
        return ParsedRecord(Problem("INVALID_FIELD", str(error), error.path))
    if not statement_source(statement):
        message = f"source is missing: add {place} source, or --source NAME"
        return ParsedRecord(Problem("INVALID_FIELD", message, ("source",)))
    return ParsedRecord(statement, tuple(notes)) if notes else ParsedRecord(statement)


def _statement(fields: Mapping[str, Any], source: str, notes: list[TimeNote]) -> SourceStatement | Product:
    kind = kind_of(fields)
    time = kind.time
    if fields.get(time) is None:
        time, fields = _with_time(fields, kind)
    known = kind.fields
    values: dict[str, Any] = {}
    for name, value in fields.items():
        if value is None:
            continue  # null is the same as a field that is left out
        if name not in known:
            raise FieldError((name[:60],), unknown(name[:60], kind.name, known))
        field, read = known[name]
        try:
            read_value = read(value)
        except FieldError:
            raise
        except ValueError as error:
            if read is not parse_time:
                raise FieldError((name,), str(error), value) from None
            sent, shown = (time, f"{time} ({name})") if name == kind.time != time else (name, "")
            raise FieldError((sent,), _time_reason(value, error), name=shown) from None
        if read is parse_time:
            if read_value.note is not None and read_value.note not in _UNREPORTED:
                notes.append(read_value.note)
            read_value = read_value.microseconds
        values[field] = read_value
    for name in kind.required:
        if fields.get(name) is None:
            raise FieldError((name,), REQUIRED)
    values.setdefault("source", source)
    country, pairs = values.pop(COUNTRY, ""), values.get("identifiers")
    if country and pairs:
        values["identifiers"] = tuple((namespace, with_country(raw, country)) for namespace, raw in pairs)
    return kind.statement(values)


def _with_time(fields: Mapping[str, Any], kind: RecordKind) -> tuple[str, Mapping[str, Any]]:
    """Return the name of the only time that is there, and the fields with it as the time of the kind."""
    times = [name for name in TIMES if fields.get(name) is not None]
    if len(times) != 1:
        return kind.time, fields
    return times[0], {kind.time if name == times[0] else name: value for name, value in fields.items()}


def _time_reason(value: object, error: ValueError) -> str:
    """Return the reason why a time cannot be read; it names the value."""
    if isinstance(value, str) and _DAY_FIRST.match(value):
        return f"{error}; write year-month-day, such as 2026-02-03"
    return str(error)


def statement_source(statement: SourceStatement | Product) -> str:
    """Return the source of a statement."""
    match statement:
        case OrderStatement():
            return statement.order.source
        case InteractionStatement():
            return statement.interaction.source
        case _:
            return statement.source
