"""The times of stored observations."""

from collections.abc import Generator, Sequence
from typing import Any

from graph.domain.model.receipts import ObservationKey
from graph.domain.model.store_values import Neighborhood
from graph.ports import ReadNeighborhood, Request, WriteStore


def _times(keys: Sequence[ObservationKey]) -> Generator[Request, Any, dict[ObservationKey, int]]:
    found: Neighborhood = yield ReadNeighborhood(receipts=keys)
    return {key: receipt.seen_at for key, receipt in found.receipts.items() if receipt.digest}


async def times_of(store: WriteStore, keys: Sequence[ObservationKey]) -> dict[ObservationKey, int]:
    """Return the times (microseconds) that observations were seen at. It runs as a write without writes."""
    return await store.write(lambda: _times(keys))
