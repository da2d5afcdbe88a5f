"""Views of customers, read from Neo4j in one query that holds the selected pages and no others."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from graph.domain.model.email_events import EMAIL_ARRIVED, EMAIL_BOUNCED, EmailEvent
from graph.domain.model.facts import InteractionSummary
from graph.domain.model.identifiers import Identifier
from graph.domain.model.orders import Order
from graph.domain.profile.pages import (
    ById,
    CustomerRef,
    CustomerView,
    EmailEventPage,
    FactPage,
    HistoryPage,
    IdentifierPage,
    IdentifierView,
    InteractionCountsPage,
    InteractionSummaryPage,
    LinkPage,
    Match,
    MatchPage,
    OrderPage,
    OrderView,
    Page,
    PageRequest,
    Selection,
    TimelinePage,
)
from graph.domain.profile.property_filters import texts_of_names
from graph.domain.profile.timeline import NO_END, TimelineEntry, TimelineKind, bound
from graph.stores.neo4j import cypher, history, mapping
from graph.stores.neo4j.property_pages import block_size

_TEXTS = cypher.load("customer_pages")
_PARTS = {name: text.replace("$fact_holders", _TEXTS["fact_holders"]) for name, text in _TEXTS.items()}
LIVE_KEYS = _PARTS["live_keys"]
SMALL_CUSTOMER = 200
"""The number of identifiers up to which the lists of a customer are read whole instead of along an index."""
_KINDS: dict[type, str] = {
    IdentifierPage: "identifiers",
    OrderPage: "orders",
    LinkPage: "links",
    MatchPage: "matches",
    HistoryPage: "history",
    FactPage: "facts",
    TimelinePage: "timeline",
    InteractionCountsPage: "interaction_counts",
    InteractionSummaryPage: "interaction_summaries",
    EmailEventPage: "email_events",
}


class CustomerRecord(NamedTuple):
    """A customer as the query returns it.

    `at` is the position of its reference. `consistent` is false if a change was committed while the query ran.
    """

    at: int
    node: str
    customer: Mapping[str, Any]
    pages: list[list[Any]]
    identifier_count: int
    consistent: bool


def query(refs: Sequence[CustomerRef], selection: Selection) -> tuple[str, dict[str, Any]]:
    """Return the text of the query and its parameters."""
    rows = [{"id": ref.id, "key": None} if isinstance(ref, ById) else {"id": None, "key": ref.key} for ref in refs]
    text, values = _of_pages(selection)
    return text, {"refs": rows, "small": SMALL_CUSTOMER, "end": NO_END, **values}


@lru_cache(maxsize=500)
def _of_pages(selection: Selection) -> tuple[str, dict[str, Any]]:
    """Return the text and the parameters of the pages. Cached, because most clients request the same pages again."""
    pages = selection.pages
    values = {f"page{number}": _parameters(page) for number, page in enumerate(pages)}
    return _text(tuple(_KINDS[type(page)] for page in pages)), values


@lru_cache(maxsize=256)
def _text(kinds: tuple[str, ...]) -> str:
    pages = ", ".join(_PARTS[kind].replace("$page", f"$page{number}") for number, kind in enumerate(kinds))
    return _PARTS["head"].replace("$pages", pages) + "\n" + _PARTS["tail"]


def _parameters(page: PageRequest) -> dict[str, Any]:
    """Return a page's own parameter. One item more than requested is read, to see whether more follow."""
    if isinstance(page, InteractionCountsPage):
        return {}
    if isinstance(page, EmailEventPage):
        prefixes = [[f'"{name}":', f"{name}=", f"{name}>"] for name in page.namespaces]
        types = {"bounced": EMAIL_BOUNCED, "types": [EMAIL_BOUNCED, *EMAIL_ARRIVED]}
        return {"namespaces": list(page.namespaces), "ranges": prefixes, **types}
    values: dict[str, Any] = {"first": page.first + 1}
    if isinstance(page, InteractionSummaryPage):
        return values
    if isinstance(page, FactPage):
        return {**values, "kind": page.kind.value}
    if isinstance(page, TimelinePage):
        bounds: list[list[Any]] = [list(bound(kind, page.after, page.until)) for kind in TimelineKind]
        bounds[TimelineKind.CHANGE][1] = int(bounds[TimelineKind.CHANGE][1] or 0)
        kinds = [kind.value for kind in page.kinds]
        filters = {name: getattr(page, name) for name in ("channels", "types", "campaign", "sku", "since")}
        values["first"] = block_size(page) + 1
        names = texts_of_names(page.properties)
        return {**values, "bounds": bounds, "kinds": kinds, "property_names": names, **filters}
    values["after"] = page.after
    if isinstance(page, OrderPage):
        values["after"] = page.after or [NO_END, ""]
    if isinstance(page, IdentifierPage):
        values["rank"] = {namespace: rank for rank, namespace in enumerate(page.namespaces)}
        values["ranges"] = _ranges(page)
    if isinstance(page, LinkPage):
        values["states"] = [state.value for state in page.states]
    return values


def _ranges(page: IdentifierPage) -> list[list[str]]:
    """Return, for each namespace from the cursor on, how the counts name it, and the keys that its own lie between."""
    rank, after = page.after or (0, "")
    return [
        [f'"{name}":', max(f"{name}=", after) if place == rank else f"{name}=", f"{name}>"]
        for place, name in enumerate(page.namespaces)
        if place >= rank
    ]


def view(ref: CustomerRef, selection: Selection, record: CustomerRecord) -> CustomerView:
    """Return a customer that was read as a view. Its pages by properties hold blocks, which `property_pages` reads."""
    pages: dict[PageRequest, Page[Any]] = {}
    for page, items in zip(selection.pages, record.pages, strict=True):
        first = len(items) if isinstance(page, InteractionCountsPage | EmailEventPage) else page.first
        if isinstance(page, TimelinePage):
            # The query returns three lists one after the other, each with enough items.
            items = sorted(items, key=lambda item: _timeline_entry(item).position, reverse=True)
            first = block_size(page)
        pages[page] = Page(list(map(_ITEM[type(page)], items[:first])), len(items) > first)
    customer = mapping.customer(record.customer, record.node)
    restricted = bool(record.customer["restricted"])
    return CustomerView(customer, ref.id if isinstance(ref, ById) else None, pages, restricted)


def _timeline_entry(item: Any) -> TimelineEntry:
    number, values = item
    kind = TimelineKind(number)
    if kind is TimelineKind.INTERACTION:
        return TimelineEntry.interaction(mapping.fact(values))
    if kind is TimelineKind.ORDER:
        return TimelineEntry.order(values[0], Order.from_facts(*values[1:]))
    return TimelineEntry.change(history.entry(values))


def _identifier(item: Any) -> IdentifierView:
    return IdentifierView(Identifier.from_key(item["key"]), mapping.evidence(item), item["shared"], item["blocked"])


def _match(item: Any) -> Match:
    a, b, values, customer_a, customer_b, overrides = item
    overrides_a, overrides_b = ([history.override(node) for node in side] for side in overrides)
    customers = mapping.customer(customer_a, a), mapping.customer(customer_b, b)
    return Match(mapping.link(a, b, values), *customers, overrides_a, overrides_b)


_ITEM: dict[type, Callable[[Any], object]] = {
    IdentifierPage: _identifier,
    OrderPage: lambda item: OrderView(item[0], Order.from_facts(*item[1:])),
    LinkPage: lambda item: mapping.link(*item),
    HistoryPage: history.entry,
    FactPage: mapping.fact,
    TimelinePage: _timeline_entry,
    InteractionCountsPage: mapping.interaction_counts,
    InteractionSummaryPage: lambda item: InteractionSummary(item[0], *(text or "" for text in item[1:])),
    MatchPage: _match,
    EmailEventPage: lambda item: EmailEvent(*item),
}
"""The functions that convert an item of a page, by the type of page."""
