"""What a viewer without the scope `restricted:read` is shown of restricted customers: that they are, and no value.

Of such a customer itself a view has the id alone. Whatever else names it loses the values: entries of the history keep
number, kind and customers, because readers of the feed must learn that something changed; links, possible matches,
overrides and findings are left out.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from graph.domain.access.scopes import RESTRICTED_READ
from graph.domain.access.viewer import Viewer
from graph.domain.model.changes import Entry, without_values
from graph.domain.model.customers import Anchor, Customer
from graph.domain.profile.pages import (
    EMPTY,
    ById,
    ByKey,
    CustomerRef,
    CustomerView,
    HistoryPage,
    LinkPage,
    MatchPage,
    Page,
    Selection,
    TimelinePage,
)
from graph.domain.resolution.health import Finding
from graph.identity_graph import IdentityGraph

MAX_REFS = 500
"""References of one look-up."""
T = TypeVar("T")
Views = list[CustomerView | None]


class Named(Struct, frozen=True, gc=False):
    """What an item names: ids of customers, and identifiers."""

    ids: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()

    @property
    def refs(self) -> list[CustomerRef]:
        """The customers that it is about."""
        return [*(ById(id) for id in self.ids if id), *(ByKey(key) for key in self.keys if key)]


class ViewerRestrictions:
    """Withholds what belongs to restricted customers from one viewer."""

    __slots__ = ("_graph", "_sees_all")

    def __init__(self, graph: IdentityGraph, viewer: Viewer) -> None:
        self._graph, self._sees_all = graph, viewer.may(RESTRICTED_READ)

    async def of(self, refs: Iterable[CustomerRef]) -> frozenset[CustomerRef]:
        """Return those of some references that lead to a customer which is withheld."""
        # For a viewer that sees all of it, what is named is not even collected.
        asked = [] if self._sees_all else list(dict.fromkeys(refs))
        if not asked or not await self._graph.has_restrictions():
            return frozenset()
        found: set[CustomerRef] = set()
        for begin in range(0, len(asked), MAX_REFS):
            part = asked[begin : begin + MAX_REFS]
            views = await self._graph.customers(part, Selection())
            found.update(ref for ref, view in zip(part, views, strict=True) if view is not None and view.restricted)
        return frozenset(found)

    def withholds(self, view: CustomerView | None) -> bool:
        """Return whether the viewer is shown nothing but the id of a view."""
        return view is not None and view.restricted and not self._sees_all

    async def shown(self, items: Sequence[T], named: Callable[[T], Named]) -> list[T]:
        """Return items without those that name a customer which is withheld."""
        withheld = await self.of(_refs(map(named, items)))
        return [item for item in items if withheld.isdisjoint(named(item).refs)] if withheld else list(items)

    async def entries(self, entries: Sequence[Entry]) -> list[Entry]:
        """Return entries of the history, without values where they are about a customer which is withheld."""
        withheld = await self.of(_refs(map(named_by_entry, entries)))
        return [_without_values(entry, withheld) for entry in entries] if withheld else list(entries)

    # --- customers

    async def views(self, views: Views) -> Views:
        """Return views: of a restricted customer its id alone, of others without what names restricted ones."""
        if self._sees_all:
            return views
        others = (named for view in views if view is not None and not view.restricted for named in _named_by_view(view))
        withheld = await self.of(_refs(others))
        return [view if view is None else bare(view) if view.restricted else _without(view, withheld) for view in views]


def _refs(named: Iterable[Named]) -> Iterable[CustomerRef]:
    return (ref for item in named for ref in item.refs)


def bare(view: CustomerView) -> CustomerView:
    """Return the view of a restricted customer with nothing but its id."""
    whole = view.customer
    customer = Customer(whole.node, whole.id, whole.created_at, Anchor("", 0))
    return CustomerView(customer, view.requested_id, dict.fromkeys(view.pages, EMPTY), restricted=True)


def named_by_entry(entry: Entry) -> Named:
    """Return what an entry of the history names."""
    change = entry.change
    return Named((change.customer, change.other_customer), (*change.keys, *change.anchors))


def named_by_finding(finding: Finding) -> Named:
    """Return what a finding names."""
    pair = () if finding.link is None else finding.link.pair
    return Named((finding.customer,), (finding.key, *pair, *finding.suggested_apart))


def _named_by_view(view: CustomerView) -> Iterable[Named]:
    """Yield what the pages of a view name that may belong to other customers."""
    for page, content in view.pages.items():
        match page:
            case LinkPage():
                yield from (Named(keys=link.pair) for link in content.items)
            case MatchPage():
                yield from (Named(keys=match.link.pair) for match in content.items)
            case HistoryPage():
                yield from map(named_by_entry, content.items)
            case TimelinePage():
                yield from (named_by_entry(item.content) for item in content.items if isinstance(item.content, Entry))


def _without(view: CustomerView, withheld: frozenset[CustomerRef]) -> CustomerView:
    if not withheld:
        return view
    return replace(view, pages={page: _page(page, content, withheld) for page, content in view.pages.items()})


def _page(page: object, content: Page[Any], withheld: frozenset[CustomerRef]) -> Page[Any]:
    items: Sequence[Any]
    match page:
        case LinkPage():
            items = [link for link in content.items if withheld.isdisjoint(map(ByKey, link.pair))]
        case MatchPage():
            items = [match for match in content.items if withheld.isdisjoint(map(ByKey, match.link.pair))]
        case HistoryPage():
            items = [_without_values(entry, withheld) for entry in content.items]
        case TimelinePage():
            items = [
                replace(item, content=_without_values(item.content, withheld))
                if isinstance(item.content, Entry)
                else item
                for item in content.items
            ]
        case _:
            return content
    return Page(items, content.has_more)


def _without_values(entry: Entry, withheld: frozenset[CustomerRef]) -> Entry:
    """Return an entry with number, kind, time and customers if it is about a customer which is withheld."""
    change = entry.change
    if withheld.isdisjoint(named_by_entry(entry).refs):
        return entry
    return replace(entry, change=without_values(change))
