"""Statements as columns."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Codes = NDArray[np.int32]
Bools = NDArray[np.bool_]


@dataclass(slots=True)
class Columns:
    """Statements: row `r` names `codes[ends[r - 1]:ends[r]]`.

    `seen_at` is in microseconds, `confidence` is NaN if the statement has none, `source` is an index in `sources`.
    """

    ends: Ints
    codes: Codes
    seen_at: Ints
    tier: NDArray[np.int8]
    confidence: NDArray[np.float64]
    source: Codes
    sources: list[str]

    @property
    def rows(self) -> int:
        """The number of statements."""
        return len(self.ends)


class ColumnBuilder:
    """Builds columns from statements; codes are in the order in which keys first occur."""

    def __init__(self) -> None:
        self.code: dict[str, int] = {}
        self._source: dict[str, int] = {}
        self._ends, self._codes, self._sources = array("q"), array("i"), array("i")
        self._seen_at, self._tier, self._confidence = array("q"), array("b"), array("d")

    def add(self, source: str, keys: Iterable[str], tier: int, seen_at: int, confidence: float | None) -> list[int]:
        """Add a statement and return the codes of its keys."""
        code = self.code
        codes = [code.setdefault(key, len(code)) for key in keys]
        self._codes.extend(codes)
        self._ends.append(len(self._codes))
        self._sources.append(self._source.setdefault(source, len(self._source)))
        self._seen_at.append(seen_at)
        self._tier.append(tier)
        self._confidence.append(float("nan") if confidence is None else confidence)
        return codes

    @property
    def rows(self) -> int:
        """The number of statements so far."""
        return len(self._ends)

    def columns(self) -> Columns:
        """Return the columns without copying them; no statement may be added afterwards."""
        return Columns(
            np.frombuffer(self._ends, np.int64),
            np.frombuffer(self._codes, np.int32),
            np.frombuffer(self._seen_at, np.int64),
            np.frombuffer(self._tier, np.int8),
            np.frombuffer(self._confidence, np.float64),
            np.frombuffer(self._sources, np.int32),
            list(self._source),
        )
