"""Reprocessing under other rules, in batches with writes in between, equals resolving from scratch."""

from collections.abc import Sequence
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from graph.commands.reprocess import renormalized, reprocess, reprocess_override, with_old_namespaces
from graph.domain.model.rules import NamespaceRule, Rules
from graph.domain.resolution.preparation import Command, Observe, prepare
from graph.ports import ReadRegion
from tests.builders.graph_checks import check_everything
from tests.builders.graphs import NOW, Graph, family_rules, revoke, seen, small_rules, stated
from tests.builders.strategies import OTHER_RULES, batches

OLD = small_rules()


def prepared_under(rules: Rules, command: Command) -> Command:
    """A command as it would be prepared under other rules."""
    return prepare(command.observation, rules, NOW) if isinstance(command, Observe) else command


@settings(max_examples=250, deadline=None)
@given(batches, batches, st.sampled_from(OTHER_RULES), st.integers(1, 5), st.randoms(use_true_random=False))
def test_reprocessing_in_any_order_equals_resolving_from_scratch(
    before: Sequence[Sequence[Command]], during: Sequence[Sequence[Command]], new: Rules, size: int, order: Random
) -> None:
    # given
    graph = Graph(OLD)
    for batch in before:
        graph.do(*batch)
    # when: the observations are reprocessed in batches, with other writes in between
    graph.rules = with_old_namespaces(new, OLD)
    waiting, writes = sorted(graph.store.receipts), [list(batch) for batch in during]
    order.shuffle(waiting)
    recount_neighbors = new.min_confidence != OLD.min_confidence
    while waiting:
        keys, waiting = waiting[:size], waiting[size:]
        graph.store.run(
            lambda keys=keys: reprocess(keys, graph.rules, new, graph.now, graph.ids, None, recount_neighbors)
        )
        if writes:
            # overrides are stored with normalized keys, so those of these tests are set before only
            batch = [prepared_under(new, command) for command in writes.pop() if not hasattr(command, "override")]
            graph.do(*batch)
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
    check_everything(graph)


def test_a_shared_identifier_is_not_opened_unless_its_neighbors_are_recounted() -> None:
    # given: four people with one telephone number, which is shared
    graph = Graph(OLD)
    graph.see(*(seen(f"crm={person}", "phone=1", id=person) for person in "abcd"))
    new = Rules((NamespaceRule("crm", limit=2), *OLD.namespaces[1:]), OLD.min_confidence)
    opened: list[frozenset[str]] = []
    answer = graph.store._answer

    def recording(request: object) -> object:
        if isinstance(request, ReadRegion):
            opened.append(request.opened)
        return answer(request)

    graph.store._answer = recording  # type: ignore[method-assign]
    graph.rules = with_old_namespaces(new, OLD)
    # when
    graph.store.run(
        lambda: reprocess([("shop", "a")], graph.rules, new, graph.now, graph.ids, None, recount_neighbors=False)
    )
    # then
    assert opened == [frozenset()]
    assert graph.store.members["phone=1"].shared
    # when
    graph.store.run(lambda: reprocess([("shop", "a")], graph.rules, new, graph.now, graph.ids, None))
    # then
    assert "phone=1" in opened[-1]


def test_a_value_that_is_revoked_while_guards_are_removed_is_not_kept() -> None:
    # given: a rollout of rules without guards has not reached the statement
    graph = Graph(family_rules())
    graph.see(stated("record=A", id="1", birth_date="1980-05-04"))
    graph.rules = replace(family_rules(), guards=())
    # when
    graph.do(revoke("1"))
    # then
    check_everything(graph)
    assert graph.store.members["record=A"].guarded_values == {}


def test_a_key_that_nothing_names_any_more_has_no_neighbors_under_another_threshold() -> None:
    # given: a rollout of a higher threshold has not reached the observation
    graph = Graph(small_rules(min_confidence=0.5))
    graph.see(seen("crm=a", "mail=b", id="1", confidence=0.6))
    graph.rules = small_rules(min_confidence=0.9)
    # when
    graph.do(revoke("1"))
    # then
    check_everything(graph)
    assert graph.store.members["crm=a"].degree == {}
