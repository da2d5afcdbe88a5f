"""Recorded memberships, after any sequence of facts, merges, splits and undos and as time passes, equal those of a full
evaluation of the valid observations; and the feed has every entry and exit, and none for members that merge."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from graph.commands.commit import commit
from graph.commands.segments import Segments
from graph.domain.model.changes import ChangeKind
from graph.domain.model.dates import DAY, SECOND
from graph.domain.model.facts import Fact, FactKind, InteractionSummary, detail
from graph.domain.model.order_totals import add, order_totals_of
from graph.domain.model.orders import Order, OrderLine, OrderStatus
from graph.domain.model.products import Product
from graph.domain.model.segments import Membership, SegmentState
from graph.domain.profile.attributes import AttributesStatement
from graph.domain.profile.catalog import Catalog
from graph.domain.profile.consents import ConsentStatement, Decision
from graph.domain.profile.external_segments import ExternalSegmentStatement
from graph.domain.profile.insights import CustomerInsights
from graph.domain.profile.interactions import Interaction, InteractionStatement
from graph.domain.profile.pages import (
    CustomerView,
    FactPage,
    InteractionSummaryPage,
    OrderPage,
    OrderView,
    Page,
    PageRequest,
    TimelinePage,
)
from graph.domain.profile.prediction import Model
from graph.domain.profile.rfm import RfmPopulation, population
from graph.domain.profile.timeline import TimelineEntry
from graph.domain.resolution.preparation import Command, prepare
from graph.domain.segments.rule_parser import parse
from graph.ports import Store
from graph.segment_worker import SegmentWorker
from tests.builders.graphs import CountingIds, Graph, identifiers, observe, seen
from tests.builders.runs import Run
from tests.builders.store_contents import valid_facts
from tests.builders.stores import Fresh
from tests.builders.strategies import (
    RULES,
    SETTINGS,
    SOURCES,
    keys,
    observations,
    override_removals,
    overrides,
    revocations,
)

CATALOG = Catalog()
START = 20_000 * DAY
MODEL = Model(7, 2357, 0.243, 4.414, 0.793, 2.426, {"EUR": (6.25, 3.74, 15.44)})
PRODUCT = Product("a1", "Shoe", "pim", 0, "Acme", ("shoes",))

SEGMENT_RULES: list[dict[str, Any]] = [
    {"attribute": {"name": "given_name", "in": ["ANN"]}},
    {"attribute": {"name": "given_name", "exists": False}},
    {"attribute": {"name": "birth_date", "minYears": 18, "maxYears": 30}},
    {"attribute": {"name": "birth_date", "anniversaryWithinDays": 3}},
    {"metric": {"name": "ORDER_COUNT", "min": 2}},
    {"metric": {"name": "REVENUE", "currency": "EUR", "min": 5, "max": 12}},
    {"metric": {"name": "DAYS_SINCE_LAST_ORDER", "min": 2, "max": 4}},
    {"metric": {"name": "OVERDUE_RATIO", "min": 1.5}},
    {"metric": {"name": "RECENCY_SCORE", "min": 3}},
    {"metric": {"name": "PROBABILITY_ALIVE", "max": 0.9}},
    {"rfmGroup": ["CHAMPIONS", "NEW", "LOST"]},
    {"journeyStage": ["CONSIDERATION", "LAPSED"]},
    {"churnRisk": ["MEDIUM", "HIGH"]},
    {"interaction": {"types": ["product_added", "page_viewed"], "withinDays": 3, "minCount": 2}},
    {"interaction": {"sku": "a1", "channels": ["web"]}},
    {"interaction": {"properties": [{"name": "rating", "min": 4}], "withinDays": 3, "minCount": 2}},
    {"interaction": {"types": ["page_viewed"], "properties": [{"name": "utm_source", "in": ["google"]}]}},
    {"interaction": {"properties": [{"name": "rating", "max": 3}, {"name": "utm_source", "exists": False}]}},
    {"order": {"categories": ["shoes"], "withinDays": 5}},
    {"order": {"minCount": 2}},
    {"consent": {"purpose": "newsletter", "channel": "EMAIL", "decisions": ["GIVEN"]}},
    {"externalSegment": {"segment": "gamers"}},
    {"hasNamespace": "mail"},
    {"known": True},
    {
        "all": [
            {"known": True},
            {"any": [{"hasNamespace": "mail"}, {"not": {"metric": {"name": "ORDER_COUNT", "max": 1}}}]},
        ]
    },
]

days = st.integers(0, 12)
attributes = st.builds(
    lambda keys, source, values, at: AttributesStatement(
        source, identifiers(keys), values, reported_at=START + at * DAY
    ),
    keys,
    SOURCES,
    st.sampled_from(
        [{"given_name": "Ann"}, {"given_name": None}, {"birth_date": "2004-10-10"}, {"birth_date": "1994-10-15"}]
    ),
    days,
)
interactions = st.builds(
    lambda keys, type, sku, channel, at, id, properties: InteractionStatement(
        Interaction("web", type, START + at * DAY, id, channel, sku=sku, properties=properties), identifiers(keys)
    ),
    keys,
    st.sampled_from(["page_viewed", "product_added", "unsubscribed"]),
    st.sampled_from(["", "a1"]),
    st.sampled_from(["web", "app"]),
    days,
    st.sampled_from([f"i{number}" for number in range(20)]),
    st.sampled_from([{}, {"rating": 5}, {"rating": 2.5}, {"rating": 4, "utm_source": "Google"}]),
)
consents = st.builds(
    lambda keys, decision, at: ConsentStatement(
        "shop", identifiers(keys), "newsletter", decision, decided_at=START + at * DAY
    ),
    keys,
    st.sampled_from([Decision.GIVEN, Decision.WITHDRAWN]),
    days,
)
external_segments = st.builds(
    lambda keys, at, duration: ExternalSegmentStatement(
        "dmp", identifiers(keys), "gamers", START + (at + duration) * DAY, reported_at=START + at * DAY
    ),
    keys,
    days,
    st.integers(1, 5),
)
facts = st.one_of(attributes, interactions, interactions, consents, external_segments).map(
    lambda statement: observe(statement.observation(), RULES)
)
orders = st.builds(
    lambda number, placed, total, status, sku, keys: prepare(
        Order(
            number,
            "shop",
            START + placed * DAY,
            START + placed * DAY,
            "EUR",
            Decimal(total),
            status,
            (OrderLine(sku, Decimal(1), Decimal(total)),),
        ).observation(identifiers(keys)),
        RULES,
        START,
    ),
    st.sampled_from("abcdef"),
    days,
    st.integers(0, 9),
    st.sampled_from(OrderStatus),
    st.sampled_from(["a1", "a2"]),
    keys.map(lambda keys: [key for key in keys if not key.startswith("order")]),
)
commands = st.one_of(facts, facts, facts, orders, orders, observations, revocations, overrides, override_removals)
batches = st.lists(
    st.tuples(st.lists(commands, min_size=1, max_size=4), st.sampled_from([0, DAY // 2, DAY, 40 * DAY])),
    min_size=1,
    max_size=8,
)


def nothing() -> None:
    """What is called after a write."""


async def no_statistics() -> tuple[None, None]:
    """The statistics of a graph in which none were calculated."""
    return None, None


class Clock:
    """A clock that the test sets."""

    def __init__(self, now: int) -> None:
        self.time = now

    def now(self) -> int:
        return self.time


class ModelPages(Mapping[PageRequest, Page[Any]]):
    """The pages of a customer, computed from the valid observations."""

    def __init__(self, model: Graph, held: set[str]) -> None:
        self._model, self._held = model, held

    def _facts(self, kind: FactKind) -> list[Fact]:
        return [fact for fact in valid_facts(self._model, kind, RULES) if fact.key in self._held]

    def _orders(self) -> list[OrderView]:
        members = (self._model.store.members[key] for key in self._held)
        views = [OrderView(member.key, member.order) for member in members if member.order is not None]
        return sorted(views, key=lambda view: (view.order.placed_at, view.key), reverse=True)

    def _interactions(self) -> list[TimelineEntry]:
        entries = (TimelineEntry.interaction(fact) for fact in self._facts(FactKind.INTERACTION))
        return sorted(entries, key=lambda entry: entry.position, reverse=True)

    def __getitem__(self, page: PageRequest) -> Page[Any]:
        match page:
            case FactPage(kind, _):
                return Page(self._facts(kind), False)
            case OrderPage():
                return Page(self._orders(), False)
            case InteractionSummaryPage(first):
                facts = [entry.content for entry in self._interactions()]
                summaries = [InteractionSummary(fact.at, *detail("interaction", fact.facts)) for fact in facts]
                return Page(summaries[:first], False)
            case TimelinePage():
                entries = [entry for entry in self._interactions() if _matches(entry.content, page)]
                return Page(entries[: page.first], False)
        raise AssertionError(page)

    def __iter__(self) -> Iterator[PageRequest]:
        raise AssertionError

    def __len__(self) -> int:
        raise AssertionError


def _matches(fact: Fact, page: TimelinePage) -> bool:
    interaction = Interaction.of(fact)
    return (
        interaction.occurred_at >= page.since
        and (page.types is None or interaction.type in page.types)
        and (page.channels is None or interaction.channel in page.channels)
        and page.sku in (None, interaction.sku)
        and all(condition.matches(interaction.properties) for condition in page.properties)
    )


def evaluated(model: Graph, now: int, all_customers: RfmPopulation, names: Sequence[str]) -> dict[str, set[str]]:
    """The members of each segment, by a full evaluation of each customer."""
    members: dict[str, set[str]] = {name: set() for name in names}
    conditions = [parse(rule, CATALOG, RULES) for rule in SEGMENT_RULES]
    for customer in [customer for customer in model.store.customers.values() if customer.live]:
        held = {member.key for member in model.store.members.values() if member.customer == customer.node}
        view = CustomerView(customer, None, ModelPages(model, held))
        namespaces = frozenset(RULES.known_namespaces)
        insights = CustomerInsights(now, view, CATALOG, namespaces, all_customers, MODEL, {"a1": PRODUCT})
        for name, condition in zip(names, conditions, strict=True):
            if condition.evaluate(insights).holds:
                members[name].add(customer.id)
    return members


def recorded(store: Store, run: Run, names: Sequence[str]) -> dict[str, set[str]]:
    """The recorded members of each segment."""
    ids = {segment.name: segment.id for segment in run(store.segments())}
    return {name: {membership.customer for membership in run(store.members(ids[name], "", 1_000))} for name in names}


def assert_feed_tells_members(store: Store, run: Run) -> None:
    """Replays the entries, exits and merges of the feed: they give the recorded members, and since when they are."""
    members: dict[str, dict[str, int]] = {segment.id: {} for segment in run(store.segments())}
    for entry in run(store.changes(0, 100_000)):
        change = entry.change
        entered_at = members.get(change.cause.id, {})
        if change.kind is ChangeKind.SEGMENT_ENTERED:
            assert change.customer not in entered_at
            entered_at[change.customer] = change.recorded_at
        elif change.kind is ChangeKind.SEGMENT_EXITED:
            del entered_at[change.customer]
        elif change.kind is ChangeKind.CUSTOMERS_MERGED:
            for of_segment in members.values():
                if (merged := of_segment.pop(change.other_customer, None)) is not None:
                    of_segment[change.customer] = min(merged, of_segment.get(change.customer, merged))
    for segment, expected in members.items():
        assert {member.customer: member.entered_at for member in run(store.members(segment, "", 1_000))} == expected


@settings(SETTINGS, max_examples=25)
@given(sequence=batches, created_first=st.booleans())
def test_recorded_members_equal_those_of_a_full_evaluation(
    fresh: Fresh, run: Run, sequence: list[tuple[list[Command], int]], created_first: bool
) -> None:
    # given
    store, model, ids, clock = fresh(), Graph(RULES), CountingIds(), Clock(START + 13 * DAY)
    customers = [Order("1", "s", START + n * DAY, 0, "EUR", Decimal(n)) for n in range(9)]
    all_customers = population([add([order_totals_of(order)]) for order in customers], 0)

    async def latest() -> tuple[RfmPopulation, Model]:
        return all_customers, MODEL

    run(store.save_products([PRODUCT]))
    segments = Segments(store, clock, CountingIds(), CATALOG, lambda: RULES, latest, nothing, nothing)
    worker = SegmentWorker(store, clock, segments)
    names = [f"s{number:02}" for number in range(len(SEGMENT_RULES))]

    def create() -> None:
        for name, rule in zip(names, SEGMENT_RULES, strict=True):
            run(segments.create(name, rule, "tester"))

    if created_first:
        create()
    for batch, elapsed in sequence:
        # when
        model.do(*batch)
        run(store.write(lambda batch=batch: commit(batch, RULES, model.now, ids)))
        assert_feed_tells_members(store, run)
        clock.time += elapsed
        if created_first:
            run(worker.catch_up())
            # then
            expected = evaluated(model, clock.now(), all_customers, names)
            assert recorded(store, run, names) == expected
            assert_feed_tells_members(store, run)
    if not created_first:
        create()
        run(worker.catch_up())
    expected = evaluated(model, clock.now(), all_customers, names)
    assert recorded(store, run, names) == expected
    assert_feed_tells_members(store, run)
    # and the segments of a customer are evaluated without the records
    live = [customer.id for customer in model.store.customers.values() if customer.live]
    for id, memberships in run(segments.of_customers(live)).items():
        assert {segment.name for segment, _ in memberships} == {name for name in names if id in expected[name]}
    deleted = names[0]
    run(segments.delete({segment.name: segment.id for segment in run(segments.all())}[deleted], "tester"))
    assert deleted not in [segment.name for segment in run(segments.all())]
    states: list[SegmentState] = run(store.segment_states(live))
    assert all(len(state.segments) == sum(state.id in expected[name] for name in names[1:]) for state in states)


def test_members_that_merge_stay_members_without_an_entry(store: Store, run: Run) -> None:
    # given: three members of a segment of people with an email address, and of one of those without
    ids, clock = CountingIds(), Clock(START)
    segments = Segments(store, clock, ids, CATALOG, lambda: RULES, no_statistics, nothing, nothing)
    worker = SegmentWorker(store, clock, segments)
    named = run(segments.create("named", {"hasNamespace": "mail"}, ""))
    nameless = run(segments.create("nameless", {"not": {"hasNamespace": "mail"}}, ""))

    def see(*observed: Sequence[str]) -> None:
        clock.time += 1
        batch = [observe(seen(*keys, at=clock.time / SECOND), RULES) for keys in observed]
        run(store.write(lambda: commit(batch, RULES, clock.time, ids)))
        assert_feed_tells_members(store, run)

    def entries() -> list[tuple[ChangeKind, str, str]]:
        kinds = (ChangeKind.SEGMENT_ENTERED, ChangeKind.SEGMENT_EXITED, ChangeKind.CUSTOMERS_MERGED)
        changes = [entry.change for entry in run(store.changes(0, 1_000))]
        return [(change.kind, change.customer, change.reason) for change in changes if change.kind in kinds]

    see(["crm=a"])
    run(worker.catch_up())
    see(["mail=a"])
    run(worker.catch_up())
    see(["mail=b"])
    run(worker.catch_up())
    first, second, third = (entry[1] for entry in entries())
    before = entries()
    # when: they become one customer in one write, before anything was evaluated
    see(["crm=a", "mail=a"], ["crm=a", "mail=b"])
    # then: the survivor has the memberships of all three, each since the first of them had it
    (survivor,) = {customer for kind, customer, _ in entries() if kind is ChangeKind.CUSTOMERS_MERGED}
    assert survivor == first
    assert run(store.members(named.id, "", 9)) == [Membership(named.id, survivor, START + 2)]
    assert run(store.members(nameless.id, "", 9)) == [Membership(nameless.id, survivor, START + 1)]
    assert {second, third}.isdisjoint(membership.customer for membership in run(store.members(named.id, "", 9)))
    # and its own evaluation decides which of them remain
    run(worker.catch_up())
    assert_feed_tells_members(store, run)
    assert entries() == [
        *before,
        *[entry for entry in entries() if entry[0] is ChangeKind.CUSTOMERS_MERGED],
        (ChangeKind.SEGMENT_EXITED, survivor, "nameless"),
    ]
