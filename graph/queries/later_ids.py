"""The ids under which is stored now what a customer was at an earlier time: former ids, the other way round."""

import heapq
from collections.abc import Mapping, Sequence

from msgspec import Struct

from graph.domain.model.changes import ChangeKind, Entry
from graph.ports import Store

MAX_IDS = 10_000
"""Number of ids that are followed for one question; beyond it, those that are left are not followed."""

_History = Mapping[str, Sequence[Entry]]
"""The changes that took data from a customer, by its id, in order."""


class LaterIds(Struct, frozen=True):
    """The ids under which the data of a customer is stored now, sorted; none if nothing of it is left.

    There are several if it was split, or if one of its identifiers moved to another customer. `erased` says whether
    data of it was erased.
    """

    ids: tuple[str, ...] = ()
    erased: bool = False


async def later_ids(store: Store, since: Mapping[str, int]) -> dict[str, LaterIds]:
    """Return where the data of customers is now. `since` has for each id a time (microseconds) at which it was used."""
    entries: dict[int, Entry] = {}
    known: set[str] = set()
    pending = set(since)
    while pending and len(known) < MAX_IDS:
        found = await store.history(sorted(pending))
        entries |= {entry.number: entry for entry in found if _gained(entry) or entry.change.kind in _LOST_ALL}
        known |= pending
        pending = {id for entry in found if (id := _gained(entry))} - known
    by_id: dict[str, list[Entry]] = {}
    for number in sorted(entries):
        by_id.setdefault(_lost(entries[number]), []).append(entries[number])
    return {id: _followed(id, time, by_id, entries) for id, time in since.items()}


def _lost(entry: Entry) -> str:
    """Return the id that a change took data from."""
    change = entry.change
    return change.other_customer if change.kind in _FROM_OTHER else change.customer


def _gained(entry: Entry) -> str:
    """Return the id that a change gave data of another one; empty if it did not."""
    change = entry.change
    if change.kind is ChangeKind.CUSTOMER_SPLIT:
        return change.other_customer
    return change.customer if change.kind in _FROM_OTHER and change.other_customer else ""


_FROM_OTHER = (ChangeKind.CUSTOMERS_MERGED, ChangeKind.IDENTIFIERS_MOVED)
"""The kinds of changes that give `customer` data of `other_customer`."""


_LOST_ALL = (ChangeKind.CUSTOMER_EMPTIED, ChangeKind.CUSTOMER_ERASED)
"""The kinds of changes after which nothing is stored of `customer`."""


def _followed(id: str, time: int, history: _History, entries: Mapping[int, Entry]) -> LaterIds:
    """Replay what happened from a time on to the data that a customer had then."""
    present, erased = {id}, False
    waiting = [(entry.number, id) for entry in history.get(id, ()) if entry.change.recorded_at >= time]
    heapq.heapify(waiting)
    while waiting:
        number, holder = heapq.heappop(waiting)
        if holder not in present:
            continue
        entry = entries[number]
        kind = entry.change.kind
        if kind in _LOST_ALL or kind is ChangeKind.CUSTOMERS_MERGED:
            present.discard(holder)
        erased |= kind is ChangeKind.CUSTOMER_ERASED
        gained = _gained(entry)
        if gained and gained not in present:
            present.add(gained)
            for later in history.get(gained, ()):
                if later.number > number:
                    heapq.heappush(waiting, (later.number, gained))
    return LaterIds(tuple(sorted(present)), erased)
