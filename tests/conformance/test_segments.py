"""Who is recorded to belong to segments, after any sequence of facts, merges, splits and undos and as time passes, is
who belongs by a full evaluation of the reports; and the feed tells each entry and exit."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from graph.commands.commit import commit
from graph.commands.segments import Segments
from graph.domain.model.changes import ChangeKind
from graph.domain.model.dates import DAY
from graph.domain.model.facts import FactKind, Skimmed, Told, detail
from graph.domain.model.order_totals import add, figures_of
from graph.domain.model.orders import Order, OrderLine, OrderStatus
from graph.domain.model.products import Product
from graph.domain.model.segments import Belonging
from graph.domain.profile.attributes import AttributesStatement
from graph.domain.profile.catalog import Catalogue
from graph.domain.profile.consents import ConsentStatement, Decision
from graph.domain.profile.external_segments import OutsideStatement
from graph.domain.profile.insights import Known
from graph.domain.profile.interactions import Interaction, InteractionStatement
from graph.domain.profile.pages import (
    CustomerView,
    FactPage,
    OrderPage,
    OrderView,
    Page,
    PageRequest,
    SkimPage,
    TimelinePage,
)
from graph.domain.profile.prediction import Model
from graph.domain.profile.rfm import Population, population
from graph.domain.profile.timeline import Moment
from graph.domain.resolution.intake import Command, prepare
from graph.domain.segments.definition import parse
from graph.ports import Store
from graph.segment_worker import SegmentWorker
from tests.builders.graphs import CountingIds, Graph, identifiers, observe
from tests.builders.runs import Run
from tests.builders.store_contents import valid_facts
from tests.builders.stores import Fresh
from tests.builders.strategies import RULES, SETTINGS, SOURCES, keys, marks, observations, revocations, unmarks

CATALOGUE = Catalogue()
START = 20_000 * DAY
MODEL = Model(7, 2357, 0.243, 4.414, 0.793, 2.426, {"EUR": (6.25, 3.74, 15.44)})
PRODUCT = Product("a1", "Shoe", "pim", 0, "Acme", ("shoes",))

RULES_OF_SEGMENTS: list[dict[str, Any]] = [
    {"attribute": {"name": "given_name", "in": ["ANN"]}},
    {"attribute": {"name": "given_name", "present": False}},
    {"attribute": {"name": "birth_date", "yearsAtLeast": 18, "yearsAtMost": 30}},
    {"attribute": {"name": "birth_date", "anniversaryWithin": 3}},
    {"metric": {"name": "ORDERS", "atLeast": 2}},
    {"metric": {"name": "REVENUE", "currency": "EUR", "atLeast": 5, "atMost": 12}},
    {"metric": {"name": "DAYS_SINCE_LAST_ORDER", "atLeast": 2, "atMost": 4}},
    {"metric": {"name": "SILENCE", "atLeast": 1.5}},
    {"metric": {"name": "RECENCY_SCORE", "atLeast": 3}},
    {"metric": {"name": "PROBABILITY_ALIVE", "atMost": 0.9}},
    {"rfm": ["CHAMPIONS", "NEW", "LOST"]},
    {"phase": ["DECISION", "LAPSED"]},
    {"churn": ["WATCH", "LIKELY"]},
    {"interaction": {"types": ["cart", "page_view"], "days": 3, "atLeast": 2}},
    {"interaction": {"sku": "a1", "channels": ["web"]}},
    {"order": {"categories": ["shoes"], "days": 5}},
    {"order": {"atLeast": 2}},
    {"consent": {"purpose": "newsletter", "channel": "EMAIL", "decisions": ["GIVEN"]}},
    {"outsideSegment": {"segment": "gamers"}},
    {"namespace": "mail"},
    {"known": True},
    {"all": [{"known": True}, {"any": [{"namespace": "mail"}, {"not": {"metric": {"name": "ORDERS", "atMost": 1}}}]}]},
]

days = st.integers(0, 12)
attributes = st.builds(
    lambda some, source, values, at: AttributesStatement(source, identifiers(some), values, stated_at=START + at * DAY),
    keys,
    SOURCES,
    st.sampled_from(
        [{"given_name": "Ann"}, {"given_name": None}, {"birth_date": "2004-10-10"}, {"birth_date": "1994-10-15"}]
    ),
    days,
)
interactions = st.builds(
    lambda some, type, sku, channel, at, id: InteractionStatement(
        Interaction("web", type, START + at * DAY, id, channel, sku=sku), identifiers(some)
    ),
    keys,
    st.sampled_from(["page_view", "cart", "email_unsubscribed"]),
    st.sampled_from(["", "a1"]),
    st.sampled_from(["web", "app"]),
    days,
    st.sampled_from([f"i{number}" for number in range(20)]),
)
consents = st.builds(
    lambda some, decision, at: ConsentStatement(
        "shop", identifiers(some), "newsletter", decision, decided_at=START + at * DAY
    ),
    keys,
    st.sampled_from([Decision.GIVEN, Decision.WITHDRAWN]),
    days,
)
outsides = st.builds(
    lambda some, at, lasts: OutsideStatement(
        "dmp", identifiers(some), "gamers", START + (at + lasts) * DAY, stated_at=START + at * DAY
    ),
    keys,
    days,
    st.integers(1, 5),
)
facts = st.one_of(attributes, interactions, interactions, consents, outsides).map(
    lambda one: observe(one.observation(), RULES)
)
orders = st.builds(
    lambda number, placed, total, status, sku, others: prepare(
        Order(
            number,
            "shop",
            START + placed * DAY,
            START + placed * DAY,
            "EUR",
            Decimal(total),
            status,
            (OrderLine(sku, Decimal(1), Decimal(total)),),
        ).observation(identifiers(others)),
        RULES,
        START,
    ),
    st.sampled_from("abcdef"),
    days,
    st.integers(0, 9),
    st.sampled_from(OrderStatus),
    st.sampled_from(["a1", "a2"]),
    keys.map(lambda some: [key for key in some if not key.startswith("order")]),
)
commands = st.one_of(facts, facts, facts, orders, orders, observations, revocations, marks, unmarks)
batches = st.lists(
    st.tuples(st.lists(commands, min_size=1, max_size=4), st.sampled_from([0, DAY // 2, DAY, 40 * DAY])),
    min_size=1,
    max_size=8,
)


class Clock:
    """A clock that is set by hand."""

    def __init__(self, now: int) -> None:
        self.time = now

    def now(self) -> int:
        return self.time


class Scratch(Mapping[PageRequest, Page[Any]]):
    """The pages of a customer, worked out the plain way from the reports."""

    def __init__(self, model: Graph, mine: set[str]) -> None:
        self._model, self._mine = model, mine

    def _told(self, kind: FactKind) -> list[Told]:
        return [one for one in valid_facts(self._model, kind, RULES) if one.key in self._mine]

    def __getitem__(self, page: PageRequest) -> Page[Any]:
        match page:
            case FactPage(kind, _):
                return Page(self._told(kind), False)
            case OrderPage():
                found = [
                    (one.placed_at, key, one) for key in self._mine if (one := self._model.store.members[key].order)
                ]
                return Page(
                    [OrderView(key, one) for _, key, one in sorted(found, key=lambda x: x[:2], reverse=True)], False
                )
            case SkimPage(first):
                told = sorted(
                    self._told(FactKind.INTERACTION), key=lambda one: Moment.interaction(one).place, reverse=True
                )
                return Page([Skimmed(one.at, *detail("interaction", one.facts)) for one in told][:first], False)
            case TimelinePage():
                moments = [Moment.interaction(one) for one in self._told(FactKind.INTERACTION) if self._fits(one, page)]
                return Page(sorted(moments, key=lambda one: one.place, reverse=True)[: page.first], False)
        raise AssertionError(page)

    def _fits(self, told: Told, page: TimelinePage) -> bool:
        one = Interaction.of(told)
        return (
            one.at >= page.since
            and (page.types is None or one.type in page.types)
            and (page.channels is None or one.channel in page.channels)
            and page.sku in (None, one.sku)
        )

    def __iter__(self) -> Iterator[PageRequest]:
        raise AssertionError

    def __len__(self) -> int:
        raise AssertionError


def evaluated(model: Graph, now: int, counted: Population, names: Sequence[str]) -> dict[str, set[str]]:
    """Who belongs to which segment, each customer looked at whole."""
    found: dict[str, set[str]] = {name: set() for name in names}
    criteria = [parse(rule, CATALOGUE, RULES) for rule in RULES_OF_SEGMENTS]
    for customer in [one for one in model.store.customers.values() if one.live]:
        mine = {one.key for one in model.store.members.values() if one.customer == customer.node}
        view = CustomerView(customer, None, Scratch(model, mine))
        known = Known(now, view, CATALOGUE, frozenset(RULES.known), counted, MODEL, {"a1": PRODUCT})
        for name, criterion in zip(names, criteria, strict=True):
            if criterion.judge(known).holds:
                found[name].add(customer.id)
    return found


def recorded(store: Store, run: Run, names: Sequence[str]) -> dict[str, set[str]]:
    by_name = {segment.name: segment.id for segment in run(store.segments())}
    return {name: {one.customer for one in run(store.members(by_name[name], "", 1_000))} for name in names}


def told(store: Store, run: Run, names: Sequence[str]) -> dict[str, set[str]]:
    """Who belongs by the entries of the feed alone."""
    found: dict[str, set[str]] = {name: set() for name in names}
    for entry in run(store.changes(0, 100_000)):
        change = entry.change
        if change.kind is ChangeKind.SEGMENT_ENTERED:
            assert change.customer not in found[change.rule]
            found[change.rule].add(change.customer)
        elif change.kind is ChangeKind.SEGMENT_LEFT:
            found[change.rule].remove(change.customer)
    return found


@settings(SETTINGS, max_examples=25)
@given(sequence=batches, first=st.booleans())
def test_who_is_recorded_is_who_belongs(
    fresh: Fresh, run: Run, sequence: list[tuple[list[Command], int]], first: bool
) -> None:
    # given
    store, model, ids, clock = fresh(), Graph(RULES), CountingIds(), Clock(START + 13 * DAY)
    counted = population(
        [add([figures_of(Order("1", "s", START + n * DAY, 0, "EUR", Decimal(n)))]) for n in range(9)], 0
    )

    def nothing() -> None:
        pass

    async def latest() -> tuple[Population, Model]:
        return counted, MODEL

    run(store.put_products([PRODUCT]))
    kept = Segments(store, clock, CountingIds(), CATALOGUE, lambda: RULES, latest, nothing, nothing)
    worker = SegmentWorker(store, clock, kept, nothing)
    names = [f"s{place:02}" for place in range(len(RULES_OF_SEGMENTS))]

    def create() -> None:
        for name, rule in zip(names, RULES_OF_SEGMENTS, strict=True):
            run(kept.create(name, rule, "tester"))

    if first:
        create()
    for batch, passes in sequence:
        # when
        model.do(*batch)
        run(store.write(lambda batch=batch: commit(batch, RULES, model.now, ids)))
        clock.time += passes
        if first:
            run(worker.caught_up())
            # then
            expected = evaluated(model, clock.now(), counted, names)
            assert recorded(store, run, names) == expected
    if not first:
        create()
        run(worker.caught_up())
    expected = evaluated(model, clock.now(), counted, names)
    assert recorded(store, run, names) == expected == told(store, run, names)
    # and what is asked of a customer needs no record
    live = [one.id for one in model.store.customers.values() if one.live]
    for id, found in run(kept.of(live)).items():
        assert {segment.name for segment, _ in found} == {name for name in names if id in expected[name]}
    some = next(iter(names))
    run(kept.drop({one.name: one.id for one in run(kept.all())}[some], "tester"))
    assert some not in [one.name for one in run(kept.all())]
    held: list[Belonging] = run(store.belongings(live))
    assert all(len(one.segments) == sum(one.id in expected[name] for name in names[1:]) for one in held)
