"""Reprocessing under other rules, in batches with writes in between, equals resolving from scratch."""

from collections.abc import Sequence
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from graph.commands.reprocess import renormalized, reprocess, reprocess_override, with_old_namespaces
from graph.commands.rules_rollout import active_rules
from graph.domain.model.observations import Observation
from graph.domain.model.rules import Composite, Guard, NamespaceRule, Rules
from graph.domain.resolution.preparation import Command, Observe, prepare
from graph.ports import ReadRegion
from tests.builders.graph_checks import check_everything
from tests.builders.graphs import NOW, Graph, family_rules, revoke, seen, small_rules, stated
from tests.builders.strategies import OTHER_RULES, batches

OLD = small_rules()
NAME_AND_BIRTH_DATE = Composite("key", ("family_name", "birth_date"))
COMPOSITE_RULES = [
    Rules((NamespaceRule("record"), NamespaceRule("mail", limit=2)), guards=(Guard("birth_date", "exact"),)),
    # a composite key below and above the identifiers that are sent, with a limit, without guards, of other attributes
    Rules(
        (NamespaceRule("record"), NamespaceRule("key", shared_above={"stronger": 2}), NamespaceRule("mail", limit=2)),
        guards=(Guard("birth_date", "exact"),),
        composites=(NAME_AND_BIRTH_DATE,),
    ),
    Rules(
        (NamespaceRule("key", limit=1, blocked=frozenset({"1"})), NamespaceRule("mail"), NamespaceRule("record")),
        guards=(Guard("birth_date", "exact"),),
        composites=(NAME_AND_BIRTH_DATE,),
    ),
    Rules((NamespaceRule("record"), NamespaceRule("mail"), NamespaceRule("key")), composites=(NAME_AND_BIRTH_DATE,)),
    Rules(
        (NamespaceRule("record"), NamespaceRule("key", guarded=False), NamespaceRule("mail")),
        guards=(Guard("given_name", "exact"),),
        composites=(Composite("key", ("family_name", "given_name")),),
    ),
]
"""Rules of which any can follow any other."""


@st.composite
def statements(draw: st.DrawFn) -> list[Observation]:
    """Statements about a few people, who share mail addresses; some lack an attribute or take it back."""
    values = {name: st.sampled_from(["1", "2"]) for name in ("family_name", "given_name")}
    taken_back = {"birth_date": st.sampled_from(["1", "2", None])}
    keys = st.lists(st.sampled_from(["record=a", "record=b", "mail=a", "mail=b"]), min_size=1, max_size=2, unique=True)
    stated_values = st.fixed_dictionaries({}, optional={**values, **taken_back}).filter(bool)
    found = draw(st.lists(st.tuples(keys, stated_values, st.integers(0, 3)), min_size=1, max_size=7))
    return [stated(*keys, id=f"{number}", at=at, **sent) for number, (keys, sent, at) in enumerate(found)]


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


@settings(max_examples=250, deadline=None)
@given(statements(), st.sampled_from(COMPOSITE_RULES), st.sampled_from(COMPOSITE_RULES), st.integers(1, 4), st.data())
def test_adding_changing_and_removing_composite_keys_equals_resolving_from_scratch(
    sent: Sequence[Observation], old: Rules, new: Rules, size: int, data: st.DataObject
) -> None:
    # given
    graph = Graph(old)
    graph.see(*sent)
    # when: a rollout of the new rules, with a revocation in between
    active = active_rules(new, old, 2, old_complete=True)
    graph.rules = active.resolution_rules
    waiting = sorted(graph.store.receipts)
    revoked = data.draw(st.sampled_from([None, *waiting]))
    while waiting:
        keys, waiting = waiting[:size], waiting[size:]
        graph.store.run(
            lambda keys=keys: reprocess(
                keys,
                active.resolution_rules,
                active.intake_rules,
                graph.now,
                graph.ids,
                None,
                active.recount_neighbors,
                active.restate,
            )
        )
        if revoked is not None:
            graph.do(revoke(revoked[1]))
            revoked = None
    # then
    check_everything(graph)
    fresh = Graph(active.resolution_rules)
    fresh.do(*(prepare(observation, new, NOW) for observation in sent))
    for key, receipt in graph.store.receipts.items():
        expected = fresh.store.receipts[key]
        assert (receipt.keys, receipt.fact_holders) == (expected.keys, expected.fact_holders)


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
