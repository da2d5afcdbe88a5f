"""The feed as far as a reader asks for it: pages of the entries that match a filter, oldest or newest first.

Stores find the entries of kinds and of customers by an index. What else a filter asks for is compared entry by entry,
so one request reads at most `MAX_READ` of them: a page may be short, and says how far it was read. Times are found by
their place in the history: its entries are numbered without gaps, in the order of commits.
"""

from msgspec import Struct
from msgspec.structs import replace

from graph.domain.model.change_filter import ChangeFilter
from graph.domain.model.changes import Change, ChangeKind, Entry
from graph.domain.model.dates import SECOND
from graph.domain.model.errors import InvalidInput
from graph.domain.profile.pages import ById, Selection
from graph.ports import CustomerHistoryStore, HistoryStore
from graph.queries.history import entry_at

MAX_READ = 5_000
"""Entries that one request compares with a filter."""
BATCH = 500
MAX_CLOCK_SKEW = 3_600 * SECOND
"""How much later an entry may say that it was recorded than one that follows it: processes have their own clocks."""


class FeedPage(Struct, frozen=True):
    """Entries that match a filter. `position` is the number of the last entry that was read, 0 if there is none."""

    entries: list[Entry]
    has_more: bool
    position: int


async def filtered_feed(
    store: HistoryStore, filter: ChangeFilter, after: int | None, first: int, newest_first: bool
) -> FeedPage:
    """Return a page of the entries that match a filter and follow entry `after` in the order asked for.

    Raises `InvalidInput` if there is no such entry, and for a filter that nothing can match.
    """
    filter.check()
    if after and await entry_at(store, after) is None:
        raise InvalidInput("INVALID_CURSOR", "after: the history has no entry at this cursor", ("after",))
    # Read first: all entries up to this one are committed, so that none is passed over.
    newest = await store.newest_change()
    low = 0 if filter.since is None else await _last_before(store, filter.since - MAX_CLOCK_SKEW, newest)
    high = newest if filter.until is None else await _last_before(store, filter.until + MAX_CLOCK_SKEW, newest)
    if newest_first:
        high = high if after is None else min(high, after - 1)
    else:
        low = max(low, after or 0)
    entries: list[Entry] = []
    position, read = after or 0, 0
    while low < high:
        batch = await store.selected_changes(filter.selected, low, high, BATCH, newest_first)
        for entry in batch:
            matches = filter.matches(entry.change)
            if read >= MAX_READ or (matches and len(entries) == first):
                return FeedPage(entries, True, position)
            if matches:
                entries.append(entry)
            position, read = entry.number, read + 1
        if len(batch) < BATCH:
            break
        low, high = (low, position - 1) if newest_first else (position, high)
    # All of it is read: up to the newest entry or to the last one that may match, or down to the first one.
    return FeedPage(entries, False, min(newest, low + 1) if newest_first else max(position, high))


async def _last_before(store: HistoryStore, at: int, newest: int) -> int:
    """Return the number of the last entry that was recorded before a time (microseconds), 0 if there is none."""
    low, high = 0, newest
    while low < high:
        middle = (low + high + 1) // 2
        (entry,) = await store.changes(middle - 1, 1)
        if entry.change.recorded_at < at:
            low = middle
        else:
            high = middle - 1
    return low


async def ids_of_customer(store: CustomerHistoryStore, id: str) -> frozenset[str]:
    """Return the id that an id leads to, and all that were merged into it, so that their entries are of one customer.

    Raises `InvalidInput` if there never was such a customer.
    """
    (view,) = await store.customers([ById(id)], Selection())
    present = None if view is None else view.customer.id
    found: set[str] = set()
    unread = {id, present or id}
    known = view is not None
    while unread:
        found |= unread
        changes = [entry.change for entry in await store.history(sorted(unread))]
        known = known or bool(changes)
        merges = [change for change in changes if change.kind is ChangeKind.CUSTOMERS_MERGED]
        unread = {merge.other_customer for merge in merges if merge.customer in found}
        if present is None:
            # It was erased, so that nothing but the history says what an id led to.
            unread |= {merge.customer for merge in merges if merge.other_customer in found}
        unread -= found
    if not known:
        message = f"filter: customerId: no customer has or had the id {id[:60]!r}"
        raise InvalidInput("CUSTOMER_NOT_FOUND", message, ("filter", "customerId"))
    return frozenset(found)


def followed(filter: ChangeFilter, change: Change) -> ChangeFilter:
    """Return the filter of the entries that follow a change: a customer that is merged goes on as the survivor."""
    is_merge = change.kind is ChangeKind.CUSTOMERS_MERGED
    if not is_merge or change.other_customer not in filter.customers or change.customer in filter.customers:
        return filter
    return replace(filter, customers=filter.customers | {change.customer})
