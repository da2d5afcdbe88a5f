"""A temporary file of receipts, which are needed twice: to resolve them, and to store them."""

import marshal
import mmap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from graph.domain.model.observations import TIERS
from graph.domain.model.receipts import ObservationStatus, Receipt

BLOCK_ROWS = 5_000
"""Rows that are written together."""
LENGTH_BYTES = 4
"""Bytes of a length prefix."""
# As `TIERS`: faster than a call of the enum.
_STATUSES = {status.value: status for status in ObservationStatus}


class Row(NamedTuple):
    """A receipt as plain values, which are fast to send between processes and to write to the file."""

    source: str
    id: str
    digest: str
    status: str
    seen_at: int
    keys: tuple[str, ...]
    tier: int
    confidence: float | None
    sent: str
    order_key: str
    reported_at: int
    facts: str
    kind: str
    fact_holders: tuple[str, ...]

    @classmethod
    def of(cls, receipt: Receipt) -> "Row":
        """Return the row of a receipt."""
        return cls(
            receipt.source,
            receipt.id,
            receipt.digest,
            receipt.status.value,
            receipt.seen_at,
            receipt.keys,
            receipt.tier.value,
            receipt.confidence,
            receipt.sent,
            receipt.order_key,
            receipt.reported_at,
            receipt.facts,
            receipt.kind,
            receipt.fact_holders,
        )

    def receipt(self, received_at: int, superseded: bool, received_from: str = "") -> Receipt:
        """Return the receipt of a row."""
        return Receipt(
            self.source,
            self.id,
            self.digest,
            ObservationStatus.SUPERSEDED if superseded else _STATUSES[self.status],
            received_at,
            self.seen_at,
            self.keys,
            TIERS[self.tier],
            self.confidence,
            self.sent,
            self.order_key,
            self.reported_at,
            self.facts,
            self.kind,
            self.fact_holders,
            received_from=received_from,
        )


class Spool:
    """Rows, read in the order in which they were added, and texts, read at their positions."""

    def __init__(self, folder: Path) -> None:
        self._rows, self._texts = (folder / "rows").open("w+b"), (folder / "texts").open("w+b")
        self._block: list[tuple[Any, ...]] = []
        self._ends = 0
        self._map: mmap.mmap | None = None

    def add(self, row: Row) -> None:
        """Add a row."""
        self._block.append(tuple(row))
        if len(self._block) == BLOCK_ROWS:
            self._flush()

    def _flush(self) -> None:
        # As one block, since `marshal.load` reads a file a few bytes at a time.
        self._rows.write(_framed(marshal.dumps(self._block)))
        self._block = []

    def __iter__(self) -> Iterator[Row]:
        self._flush()
        self._rows.seek(0)
        while length := self._rows.read(LENGTH_BYTES):
            # The file contains only data that this process wrote.
            block: Iterable[tuple[Any, ...]] = marshal.loads(self._rows.read(int.from_bytes(length)))  # noqa: S302
            yield from map(Row._make, block)

    def put(self, text: str) -> int:
        """Add a text and return its position."""
        at, data = self._ends, _framed(text.encode())
        self._texts.write(data)
        self._ends += len(data)
        return at

    def text(self, at: int) -> str:
        """Return the text at a position; none may be added afterwards."""
        if self._map is None:
            self._texts.flush()
            self._map = mmap.mmap(self._texts.fileno(), 0, access=mmap.ACCESS_READ)
        begin = at + LENGTH_BYTES
        return self._map[begin : begin + int.from_bytes(self._map[at:begin])].decode()

    def close(self) -> None:
        """Close the files."""
        if self._map is not None:
            self._map.close()
        self._rows.close()
        self._texts.close()


def _framed(data: bytes) -> bytes:
    return len(data).to_bytes(LENGTH_BYTES) + data
