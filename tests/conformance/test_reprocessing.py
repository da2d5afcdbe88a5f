"""Which observations are still to be reprocessed, and together with which others, on each store."""

import asyncio

from msgspec.structs import replace

from graph.commands.commit import commit
from graph.commands.reprocess import reprocess
from graph.commands.rules_rollout import ActiveRules, RulesRollout
from graph.domain.model.changes import CauseType
from graph.domain.model.rules import Rules, StoredRules
from graph.domain.model.store_values import ReprocessingProgress
from graph.ports import Store
from schema.types.change import Change
from tests.builders.graphs import NOW, CountingIds, FixedClock, observe, seen, small_rules
from tests.builders.runs import Run
from tests.builders.stores import Fresh

RULES = small_rules()


def filled(fresh: Fresh, run: Run, rules: Rules = RULES) -> Store:
    """Two customers of two observations each, and three people with one telephone number, which makes it shared."""
    store = fresh()
    commands = [
        observe(observation, rules)
        for observation in (
            seen("crm=a", "mail=A", id="1"),
            seen("mail=A", "cookie=x", id="5"),
            seen("crm=b", "mail=B", id="2"),
            seen("mail=B", "cookie=y", id="4"),
            seen("crm=a", "phone=1", id="3"),
            seen("crm=c", "phone=1", id="6"),
            seen("crm=d", "phone=1", id="7"),
        )
    ]
    run(store.write(lambda: commit(commands, rules, NOW, CountingIds())))
    return store


def test_observations_are_returned_by_source_and_id_until_they_are_processed(fresh: Fresh, run: Run) -> None:
    # given
    store = filled(fresh, run)
    assert run(store.observations(None, 2, 3)) == [("shop", "1"), ("shop", "2"), ("shop", "3")]
    # when
    keys = [("shop", "2"), ("shop", "5")]
    run(
        store.write(
            lambda: reprocess(keys, RULES, RULES, NOW, CountingIds(100), ReprocessingProgress(2, ("shop", "1")))
        )
    )
    # then
    assert run(store.observations(None, 2, 4)) == [("shop", id) for id in ("1", "3", "4", "6")]
    assert run(store.observations(("shop", "3"), 2, 4)) == [("shop", id) for id in ("4", "6", "7")]
    assert len(run(store.observations(None, 3, 10))) == 7


def test_related_observations_are_those_of_the_same_customers(fresh: Fresh, run: Run) -> None:
    # given
    store = filled(fresh, run)
    # when, then: the shared telephone number relates no other customers
    assert sorted(run(store.related_observations([("shop", "1")], 2, 10))) == [("shop", id) for id in ("1", "3", "5")]
    assert sorted(run(store.related_observations([("shop", "3"), ("shop", "4")], 2, 10))) == [
        ("shop", id) for id in "12345"
    ]
    assert len(run(store.related_observations([("shop", "1")], 2, 2))) == 2
    # when
    run(
        store.write(
            lambda: reprocess(
                [("shop", "5")], RULES, RULES, NOW, CountingIds(100), ReprocessingProgress(2, ("shop", "1"))
            )
        )
    )
    # then
    assert sorted(run(store.related_observations([("shop", "1")], 2, 10))) == [("shop", id) for id in ("1", "3")]


def test_a_rollout_processes_each_observation_once(fresh: Fresh, run: Run) -> None:
    # given
    store = filled(fresh, run)
    run(store.save_rules("two", 0, NOW))
    rollout = RulesRollout(
        store, FixedClock(), CountingIds(100), ActiveRules(RULES, RULES, 1), StoredRules(1, NOW, "two", True)
    )
    # when
    assert run(asyncio.wait_for(rollout.run(), 30))
    # then
    assert run(store.observations(None, 1, 10)) == []
    assert rollout.progress.processed == rollout.progress.total == 7
    assert not run(store.rules())[0].pending


def test_changes_by_new_rules_are_recorded_with_that_cause(fresh: Fresh, run: Run) -> None:
    # given
    store = filled(fresh, run)
    before = run(store.newest_change())
    namespaces = [replace(rule, min_length=2) if rule.name == "mail" else rule for rule in RULES.namespaces]
    new = replace(RULES, namespaces=tuple(namespaces))
    # when: mail=A is too short to be an identifier
    keys = [("shop", "1"), ("shop", "5")]
    run(store.write(lambda: reprocess(keys, new, new, NOW, CountingIds(100), ReprocessingProgress(2, ("shop", "1")))))
    # then
    entries = run(store.changes(before, 10))
    assert entries
    assert {entry.change.cause.type for entry in entries} == {CauseType.RULES_CHANGE}
    assert {entry.change.cause.id for entry in entries} <= {"1", "5"}
    assert not any("revocation" in Change.of(entry).summary for entry in entries)
