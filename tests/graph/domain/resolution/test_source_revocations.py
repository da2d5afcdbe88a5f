"""Revoking and restoring sources, in parts with writes and new rules in between, equals resolving what counts."""

from collections.abc import Sequence
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from graph.commands.commit import Accepted, Reevaluation
from graph.commands.reprocess import renormalized, reprocess, reprocess_override, with_old_namespaces
from graph.domain.model.changes import CauseType
from graph.domain.model.receipts import ObservationStatus
from graph.domain.model.rules import Rules
from graph.domain.resolution.preparation import Command, Observe, Reevaluate, prepare
from tests.builders.graph_checks import check_everything, valid_statements
from tests.builders.graphs import NOW, observe, revoke, seen, small_rules
from tests.builders.source_revocations import RevokingGraph, received, source_revocation
from tests.builders.strategies import GUARDED_RULES, OTHER_RULES, RULES, batches

any_rules = st.sampled_from([RULES, GUARDED_RULES])
edges = st.integers(0, 15)
windows = st.tuples(st.sampled_from(["shop", "till"]), st.none() | edges, edges)
actions = st.lists(windows | st.integers(0, 3), max_size=6)
"""Windows to revoke, in seconds, and the numbers of revocations to restore."""


def act(graph: RevokingGraph, action: tuple[str, int | None, int] | int, number: int) -> None:
    """Revoke a window, as far as it is over, or restore one."""
    if isinstance(action, int):
        if f"srv_{action}" in graph.store.source_revocations:
            graph.restore(f"srv_{action}")
        return
    source, begin, end = action
    seconds = (graph.now - NOW) / 1_000_000
    graph.set(source_revocation(source, begin, min(end, seconds), f"srv_{number}"))


@settings(max_examples=300, deadline=None)
@given(any_rules, batches, actions, st.integers(1, 7), st.randoms(use_true_random=False))
def test_what_is_revoked_and_restored_equals_a_graph_without_what_is_covered(
    rules: Rules,
    sequence: Sequence[Sequence[Command]],
    acts: Sequence[tuple[str, int | None, int] | int],
    size: int,
    order: Random,
) -> None:
    # given
    graph = RevokingGraph(rules)
    steps: list[object] = [*sequence]
    for number, action in enumerate(acts):
        steps.insert(order.randint(0, len(steps)), (number, action))
    # when: the background does a part of its work after every step
    for step in steps:
        if isinstance(step, tuple):
            act(graph, step[1], step[0])
        else:
            graph.arrive(*step)
        graph.step(size)
    while graph.step(size):
        pass
    # then
    graph.check_statuses()
    check_everything(graph)
    without = RevokingGraph(rules)
    for command in graph.counted():
        without.do(command)
    assert sorted(valid_statements(graph), key=repr) == sorted(valid_statements(without), key=repr)
    assert graph.customers() == without.customers()


@settings(max_examples=200, deadline=None)
@given(batches, batches, actions, st.sampled_from(OTHER_RULES), st.integers(1, 5), st.randoms(use_true_random=False))
def test_new_rules_and_revocations_may_be_applied_at_the_same_time(
    before: Sequence[Sequence[Command]],
    during: Sequence[Sequence[Command]],
    acts: Sequence[tuple[str, int | None, int] | int],
    new: Rules,
    size: int,
    order: Random,
) -> None:
    # given
    graph = RevokingGraph(RULES)
    for batch in before:
        graph.arrive(*batch)
    begun, later = acts[: len(acts) // 2], list(enumerate(acts))[len(acts) // 2 :]
    for number, action in enumerate(begun):
        act(graph, action, number)
    graph.step(size)
    # when
    graph.rules, graph.intake_rules = with_old_namespaces(new, RULES), new
    waiting, writes = sorted(graph.store.receipts), [list(batch) for batch in during]
    order.shuffle(waiting)
    while waiting:
        keys, waiting = waiting[:size], waiting[size:]
        graph.store.run(lambda keys=keys: reprocess(keys, graph.rules, new, graph.now, graph.ids, None))
        if writes:
            graph.arrive(*(under(new, command) for command in writes.pop() if not hasattr(command, "override")))
        if later and order.random() < 0.5:
            number, action = later.pop(0)
            act(graph, action, number)
        graph._waiting = [
            replace(command, rules=new) if isinstance(command, Reevaluate) else command for command in graph._waiting
        ]
        graph.step(size)
    while graph.step(size):
        pass
    for override in list(graph.store.overrides.values()):
        replacement = renormalized(override, new, f"re {override.id}")
        existing = {stored.pair for stored in graph.store.overrides.values() if stored.kind is override.kind}
        replacement = None if replacement is None or replacement.pair in existing else replacement
        graph.store.run(
            lambda override=override, replacement=replacement: reprocess_override(
                override, replacement, graph.rules, graph.now, graph.ids
            )
        )
    # then
    graph.check_statuses()
    check_everything(graph)


def under(rules: Rules, command: Command) -> Command:
    """A command as it would be prepared under other rules."""
    return prepare(command.observation, rules, NOW) if isinstance(command, Observe) else command


def test_the_history_says_which_revocation_of_a_source_split_and_which_restoration_merged() -> None:
    # given
    graph = RevokingGraph(small_rules())
    graph.arrive(observe(seen("crm=a", "mail=A", id="1"), graph.rules))
    graph.arrive(observe(seen("mail=A", "cookie=x", id="2", source="till"), graph.rules))
    graph.arrive(observe(seen("cookie=x", id="3"), graph.rules))
    before = graph.customers()
    # when
    graph.set(source_revocation("till", recorded_to=10))
    graph.step(10)
    split = graph.store.changes[-1].cause
    parts = graph.customers()
    graph.restore("srv_1")
    graph.step(10)
    merged = graph.store.changes[-1].cause
    # then
    assert parts == [["cookie=x"], ["crm=a", "mail=A"]]
    assert graph.customers() == before
    assert (split.type, split.source, split.id) == (CauseType.SOURCE_REVOCATION, "till", "srv_1")
    assert (merged.type, merged.source, merged.id) == (CauseType.SOURCE_RESTORATION, "till", "srv_1")
    assert {split.actor, merged.actor} == {"tester"}


def test_an_observation_that_waited_while_its_source_was_revoked_does_not_count() -> None:
    # given: it arrived before the end of the window, and is stored after that
    graph = RevokingGraph(small_rules())
    waiting = received(observe(seen("crm=a", id="1"), graph.rules), NOW)
    graph.set(source_revocation(recorded_to=10))
    # when
    (first,) = graph.do(waiting)
    (again,) = graph.do(received(waiting, NOW + 20_000_000))
    # then: sent again it is still a duplicate that does not count
    assert isinstance(first, Accepted)
    assert isinstance(again, Accepted)
    assert (first.status, first.duplicate) == (ObservationStatus.SOURCE_REVOKED, False)
    assert (again.status, again.duplicate, again.customer) == (ObservationStatus.SOURCE_REVOKED, True, "")


def test_an_observation_that_was_revoked_itself_stays_revoked() -> None:
    # given
    graph = RevokingGraph(small_rules())
    graph.arrive(observe(seen("crm=a", id="1"), graph.rules), observe(seen("crm=b", id="2"), graph.rules))
    graph.set(source_revocation(recorded_to=10))
    graph.step(10)
    # when
    graph.do(revoke("1"))
    graph.restore("srv_1")
    graph.step(10)
    # then
    assert graph.customers() == [["crm=b"]]
    assert graph.store.receipts["shop", "1"].status is ObservationStatus.REVOKED


def test_evaluating_again_changes_nothing_if_nothing_has_changed() -> None:
    # given
    graph = RevokingGraph(small_rules())
    graph.arrive(observe(seen("crm=a", id="1"), graph.rules))
    command = Reevaluate("shop", "1", graph.store.changes[0].cause, graph.rules)
    count = len(graph.store.changes)
    # when
    known, unknown = graph.do(command, replace(command, id="2"))
    # then
    assert (known, unknown) == (Reevaluation("shop", "1", changed=False), Reevaluation("shop", "2", changed=False))
    assert len(graph.store.changes) == count
