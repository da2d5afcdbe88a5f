"""Updates of an audience as the rows of a file: its columns are a contract, docs/destinations/files.md."""

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from io import BytesIO
from typing import Any

import orjson

from graph.domain.model.times import iso
from graph.domain.profile.catalog import ADDRESS_PARTS
from service.destinations.adapter import AudienceRef, MemberUpdate

FIXED = ("op", "audience", "namespace", "value", "customer_id", "expires_at")
"""The columns that every file has, before those of fields."""
Row = Mapping[str, str | int | None]
"""A value for each column that has one. `expires_at` is in microseconds; everything else is text."""

_QUOTED = re.compile("^$|^\\s|\\s$|[\"',;|\t\r\n\v\f\x1c-\x1e\x85\u2028\u2029]")
"""What readers have been seen to take for an end of a cell or a line, to strip, or to take for no value."""
_FORMULA = re.compile("[=+\\-@\t\r＝＋－＠]")
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?")


class ColumnConflict(Exception):
    """A field of an update has no column of its own. The message names the column."""


def row_of(update: MemberUpdate) -> dict[str, str | int | None]:
    """Return the row of an update. Who is removed or erased has no fields. Raises `ColumnConflict`."""
    audience = update.audience
    operation = "add" if update.present else "erase" if update.erased else "remove"
    row: dict[str, str | int | None] = {
        "op": operation,
        "audience": audience.external_id or audience.id,
        "namespace": update.namespace,
        "value": update.value,
        "customer_id": update.customer_id or None,
        "expires_at": update.expires_at,
    }
    for name, text in _cells("", update.fields) if update.present else ():
        if name in row:
            raise ColumnConflict(f"two values have the column {name}: name the field otherwise in the audience")
        row[name] = text
    return row


def columns_of(audience: AudienceRef, rows: Sequence[Row]) -> list[str]:
    """Return the columns of a file: those that every file has, then those of the audience's fields, in their order.

    A field has its column even where no row has a value, so that files of an audience are alike.
    """
    found = sorted({name for row in rows for name in row}.difference(FIXED))
    parts = {name: [f"{name}_{part}" for part in ADDRESS_PARTS] for name in audience.fields}
    columns = [*FIXED]
    for name, of_address in parts.items():
        columns += of_address if not {*of_address}.isdisjoint(found) else [name]
    return [*dict.fromkeys([*columns, *found])]


def csv(columns: Sequence[str], rows: Iterable[Row], formula_guard: bool) -> bytes:
    """Format rows as CSV by RFC 4180: UTF-8, a header, lines that end with CR LF. No value is an empty cell.

    Python's writer cannot tell no value from an empty text, which is quoted here. With `formula_guard`, an apostrophe
    comes before texts that spreadsheets compute.
    """

    def cell(value: str | int | None) -> str:
        if value is None:
            return ""
        text = iso(value) if isinstance(value, int) else value
        if formula_guard and _FORMULA.match(text) and not _NUMBER.fullmatch(text):
            text = f"'{text}"
        return '"' + text.replace('"', '""') + '"' if _QUOTED.search(text) else text

    lines = [",".join(cell(name) for name in columns)]
    lines += [",".join(cell(row.get(name)) for name in columns) for row in rows]
    return "".join(f"{line}\r\n" for line in lines).encode()


def parquet(columns: Sequence[str], rows: Sequence[Row]) -> bytes:
    """Format rows as Parquet: `expires_at` is a time in UTC, all other columns are texts. Needs the extra `files`."""
    import polars

    time = polars.Datetime("us", "UTC")
    data = {
        name: polars.Series([row.get(name) for row in rows], dtype=polars.Int64).cast(time)
        if name == "expires_at"
        else polars.Series([row.get(name) for row in rows], dtype=polars.String)
        for name in columns
    }
    file = BytesIO()
    polars.DataFrame(data).write_parquet(file)
    return file.getvalue()


def _cells(prefix: str, fields: Mapping[str, Any]) -> Iterable[tuple[str, str | None]]:
    """Yield columns with their texts: a value with parts, such as an address, has a column for each part."""
    for name, value in fields.items():
        if isinstance(value, Mapping):
            yield from _cells(f"{prefix}{name}_", value)
        else:
            yield f"{prefix}{name}", _text(value)


def _text(value: Any) -> str | None:
    match value:
        case None:
            return None
        case str():
            # Half of a surrogate pair is no text in UTF-8.
            return value.encode("utf-8", "replace").decode()
        case bool():
            return "true" if value else "false"
        case Decimal():
            return format(value, "f")
        case list() | tuple() | set() | frozenset():
            return orjson.dumps(list(value), default=str).decode()
    return str(value)
