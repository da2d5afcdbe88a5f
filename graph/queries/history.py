"""The history: the feed of all changes, and who somebody was at a moment of recording."""

from collections.abc import Iterable, Sequence

from graph.domain.model.changes import Entry
from graph.domain.model.customers import NEVER, Anchor, Customer
from graph.domain.model.errors import InvalidInput
from graph.domain.model.identifiers import Identifier, namespace_of
from graph.domain.profile.pages import (
    Asked,
    ById,
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
    """A page of the feed behind an entry, without gaps, and whether more follow; raises where there is none."""
    if after > 0 and not await store.changes(after - 1, 1):
        raise InvalidInput("BAD_CURSOR", "since: there is no such place in the history", ("since",))
    found = await store.changes(after, first + 1)
    entries = whole(found, after)
    return entries[:first], len(entries) > first


def whole(found: Sequence[Entry], after: int) -> list[Entry]:
    """What follows an entry without a gap: one whose predecessor is not visible yet waits for the next look."""
    return [entry for place, entry in enumerate(found) if entry.no == after + 1 + place]


async def entries_around(store: HistoryStore, ids: Iterable[str]) -> list[Entry]:
    """All entries about some customers and about all whom they ever gave to or got from, in order."""
    wanted, seen = set(ids), set[str]()
    entries: dict[int, Entry] = {}
    while wanted:
        seen |= wanted
        found = await store.history(sorted(wanted))
        entries.update((entry.no, entry) for entry in found)
        wanted = {id for entry in found for id in (entry.change.customer, entry.change.other) if id} - seen
    return [entries[no] for no in sorted(entries)]


async def customer_at(store: CustomerHistoryStore, asked: Asked, at: int, selection: Selection) -> CustomerView | None:
    """Who an id or an identifier was at a moment (microseconds): of recording, not of being seen.

    The view holds the pages of identifiers that are selected, without what was seen of them: that is not kept for
    every moment.
    """
    if isinstance(asked, ById):
        ids = [asked.id]
    else:
        (view,) = await store.customers([asked], Selection())
        ids = [view.customer.id] if view is not None else await store.naming(asked.key)
    entries = await entries_around(store, ids)
    past = [entry.change for entry in entries if entry.change.at <= at]
    replay = Replay(past)
    id = replay.answering(asked.id) if isinstance(asked, ById) else replay.holder(asked.key)
    if id is None or id not in replay.parts:
        return None
    keys = sorted(replay.parts[id])
    created = next(change.at for change in past if id in (change.customer, change.other))
    counts: dict[str, int] = {}
    for key in keys:
        counts[namespace_of(key)] = counts.get(namespace_of(key), 0) + 1
    customer = Customer(None, id, created, Anchor(keys[0] if keys else "", NEVER), counts=counts)
    pages: dict[PageRequest, Page[IdentifierView]] = {
        page: _page(keys, page) for page in selection.pages if isinstance(page, IdentifierPage)
    }
    return CustomerView(customer, asked.id if isinstance(asked, ById) else None, pages)


def _page(keys: Sequence[str], page: IdentifierPage) -> Page[IdentifierView]:
    rank = {namespace: place for place, namespace in enumerate(page.namespaces)}
    places = sorted((rank[namespace_of(key)], key) for key in keys if namespace_of(key) in rank)
    rest = [key for place, key in places if page.after is None or (place, key) > page.after]
    found = [IdentifierView(Identifier.from_key(key), None) for key in rest[: page.first]]
    return Page(found, len(rest) > page.first)
