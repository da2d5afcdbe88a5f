"""Lines of files before they are parsed, and how files are to be read."""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from graph.domain.model.errors import Problem

LineContent = bytes | Mapping[str, Any] | Problem
"""The content of a line: its bytes, an object, or the reason why it cannot be read."""


class Header(Struct, frozen=True):
    """The header of a table. `fields` are its names by the field that each column holds, such as `line.sku`.

    `delimiter` is that of a CSV file, otherwise "". `has_order_lines` says whether several rows may make one order.
    """

    names: tuple[str, ...]
    fields: Mapping[str, str]
    delimiter: str = ""
    has_order_lines: bool = False


class RawLine(Struct, frozen=True):
    """A line of a file.

    `line` is the number of its first line in the file, from 1, and `read_bytes` counts the bytes up to its end. `rows`
    is the number of data rows of the file that it covers: more than one for an order that the file spreads over rows.
    If `value` is a problem, `text` is the line as it is in the file; of a row with cells that have a type, the cells by
    the names of their columns; and `record` is its object, if it could be read. `header` is that of a table.
    `order_lines` are the numbers of the lines with the lines of an order.
    """

    line: int
    read_bytes: int
    value: LineContent
    rows: int = 1
    text: str | Mapping[str, Any] = ""
    record: Mapping[str, Any] | None = None
    header: Header | None = None
    order_lines: tuple[int, ...] = ()

    @property
    def is_row_of_orders(self) -> bool:
        """Whether the line is a row of a table in which several rows may make one order."""
        return self.header is not None and self.header.has_order_lines

    def rejected(self, problem: Problem) -> "RawLine":
        """Return a line that could be read with a problem in place of its object."""
        return replace(self, value=problem, record=self.value)


Lines = Iterator[RawLine | None]
"""Lines of a file; `None` is a blank line."""


class ReadOptions(Struct, frozen=True):
    """How a file is to be read; what is empty is found from the file.

    `delimiter` is a character or the word `tab`; `encoding` is a name that Python knows; `ignored_columns` are the
    names of columns as they are in the header.
    """

    delimiter: str = ""
    encoding: str = ""
    ignored_columns: frozenset[str] = frozenset()


AS_FOUND = ReadOptions()
"""Everything about how a file is to be read is found from the file."""
