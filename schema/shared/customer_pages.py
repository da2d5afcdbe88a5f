"""The arguments of a customer's lists as the pages that a store is asked for.

Each function serves twice: for the look-ahead, which collects all pages of a selection before anything is read, and
for the resolver, which finds its page in the view. So the two cannot disagree.
"""

from collections.abc import Sequence

from graph.domain.model.errors import InvalidInput
from graph.domain.model.links import State
from graph.domain.model.rules import Rules
from graph.domain.profile.insights import CONSENTS, LATELY, ORDERS, OUTSIDE, PROFILE, UNSUBSCRIBED
from graph.domain.profile.pages import (
    MAX_PAGE,
    HistoryPage,
    IdentifierPage,
    LinkPage,
    MatchPage,
    OrderPage,
    PageRequest,
    TallyPage,
    TimelinePage,
)
from graph.domain.profile.timeline import NO_END, TimelineKind
from schema.shared.cursors import decode, page_size
from schema.shared.scalars import readable

TALLIES = TallyPage()
"""What all interactions count for."""
NEEDS: dict[str, tuple[PageRequest, ...]] = {
    "profile": (PROFILE,),
    "consents": (CONSENTS,),
    "consent": (CONSENTS,),
    "outsideSegments": (OUTSIDE,),
    "favourites": (ORDERS,),
    "viewedNotBought": (ORDERS, LATELY),
    "journey": (ORDERS, LATELY),
    "habits": (ORDERS, LATELY, TALLIES, UNSUBSCRIBED),
}
"""Fields that are worked out from pages of their own."""
STATES = tuple(State)
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
    chosen = rules.names if namespaces is None else tuple(name for name in rules.names if name in namespaces)
    place = None if after is None else decode(after, int, str)
    return IdentifierPage(chosen, page_size(first), place and (place[0], place[1]))


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
    chosen = STATES if states is None else tuple(state for state in STATES if state in states)
    return LinkPage(page_size(first), place and (place[0], place[1]), chosen)


def match_page(first: int, after: str | None = None) -> MatchPage:
    """A page of possible matches."""
    place = None if after is None else decode(after, str, str)
    return MatchPage(page_size(first), place and (place[0], place[1]))


def timeline_page(
    first: int,
    after: str | None = None,
    kinds: Sequence[TimelineKind] | None = None,
    channels: Sequence[str] | None = None,
    since: int | None = None,
    until: int | None = None,
    types: Sequence[str] | None = None,
) -> TimelinePage:
    """A page of the timeline; with channels or types it holds interactions only."""
    place = None if after is None else decode(after, int, int, str)
    if place is not None and place[1] not in TimelineKind.__members__.values():
        raise InvalidInput("BAD_CURSOR", f"after: {str(after)[:60]!r} is no cursor of this list", ("after",))
    for field, names in (("channels", channels or ()), ("types", types or ())):
        if len(names) > MAX_PAGE:
            raise InvalidInput("BAD_COUNT", f"{field} holds {len(names)} names; {MAX_PAGE} are allowed", (field,))
    wanted = tuple(kind for kind in TimelineKind if kinds is None or kind in kinds)
    if channels is not None or types is not None:
        wanted = tuple(kind for kind in wanted if kind is TimelineKind.INTERACTION)
    return TimelinePage(
        page_size(first),
        place and (place[0], place[1], place[2]),
        wanted,
        None if channels is None else tuple(channels),
        None if types is None else tuple(dict.fromkeys(types)),
        since=-NO_END if since is None else readable(since, "since"),
        until=None if until is None else readable(until, "until"),
    )


def history_page(first: int, after: str | None = None) -> HistoryPage:
    """A page of the history."""
    return HistoryPage(page_size(first), None if after is None else decode(after, int)[0])
