"""Maps the arguments of a customer's lists to the pages that a store reads.

Each function has two callers: the look-ahead, which collects all pages of a selection before anything is read, and the
resolver, which finds its page in the view. So the two cannot disagree.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from graph.domain.model.errors import InvalidInput
from graph.domain.model.links import LinkState
from graph.domain.model.rules import Rules
from graph.domain.profile.deliverability import address_page, email_event_page
from graph.domain.profile.insights import (
    CONSENTS,
    EXTERNAL_SEGMENTS,
    ORDERS,
    PROFILE,
    RECENT_INTERACTIONS,
    UNSUBSCRIBED,
)
from graph.domain.profile.pages import (
    MAX_PAGE,
    HistoryPage,
    IdentifierPage,
    InteractionCountsPage,
    LinkPage,
    MatchPage,
    OrderPage,
    PageRequest,
    TimelinePage,
)
from graph.domain.profile.timeline import NO_END, TimelineKind
from graph.viewer_graph import ViewerGraph
from schema.shared.cursors import decode, decode_hidden, invalid_cursor, page_size
from schema.shared.property_condition import PropertyCondition, timeline_filters
from schema.shared.scalars import require_valid

INTERACTION_COUNTS = InteractionCountsPage()
"""The page of interaction counts, which has no arguments."""
REQUIRED_PAGES: dict[str, tuple[PageRequest, ...]] = {
    "profile": (PROFILE,),
    "consents": (CONSENTS,),
    "consent": (CONSENTS,),
    "externalSegments": (EXTERNAL_SEGMENTS, CONSENTS),
    "segments": (CONSENTS,),
    "rfm": (CONSENTS,),
    "prediction": (CONSENTS,),
    "predictionStatus": (CONSENTS,),
    "withheld": (CONSENTS,),
    "favorites": (ORDERS, CONSENTS),
    "viewedNotPurchased": (ORDERS, RECENT_INTERACTIONS, CONSENTS),
    "journey": (ORDERS, RECENT_INTERACTIONS, CONSENTS),
    "engagement": (ORDERS, RECENT_INTERACTIONS, INTERACTION_COUNTS, UNSUBSCRIBED, CONSENTS),
}
"""The pages that each computed field requires. Those of profiling require consents: the customer may object."""
STATES = tuple(LinkState)
SHORTHANDS = {"devices": "device", "emails": "email", "loyaltyCards": "loyalty_card"}
"""Fields that return the identifiers of one namespace."""


def identifier_page(
    graph: ViewerGraph, first: int, after: str | None = None, namespaces: Sequence[str] | None = None
) -> IdentifierPage:
    """Return a page of identifiers, of the given namespaces or of all."""
    rules = graph.rules
    for namespace in namespaces or ():
        if namespace not in rules.by_name:
            known = ", ".join(rules.by_name)
            message = f"namespaces: {namespace[:60]!r} is not in the rules; allowed are {known}"
            raise InvalidInput("UNKNOWN_NAMESPACE", message, ("namespaces",))
    chosen = rules.names if namespaces is None else tuple(name for name in rules.names if name in namespaces)
    position = None if after is None else decode_hidden(graph.references, after, int, str)
    return IdentifierPage(chosen, page_size(first), position and (position[0], position[1]))


def shorthand_page(rules: Rules, field: str, first: int) -> IdentifierPage:
    """Return the page of a shorthand field; an empty one if the rules do not contain its namespace."""
    namespace = SHORTHANDS[field]
    return IdentifierPage((namespace,) if namespace in rules.by_name else (), page_size(first))


def undeliverable_pages(graph: ViewerGraph) -> tuple[PageRequest, ...]:
    """Return the pages from which the undeliverable addresses follow."""
    return email_event_page(graph.catalog), CONSENTS


def contactable_pages(graph: ViewerGraph, channel: str) -> tuple[PageRequest, ...]:
    """Return the pages from which the addresses of a channel follow that may be contacted; none if it is unknown."""
    if channel not in graph.catalog.channels:
        return ()
    return address_page(graph.catalog, channel), *undeliverable_pages(graph)


def order_page(first: int, after: str | None = None) -> OrderPage:
    """Return a page of orders."""
    position = None if after is None else decode(after, int, str)
    return OrderPage(page_size(first), position and (position[0], position[1]))


def link_page(
    graph: ViewerGraph, first: int, after: str | None = None, states: Sequence[LinkState] | None = None
) -> LinkPage:
    """Return a page of links, in the given states or in all."""
    position = None if after is None else decode_hidden(graph.references, after, str, str)
    chosen = STATES if states is None else tuple(state for state in STATES if state in states)
    return LinkPage(page_size(first), position and (position[0], position[1]), chosen)


def match_page(graph: ViewerGraph, first: int, after: str | None = None) -> MatchPage:
    """Return a page of possible matches."""
    position = None if after is None else decode_hidden(graph.references, after, str, str)
    return MatchPage(page_size(first), position and (position[0], position[1]))


def timeline_page(
    graph: ViewerGraph,
    first: int,
    after: str | None = None,
    kinds: Sequence[TimelineKind] | None = None,
    channels: Sequence[str] | None = None,
    since: int | None = None,
    until: int | None = None,
    types: Sequence[str] | None = None,
    properties: Sequence[PropertyCondition | Mapping[str, Any]] | None = None,
) -> TimelinePage:
    """Return a page of the timeline; with channels, types or properties it contains interactions only."""
    position = None if after is None else decode(after, int, int, str)
    if position is not None and position[1] not in TimelineKind.__members__.values():
        raise invalid_cursor(str(after))
    for field, names in (("channels", channels or ()), ("types", types or ())):
        if len(names) > MAX_PAGE:
            raise InvalidInput(
                "INVALID_COUNT", f"{field} contains {len(names)} names; {MAX_PAGE} are allowed", (field,)
            )
    selected_kinds = tuple(kind for kind in TimelineKind if kinds is None or kind in kinds)
    if any(names is not None for names in (channels, types, properties)):
        selected_kinds = tuple(kind for kind in selected_kinds if kind is TimelineKind.INTERACTION)
    return TimelinePage(
        page_size(first),
        position and (position[0], position[1], position[2]),
        selected_kinds,
        None if channels is None else tuple(channels),
        None if types is None else tuple(dict.fromkeys(types)),
        since=-NO_END if since is None else require_valid(since, "since"),
        until=None if until is None else require_valid(until, "until"),
        properties=timeline_filters(properties, graph.viewer),
    )


def history_page(first: int, after: str | None = None) -> HistoryPage:
    """Return a page of the history."""
    return HistoryPage(page_size(first), None if after is None else decode(after, int)[0])
