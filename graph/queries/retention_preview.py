"""What has expired of what is stored, and would be removed; nothing is written."""

from collections.abc import AsyncIterator, Sequence

from msgspec import Struct

from graph.domain.model.expiry_counts import ExpiryCount, ExpiryTally
from graph.domain.model.observations import Observation
from graph.domain.model.receipts import ObservationKey, Receipt
from graph.domain.model.retention import Remainder, Retention, RetentionRule
from graph.ports import RetentionStore
from graph.runtime.scheduling import map_cooperatively

PAGE_SIZE = 2_000
"""Observations that are read at a time."""


class RetentionPreview(Struct, frozen=True):
    """What has expired at the time `at` (microseconds). It is about all that is stored if it is `complete`.

    Otherwise it is about the first `examined` observations, by source and id.
    """

    at: int
    counts: Sequence[ExpiryCount]
    examined: int
    complete: bool


def remainder(receipt: Receipt, retention: Retention, now: int) -> Remainder | RetentionRule:
    """Return what may be kept of a stored observation at `now`, in microseconds."""
    return retention.remainder(Observation.from_sent(*receipt.key, receipt.sent), receipt.seen_at, now)


def is_expired(left: Remainder | RetentionRule) -> bool:
    """Whether something of an observation has expired."""
    return isinstance(left, RetentionRule) or not left.complete


async def pages_of_expired(
    store: RetentionStore, retention: Retention, now: int
) -> AsyncIterator[list[tuple[Receipt, Remainder | RetentionRule]]]:
    """Yield the observations of which something has expired at `now` (microseconds), by (source, id).

    There is a page for each `PAGE_SIZE` observations, which may be empty. Yields to other tasks in between.
    """
    filters = retention.filters(now)
    after: ObservationKey | None = None
    while filters:
        receipts, after = await store.expirable_observations(filters, after, PAGE_SIZE)
        if after is None:
            return
        left = await map_cooperatively(receipts, lambda receipt: remainder(receipt, retention, now))
        yield [pair for pair in zip(receipts, left, strict=True) if is_expired(pair[1])]


async def preview_retention(
    store: RetentionStore, retention: Retention, now: int, max_pages: int | None = None
) -> RetentionPreview:
    """Return what a run at `now` (microseconds) would remove, as far as `max_pages` pages show it."""
    tally = ExpiryTally()
    pages = 0
    async for page in pages_of_expired(store, retention, now):
        if pages == max_pages:
            return RetentionPreview(now, tally.counts, pages * PAGE_SIZE, complete=False)
        pages += 1
        for receipt, left in page:
            tally.add(receipt, left)
    return RetentionPreview(now, tally.counts, pages * PAGE_SIZE, complete=True)
