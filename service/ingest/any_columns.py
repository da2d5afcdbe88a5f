"""Tables with any columns, whose rows are records of other systems: cells by the names that the header has."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from graph.domain.model.cleaning import clean
from service.ingest.columns import Column, Columns
from service.ingest.raw_lines import ReadOptions

ANY = "any"
"""The kind of these columns: which of them are identifiers or times, only a mapping knows."""


class AnyColumns:
    """Takes every header as it is."""

    def count(self, names: Iterable[str]) -> int:
        """Return how many of the names are not empty."""
        return sum(bool(name.strip()) for name in names)

    def match(self, names: Sequence[str], options: ReadOptions, path: Path, delimiter: str = "") -> Columns:
        """Return the columns of a header; the cells of columns with one name are a list, as elements of XML are."""
        named = [clean(name) for name in names]
        return _NamedCells(named, [Column(ANY, name) for name in named], delimiter)


class _NamedCells(Columns):
    def findings(self) -> list[str]:
        return [f"columns {', '.join(name for name in self.names if name)}"]

    def record(self, cells: Sequence[Any]) -> dict[str, Any]:
        record: dict[str, Any] = {}
        for name, cell in zip(self.names, cells, strict=True):
            if not name or cell is None or cell == "":
                continue
            earlier = record.get(name)
            if earlier is None:
                record[name] = cell
            else:
                record[name] = [*earlier, cell] if isinstance(earlier, list) else [earlier, cell]
        return record
