"""What is still to be read under other rules, and in which company, on each store."""

import asyncio

from msgspec.structs import replace

from graph.commands.commit import commit
from graph.commands.reprocess import reread
from graph.commands.rules_rollout import Current, RulesRun
from graph.domain.model.rules import KeptRules, Rules
from graph.domain.model.store_values import Reread
from graph.ports import Store
from schema.types.change import Change
from tests.builders.graphs import NOW, CountingIds, FixedClock, observe, seen, small_rules
from tests.builders.runs import Run
from tests.builders.stores import Fresh

RULES = small_rules()


def filled(fresh: Fresh, run: Run, rules: Rules = RULES) -> Store:
    """Two customers of two observations each; three people at one telephone, which makes it shared."""
    store = fresh()
    commands = [
        observe(one, rules)
        for one in (
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


def test_observations_come_by_source_and_id_until_they_are_read(fresh: Fresh, run: Run) -> None:
    # given
    store = filled(fresh, run)
    assert run(store.observations(None, 2, 3)) == [("shop", "1"), ("shop", "2"), ("shop", "3")]
    # when
    some = [("shop", "2"), ("shop", "5")]
    run(store.write(lambda: reread(some, RULES, RULES, NOW, CountingIds(100), Reread(2, ("shop", "1")))))
    # then
    assert run(store.observations(None, 2, 4)) == [("shop", id) for id in ("1", "3", "4", "6")]
    assert run(store.observations(("shop", "3"), 2, 4)) == [("shop", id) for id in ("4", "6", "7")]
    assert len(run(store.observations(None, 3, 10))) == 7


def test_beside_an_observation_come_those_of_its_customers(fresh: Fresh, run: Run) -> None:
    # given
    store = filled(fresh, run)
    # when, then: through the telephone that they share nobody else comes
    assert sorted(run(store.beside([("shop", "1")], 2, 10))) == [("shop", id) for id in ("1", "3", "5")]
    assert sorted(run(store.beside([("shop", "3"), ("shop", "4")], 2, 10))) == [("shop", id) for id in "12345"]
    assert len(run(store.beside([("shop", "1")], 2, 2))) == 2
    # when
    run(store.write(lambda: reread([("shop", "5")], RULES, RULES, NOW, CountingIds(100), Reread(2, ("shop", "1")))))
    # then
    assert sorted(run(store.beside([("shop", "1")], 2, 10))) == [("shop", id) for id in ("1", "3")]


def test_a_run_reads_each_observation_once(fresh: Fresh, run: Run) -> None:
    # given
    store = filled(fresh, run)
    run(store.adopt_rules("two", 0, NOW))
    rules = RulesRun(store, FixedClock(), CountingIds(100), Current(RULES, RULES, 1), KeptRules(1, NOW, "two", True))
    # when
    assert run(asyncio.wait_for(rules.run(), 30))
    # then
    assert run(store.observations(None, 1, 10)) == []
    assert rules.progress.done == rules.progress.total == 7
    assert not run(store.rules())[0].pending


def test_what_other_rules_change_is_told_as_their_doing(fresh: Fresh, run: Run) -> None:
    # given
    store = filled(fresh, run)
    before = run(store.newest_change())
    others = [replace(one, min_length=2) if one.name == "mail" else one for one in RULES.namespaces]
    new = replace(RULES, namespaces=tuple(others))
    # when mail=A is too short to be an identifier
    some = [("shop", "1"), ("shop", "5")]
    run(store.write(lambda: reread(some, new, new, NOW, CountingIds(100), Reread(2, ("shop", "1")))))
    # then
    told = run(store.changes(before, 10))
    assert told
    assert {one.change.cause.how for one in told} == {"reread"}
    assert {one.change.cause.id for one in told} <= {"1", "5"}
    assert not any("revoked" in Change.of(one).sentence for one in told)
