"""The ids under which a customer was stored before."""

from graph.domain.model.changes import ChangeKind
from graph.ports import Store

MAX_IDS = 1_000
"""Number of ids that are looked for; a customer with more is made of shared identifiers."""


async def former_ids(store: Store, id: str) -> dict[str, int | None]:
    """Return the ids of a customer, each with the time (microseconds) until which it was stored under it.

    Those that merges retired have no end, as the present one; those from which a split took it end with the split.
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
            else:
                continue
            end = result[later]
            # What an id was merged with after the customer had left it is of others.
            if former in result or (end is not None and change.recorded_at >= end):
                continue
            result[former] = change.recorded_at if change.kind is ChangeKind.CUSTOMER_SPLIT else end
            pending.append(former)
    return result
