"""The views of customers, read from Neo4j in one query that holds the pages selected and no others."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from graph.domain.model.facts import Skimmed
from graph.domain.model.identifiers import Identifier
from graph.domain.model.orders import Order
from graph.domain.profile.pages import (
    Asked,
    ById,
    CustomerView,
    FactPage,
    HistoryPage,
    IdentifierPage,
    IdentifierView,
    LinkPage,
    Match,
    MatchPage,
    OrderPage,
    OrderView,
    Page,
    PageRequest,
    Selection,
    SkimPage,
    TallyPage,
    TimelinePage,
)
from graph.domain.profile.timeline import NO_END, Moment, TimelineKind, bound
from graph.stores.neo4j import cypher, mapping

_TEXTS = cypher.load("customer_pages")
_PARTS = {name: text.replace("$tellers", _TEXTS["tellers"]) for name, text in _TEXTS.items()}
ALIVE = _PARTS["alive"]
SMALL = 200
"""Identifiers of a customer up to which its lists are read whole instead of along an index."""
_KINDS: dict[type, str] = {
    IdentifierPage: "identifiers",
    OrderPage: "orders",
    LinkPage: "links",
    MatchPage: "matches",
    HistoryPage: "history",
    FactPage: "facts",
    TimelinePage: "timeline",
    TallyPage: "tallies",
    SkimPage: "skim",
}


class Read(NamedTuple):
    """A customer as the query answers it: the place of what was asked for, and whether it was read whole."""

    at: int
    node: str
    customer: Mapping[str, Any]
    pages: list[list[Any]]
    held: int
    whole: bool


def query(asked: Sequence[Asked], selection: Selection) -> tuple[str, dict[str, Any]]:
    """The text of the query and its parameters."""
    who = [{"id": one.id, "key": None} if isinstance(one, ById) else {"id": None, "key": one.key} for one in asked]
    text, values = _of_pages(selection)
    return text, {"asked": who, "small": SMALL, "end": NO_END, **values}


@lru_cache(maxsize=500)
def _of_pages(selection: Selection) -> tuple[str, dict[str, Any]]:
    """The text, and the parameters of the pages: most clients ask for the same ones over and over."""
    pages = selection.pages
    values = {f"page{number}": _parameters(page) for number, page in enumerate(pages)}
    return _text(tuple(_KINDS[type(page)] for page in pages)), values


@lru_cache(maxsize=256)
def _text(kinds: tuple[str, ...]) -> str:
    pages = ", ".join(_PARTS[kind].replace("$page", f"$page{number}") for number, kind in enumerate(kinds))
    return _PARTS["head"].replace("$pages", pages) + "\n" + _PARTS["tail"]


def _parameters(page: PageRequest) -> dict[str, Any]:
    """A page's own parameter; one item more than it holds tells whether more follow."""
    if isinstance(page, TallyPage):
        return {}
    values: dict[str, Any] = {"first": page.first + 1}
    if isinstance(page, SkimPage):
        return values
    if isinstance(page, FactPage):
        return {**values, "kind": page.kind.value}
    if isinstance(page, TimelinePage):
        bounds: list[list[Any]] = [list(bound(kind, page.after, page.until)) for kind in TimelineKind]
        bounds[TimelineKind.CHANGE][1] = int(bounds[TimelineKind.CHANGE][1] or 0)
        kinds = [kind.value for kind in page.kinds]
        filters = {name: getattr(page, name) for name in ("channels", "types", "campaign", "sku", "since")}
        return {**values, "bounds": bounds, "kinds": kinds, **filters}
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
    """For each namespace that is still to come: how the counts name it, and the keys between which its own lie."""
    rank, after = page.after or (0, "")
    return [
        [f'"{name}":', max(f"{name}=", after) if place == rank else f"{name}=", f"{name}>"]
        for place, name in enumerate(page.namespaces)
        if place >= rank
    ]


def view(asked: Asked, selection: Selection, read: Read) -> CustomerView:
    """What was read of a customer as a view."""
    pages: dict[PageRequest, Page[Any]] = {}
    for page, items in zip(selection.pages, read.pages, strict=True):
        if isinstance(page, TimelinePage):
            # Three lists came one after the other, each long enough.
            items = sorted(items, key=lambda item: _moment(item).place, reverse=True)
        first = len(items) if isinstance(page, TallyPage) else page.first
        pages[page] = Page(list(map(_ITEM[type(page)], items[:first])), len(items) > first)
    return CustomerView(
        mapping.customer(read.customer, read.node), asked.id if isinstance(asked, ById) else None, pages
    )


def _moment(item: Any) -> Moment:
    number, values = item
    kind = TimelineKind(number)
    if kind is TimelineKind.INTERACTION:
        return Moment.interaction(mapping.told(values))
    if kind is TimelineKind.ORDER:
        return Moment.order(values[0], Order.from_facts(*values[1:]))
    return Moment.change(mapping.entry(values))


def _identifier(item: Any) -> IdentifierView:
    return IdentifierView(Identifier.from_key(item["key"]), mapping.evidence(item), item["shared"], item["blocked"])


def _match(item: Any) -> Match:
    a, b, values, at_a, at_b, marks = item
    marks_a, marks_b = ([mapping.mark(mark) for mark in side] for side in marks)
    customers = mapping.customer(at_a, a), mapping.customer(at_b, b)
    return Match(mapping.link(a, b, values), *customers, marks_a, marks_b)


_ITEM: dict[type, Callable[[Any], object]] = {
    IdentifierPage: _identifier,
    OrderPage: lambda item: OrderView(item[0], Order.from_facts(*item[1:])),
    LinkPage: lambda item: mapping.link(*item),
    HistoryPage: mapping.entry,
    FactPage: mapping.told,
    TimelinePage: _moment,
    TallyPage: mapping.tally,
    SkimPage: lambda item: Skimmed(item[0], *(text or "" for text in item[1:])),
    MatchPage: _match,
}
"""What an item of a page is, by the page's kind."""
