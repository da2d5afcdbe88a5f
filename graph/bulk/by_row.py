"""Values by row, for a single pass over the rows."""

from collections.abc import Iterator

import numpy as np

from graph.bulk.columns import Codes, Ints

BATCH_SIZE = 10_000
"""Elements that are converted together."""


class ByRow:
    """Values by row, read in the order of rows."""

    def __init__(self, rows: Codes | Ints, values: Ints) -> None:
        order = np.argsort(rows, kind="stable")
        self._pairs = _listed_pairs(rows[order], values[order])
        self._next = next(self._pairs, None)

    def of(self, row: int) -> list[int]:
        """Return the values of a row; rows must be requested in ascending order."""
        values: list[int] = []
        while self._next is not None and self._next[0] <= row:
            values.append(self._next[1])
            self._next = next(self._pairs, None)
        return values


def _listed_pairs(rows: Codes | Ints, values: Codes | Ints) -> Iterator[tuple[int, int]]:
    """Yield the elements of two arrays in pairs, converted in batches: singly is slow, and all at once is large."""
    for start in range(0, len(rows), BATCH_SIZE):
        batch = slice(start, start + BATCH_SIZE)
        yield from zip(rows[batch].tolist(), values[batch].tolist(), strict=True)
