"""A part of a customer equals what a store shows that has never received anything else."""

from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import astuple, replace

from graph.domain.access.accessed import Accessed
from graph.domain.access.part_view import Part, all_identifiers, view_of_part, wide
from graph.domain.model.dates import SECOND
from graph.domain.model.facts import FactKind
from graph.domain.model.interaction_counts import add
from graph.domain.model.orders import Order, OrderLine, OrderStatement
from graph.domain.profile.attributes import AttributesStatement
from graph.domain.profile.consents import ConsentStatement, Decision
from graph.domain.profile.interactions import Interaction, InteractionStatement
from graph.domain.profile.pages import (
    ByKey,
    CustomerView,
    EmailEventPage,
    FactPage,
    IdentifierPage,
    InteractionCountsPage,
    InteractionSummaryPage,
    OrderPage,
    PageRequest,
    Selection,
    TimelinePage,
)
from graph.domain.profile.property_filters import PropertyFilter
from graph.domain.profile.timeline import TimelineKind
from graph.identity_graph import IdentityGraph
from graph.ports import Store
from graph.viewer_reads import ViewerReads
from tests.builders.clients import Client
from tests.builders.graphs import seen
from tests.builders.runs import Run
from tests.builders.viewers import viewer

NAMES = ("login", "email", "device", "cookie")
KINDS = (TimelineKind.INTERACTION, TimelineKind.ORDER)
START = 1_700_000_000 * SECOND
FACTS = [FactPage(kind, 3) for kind in (FactKind.ATTRIBUTES, FactKind.CONSENT)]
SETTINGS = settings(suppress_health_check=list(HealthCheck), max_examples=40)
examples = count()
"""Examples share a store, and have identifiers of their own."""

keys = st.lists(
    st.sampled_from([f"{name}={value}" for name in NAMES for value in "ab"]), min_size=1, max_size=3, unique=True
)
statements = st.lists(
    st.tuples(
        st.sampled_from(["link", "order", "attributes", "consent", "interaction"]),
        st.sampled_from(["club", "web"]),
        keys,
        st.integers(0, 9),
    ),
    min_size=1,
    max_size=10,
)


@pytest.fixture
def graph(store: Store, run: Run) -> IdentityGraph:
    return Client(store, run).graph


def identifiers(keys: list[str], mark: str) -> tuple[tuple[str, str], ...]:
    """Identifiers of one example, in the form in which the rules leave them."""
    split = (key.split("=") for key in keys)
    return tuple(
        (name, f"{mark}{value}@example.com" if name == "email" else f"{mark}-{value}") for name, value in split
    )


async def record(graph: IdentityGraph, said: list[tuple[str, str, list[str], int]], mark: str, *sources: str) -> None:
    """Record the statements of some sources."""
    for number, (kind, source, named, at) in enumerate(said):
        if source not in sources:
            continue
        ids, time, id = identifiers(named, mark), START + at * SECOND, f"{mark}-{number}"
        match kind:
            case "link":
                await graph.link([replace(seen(source=source, id=id, at=time / SECOND), identifiers=ids)])
            case "order":
                lines = (OrderLine(f"S-{at}", Decimal(1), Decimal(at)),)
                # Several sources report the same few orders.
                order = Order(f"{mark}-{at % 3}", source, time, time, "EUR", Decimal(at), lines=lines)
                await graph.record_orders([OrderStatement(order, ids)])
            case "attributes":
                await graph.record_attributes(
                    [AttributesStatement(source, ids, {"city": f"C{at}"}, id, reported_at=time)]
                )
            case "consent":
                decision = ConsentStatement(source, ids, "newsletter", Decision.GIVEN, id=id, decided_at=time)
                await graph.record_consents([decision])
            case "interaction":
                type = ("product_viewed", "email_opened", "email_bounced")[at % 3]
                visit = Interaction(source, type, time, id, sku=f"S-{at}", channel="web", properties={"at": at})
                await graph.record_interactions([InteractionStatement(visit, ids)])


def selections(graph: IdentityGraph, first: int) -> list[Selection]:
    """A selection for each page: Neo4j plans a query of all of them for minutes on a slow machine."""
    names = graph.rules.names
    interactions = (TimelineKind.INTERACTION,)
    some: list[PageRequest] = [
        IdentifierPage(names, first),
        IdentifierPage(names[2:], first, (1, "")),
        OrderPage(first),
        OrderPage(first, (START + 5 * SECOND, "")),
        TimelinePage(first, kinds=KINDS),
        TimelinePage(first, (START + 5 * SECOND, 0, ""), KINDS),
        TimelinePage(first, kinds=interactions, types=("product_viewed",), sku="S-3"),
        TimelinePage(first, kinds=interactions, until=START + 6 * SECOND),
        TimelinePage(first, kinds=interactions, properties=(PropertyFilter("at", min=3, max=7),)),
        InteractionCountsPage(),
        InteractionSummaryPage(first),
        EmailEventPage(("email", "cookie")),
        *FACTS,
    ]
    return [Selection.of([page]) for page in some]


def content(view: CustomerView, *, flags: bool = True) -> dict[str, Any]:
    """What a view shows, except ids and times of recording, with interaction counts added up."""
    shown: dict[str, Any] = {
        "counts": sorted(view.customer.counts.items()),
        "orders": sorted(view.customer.order_totals.items()),
    }
    for page, found in view.pages.items():
        items: list[Any] = list(found.items)
        if isinstance(page, InteractionCountsPage):
            items = sorted(add(items).items())
        if isinstance(page, EmailEventPage):
            items = sorted(items, key=astuple)
        if isinstance(page, IdentifierPage) and not flags:
            items = [replace(item, shared=False, blocked=False) for item in items]
        shown[str(page)] = items, found.has_more
    return shown


@SETTINGS
@given(said=statements, first=st.integers(1, 4))
def test_the_part_with_all_identifiers_is_the_whole(graph: IdentityGraph, run: Run, said: Any, first: int) -> None:
    # given
    mark = f"q{next(examples):05}x"
    run(record(graph, said, mark, "club", "web"))
    name, value = identifiers(said[0][2], mark)[0]
    ref, every = ByKey(f"{name}={value}"), all_identifiers(graph.rules)
    for selection in selections(graph, first):
        # when
        (whole,) = run(graph.customers([ref], selection))
        (read,) = run(graph.customers([ref], wide(selection, every)))
        if whole is None or read is None:
            return  # a statement that the limits reject
        found = read.pages[every].items
        part = Part(frozenset(item.identifier.key for item in found), whole.customer.id, flags=True)
        shown = view_of_part(read, found, selection, part, graph.rules)
        # then
        assert shown is not None
        assert content(shown) == content(whole)


@SETTINGS
@given(said=statements, first=st.integers(1, 4))
def test_what_a_partner_sees_equals_a_graph_of_its_own_statements(
    graph: IdentityGraph, run: Run, said: Any, first: int
) -> None:
    # given the same statements twice, under other identifiers, once without those of others
    number = next(examples)
    all_of_them, own = f"q{number:05}x", f"q{number:05}y"
    run(record(graph, said, all_of_them, "club", "web"))
    run(record(graph, said, own, "club"))
    partner = ViewerReads(graph, viewer("partner", sources=frozenset({"club"})), Accessed())
    ref, own_ref = (ByKey("=".join(identifiers(said[0][2], mark)[0])) for mark in (all_of_them, own))
    for selection in selections(graph, first):
        # when
        (shown,) = run(partner.customers([ref], selection))
        (expected,) = run(graph.customers([own_ref], selection))
        # then
        assert (shown is None) == (expected is None)
        # What others said may link customers of the partner that its own statements leave apart, or the reverse.
        if shown is None or expected is None or shown.customer.counts != expected.customer.counts:
            return
        texts = [str(content(view, flags=False)).lower() for view in (shown, expected)]
        assert texts[0].replace(all_of_them, own) == texts[1]
