"""All keys of a history by code, in Arrow's memory: a third of what texts of Python take."""

from collections.abc import Iterable, Sequence

import numpy as np
import polars
from numpy.typing import NDArray

from graph.bulk.columns import Codes, Ints
from graph.domain.model.rules import Rules


class Keys:
    """Keys in the order of code points, so that a code is a key's place."""

    def __init__(self, ordered: polars.Series) -> None:
        self._series = ordered

    @classmethod
    def of(cls, keys: Iterable[str]) -> tuple["Keys", Codes]:
        """Different keys in any order; answers the code of each too."""
        series = polars.Series(list(keys), dtype=polars.String)
        # Polars compares bytes of UTF-8, which order as code points do.
        order = series.arg_sort().to_numpy()
        codes = np.empty(len(series), np.int32)
        codes[order] = np.arange(len(series), dtype=np.int32)
        return cls(series.gather(order)), codes

    def __len__(self) -> int:
        return len(self._series)

    def __getitem__(self, code: int) -> str:
        """The key of a code; of many ask `named`."""
        return str(self._series[int(code)])

    def named(self, codes: Codes | Ints | Sequence[int]) -> dict[int, str]:
        """The keys of some codes."""
        asked = np.asarray(codes, np.int64)
        return dict(zip(asked.tolist(), self._series.gather(asked).to_list(), strict=True))

    def codes(self, keys: Sequence[str]) -> list[int]:
        """The codes of some keys."""
        found = self._series.search_sorted(polars.Series(list(keys), dtype=polars.String))
        return [int(code) for code in found]

    def ranks(self, rules: Rules) -> NDArray[np.int16]:
        """The rank of each key's namespace."""
        names = self._series.str.extract("^([^=]*)=")
        return names.replace_strict(rules.rank, return_dtype=polars.Int16).to_numpy().astype(np.int16)
