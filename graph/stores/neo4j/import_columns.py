"""Values as the cells of files for `neo4j-admin database import`, so that they are stored as a write would store them.

The format is CSV with a header that names the type of each column. An empty cell is no property, a quoted empty one is
an empty text. Elements of a list are separated by NUL, the one character that no stored text contains. The importer
stores no empty lists.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from operator import itemgetter
from typing import Any

SEPARATOR = "\0"
"""Between the elements of a list."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def text(value: str) -> str:
    """Return the cell of a text."""
    return f'"{value.replace(chr(34), chr(34) * 2)}"' if '"' in value else f'"{value}"'


def texts(values: Sequence[str]) -> str:
    """Return the cell of a list of texts; an empty one cannot be written."""
    return text(SEPARATOR.join(values)) if values else ""


def _flag(value: bool) -> str:
    return "true" if value else "false"


@lru_cache(maxsize=1000)
def time(microseconds: int) -> str:
    """Return the cell of a `datetime` in milliseconds, cut off toward 1970 as Cypher divides whole numbers."""
    milliseconds = abs(microseconds) // 1000
    at = _EPOCH + timedelta(milliseconds=milliseconds if microseconds >= 0 else -milliseconds)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


_CELLS: Mapping[str, Callable[[Any], str]] = {
    "string": text,
    "string[]": texts,
    "long": str,
    "double": repr,
    "boolean": _flag,
    "datetime": time,
}
"""What writes a cell, by the type of the column."""


class Columns:
    """The columns of one file: first `ids`, which the importer reads, then properties with their types."""

    def __init__(self, ids: Sequence[str], types: Mapping[str, str]) -> None:
        self._names = frozenset(types)
        self._values = itemgetter(*types) if len(types) > 1 else None
        self._cells = [_CELLS[type] for type in types.values()]
        self.header = ",".join([*ids, *(f"{name}:{type}" for name, type in types.items())]) + "\n"
        """The first line of the file."""

    def cells(self, values: Mapping[str, Any]) -> str:
        """Return the cells of a node or relationship, without its ids.

        `values` must have all properties of the file and no others: one that the file lacks would be lost.
        """
        if values.keys() != self._names:
            raise ValueError(f"the import file has other properties than {sorted(values.keys() ^ self._names)}")
        chosen = values.values() if self._values is None else self._values(values)
        return ",".join(["" if value is None else cell(value) for cell, value in zip(self._cells, chosen, strict=True)])
