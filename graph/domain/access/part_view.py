"""The view of a part of a customer: what belongs to some identifiers, or what some sources sent.

A store reads whole customers. The part is cut out of pages that were read wide, and everything that follows from them
is computed again: counts, order totals, the time of creation. So both stores agree, and nothing of the rest shows.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from graph.domain.model import interaction_counts, order_totals
from graph.domain.model.customers import Anchor, Customer, anchor_of
from graph.domain.model.facts import Fact, FactKind, InteractionSummary, detail
from graph.domain.model.identifiers import namespace_of
from graph.domain.model.observations import Evidence
from graph.domain.model.rules import Rules
from graph.domain.profile.pages import (
    EMPTY,
    CustomerView,
    EmailEventPage,
    FactPage,
    HistoryPage,
    IdentifierPage,
    IdentifierView,
    InteractionCountsPage,
    InteractionSummaryPage,
    LinkPage,
    MatchPage,
    OrderPage,
    OrderView,
    Page,
    PageRequest,
    Selection,
    TimelinePage,
)
from graph.domain.profile.timeline import TimelineEntry, TimelineKind, bound

EVERYTHING = 10_000_000
"""The size of a page that holds all items."""
ALL_ORDERS = OrderPage(EVERYTHING)
ALL_INTERACTIONS = TimelinePage(EVERYTHING, kinds=(TimelineKind.INTERACTION,))


class Part(Struct, frozen=True):
    """What of a customer is shown: facts at `keys`, and, with `sources`, only what these sent.

    `id` is the id that the part is shown under. `evidence` is that of `sources` for identifiers that others named too,
    and `orders` what `sources` reported of orders, newest first: the store keeps the report of the source that takes
    precedence, so theirs would be missing where others reported the same order. Without it, the part has what is kept.
    Without `flags`, identifiers do not show that they are shared or blocked: that follows from other people.
    """

    keys: frozenset[str]
    id: str
    sources: frozenset[str] | None = None
    evidence: Mapping[str, Evidence] = {}
    flags: bool = False
    orders: Sequence[OrderView] | None = None

    def shows(self, key: str, source: str) -> bool:
        """Return whether the part contains a fact of a source at a key."""
        return key in self.keys and (self.sources is None or source in self.sources)


def all_identifiers(rules: Rules) -> IdentifierPage:
    """Return the page of all identifiers of a customer."""
    return IdentifierPage(rules.names, EVERYTHING)


def one_identifier(key: str) -> IdentifierPage:
    """Return a page that begins with one identifier, if the customer holds it."""
    last = ord(key[-1]) - 1
    before = key[:-1] + (chr(last if not 0xD800 <= last <= 0xDFFF else 0xD7FF) + "\U0010ffff" if last > 0 else "")
    return IdentifierPage((namespace_of(key),), 1, (0, before))


def wide(selection: Selection, identifiers: IdentifierPage, *, with_orders: bool = True) -> Selection:
    """Return the pages that must be read to show a part of a customer: those of its kinds, without an end."""
    pages: list[PageRequest] = [identifiers, *((ALL_ORDERS,) if with_orders else ())]
    for page in selection.pages:
        match page:
            case FactPage():
                pages.append(FactPage(page.kind, EVERYTHING))
            case TimelinePage():
                if any(kind is not TimelineKind.CHANGE for kind in page.kinds):
                    pages.append(_whole(page))
            case InteractionCountsPage() | InteractionSummaryPage():
                pages.append(ALL_INTERACTIONS)
            case EmailEventPage():
                pages.append(page)
    return Selection.of(pages)


def _whole(page: TimelinePage) -> TimelinePage:
    """Return a timeline from its position on, without an end and without changes."""
    kinds = tuple(kind for kind in page.kinds if kind is not TimelineKind.CHANGE)
    return replace(page, first=EVERYTHING, kinds=kinds)


def view_of_part(
    view: CustomerView, identifiers: Sequence[IdentifierView], selection: Selection, part: Part, rules: Rules
) -> CustomerView | None:
    """Return a part of a customer; `None` if no source named an identifier of it.

    `view` has the pages that `wide` names, `identifiers` are those that were read. Changes of the customer, its links
    and possible matches name identifiers of the rest, so a part has none of them.
    """
    shown = [_identifier(item, part) for item in identifiers if item.identifier.key in part.keys]
    seen = [item.evidence.first_seen_at for item in shown if item.evidence is not None]
    if not seen:
        return None
    of_customer = _items(view, ALL_ORDERS) if part.orders is None else part.orders
    orders = [item for item in of_customer if part.shows(item.key, item.order.source)]
    counts: dict[str, int] = {}
    for item in shown:
        counts[item.identifier.namespace] = counts.get(item.identifier.namespace, 0) + 1
    anchor = anchor_of(
        (Anchor(item.identifier.key, item.evidence.first_seen_at) for item in shown if item.evidence is not None), rules
    )
    customer = Customer(
        part.id,
        part.id,
        min(seen),
        anchor,
        counts=counts,
        order_totals=order_totals.add(order_totals.order_totals_of(item.order) for item in orders),
    )
    pages = {page: _page(page, view, shown, orders, part) for page in selection.pages}
    return CustomerView(customer, None, pages, view.restricted, view.objected_to)


def _items(view: CustomerView, page: PageRequest) -> Sequence[Any]:
    return view.pages.get(page, EMPTY).items


def _identifier(item: IdentifierView, part: Part) -> IdentifierView:
    evidence = item.evidence
    if part.sources is not None and evidence is not None and not part.sources.issuperset(evidence.sources):
        evidence = part.evidence.get(item.identifier.key)
    flags = part.flags
    return IdentifierView(item.identifier, evidence, flags and item.shared, flags and item.blocked)


def _page(
    page: PageRequest,
    view: CustomerView,
    identifiers: Sequence[IdentifierView],
    orders: Sequence[OrderView],
    part: Part,
) -> Page[Any]:
    match page:
        case IdentifierPage():
            return _identifier_page(identifiers, page)
        case OrderPage():
            behind = (item for item in orders if page.after is None or (item.order.placed_at, item.key) < page.after)
            return _cut(behind, page.first)
        case FactPage():
            facts: Sequence[Fact] = _items(view, FactPage(page.kind, EVERYTHING))
            return _cut((fact for fact in facts if part.shows(fact.key, fact.source)), page.first)
        case TimelinePage():
            return _cut(_entries(view, _whole(page), part), page.first)
        case InteractionCountsPage():
            return _counts(_interactions(view, part))
        case InteractionSummaryPage():
            return _cut(map(_summary, _interactions(view, part)), page.first)
        case EmailEventPage():
            events = _items(view, page)
            return Page([event for event in events if part.shows(event.key, event.source)], has_more=False)
        case LinkPage() | MatchPage() | HistoryPage():
            return EMPTY


def _cut(items: Iterable[Any], first: int) -> Page[Any]:
    listed = list(items)
    return Page(listed[:first], len(listed) > first)


def _identifier_page(identifiers: Sequence[IdentifierView], page: IdentifierPage) -> Page[IdentifierView]:
    place_of = {name: place for place, name in enumerate(page.namespaces)}
    placed = sorted(
        ((place_of[item.identifier.namespace], item.identifier.key), item)
        for item in identifiers
        if item.identifier.namespace in place_of
    )
    return _cut((item for position, item in placed if page.after is None or position > page.after), page.first)


def _entries(view: CustomerView, page: TimelinePage, part: Part) -> list[TimelineEntry]:
    entries = [entry for entry in _items(view, page) if _shows(entry, part)]
    if part.orders is None or TimelineKind.ORDER not in page.kinds:
        return entries
    entries = [entry for entry in entries if entry.position[1] != TimelineKind.ORDER]
    entries += (TimelineEntry.order(item.key, item.order) for item in part.orders if _is_on(page, item))
    return sorted(entries, key=lambda entry: entry.position, reverse=True)


def _is_on(page: TimelinePage, item: OrderView) -> bool:
    """Return whether an order is on a timeline from its position on."""
    placed_at = item.order.placed_at
    return placed_at >= page.since and (placed_at, item.key) < bound(TimelineKind.ORDER, page.after, page.until)


def _shows(entry: TimelineEntry, part: Part) -> bool:
    content = entry.content
    if isinstance(content, Fact):
        return part.shows(content.key, content.source)
    return isinstance(content, tuple) and part.shows(content[0], content[1].source)


def _interactions(view: CustomerView, part: Part) -> list[Fact]:
    contents = (entry.content for entry in _entries(view, ALL_INTERACTIONS, part))
    return [content for content in contents if isinstance(content, Fact)]


def _counts(interactions: Iterable[Fact]) -> Page[interaction_counts.InteractionCounts]:
    by_key: dict[str, list[interaction_counts.InteractionCounts]] = {}
    for fact in interactions:
        of_fact = interaction_counts.interaction_counts_of(FactKind.INTERACTION.value, fact.facts, fact.at)
        by_key.setdefault(fact.key, []).append(of_fact)
    return Page([interaction_counts.add(counts) for counts in by_key.values()], has_more=False)


def _summary(fact: Fact) -> InteractionSummary:
    return InteractionSummary(fact.at, *detail(FactKind.INTERACTION.value, fact.facts))
