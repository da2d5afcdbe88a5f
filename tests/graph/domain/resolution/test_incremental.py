"""The incremental step against resolving from scratch, on random sequences of everything that can happen."""

from collections.abc import Sequence
from decimal import Decimal

from hypothesis import event, given, settings
from hypothesis import strategies as st

from graph.domain.model.dates import SECOND
from graph.domain.model.links import State
from graph.domain.model.observations import Tier
from graph.domain.model.order_totals import add, figures_of
from graph.domain.model.orders import Order, OrderStatus
from graph.domain.model.overrides import MarkKind
from graph.domain.model.receipts import Standing
from graph.domain.resolution.intake import Command, Observe, RemoveMark, Revoke, SetMark, prepare
from graph.domain.resolution.resolution import degrees, links_of, resolve
from graph.domain.resolution.scenario import in_order
from tests.builders.graphs import NOW, Graph, mark, observe, replay, revoke, seen, small_rules, unmark

RULES = small_rules()
KEYS = [f"{namespace}={value}" for namespace in ("crm", "mail", "phone", "cookie", "order") for value in "abcd"]
IDS = [f"o{number}" for number in range(12)]

keys = st.lists(st.sampled_from(KEYS), min_size=1, max_size=3, unique=True)
observations = st.builds(
    lambda keys, id, at, source, party, confidence: observe(
        seen(*keys, id=id, at=at, source=source, party=party, confidence=confidence), RULES
    ),
    keys,
    st.sampled_from(IDS) | st.just(""),
    st.integers(0, 8),
    st.sampled_from(["shop", "till"]),
    st.sampled_from([Tier.FIRST, Tier.SECOND, Tier.THIRD]),
    st.none() | st.none() | st.sampled_from([0.5, 0.95]),
)
orders = st.builds(
    lambda number, source, stated, placed, total, status, others: prepare(
        Order(number, source, placed * SECOND, stated * SECOND, "EUR", Decimal(total), status).observation(
            tuple((key.split("=")[0], key.split("=")[1]) for key in others)
        ),
        RULES,
        NOW,
    ),
    st.sampled_from("abcd"),
    st.sampled_from(["shop", "till"]),
    st.integers(0, 3),
    st.integers(0, 3),
    st.integers(0, 9),
    st.sampled_from(OrderStatus),
    st.lists(st.sampled_from([key for key in KEYS if not key.startswith("order")]), max_size=2, unique=True),
)
revocations = st.builds(revoke, st.sampled_from(IDS), st.sampled_from(["shop", "till"]))
two_keys = st.lists(st.sampled_from(KEYS), min_size=2, max_size=2, unique=True)
marks = st.builds(
    lambda kind, ends: mark(kind, ends[0], "" if kind is MarkKind.BLOCKED else ends[1]),
    st.sampled_from([MarkKind.TOGETHER, MarkKind.APART, MarkKind.APART, MarkKind.BLOCKED]),
    two_keys,
)
unmarks = st.builds(lambda one: unmark(one.mark.id), marks)
commands = st.one_of(observations, observations, observations, orders, revocations, marks, unmarks)
batches = st.lists(st.lists(commands, min_size=1, max_size=4), min_size=1, max_size=14)


def truth(graph: Graph) -> tuple[list[list[str]], dict]:
    """Customers and verdicts from scratch, from what the store holds as valid."""
    valid = [one.statement for one in graph.store.receipts.values() if one.standing is Standing.VALID]
    resolution = resolve(valid, tuple(graph.store.marks.values()), graph.rules)
    return in_order(resolution.groups), resolution.verdicts


def check_everything(graph: Graph) -> None:
    store = graph.store
    customers, verdicts = truth(graph)
    assert graph.customers() == customers
    assert {ends: (link.state, link.reason) for ends, link in store.links.items()} == verdicts
    check_evidence(graph)
    check_customers(graph)


def check_evidence(graph: Graph) -> None:
    store, accept = graph.store, graph.rules.accept
    valid = [one.statement for one in store.receipts.values() if one.standing is Standing.VALID]
    fresh = links_of(valid, accept)
    kept = {ends: link.with_state(State.KEPT) for ends, link in store.links.items()}
    assert kept == {ends: link.with_state(State.KEPT) for ends, link in fresh.items()}
    blocked = {one.a for one in store.marks.values() if one.kind is MarkKind.BLOCKED}
    counted = degrees(fresh.values(), blocked, accept)
    for key, member in store.members.items():
        naming = [statement for statement in valid if key in statement.keys]
        assert (member.evidence is None) == (not naming)
        if member.evidence is not None:
            assert member.evidence.count == len(naming)
            assert member.evidence.first_seen == min(statement.seen_at for statement in naming)
        assert dict(member.degree) == counted.get(key, {}), key
        assert member.shared == graph.rules.is_shared(key.split("=")[0], counted.get(key, {}))
        assert member.blocked == (key in blocked)
        assert member.marks == sum(key in one.keys for one in store.marks.values())


def check_customers(graph: Graph) -> None:
    store = graph.store
    by_id = {customer.id: customer for customer in store.customers.values()}
    assert len(by_id) == len(store.customers)
    for node, customer in store.customers.items():
        mine = [member for member in store.members.values() if member.customer == node]
        assert customer.live == bool(mine)
        counts: dict[str, int] = {}
        for member in mine:
            namespace = member.key.split("=")[0]
            counts[namespace] = counts.get(namespace, 0) + 1
        assert dict(customer.counts) == counts
        assert customer.figures == add(figures_of(member.order) for member in mine)
        assert customer.marks == sum(member.marks for member in mine)
        inside = {member.key for member in mine}
        assert customer.suspended == sum(
            len(inside.intersection(ends)) for ends, link in store.links.items() if link.state is State.SUSPENDED
        )
        if customer.live:
            assert customer.anchor.key in inside
            assert customer.anchor == min(
                (member.anchor for member in mine), key=lambda anchor: anchor.order(graph.rules)
            )
        else:
            holder = store.members.get(customer.anchor.key)
            if holder is not None and holder.customer is not None:
                assert by_id[customer.redirects_to].node == holder.customer
            else:
                assert customer.redirects_to is None
    # sums over all customers never change: each order counts once, wherever it is
    everything = add(customer.figures for customer in store.customers.values())
    assert everything == add(
        figures_of(member.order) for member in store.members.values() if member.customer is not None
    )
    held = {customer.id: set() for customer in store.customers.values()}
    for key, member in store.members.items():
        if member.customer is not None:
            held[store.customers[member.customer].id].add(key)
    assert replay(store.changes) == {id: keys for id, keys in held.items() if keys}


@settings(max_examples=400, deadline=None)
@given(batches)
def test_the_step_equals_resolving_from_scratch(sequence: Sequence[Sequence[Command]]) -> None:
    # given
    graph = Graph(RULES)
    for batch in sequence:
        # when
        graph.do(*batch)
        # then
        check_everything(graph)
    event(f"regions read: {min(graph.store.regions_read, 5)}")


@settings(max_examples=150, deadline=None)
@given(st.lists(commands, min_size=2, max_size=12), st.randoms(use_true_random=False))
def test_any_order_of_arrival_gives_the_same_customers(sequence: list[Command], random) -> None:
    # given: conflicting ids and removed marks depend on the order by nature, so they are left out
    known: dict[object, str] = {}
    chosen: list[Command] = []
    for command in sequence:
        match command:
            case Observe():
                if known.setdefault(command.key, command.digest) == command.digest:
                    chosen.append(command)
            case Revoke() | SetMark():
                chosen.append(command)
            case RemoveMark():
                pass
    shuffled = list(chosen)
    random.shuffle(shuffled)
    one, other, whole = Graph(RULES), Graph(RULES), Graph(RULES)
    # when
    for command in chosen:
        one.do(command)
    for command in shuffled:
        other.do(command)
    whole.do(*shuffled)
    # then
    assert one.customers() == other.customers() == whole.customers()
    states = [{ends: link.state for ends, link in graph.store.links.items()} for graph in (one, other, whole)]
    assert states[0] == states[1] == states[2]
