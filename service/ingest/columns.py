"""The columns of a table: what each of them holds, which the header decides, and the record that a row makes."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from graph.domain.model.cleaning import clean
from graph.domain.model.errors import InvalidInput
from graph.domain.model.normalization import step
from graph.domain.model.phone_numbers import region_of
from graph.domain.model.rules import Rules
from graph.domain.model.times import parse_time
from graph.domain.profile.catalog import ADDRESS_PARTS, BUILT_IN
from service.ingest.raw_lines import Header, ReadOptions
from service.ingest.record_fields import LIST_SEPARATOR, decimal, nearest
from service.ingest.record_kinds import FIELDS, TIMES

ATTRIBUTE_PREFIX = "attributes."
LINE_PREFIX = "line."
LINE_FIELDS = ("sku", "quantity", "total", "name")
MULTILINE_FIELDS = frozenset({"text", "description"})
"""Fields that keep their line breaks."""

_FOLDED_AWAY = str.maketrans("", "", " _-")
_TIME_FIELDS = frozenset({*TIMES, "placedAt", "expiresAt"})
_NUMBER_FIELDS = frozenset({"total", "refunded", "confidence"})
_MIN_WIDTH = 3
"""Columns of a table from which the number of cells alone shows that a line is a row."""


class Column(Struct, frozen=True):
    """What a column holds. The kinds are those of `Columns`; `detail` is a country, or the part of an address.

    A cell `is_composite` if it has one composite value, in which `|` separates the parts.
    """

    kind: str
    name: str
    detail: str = ""
    is_composite: bool = False


FIELD, IDENTIFIER, ATTRIBUTE, LINE, IGNORED = "field", "identifier", "attribute", "line", "ignored"


def folded(name: str) -> str:
    """Return a name without what does not matter in a header: case, blanks, `_` and `-`."""
    return clean(name).translate(_FOLDED_AWAY).casefold()


class Matcher(Protocol):
    """Knows what the columns of tables hold."""

    def count(self, names: Iterable[str]) -> int:
        """Return how many of the names are known."""
        ...

    def match(self, names: Sequence[str], options: ReadOptions, path: Path, delimiter: str = "") -> "Columns":
        """Return the columns of the header of a file. Raises `InvalidInput` if it cannot be used."""
        ...


class KnownColumns:
    """All columns that a table may have under the rules."""

    def __init__(self, rules: Rules) -> None:
        columns = {name: Column(FIELD, name) for name in FIELDS}
        columns |= {f"{LINE_PREFIX}{name}": Column(LINE, name) for name in LINE_FIELDS}
        columns |= {f"address.{part}": Column(ATTRIBUTE, "address", part) for part in ADDRESS_PARTS}
        # A namespace takes precedence over a field of the same name, such as the device of an interaction.
        columns |= {
            name: Column(IDENTIFIER, name, is_composite=name in rules.composite_parts) for name in rules.by_name
        }
        self.names = tuple(columns)
        self._rules = rules
        self._columns = {folded(name): column for name, column in columns.items()}
        self._attributes = {folded(attribute.name): attribute.name for attribute in BUILT_IN}
        self._parts = {folded(part): part for part in ADDRESS_PARTS}

    def find(self, name: str) -> Column | None:
        """Return what a column of this name holds, or `None` if the name is not known."""
        key = folded(name)
        if key.startswith(ATTRIBUTE_PREFIX) and len(key) > len(ATTRIBUTE_PREFIX):
            return self._attribute(clean(name).strip()[len(ATTRIBUTE_PREFIX) :])
        namespace, _, country = key.partition(":")
        column = self._columns.get(namespace)
        if not country:
            return column
        if column is None or column.kind != IDENTIFIER or not self._rules.reads_country(column.name):
            return None
        try:
            region_of(country)
        except ValueError:
            return None
        return Column(IDENTIFIER, column.name, country.upper())

    def _attribute(self, name: str) -> Column:
        attribute, _, part = name.partition(".")
        key = folded(attribute)
        # Names that the catalog alone knows are written as they are there.
        return Column(ATTRIBUTE, self._attributes.get(key, attribute), self._parts.get(folded(part), part))

    def count(self, names: Iterable[str]) -> int:
        """Return how many of the names are known."""
        return sum(self.find(name) is not None for name in names if name.strip())

    def match(self, names: Sequence[str], options: ReadOptions, path: Path, delimiter: str = "") -> "Columns":
        """Return the columns of a header. Raises `InvalidInput` that lists all unknown and all doubled columns."""
        return match_header(names, self, options, path, delimiter)


class Columns:
    """The columns of one table. A row makes the record that an object of NDJSON would hold."""

    def __init__(
        self, names: Sequence[str], columns: Sequence[Column], delimiter: str = "", missing: Sequence[str] = ()
    ) -> None:
        self._missing = missing
        self.names = tuple(names)
        self.width = len(names)
        self.kinds = tuple(column.kind for column in columns)
        self._columns = columns
        places = list(enumerate(columns))
        self._fields = [(at, c.name, _tidied(c.name)) for at, c in places if c.kind == FIELD]
        self._identifiers = [(at, c.name, c.detail, c.is_composite) for at, c in places if c.kind == IDENTIFIER]
        self._attributes = [(at, c.name, c.detail) for at, c in places if c.kind == ATTRIBUTE]
        self._lines = [(at, c.name) for at, c in places if c.kind == LINE]
        self._unnamed = [at for at, name in enumerate(names) if not name and columns[at].kind == IGNORED]
        self._checks = [(at, check) for at, c in places if (check := _check(c)) is not None]
        self._single_line = [at for at, c in places if c.kind == IDENTIFIER or c.name in _TIME_FIELDS]
        self._source = next((at for at, c in places if c == Column(FIELD, "source")), None)
        fields = {_path(c): name for name, c in zip(names, columns, strict=True) if c.kind in (FIELD, ATTRIBUTE, LINE)}
        self.header = Header(self.names, fields, delimiter, bool(self._lines))

    def findings(self) -> list[str]:
        """Return which columns were recognized under another name, and which are left out."""
        read = [
            name if name == column.name or column.kind in (ATTRIBUTE, LINE) else f"{name} as {column.name}"
            for name, column in zip(self.names, self._columns, strict=True)
            if column.kind != IGNORED
        ]
        ignored = [name for name, c in zip(self.names, self._columns, strict=True) if c.kind == IGNORED and name]
        findings = [f"columns {', '.join(read)}"]
        if ignored:
            findings.append(f"ignored columns {', '.join(ignored)}")
        if self._missing:
            findings.append(f"columns to ignore that are not there: {', '.join(self._missing)}")
        return findings

    def record(self, cells: Sequence[Any]) -> dict[str, Any]:
        """Return the record of a row, without its empty cells; empty if the row is.

        Raises `ValueError` if a cell without a name has content. Cells are texts; those of typed tables also lists and
        objects.
        """
        record: dict[str, Any] = {}
        for at, name, tidied in self._fields:
            cell = cells[at]
            if cell:
                cell = tidied(cell)
                if cell != "":
                    record[name] = cell
        identifiers: list[dict[str, str]] = []
        for at, name, country, is_composite in self._identifiers:
            cell = cells[at]
            if not cell or (isinstance(cell, str) and cell.isspace()):
                continue
            values = cell
            if isinstance(cell, str):
                values = [cell] if is_composite else cell.split(LIST_SEPARATOR)
            for value in values:
                item = {"namespace": name, "value": value}
                if country:
                    item["country"] = country
                identifiers.append(item)
        if identifiers:
            listed = record.get("identifiers", [])
            # What is not a list is left for the message that it must be one.
            record["identifiers"] = [*listed, *identifiers] if isinstance(listed, list) else listed
        if self._attributes:
            self._add_attributes(record, cells)
        if self._lines:
            line = {name: cell for at, name in self._lines if (cell := _tidy(cells[at])) not in ("", None)}
            if line:
                record["lines"] = [line]
        for at in self._unnamed:
            if cells[at] and str(cells[at]).strip():
                raise ValueError(f"has the value {str(cells[at])[:40]!r} in column {at + 1}, which has no name")
        return record

    def _add_attributes(self, record: dict[str, Any], cells: Sequence[Any]) -> None:
        for at, name, part in self._attributes:
            cell = _tidy(cells[at])
            if cell in ("", None):
                continue
            attributes = record.setdefault("attributes", {})
            if part:
                attributes.setdefault(name, {})[part] = cell
            else:
                attributes[name] = cell

    def single_line_cells(self, cells: Sequence[str]) -> list[tuple[str, str]]:
        """Return the cells, with their names, that can have neither line breaks nor quotes: identifiers and times."""
        return [(self.names[at], cells[at]) for at in self._single_line if at < len(cells)]

    def looks_like_row(self, cells: Sequence[str], first: Sequence[str]) -> bool:
        """Whether the cells of a line that a quoted cell seems to contain are a row of their own.

        `first` are the cells of the row that contains the line.
        """
        if len(cells) != self.width or not any(map(str.strip, cells)):
            return False
        filled = [(cell, check) for at, check in self._checks if (cell := cells[at].strip())]
        if not all(_passes(check, cell) for cell, check in filled):
            return False
        if self._source is not None and cells[self._source] == first[self._source] != "":
            return True
        # Cells that can be checked decide, unless this table leaves them empty.
        has_checked = any(first[at].strip() for at, _ in self._checks)
        return bool(filled) if has_checked else self.width >= _MIN_WIDTH


def match_header(
    names: Sequence[str], known: KnownColumns, options: ReadOptions, path: Path, delimiter: str = ""
) -> Columns:
    """Return the columns of a header. Raises `InvalidInput` that lists all unknown and all doubled columns."""
    names = [clean(name) for name in names]
    ignored = {folded(name) for name in options.ignored_columns}
    found = [Column(IGNORED, "") if not name or folded(name) in ignored else known.find(name) for name in names]
    if not any(column is not None and column.kind != IGNORED for column in found):
        # The names are not listed: they may be the values of a person.
        message = (
            f"{path}: the first line names no known column; it must be a header such as source,id,seenAt,email: "
            "remove the lines above the header"
        )
        raise InvalidInput("INVALID_FILE", message)
    unknown = [name for name, column in zip(names, found, strict=True) if column is None]
    columns = [column for column in found if column is not None]
    problems = []
    if unknown:
        described = [f"{name[:60]!r}{_suggestion(name, known)}" for name in unknown]
        problems.append(f"unknown columns: {', '.join(described)}; {_option(unknown)} leaves them out")
    doubled: dict[Column, list[str]] = {}
    for name, column in zip(names, found, strict=True):
        if column is not None and column.kind != IGNORED:
            doubled.setdefault(column, []).append(repr(name[:60]))
    for column, same in doubled.items():
        if len(same) > 1:
            is_list = column.kind == IDENTIFIER and not column.is_composite
            several = "; several values go into one cell, with | between them" if is_list else ""
            problems.append(f"columns that are the same: {', '.join(same)}{several}")
    if problems:
        raise InvalidInput("INVALID_FILE", f"{path}: the header has {'; it has '.join(problems)}")
    present = set(map(folded, names))
    missing = tuple(name for name in sorted(options.ignored_columns) if folded(name) not in present)
    return Columns(names, columns, delimiter, missing)


def _suggestion(name: str, known: KnownColumns) -> str:
    similar = nearest(folded(name), [folded(known_name) for known_name in known.names])
    original = next((known_name for known_name in known.names if folded(known_name) == similar), "")
    return f" (did you mean {original}?)" if original else ""


def _option(names: Sequence[str]) -> str:
    """Return the option that ignores columns, quoted for a shell; names with a comma have quotes of their own."""
    value = ",".join(f'"{name.replace(chr(34), chr(34) * 2)}"' if {",", '"'} & {*name} else name for name in names)
    return "--ignore-columns '" + value.replace("'", "'\"'\"'") + "'"


def _path(column: Column) -> str:
    """Return the path to what a column holds, as `Header.fields` has it."""
    prefix = {ATTRIBUTE: ATTRIBUTE_PREFIX, LINE: LINE_PREFIX}.get(column.kind, "")
    return f"{prefix}{column.name}" + (f".{column.detail}" if column.detail else "")


def _tidy(cell: Any) -> Any:
    return clean(cell) if isinstance(cell, str) else cell


def _tidied(field: str) -> Callable[[Any], Any]:
    """Return what makes the cell of a field ready."""
    if field in MULTILINE_FIELDS:
        return lambda cell: cell.strip() if isinstance(cell, str) else cell
    return _tidy


def _check(column: Column) -> Callable[[str], Any] | None:
    """Return what raises `ValueError` if a cell cannot be of this column; `None` if any text can."""
    if column.kind == FIELD and column.name in _TIME_FIELDS:
        return parse_time
    if (column.kind == FIELD and column.name in _NUMBER_FIELDS) or (
        column.kind == LINE and column.name in ("quantity", "total")
    ):
        return decimal
    if column == Column(IDENTIFIER, "email"):
        return step("email")
    return None


def _passes(check: Callable[[str], Any], cell: str) -> bool:
    try:
        check(cell)
    except ValueError:
        return False
    return True
