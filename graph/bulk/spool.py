"""Receipts in a file of our own between the two times that they are needed: to resolve, and to be stored."""

import marshal
import mmap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from graph.domain.model.observations import TIERS
from graph.domain.model.receipts import Receipt, Standing

BLOCK = 5_000
"""Rows that are written at a time."""
LENGTH = 4
"""Bytes that tell a length."""
# As `TIERS`.
_STANDINGS = {one.value: one for one in Standing}


class Row(NamedTuple):
    """A receipt as plain values, which cross between processes and into the file quickly; `dropped` are identifiers."""

    source: str
    id: str
    digest: str
    standing: str
    seen_at: int
    keys: tuple[str, ...]
    tier: int
    confidence: float | None
    sent: str
    order_key: str
    stated_at: int
    facts: str
    kind: str
    told_at: tuple[str, ...]
    dropped: int

    @classmethod
    def of(cls, receipt: Receipt, dropped: int) -> "Row":
        """The row of a receipt."""
        one = receipt
        return cls(
            one.source,
            one.id,
            one.digest,
            one.standing.value,
            one.seen_at,
            one.keys,
            one.tier.value,
            one.confidence,
            one.sent,
            one.order_key,
            one.stated_at,
            one.facts,
            one.kind,
            one.told_at,
            dropped,
        )

    def receipt(self, received_at: int, superseded: bool) -> Receipt:
        """The receipt of a row."""
        return Receipt(
            self.source,
            self.id,
            self.digest,
            Standing.SUPERSEDED if superseded else _STANDINGS[self.standing],
            received_at,
            self.seen_at,
            self.keys,
            TIERS[self.tier],
            self.confidence,
            self.sent,
            self.order_key,
            self.stated_at,
            self.facts,
            self.kind,
            self.told_at,
        )


class Spool:
    """Rows in the order in which they were added, and texts wherever they are asked for."""

    def __init__(self, folder: Path) -> None:
        self._rows, self._texts = (folder / "rows").open("w+b"), (folder / "texts").open("w+b")
        self._block: list[tuple[Any, ...]] = []
        self._ends = 0
        self._map: mmap.mmap | None = None

    def add(self, row: Row) -> None:
        """Add a row."""
        self._block.append(tuple(row))
        if len(self._block) == BLOCK:
            self._flush()

    def _flush(self) -> None:
        # Whole, since `marshal` asks a file for each few bytes.
        self._rows.write(_framed(marshal.dumps(self._block)))
        self._block = []

    def __iter__(self) -> Iterator[Row]:
        self._flush()
        self._rows.seek(0)
        while length := self._rows.read(LENGTH):
            # Only what this process wrote is read.
            block: Iterable[tuple[Any, ...]] = marshal.loads(self._rows.read(int.from_bytes(length)))  # noqa: S302
            yield from map(Row._make, block)

    def put(self, text: str) -> int:
        """Add a text; answers its place."""
        at, data = self._ends, _framed(text.encode())
        self._texts.write(data)
        self._ends += len(data)
        return at

    def text(self, at: int) -> str:
        """The text at a place; none may be added after."""
        if self._map is None:
            self._texts.flush()
            self._map = mmap.mmap(self._texts.fileno(), 0, access=mmap.ACCESS_READ)
        begin = at + LENGTH
        return self._map[begin : begin + int.from_bytes(self._map[at:begin])].decode()

    def close(self) -> None:
        """Let go of the files."""
        if self._map is not None:
            self._map.close()
        self._rows.close()
        self._texts.close()


def _framed(data: bytes) -> bytes:
    return len(data).to_bytes(LENGTH) + data
