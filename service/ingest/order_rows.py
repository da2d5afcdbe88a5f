"""Orders that a table spreads over several rows: consecutive rows of one report of an order make one line.

An order is read with all of its rows or not at all.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from graph.domain.model.cleaning import clean_value
from graph.domain.model.errors import Problem
from graph.domain.model.normalization import step
from graph.domain.model.times import parse_time
from service.ingest.located import located
from service.ingest.raw_lines import Lines, RawLine
from service.ingest.record_fields import REQUIRED, FieldError, order_lines
from service.ingest.record_kinds import TIMES

_CELL = re.compile(r'[^\s,;|"]+')


def with_orders(lines: Lines) -> Lines:
    """Join consecutive rows of one report of an order to one line, by source, number and time of the report.

    Rows may leave out what an earlier row of the report has. A row that does not agree with the rows before, or whose
    line of the order cannot be used, rejects all rows of the report. So does a row that cannot be read, if it is
    between rows of the report, or next to one and has the number of the order in a cell. Blank rows end no report.
    """
    order: _Report | None = None
    unread: RawLine | None = None
    for line in lines:
        if line is None:
            yield line
            continue
        line = _with_number(line)
        if isinstance(line.value, Problem) and line.is_row_of_orders:
            if order is None:
                yield line
                unread = line
            else:
                order.unread.append(line)
            continue
        if order is not None and line.is_row_of_orders and order.continues_with(line):
            order.add(line)
            continue
        if order is not None:
            yield from order.lines()
            unread = order.unread[-1] if order.unread else None
        if line.is_row_of_orders and _number(line):
            order = _Report(line, unread)
        else:
            order = None
            yield line
        unread = None
    if order is not None:
        yield from order.lines()


def _number(line: RawLine) -> Any:
    return line.value.get("number") if isinstance(line.value, Mapping) else None


def _with_number(line: RawLine) -> RawLine:
    """Return a row, rejected if it has a line of an order, but not the order's number."""
    if line.is_row_of_orders and isinstance(line.value, Mapping) and "lines" in line.value and not _number(line):
        return line.rejected(located(Problem("INVALID_FIELD", f"number {REQUIRED}", ("number",)), line))
    return line


class _Report:
    """The rows of one report of an order. `unread` are the rows behind the last of them that cannot be read."""

    def __init__(self, first: RawLine, unread_before: RawLine | None) -> None:
        self.unread: list[RawLine] = []
        self._rows: list[RawLine] = []
        self._fields: dict[str, Any] = {}
        self._lines: dict[str, int] = {}
        """The number of the line that a field is from."""
        self._rejects: RawLine | None = None
        """The row for which all others are rejected."""
        self._number = _number(first)
        if unread_before is not None and self._is_named_in(unread_before):
            self._rejects = unread_before
        self.add(first)

    def continues_with(self, line: RawLine) -> bool:
        """Whether a row belongs to the report."""
        fields: Any = line.value
        names = ("source", _time(self._fields), _time(fields))
        values = ((self._fields.get(name), fields.get(name)) for name in names)
        is_same_report = all(None in pair or _same(*pair) for pair in values)
        return _folded(fields.get("number")) == _folded(self._number) and is_same_report

    def add(self, line: RawLine) -> None:
        """Add the next row."""
        if self.unread:
            self._rejects = self._rejects or self.unread[0]
            self._rows += self.unread
            self.unread = []
        problem = self._problem(line)
        if problem is not None:
            line = line.rejected(located(problem, line))
            self._rejects = self._rejects or line
        self._rows.append(line)

    def _problem(self, line: RawLine) -> Problem | None:
        fields: Any = line.value
        for name, value in fields.items():
            if name == "lines":
                try:
                    order_lines(value)
                except FieldError as error:
                    return Problem("INVALID_FIELD", str(error), error.path)
                except ValueError as error:
                    return Problem("INVALID_FIELD", f"lines: {error}", ("lines",))
            elif not _same(self._fields.setdefault(name, value), value):
                message = f"has another {name} than line {self._lines[name]} of the same order"
                return Problem("INVALID_LINE", message, (name,))
            else:
                self._lines.setdefault(name, line.line)
        return None

    def lines(self) -> Iterator[RawLine]:
        """Yield the order, or all its rows as rejected; then the rows behind it that cannot be read."""
        rejects = self._rejects or next((line for line in self.unread if self._is_named_in(line)), None)
        if rejects is None:
            yield self._joined()
        else:
            reason = rejects.value.message if isinstance(rejects.value, Problem) else ""
            problem = Problem("INVALID_LINE", f"is a row of the same order as line {rejects.line}: {reason}")
            for line in self._rows:
                yield line if isinstance(line.value, Problem) else line.rejected(problem)
        yield from self.unread

    def _joined(self) -> RawLine:
        first, last = self._rows[0], self._rows[-1]
        if first is last:
            return first
        value, numbers = dict(self._fields), []
        for line in self._rows:
            fields: Any = line.value
            for item in fields.get("lines", ()):
                value.setdefault("lines", []).append(item)
                numbers.append(line.line)
        return replace(first, read_bytes=last.read_bytes, value=value, rows=len(self._rows), order_lines=tuple(numbers))

    def _is_named_in(self, line: RawLine) -> bool:
        """Whether a row that cannot be read has the number of the order in a cell."""
        number = _folded(self._number)
        record = line.record or line.text
        if isinstance(record, str):
            return number in map(_folded, _CELL.findall(record))
        column = line.header.fields.get("number", "number") if line.header else "number"
        return number == _folded(record.get(column))


def _folded(number: Any) -> str:
    """Return the number of an order in the form in which the default rules compare it."""
    text = str(number)
    try:
        return step("order")(clean_value(text)).upper()
    except ValueError:
        return text


def _same(a: Any, b: Any) -> bool:
    """Whether two values of a field are the same: equal, or two forms of one number of an order or of one time."""
    if a == b or _folded(a) == _folded(b):
        return True
    try:
        return parse_time(a).microseconds == parse_time(b).microseconds
    except ValueError:
        return False


def _time(fields: Mapping[str, Any]) -> str:
    """Return the name of the time of a report; another of `TIMES` may be in the place of `reportedAt`."""
    return "reportedAt" if "reportedAt" in fields else next((name for name in TIMES if name in fields), "reportedAt")
