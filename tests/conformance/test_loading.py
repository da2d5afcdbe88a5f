"""A bulk load of a history must store the same in each store as one commit of everything."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.commands.commit import commit
from graph.commands.erase import erase
from graph.domain.model.changes import Change, ChangeKind
from graph.domain.model.errors import StoreNotEmpty, StoreUnavailable
from graph.domain.model.rules import Rules
from graph.domain.profile.interactions import Interaction
from graph.domain.profile.pages import ByKey, Selection, TimelinePage
from graph.domain.profile.search import SearchField
from graph.domain.profile.timeline import TimelineKind
from graph.domain.resolution.preparation import Observe, prepare
from graph.domain.resolution.scenario import sorted_customers
from graph.ports import LOADING, Store
from tests.builders.erasing_steps import EraseAt, do, erasures, request_of, returning
from tests.builders.graphs import NOW, TOMBSTONE_RULES, CountingIds, Graph, observe, replay, seen
from tests.builders.histories import histories, load
from tests.builders.runs import Run
from tests.builders.store_contents import comparable, read_all
from tests.builders.stores import Fresh
from tests.builders.strategies import GUARDED_RULES, KEYS, RULES, SETTINGS


def comparable_history(changes: Sequence[Change], groups: dict[str, frozenset[str]]) -> list[tuple[object, ...]]:
    """A history without the order of its entries, with customers replaced by their identifiers."""
    return sorted(
        (
            change.kind.value,
            change.recorded_at,
            sorted(groups.get(change.customer, ())),
            sorted(groups.get(change.other_customer, ())),
            sorted(change.keys),
            change.reason,
            change.reason_code,
            # Which of several observations is recorded as the cause of a new customer depends on the order of work.
            change.cause if change.kind is not ChangeKind.CUSTOMER_CREATED else change.cause.type,
        )
        for change in changes
    )


def by_identifiers(neighborhood: object, region: object) -> tuple[object, ...]:
    """The contents of a store, with customers replaced by their identifiers."""
    members, customers, *rest = comparable(region, neighborhood)
    groups: dict[str, set[str]] = {}
    for key, values in members.items():
        groups.setdefault(values[5], set()).add(key)
    frozen = {id: frozenset(keys) for id, keys in groups.items()}
    return (
        {key: (*values[:5], frozen[values[5]], *values[6:]) for key, values in members.items()},
        {frozen[id]: values for id, values in customers.items()},
        *rest,
    )


@settings(SETTINGS, max_examples=80)
@given(history=histories, rules=st.sampled_from([RULES, GUARDED_RULES]))
def test_a_load_stores_the_same_as_one_commit(
    fresh: Fresh, run: Run, tmp_path: Path, history: list[Observe], rules: Rules
) -> None:
    # given
    model = Graph(rules)
    model.now = NOW - 10**6
    model.do(*history)
    # when
    store = fresh()
    run(load(store, history, tmp_path, rules=rules))
    # then
    keys = sorted({*KEYS, *(key for command in history for key in command.normalized.keys)})
    neighborhood, region = run(store.write(lambda: read_all(keys)))
    expected_neighborhood, expected_region = model.store.run(lambda: read_all(keys))
    assert by_identifiers(neighborhood, region) == by_identifiers(expected_neighborhood, expected_region)
    assert len(run(store.receipts(None, 1000))) == len(model.store.receipts)
    entries = [entry.change for entry in run(store.changes(0, 1000))]
    loaded_groups = {id: frozenset(keys) for id, keys in replay(entries).items()}
    model_groups = {id: frozenset(keys) for id, keys in replay(model.store.changes).items()}
    assert comparable_history(entries, loaded_groups) == comparable_history(model.store.changes, model_groups)
    # when
    after = [observe(seen("crm=a", "mail=b", "order=z", id="after"), RULES)]
    run(store.write(lambda: commit(after, rules, model.now, CountingIds(1000))))
    model.do(*after)
    # then
    groups = replay(entry.change for entry in run(store.changes(0, 1000)))
    assert sorted_customers(groups.values()) == model.customers()


@settings(SETTINGS, max_examples=60)
@given(
    history=histories,
    gone=st.lists(erasures, min_size=1, max_size=4),
    rules=st.sampled_from([returning(RULES), returning(GUARDED_RULES)]),
)
def test_a_load_drops_what_one_commit_drops(
    fresh: Fresh, run: Run, tmp_path: Path, history: list[Observe], gone: list[EraseAt], rules: Rules
) -> None:
    # given: identifiers are erased, and everything that names them arrives later, with one content for each id
    digests: dict[object, str] = {}
    history = [command for command in history if digests.setdefault(command.key, command.digest) == command.digest]
    model = Graph(rules)
    model.now = NOW - 10**6
    store, ids = fresh(), CountingIds(500)
    for step in gone:
        request = request_of(step, ids.erasure())
        do(model, step)
        run(store.write(lambda request=request: erase(request, rules, 0, TOMBSTONE_RULES, NOW, ids)))
    model.tombstone_rules = TOMBSTONE_RULES
    model.store.changes = []
    model.do(*history)
    # when
    run(load(store, history, tmp_path, rules=rules))
    # then
    keys = sorted({*KEYS, *(key for command in history for key in command.normalized.keys)})
    neighborhood, region = run(store.write(lambda: read_all(keys)))
    expected_neighborhood, expected_region = model.store.run(lambda: read_all(keys))
    assert by_identifiers(neighborhood, region) == by_identifiers(expected_neighborhood, expected_region)
    assert [(receipt.key, receipt.digest, receipt.sent) for receipt in run(store.receipts(None, 1000))] == [
        (receipt.key, receipt.digest, receipt.sent) for _, receipt in sorted(model.store.receipts.items())
    ]


def test_facts_and_words_are_loaded(fresh: Fresh, run: Run, tmp_path: Path) -> None:
    # given
    interaction = Interaction("web", "note", 10**15, "i1", text="prefers the phone")
    history = [prepare(interaction.observation((("crm", "a"), ("mail", "b"))), RULES, NOW)]
    store = fresh()
    # when
    run(load(store, history, tmp_path))
    # then
    page = TimelinePage(10)
    (view,) = run(store.customers([ByKey("mail=b")], Selection((page,))))
    assert view is not None
    kinds = [item.position[1] for item in view.pages[page].items]
    assert kinds == [TimelineKind.CHANGE, TimelineKind.INTERACTION]
    assert [hit.customer for hit in run(store.search("phone", list(SearchField), None, 10))] == [view.customer.id]


def test_other_writes_are_rejected_during_a_load(fresh: Fresh, run: Run, tmp_path: Path) -> None:
    # given
    store = fresh()
    history = [observe(seen("crm=a", "mail=a", id="1"), RULES)]
    run(load(store, history, tmp_path, stop_after=1))
    later = [observe(seen("crm=b", id="2"), RULES)]
    # when / then
    with pytest.raises(StoreUnavailable, match="a backfill or a copy is loading this store"):
        run(store.write(lambda: commit(later, RULES, NOW, CountingIds(1000))))
    with pytest.raises(StoreUnavailable, match="a backfill or a copy is loading this store"):
        run(store.save_rules("text", 0, NOW))
    assert run(store.get_value(LOADING)) == "begun"
    run(store.end_load())
    assert run(store.get_value(LOADING)) is None
    run(store.write(lambda: commit(later, RULES, NOW, CountingIds(1000))))


def test_a_store_that_is_not_empty_is_not_loaded(store: Store, run: Run) -> None:
    # given
    run(store.write(lambda: commit([observe(seen("crm=b", id="2"), RULES)], RULES, NOW, CountingIds())))
    # when / then
    with pytest.raises(StoreNotEmpty, match="not empty"):
        run(store.begin_load("begun"))
    assert run(store.get_value(LOADING)) is None
