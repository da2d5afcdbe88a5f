"""The ids under which a customer was stored before."""

from graph.domain.model.changes import Change, ChangeKind
from graph.ports import Store

MAX_IDS = 1_000
"""Number of ids that are looked for; a customer with more is made of shared identifiers."""


async def former_ids(store: Store, id: str, key: str = "") -> dict[str, int | None]:
    """Return the ids of a customer, each with the time (microseconds) until which it was stored under it.

    Those that merges retired have no end, as the present one; those from which a split took it end with the split, and
    those from which its identifier `key` moved with the move.
    """
    result: dict[str, int | None] = {id: None}
    pending = [id]
    while pending and len(result) < MAX_IDS:
        present, pending = frozenset(pending), []
        for entry in await store.history(sorted(present)):
            change = entry.change
            if change.kind is ChangeKind.CUSTOMERS_MERGED and change.customer in present:
                later, former = change.customer, change.other_customer
            elif change.kind is ChangeKind.CUSTOMER_SPLIT and change.other_customer in present:
                later, former = change.other_customer, change.customer
            elif _moved(change, key) and change.customer in present:
                later, former = change.customer, change.other_customer
            else:
                continue
            end = result[later]
            # What an id was merged with after the customer had left it is of others.
            if former in result or (end is not None and change.recorded_at >= end):
                continue
            result[former] = end if change.kind is ChangeKind.CUSTOMERS_MERGED else change.recorded_at
            pending.append(former)
    return result


def _moved(change: Change, key: str) -> bool:
    """Return whether a change moved an identifier between two customers, which both live on."""
    return change.kind is ChangeKind.IDENTIFIERS_MOVED and bool(change.other_customer) and key in change.keys
