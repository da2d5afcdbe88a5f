"""Reads customers as far as a viewer reaches them: whole, a part of them, or not at all."""

from asyncio import gather
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import TypeVar

from msgspec.structs import replace

from graph.commands.references import CUSTOMER
from graph.domain.access.accessed import Accessed
from graph.domain.access.part_view import EVERYTHING, Part, all_identifiers, one_identifier, view_of_part, wide
from graph.domain.access.reach import (
    ConnectedPart,
    derived_id,
    held_part,
    may_ask_by,
    narrowed,
    narrows,
    opens_itself,
    self_part,
)
from graph.domain.access.viewer import Reach, Viewer
from graph.domain.model.customers import Customer
from graph.domain.model.identifiers import Pair, namespace_of
from graph.domain.model.links import Link
from graph.domain.model.observations import Evidence, evidence
from graph.domain.model.overrides import OverrideKind
from graph.domain.model.rules import ORDER_NAMESPACE, Rules
from graph.domain.profile.pages import (
    EMPTY,
    ById,
    ByKey,
    CustomerRef,
    CustomerView,
    IdentifierPage,
    IdentifierView,
    LinkPage,
    OrderPage,
    OrderView,
    Page,
    PageRequest,
    Selection,
)
from graph.identity_graph import IdentityGraph

ALL_LINKS = LinkPage(EVERYTHING)
OWN_ID = "cus_"
"""What ids begin with that stand for customers of partners, as all ids of customers do."""
MAX_OVERRIDES = 1_000
"""Overrides of one identifier that are read; there are few."""
MAX_READS = 10
"""Reads of one operation at the same time: a customer may have thousands of identifiers, and others read, too."""
Views = list[CustomerView | None]
PartOf = Callable[[str, Customer, Collection[str], Iterable[Link], Iterable[Pair], Rules], ConnectedPart]
"""Finds the part of a customer that one of its identifiers opens: `self_part` or `held_part`."""
T = TypeVar("T")
R = TypeVar("R")


class ViewerReads:
    """Reads customers for one viewer, and records which it was shown in `accessed`.

    A reference that is refused is looked up as well, without pages: the response takes as long as for one that does
    not exist, and the refusal is recorded.
    """

    __slots__ = ("_graph", "_narrows", "_viewer", "accessed")

    def __init__(self, graph: IdentityGraph, viewer: Viewer, accessed: Accessed) -> None:
        self._graph, self._viewer, self.accessed = graph, viewer, accessed
        self._narrows = narrows(viewer)

    async def customers(self, refs: Sequence[CustomerRef], selection: Selection) -> Views:
        """Return what the viewer sees of customers in the order of `refs`, `None` for one that it does not reach."""
        if not self._narrows:
            if self._viewer.reach is Reach.ANY:
                return self._shown(await self._graph.customers(refs, selection))
            return await self._reached(refs, selection)
        pages = {page: narrowed(page, self._viewer) for page in selection.pages}
        chosen = Selection.of(page for page in pages.values() if page is not None)
        views = await self._reached(refs, chosen)
        return [None if view is None else self._with_pages(view, pages) for view in views]

    def _with_pages(self, view: CustomerView, pages: Mapping[PageRequest, PageRequest | None]) -> CustomerView:
        """Return a view in which each requested page has the content of the one that was read instead."""
        found = {page: EMPTY if read is None else view.pages[read] for page, read in pages.items()}
        if self._viewer.reach is Reach.HELD:
            # Of the orders there is one page.
            for page, content in found.items():
                if isinstance(page, OrderPage):
                    found[page] = Page(content.items, has_more=False)
        return replace(view, pages=found)

    async def _reached(self, refs: Sequence[CustomerRef], selection: Selection) -> Views:
        match self._viewer.reach:
            case Reach.ANY:
                return self._shown(await self._graph.customers(refs, selection))
            case Reach.SELF if self._viewer.subject is not None:
                return await self._of_self(self._viewer.subject, refs, selection)
            case Reach.SELF:
                allowed = [not isinstance(ref, ById) and opens_itself(ref.key, self._graph.rules) for ref in refs]
                alone = [ref for ref, may in zip(refs, allowed, strict=True) if may]
                views = await _each(alone, lambda ref: self._alone(ref, selection))
                return await self._with_refused(refs, allowed, views)
            case Reach.OWN:
                await self._graph.references.open()
                return await _each(refs, lambda ref: self._own(ref, selection))
        allowed = [may_ask_by(self._viewer, ref, self._graph.rules) for ref in refs]
        if self._viewer.reach is Reach.HELD:
            presented = [ref.key for ref, may in zip(refs, allowed, strict=True) if may and isinstance(ref, ByKey)]
            views = await _each(presented, lambda key: self._held(key, selection))
            return await self._with_refused(refs, allowed, views)
        asked = [ref for ref, may in zip(refs, allowed, strict=True) if may]
        found = self._shown(await self._graph.customers(asked, selection)) if asked else []
        return await self._with_refused(refs, allowed, found)

    def _shown(self, views: Views) -> Views:
        customers = self.accessed.customers
        for view in views:
            if view is not None:
                customers[view.customer.id] = None
        return views

    async def _with_refused(self, refs: Sequence[CustomerRef], allowed: Sequence[bool], views: Views) -> Views:
        """Return the views of the allowed references in the places of all, and record what was refused."""
        await self._refuse([ref for ref, may in zip(refs, allowed, strict=True) if not may])
        remaining = iter(views)
        return [next(remaining) if may else None for may in allowed]

    async def _refuse(self, refs: Sequence[CustomerRef]) -> None:
        if refs:
            found = await self._graph.customers(refs, Selection())
            self.accessed.refused += sum(view is not None for view in found)

    # --- the subject of a token

    async def _of_self(self, subject: str, refs: Sequence[CustomerRef], selection: Selection) -> Views:
        """Return the subject's customer for each reference to it, and for cookies, which decide nothing."""
        view, keys, whole = await self._subject(subject, selection)
        if view is None:
            await self._refuse(refs)
            return [None for _ in refs]

        async def is_self(ref: CustomerRef) -> bool:
            if isinstance(ref, ByKey):
                return ref.key in keys or opens_itself(ref.key, self._graph.rules)
            return ref.id == derived_id(subject) or (whole and await self._leads_to(ref, view.customer.id))

        allowed = [await is_self(ref) for ref in refs]
        views: Views = [
            replace(view, requested_id=ref.id) if isinstance(ref, ById) else view
            for ref, may in zip(refs, allowed, strict=True)
            if may
        ]
        return await self._with_refused(refs, allowed, views)

    async def _leads_to(self, ref: ById, id: str) -> bool:
        if ref.id == id:
            return True
        (view,) = await self._graph.customers([ref], Selection())
        return view is not None and view.customer.id == id

    async def self_keys(self) -> frozenset[str]:
        """Return the identifiers that belong to the subject of the viewer; none without a subject."""
        subject = self._viewer.subject
        return frozenset() if subject is None else (await self._subject(subject, Selection()))[1]

    def watched(self, ref: CustomerRef) -> CustomerRef:
        """Return the customer whose changes may change what the viewer sees at a reference."""
        subject = self._viewer.subject
        if self._viewer.reach is Reach.SELF and subject is not None:
            return ByKey(subject)
        if self._viewer.reach is Reach.OWN and isinstance(ref, ById):
            key = self._key_of(ref.id)
            return ref if key is None else ByKey(key)
        return ref

    async def _held(self, presented: str, selection: Selection) -> CustomerView | None:
        """Return what an identifier that is presented at a counter opens."""
        view, _, _ = await self._connected(presented, selection, held_part, None)
        return view

    async def _subject(self, subject: str, selection: Selection) -> tuple[CustomerView | None, frozenset[str], bool]:
        """Return what the subject sees of its customer, its identifiers, and whether they are the whole customer."""
        return await self._connected(subject, selection, self_part, derived_id(subject))

    async def _connected(
        self, key: str, selection: Selection, part_of: PartOf, id: str | None
    ) -> tuple[CustomerView | None, frozenset[str], bool]:
        """Return the part of a customer that is connected with one of its identifiers.

        Also return the identifiers of the part, and whether it is the whole. A part has the id of the customer unless
        another one is given.
        """
        page = all_identifiers(self._graph.rules)
        (view,) = await self._graph.customers([ByKey(key)], Selection.of((*selection.pages, page, ALL_LINKS)))
        if view is None:
            return None, frozenset(), False
        found = await self._part(key, view, page, part_of)
        if not found.whole:
            pages = Selection.of((*wide(selection, page).pages, ALL_LINKS))
            (view,) = await self._graph.customers([ByKey(key)], pages)
            if view is None:
                return None, frozenset(), False
            found = ConnectedPart((await self._part(key, view, page, part_of)).keys, False)
        self._shown([view])
        if found.whole:
            chosen = {requested: view.pages[requested] for requested in selection.pages}
            return replace(view, requested_id=None, pages=chosen), found.keys, True
        part = Part(found.keys, id or view.customer.id, flags=True)
        return view_of_part(view, view.pages[page].items, selection, part, self._graph.rules), found.keys, False

    async def _part(self, key: str, view: CustomerView, page: IdentifierPage, part_of: PartOf) -> ConnectedPart:
        identifiers = [item.identifier.key for item in view.pages[page].items]
        links: Sequence[Link] = view.pages[ALL_LINKS].items
        together = await self._together(identifiers) if view.customer.override_count else []
        return part_of(key, view.customer, identifiers, links, together, self._graph.rules)

    async def _together(self, keys: Sequence[str]) -> list[Pair]:
        pages = await _each(keys, lambda key: self._graph.overrides(key, None, MAX_OVERRIDES))
        return [override.pair for page in pages for override in page.items if override.kind is OverrideKind.TOGETHER]

    # --- one cookie

    async def _alone(self, ref: CustomerRef, selection: Selection) -> CustomerView | None:
        """Return what belongs to one identifier alone, whether or not its customer is a known person."""
        if isinstance(ref, ById):
            return None
        page = one_identifier(ref.key)
        (view,) = await self._graph.customers([ref], wide(selection, page, with_orders=False))
        if view is None:
            return None
        self._shown([view])
        part = Part(frozenset((ref.key,)), derived_id(ref.key))
        return view_of_part(view, view.pages[page].items, selection, part, self._graph.rules)

    # --- what the viewer's sources sent

    async def _own(self, ref: CustomerRef, selection: Selection) -> CustomerView | None:
        """Return what the viewer's sources sent of a customer, if one of them named it, and by this identifier."""
        sources = self._viewer.sources or frozenset()
        key = self._key_of(ref.id) if isinstance(ref, ById) else ref.key
        if key is None:
            return None
        # Read first without anything else: a refusal must not take longer for a customer with more data.
        first = one_identifier(key)
        (found,) = await self._graph.customers([ByKey(key)], Selection.of((first,)))
        if found is None:
            return None
        if not any(item.identifier.key == key and _named(item, sources) for item in found.pages[first].items):
            self.accessed.refused += 1
            return None
        page = all_identifiers(self._graph.rules)
        (view,) = await self._graph.customers([ByKey(key)], wide(selection, page, with_orders=False))
        if view is None:
            return None
        own: list[IdentifierView] = [item for item in view.pages[page].items if _named(item, sources)]
        evidence_by_key = await self._evidence([item for item in own if not _only_named(item, sources)], sources)
        part = Part(
            frozenset(item.identifier.key for item in own),
            self._own_id(own, evidence_by_key),
            sources,
            evidence_by_key,
            orders=await self._orders([item.identifier.key for item in own], sources),
        )
        shown = view_of_part(view, own, selection, part, self._graph.rules)
        if shown is None:
            self.accessed.refused += 1
            return None
        self._shown([view])
        return replace(shown, requested_id=ref.id if isinstance(ref, ById) else None)

    def _own_id(self, own: Sequence[IdentifierView], evidence_by_key: Mapping[str, Evidence]) -> str:
        """Return the id by which viewers with these sources know a customer.

        The customer's id would tell since when anybody has known the person, and would change when an identifier turns
        out to be known to others. So it stands for the identifier that the viewer's sources named first.
        """

        def first_seen(item: IdentifierView) -> tuple[int, str]:
            found = evidence_by_key.get(item.identifier.key) or item.evidence
            return (0 if found is None else found.first_seen_at), item.identifier.key

        first = min(own, key=first_seen, default=None)
        return "" if first is None else OWN_ID + self._graph.references.seal(first.identifier.key, self._own_kind)

    def _key_of(self, id: str) -> str | None:
        """Return the identifier that an id of `_own_id` stands for; `None` if it is not one of this viewer's."""
        return self._graph.references.unseal(id.removeprefix(OWN_ID), self._own_kind) if id.startswith(OWN_ID) else None

    @property
    def _own_kind(self) -> bytes:
        return CUSTOMER + "\0".join(sorted(self._viewer.sources or ())).encode()

    async def _evidence(self, items: Sequence[IdentifierView], sources: frozenset[str]) -> Mapping[str, Evidence]:
        """Return the evidence of some sources for identifiers that others named too."""
        if not items:
            return {}
        found: dict[str, Evidence] = {}
        statements_by_key = await self._graph.evidence_of([item.identifier.key for item in items])
        for key, statements in statements_by_key.items():
            own = evidence({name: statement for name, statement in statements.items() if statement.source in sources})
            if own is not None:
                found[key] = own
        return found

    async def _orders(self, keys: Sequence[str], sources: frozenset[str]) -> tuple[OrderView, ...]:
        """Return what some sources report of orders, newest first: also where the report of another one counts."""
        of_orders = [key for key in keys if namespace_of(key) == ORDER_NAMESPACE]
        found = await self._graph.orders_of_sources(of_orders, sources)
        views = (OrderView(key, order) for key, order in found.items())
        return tuple(sorted(views, key=lambda view: (view.order.placed_at, view.key), reverse=True))


async def _each(items: Sequence[T], read: Callable[[T], Awaitable[R]]) -> list[R]:
    """Return what `read` returns for each item, in order; a few are read at a time."""
    found: list[R] = []
    for begin in range(0, len(items), MAX_READS):
        found += await gather(*map(read, items[begin : begin + MAX_READS]))
    return found


def _named(item: IdentifierView, sources: frozenset[str]) -> bool:
    return item.evidence is not None and not sources.isdisjoint(item.evidence.sources)


def _only_named(item: IdentifierView, sources: frozenset[str]) -> bool:
    return item.evidence is not None and sources.issuperset(item.evidence.sources)
