"""Observations read anew under other rules, step by step and with writes in between, equal resolving from scratch."""

from collections.abc import Sequence
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from graph.commands.reprocess import both, remark, renamed, reread
from graph.domain.model.rules import NamespaceRule, Rules
from graph.domain.resolution.intake import Command, Observe, prepare
from graph.ports import ReadRegion
from tests.builders.graph_checks import check_everything
from tests.builders.graphs import NOW, Graph, seen, small_rules
from tests.builders.strategies import OTHERS, batches

OLD = small_rules()


def under(rules: Rules, command: Command) -> Command:
    """A command as it would be prepared under other rules."""
    return prepare(command.observation, rules, NOW) if isinstance(command, Observe) else command


@settings(max_examples=250, deadline=None)
@given(batches, batches, st.sampled_from(OTHERS), st.integers(1, 5), st.randoms(use_true_random=False))
def test_reading_anew_in_any_order_equals_resolving_from_scratch(
    before: Sequence[Sequence[Command]], during: Sequence[Sequence[Command]], new: Rules, size: int, order: Random
) -> None:
    # given
    graph = Graph(OLD)
    for batch in before:
        graph.do(*batch)
    # when: the observations are read anew, some at a time, with other writes in between
    graph.rules = both(new, OLD)
    waiting, writes = sorted(graph.store.receipts), [list(batch) for batch in during]
    order.shuffle(waiting)
    recount = new.accept != OLD.accept
    while waiting:
        some, waiting = waiting[:size], waiting[size:]
        graph.store.run(lambda some=some: reread(some, graph.rules, new, graph.now, graph.ids, None, recount))
        if writes:
            # marks are kept on their normalised keys, so those of these tests only come before
            batch = [under(new, one) for one in writes.pop() if not hasattr(one, "mark")]
            graph.do(*batch)
    for mark in list(graph.store.marks.values()):
        other = renamed(mark, new, f"re {mark.id}")
        taken = {one.pair for one in graph.store.marks.values() if one.kind is mark.kind}
        other = None if other is None or other.pair in taken else other
        graph.store.run(lambda mark=mark, other=other: remark(mark, other, graph.rules, graph.now, graph.ids))
    # then
    check_everything(graph)


def test_a_till_is_not_opened_for_what_is_read_anew_there() -> None:
    # given: three people at one telephone, which is shared
    graph = Graph(OLD)
    graph.see(*(seen(f"crm={one}", "phone=1", id=one) for one in "abcd"))
    new = Rules((NamespaceRule("crm", limit=2), *OLD.namespaces[1:]), OLD.accept)
    asked: list[frozenset[str]] = []
    answer = graph.store._answer

    def noting(request: object) -> object:
        if isinstance(request, ReadRegion):
            asked.append(request.opened)
        return answer(request)

    graph.store._answer = noting  # type: ignore[method-assign]
    graph.rules = both(new, OLD)
    # when
    graph.store.run(lambda: reread([("shop", "a")], graph.rules, new, graph.now, graph.ids, None, recount=False))
    # then
    assert asked == [frozenset()]
    assert graph.store.members["phone=1"].shared
    # when
    graph.store.run(lambda: reread([("shop", "a")], graph.rules, new, graph.now, graph.ids, None))
    # then
    assert "phone=1" in asked[-1]
