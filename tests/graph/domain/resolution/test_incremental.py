"""Incremental resolution compared with resolving from scratch, on random sequences of all commands."""

from collections.abc import Sequence

from hypothesis import event, given, settings
from hypothesis import strategies as st

from graph.domain.model.rules import Rules
from graph.domain.resolution.preparation import Command, Observe, RemoveOverride, Revoke, SetOverride
from tests.builders.graph_checks import check_everything
from tests.builders.graphs import Graph
from tests.builders.strategies import (
    DENSE_RULES,
    GUARDED_RULES,
    RULES,
    batches,
    commands,
    dense_batches,
    dense_commands,
    reports_of_one_order,
)

any_rules = st.sampled_from([RULES, GUARDED_RULES, GUARDED_RULES])


@settings(max_examples=600, deadline=None)
@given(batches, any_rules)
def test_incremental_resolution_equals_resolving_from_scratch(
    sequence: Sequence[Sequence[Command]], rules: Rules
) -> None:
    # given
    graph = Graph(rules)
    for batch in sequence:
        # when
        graph.do(*batch)
        # then
        check_everything(graph)
    event(f"regions read: {min(graph.store.regions_read, 5)}")


@settings(max_examples=600, deadline=None)
@given(dense_batches)
def test_contradictions_and_confidences_equal_resolving_from_scratch(sequence: Sequence[Sequence[Command]]) -> None:
    # given
    graph = Graph(DENSE_RULES)
    for batch in sequence:
        # when
        graph.do(*batch)
        # then
        check_everything(graph)


@settings(max_examples=200, deadline=None)
@given(reports_of_one_order)
def test_reports_of_one_order_and_their_revocations_equal_resolving_from_scratch(sequence: Sequence[Command]) -> None:
    # given
    one_by_one, at_once = Graph(RULES), Graph(RULES)
    # when
    for command in sequence:
        one_by_one.do(command)
        # then
        check_everything(one_by_one)
    # when
    at_once.do(*sequence)
    # then
    check_everything(at_once)


@settings(max_examples=200, deadline=None)
@given(
    st.tuples(any_rules, st.lists(commands, min_size=2, max_size=12) | reports_of_one_order)
    | st.tuples(st.just(DENSE_RULES), st.lists(dense_commands, min_size=2, max_size=16)),
    st.randoms(use_true_random=False),
)
def test_any_order_of_arrival_gives_the_same_customers(case: tuple[Rules, list[Command]], random) -> None:
    # given: the results of conflicting ids and of removed overrides depend on the order, so both are left out
    rules, sequence = case
    digests: dict[object, str] = {}
    chosen: list[Command] = []
    for command in sequence:
        match command:
            case Observe():
                if digests.setdefault(command.key, command.digest) == command.digest:
                    chosen.append(command)
            case Revoke() | SetOverride():
                chosen.append(command)
            case RemoveOverride():
                pass
    shuffled = list(chosen)
    random.shuffle(shuffled)
    in_order, out_of_order, at_once = Graph(rules), Graph(rules), Graph(rules)
    # when
    for command in chosen:
        in_order.do(command)
    for command in shuffled:
        out_of_order.do(command)
    at_once.do(*shuffled)
    # then
    assert in_order.customers() == out_of_order.customers() == at_once.customers()
    graphs = in_order, out_of_order, at_once
    states = [{pair: link.state for pair, link in graph.store.links.items()} for graph in graphs]
    assert states[0] == states[1] == states[2]
    orders = [{key: member.order for key, member in graph.store.members.items() if member.order} for graph in graphs]
    assert orders[0] == orders[1] == orders[2]
