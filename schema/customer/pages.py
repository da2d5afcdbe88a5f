"""The arguments of a customer's lists as the pages that a store is asked for.

Each function serves twice: for the look-ahead, which collects all pages of a selection before anything is read, and
for the resolver, which finds its page in the view. So the two cannot disagree.
"""

from collections.abc import Sequence

from graph.domain.errors import InvalidInput
from graph.domain.facts import FactKind
from graph.domain.links import State
from graph.domain.rules import Rules
from graph.domain.views import FactPage, HistoryPage, IdentifierPage, LinkPage, MatchPage, OrderPage
from schema.cursors import decode, page_size

MOST_FACTS = 100_000
"""Statements of one kind that are read of a customer. They are few: what people do is no statement."""
FACTS = {"profile": FactKind.ATTRIBUTES, "consents": FactKind.CONSENT, "consent": FactKind.CONSENT}
"""Fields that are made of all statements of a kind."""
SHORTHANDS = {"devices": "device", "emails": "email", "loyaltyCards": "loyalty_card"}
"""Fields that are identifiers of one namespace."""


def identifier_page(
    rules: Rules, first: int, after: str | None = None, namespaces: Sequence[str] | None = None
) -> IdentifierPage:
    """A page of identifiers, of some namespaces or of all."""
    for namespace in namespaces or ():
        if namespace not in rules.by_name:
            known = ", ".join(rules.by_name)
            message = f"namespaces: {namespace[:60]!r} is not in the rules; known are {known}"
            raise InvalidInput("UNKNOWN_NAMESPACE", message, ("namespaces",))
    chosen = [name for name in rules.by_name if namespaces is None or name in namespaces]
    place = None if after is None else decode(after, int, str)
    return IdentifierPage(tuple(chosen), page_size(first), place and (place[0], place[1]))


def shorthand_page(rules: Rules, field: str, first: int) -> IdentifierPage:
    """The page of a shorthand; empty where the rules have no such namespace."""
    namespace = SHORTHANDS[field]
    return IdentifierPage((namespace,) if namespace in rules.by_name else (), page_size(first))


def order_page(first: int, after: str | None = None) -> OrderPage:
    """A page of orders."""
    place = None if after is None else decode(after, int, str)
    return OrderPage(page_size(first), place and (place[0], place[1]))


def link_page(first: int, after: str | None = None, states: Sequence[State] | None = None) -> LinkPage:
    """A page of links, of some states or of all."""
    place = None if after is None else decode(after, str, str)
    chosen = tuple(state for state in State if states is None or state in states)
    return LinkPage(page_size(first), place and (place[0], place[1]), chosen)


def match_page(first: int, after: str | None = None) -> MatchPage:
    """A page of possible matches."""
    place = None if after is None else decode(after, str, str)
    return MatchPage(page_size(first), place and (place[0], place[1]))


def fact_page(kind: FactKind) -> FactPage:
    """All that is told of a kind."""
    return FactPage(kind, MOST_FACTS)


def history_page(first: int, after: str | None = None) -> HistoryPage:
    """A page of the history."""
    return HistoryPage(page_size(first), None if after is None else decode(after, int)[0])
