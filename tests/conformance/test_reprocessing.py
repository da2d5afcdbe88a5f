"""Which observations are still to be reprocessed, and together with which others, on each store."""

import asyncio
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from graph.commands.commit import commit
from graph.commands.reprocess import reprocess
from graph.commands.rules_rollout import ActiveRules, RulesRollout, active_rules
from graph.domain.model.changes import CauseType
from graph.domain.model.observations import Observation
from graph.domain.model.rules import Composite, Guard, NamespaceRule, Rules, StoredRules
from graph.domain.model.store_values import Neighborhood, Region, ReprocessingProgress
from graph.ports import ReadNeighborhood, ReadRegion, Store
from schema.types.change import Change
from tests.builders.graphs import NOW, CountingIds, FixedClock, Graph, observe, seen, small_rules, stated
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
    assert not any("revocation" in Change.of(entry).summary() for entry in entries)


WITHOUT_COMPOSITE = Rules(
    (NamespaceRule("record"), NamespaceRule("key"), NamespaceRule("mail")), guards=(Guard("birth_date", "date"),)
)
WITH_COMPOSITE = replace(WITHOUT_COMPOSITE, composites=(Composite("key", ("family_name", "given_name", "birth_date")),))
WITH_OTHER_PARTS = replace(WITHOUT_COMPOSITE, composites=(Composite("key", ("address.postal_code", "family_name")),))
PEOPLE = [
    stated("record=a", id="1", at=1, family_name="Lee", given_name="Ann", birth_date="1980-05-04"),
    stated("record=b", id="2", at=2, family_name="LEE", given_name="Ann", birth_date="1980-05-04"),
    # a family with one address and no record ids: the values move between the keys and the address
    stated("mail=fam", id="3", at=3, family_name="Lee", given_name="Tim", birth_date="2010-11-23"),
    stated("mail=fam", id="4", at=4, family_name="Lee", given_name="Ann", birth_date="1980-05-04"),
    stated("record=c", id="5", at=5, family_name="Lee", address={"postal_code": "10115"}),
    stated("record=d", id="6", at=6, family_name="Lee", address={"postal_code": "10115"}, given_name="n/a"),
    seen("record=d", "mail=fam", id="7", at=7),
]


def read_everything(keys: Sequence[str], observations: Sequence[Observation]):
    """A write that reads the whole content and changes nothing."""
    neighborhood: Neighborhood = yield ReadNeighborhood([(sent.source, sent.id) for sent in observations])
    region: Region = yield ReadRegion(frozenset(keys), frozenset(keys))
    return neighborhood, region


def content(read: tuple[Neighborhood, Region], ids: list[str]) -> object:
    """The content without ids of customers, which depend on the order of the merges, and without dead identifiers."""
    neighborhood, region = read
    members = {
        key: (member.evidence, dict(member.degree), member.shared, member.guarded_values)
        for key, member in region.members.items()
        if member.evidence is not None
    }
    groups: dict[object, set[str]] = {}
    for key in members:
        groups.setdefault(region.members[key].customer, set()).add(key)
    customers = sorted(
        (sorted(keys), dict(region.customers[node].counts), region.customers[node].value_sets)
        for node, keys in groups.items()
    )
    receipts = [(neighborhood.receipts["shop", id].keys, neighborhood.receipts["shop", id].fact_holders) for id in ids]
    return members, customers, dict(region.links), receipts


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (WITHOUT_COMPOSITE, WITH_COMPOSITE),
        (WITH_COMPOSITE, WITHOUT_COMPOSITE),
        (WITH_COMPOSITE, WITH_OTHER_PARTS),
        (WITH_COMPOSITE, replace(WITHOUT_COMPOSITE, namespaces=(NamespaceRule("record"), NamespaceRule("mail")))),
    ],
    ids=["added", "removed", "changed", "removed with its namespace"],
)
def test_rules_that_change_composite_keys_make_the_store_that_had_them_from_the_start(
    fresh: Fresh, run: Run, old: Rules, new: Rules
) -> None:
    # given
    store = fresh()
    run(store.write(lambda: commit([observe(person, old) for person in PEOPLE], old, NOW, CountingIds())))
    run(store.save_rules("two", 0, NOW))
    active = active_rules(new, old, 1, old_complete=True)
    rollout = RulesRollout(store, FixedClock(), CountingIds(100), active, StoredRules(1, NOW, "two", True))
    # when
    assert run(asyncio.wait_for(rollout.run(), 30))
    # then
    model = Graph(active.resolution_rules)
    model.do(*(observe(person, new) for person in PEOPLE))
    under_old = {key for person in PEOPLE for key in observe(person, old).normalized.keys}
    keys = sorted(under_old | model.store.members.keys())
    ids = [person.id for person in PEOPLE]
    assert content(run(store.write(lambda: read_everything(keys, PEOPLE))), ids) == content(
        model.store.run(lambda: read_everything(keys, PEOPLE)), ids
    )
