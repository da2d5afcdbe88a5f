"""All keys of a history by code, in Arrow memory, which takes a third of the memory of Python strings."""

from collections.abc import Iterable, Sequence

import numpy as np
import polars
from numpy.typing import NDArray

from graph.bulk.columns import Codes, Ints
from graph.domain.model.rules import Rules


class Keys:
    """Keys in the order of code points; the code of a key is its position."""

    def __init__(self, ordered: polars.Series) -> None:
        self._series = ordered

    @classmethod
    def of(cls, keys: Iterable[str]) -> tuple["Keys", Codes]:
        """Create from distinct keys in any order; also return the code of each."""
        series = polars.Series(list(keys), dtype=polars.String)
        # Polars compares UTF-8 bytes, which sort like code points.
        order = series.arg_sort().to_numpy()
        codes = np.empty(len(series), np.int32)
        codes[order] = np.arange(len(series), dtype=np.int32)
        return cls(series.gather(order)), codes

    def __len__(self) -> int:
        return len(self._series)

    def __getitem__(self, code: int) -> str:
        """Return the key of a code; for many codes use `keys_of`."""
        return str(self._series[int(code)])

    def keys_of(self, codes: Codes | Ints | Sequence[int]) -> dict[int, str]:
        """Return the keys by code."""
        indexes = np.asarray(codes, np.int64)
        return dict(zip(indexes.tolist(), self.list_of(indexes), strict=True))

    def list_of(self, codes: Codes | Ints) -> list[str]:
        """Return the keys of codes, in their order."""
        keys: list[str] = self._series.gather(np.asarray(codes, np.int64)).to_list()
        return keys

    def codes(self, keys: Sequence[str]) -> list[int]:
        """Return the codes of keys."""
        codes = self._series.search_sorted(polars.Series(list(keys), dtype=polars.String))
        return [int(code) for code in codes]

    def ranks(self, rules: Rules) -> NDArray[np.int16]:
        """Return the rank of each key's namespace."""
        names = self._series.str.extract("^([^=]*)=")
        return names.replace_strict(rules.rank, return_dtype=polars.Int16).to_numpy().astype(np.int16)
