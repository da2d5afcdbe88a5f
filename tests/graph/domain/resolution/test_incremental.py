"""The incremental step against resolving from scratch, on random sequences of everything that can happen."""

from collections.abc import Sequence

from hypothesis import event, given, settings
from hypothesis import strategies as st

from graph.domain.resolution.intake import Command, Observe, RemoveMark, Revoke, SetMark
from tests.builders.graph_checks import check_everything
from tests.builders.graphs import Graph
from tests.builders.strategies import RULES, batches, commands


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
