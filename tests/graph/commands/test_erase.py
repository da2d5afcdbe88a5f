"""Erasure is order-free: whatever arrives when, the graph equals that of resolving what is left from scratch."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from graph.commands.expire import remove_names
from graph.domain.model.receipts import ObservationStatus
from graph.domain.model.rules import Rules
from graph.domain.resolution.preparation import Command, Observe, RemoveOverride, SetOverride
from tests.builders.erasing_steps import EraseAt, do, returning, steps
from tests.builders.graph_checks import check_everything
from tests.builders.graphs import Graph, seen
from tests.builders.strategies import GUARDED_RULES, KEYS, RULES, commands

any_rules = st.sampled_from([RULES, GUARDED_RULES])


@settings(max_examples=500, deadline=None)
@given(steps, any_rules)
def test_each_step_equals_resolving_from_scratch(sequence: Sequence[Command | EraseAt], rules: Rules) -> None:
    # given
    graph = Graph(returning(rules))
    for step in sequence:
        # when
        do(graph, step)
        # then
        check_everything(graph)


def content(graph: Graph) -> tuple[object, ...]:
    """The customers, and what is left of the statements, whatever their ids."""
    counting = [receipt for receipt in graph.store.receipts.values() if receipt.status is ObservationStatus.VALID]
    statements = sorted((receipt.source, receipt.sent, receipt.keys, receipt.digest) for receipt in counting)
    orders = {key: member.order for key, member in graph.store.members.items() if member.order is not None}
    return graph.customers(), statements, orders, graph.store.tombstones.keys()


def independent_of_order(sequence: Sequence[Command | EraseAt]) -> list[Command | EraseAt]:
    """Without what depends on the order by itself: ids with several contents, overrides of erased identifiers."""
    erased = {key for step in sequence if isinstance(step, EraseAt) for key in step.keys}
    digests: dict[object, str] = {}
    chosen: list[Command | EraseAt] = []
    for step in sequence:
        match step:
            case Observe() if digests.setdefault(step.key, step.digest) != step.digest:
                pass
            case SetOverride(override) if not erased.isdisjoint(override.keys):
                pass
            case RemoveOverride():
                pass
            case _:
                chosen.append(step)
    return chosen


@settings(max_examples=500, deadline=None)
@given(steps, any_rules, st.randoms(use_true_random=False))
def test_any_order_of_arrival_gives_the_same_graph(sequence: Sequence[Command | EraseAt], rules: Rules, random) -> None:
    # given
    chosen = independent_of_order(sequence)
    shuffled = list(chosen)
    random.shuffle(shuffled)
    graph, other = Graph(returning(rules)), Graph(returning(rules))
    # when
    for step in chosen:
        do(graph, step)
    for step in shuffled:
        do(other, step)
    # then
    assert content(graph) == content(other)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(commands, min_size=1, max_size=12), st.lists(st.sampled_from(KEYS), min_size=1, max_size=4, unique=True)
)
def test_nothing_names_what_was_erased(sequence: Sequence[Command], keys: list[str]) -> None:
    # given
    graph = Graph(RULES)
    for command in sequence:
        do(graph, command)
    # when
    graph.erase(*keys)
    graph.store.run(lambda: remove_names(0, len(graph.store.changes)))
    # then
    check_everything(graph)
    for command in (*sequence, *sequence):
        do(graph, command)
    store = graph.store
    assert not set(keys) & store.members.keys()
    assert not any(set(keys) & set(pair) for pair in store.links)
    assert not any(set(keys) & set(receipt.keys) for receipt in store.receipts.values())
    assert not any(set(keys) & {*change.keys, *change.anchors} for change in store.changes)
    assert not any(f"{key}" in change.reason for key in keys for change in store.changes)
    assert not any(customer.anchor.key in keys for customer in store.customers.values())


def test_the_history_of_customers_that_were_merged_before_loses_what_is_erased() -> None:
    # given the customer of crm=b was merged into that of an order, which stays
    graph = Graph(RULES)
    graph.see(seen("order=a", at=1))
    graph.see(seen("phone=a", "crm=b", at=2))
    graph.see(seen("crm=b", "mail=a", "order=a", at=3))
    # when
    graph.erase("phone=a")
    # then
    check_everything(graph)
    assert not any("phone=a" in change.keys for change in graph.store.changes)
