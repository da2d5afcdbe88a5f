"""The history: the feed of all changes, and customers as recorded at a time."""

from collections.abc import Iterable, Sequence

from graph.domain.model.changes import ChangeKind, Entry
from graph.domain.model.customers import NEVER_SEEN, Anchor, Customer
from graph.domain.model.errors import InvalidInput
from graph.domain.model.identifiers import Identifier, namespace_of
from graph.domain.profile.pages import (
    ById,
    CustomerRef,
    CustomerView,
    IdentifierPage,
    IdentifierView,
    Page,
    PageRequest,
    Selection,
)
from graph.domain.resolution.replay import Replay
from graph.ports import CustomerHistoryStore, HistoryStore


async def feed(store: HistoryStore, after: int, first: int) -> tuple[list[Entry], bool]:
    """Return a page of the feed after an entry, without gaps, and whether more entries follow.

    Raises `InvalidInput` if there is no entry with the number `after`.
    """
    if after and await entry_at(store, after) is None:
        raise InvalidInput("INVALID_CURSOR", "after: the history has no entry at this cursor", ("after",))
    entries = without_gaps(await store.changes(after, first + 1), after)
    return entries[:first], len(entries) > first


async def entry_at(store: HistoryStore, number: int) -> Entry | None:
    """Return an entry of the history by its number."""
    entries = await store.changes(number - 1, 1) if number > 0 else []
    return entries[0] if entries and entries[0].number == number else None


def without_gaps(entries: Sequence[Entry], after: int) -> list[Entry]:
    """Return the entries that follow `after` without a gap.

    An entry whose predecessor is not visible yet is left for a later read.
    """
    return [entry for index, entry in enumerate(entries) if entry.number == after + 1 + index]


async def entries_around(store: HistoryStore, ids: Iterable[str]) -> list[Entry]:
    """Return all entries about some customers and all customers they ever exchanged identifiers with, in order."""
    unread, read = set(ids), set[str]()
    entries: dict[int, Entry] = {}
    while unread:
        read |= unread
        page = await store.history(sorted(unread))
        entries.update((entry.number, entry) for entry in page)
        unread = {id for entry in page for id in (entry.change.customer, entry.change.other_customer) if id} - read
    return [entries[number] for number in sorted(entries)]


async def customer_at(
    store: CustomerHistoryStore, ref: CustomerRef, at: int, selection: Selection
) -> CustomerView | None:
    """Return the customer of an id or identifier as recorded at a time (microseconds), `None` if there was none.

    The time is that of recording, not of observation. The view holds the selected pages of identifiers, without their
    evidence, whose history is not stored.
    """
    if isinstance(ref, ById):
        ids = [ref.id]
    else:
        (view,) = await store.customers([ref], Selection())
        ids = [view.customer.id] if view is not None else await store.customers_mentioning(ref.key)
    entries = await entries_around(store, ids)
    past = [entry.change for entry in entries if entry.change.recorded_at <= at]
    replay = Replay(past)
    id = replay.current_id(ref.id) if isinstance(ref, ById) else replay.customer_id_of(ref.key)
    # Whatever an erased customer held that others hold now would tell that it was theirs.
    erased = {entry.change.customer for entry in entries if entry.change.kind is ChangeKind.CUSTOMER_ERASED}
    if id is None or id not in replay.groups or id in erased:
        return None
    keys = sorted(replay.groups[id])
    created = next(change.recorded_at for change in past if id in (change.customer, change.other_customer))
    counts: dict[str, int] = {}
    for key in keys:
        counts[namespace_of(key)] = counts.get(namespace_of(key), 0) + 1
    customer = Customer(None, id, created, Anchor(keys[0] if keys else "", NEVER_SEEN), counts=counts)
    pages: dict[PageRequest, Page[IdentifierView]] = {
        page: _page(keys, page) for page in selection.pages if isinstance(page, IdentifierPage)
    }
    return CustomerView(customer, ref.id if isinstance(ref, ById) else None, pages)


def _page(keys: Sequence[str], page: IdentifierPage) -> Page[IdentifierView]:
    rank_of = {namespace: rank for rank, namespace in enumerate(page.namespaces)}
    ranked = sorted((rank_of[namespace_of(key)], key) for key in keys if namespace_of(key) in rank_of)
    remaining = [key for rank, key in ranked if page.after is None or (rank, key) > page.after]
    identifiers = [IdentifierView(Identifier.from_key(key), None) for key in remaining[: page.first]]
    return Page(identifiers, len(remaining) > page.first)
