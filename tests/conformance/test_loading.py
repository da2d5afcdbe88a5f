"""A history that is loaded at once must leave in each store what one commit of everything leaves."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.bulk.collect import Gathering
from graph.bulk.result import Outcome
from graph.bulk.spool import Row, Spool
from graph.commands.commit import commit
from graph.domain.model.changes import Change, ChangeKind
from graph.domain.model.errors import Conflict, StoreUnavailable
from graph.domain.model.observations import Observation, Tier
from graph.domain.profile.interactions import Interaction
from graph.domain.profile.pages import ByKey, Selection, TimelinePage
from graph.domain.profile.search import Field
from graph.domain.profile.timeline import TimelineKind
from graph.domain.resolution.intake import Observe, prepare, receipt_of
from graph.domain.resolution.scenario import in_order
from graph.ports import LOADING, Store
from tests.builders.graphs import NOW, CountingIds, Graph, observe, replay, seen
from tests.builders.runs import Run
from tests.builders.store_contents import everything, readable
from tests.builders.stores import Fresh
from tests.builders.strategies import KEYS, RULES, SETTINGS, observations, orders

interactions = st.builds(
    lambda keys, id, at, type: prepare(
        Interaction("web", type, at * 10**6, f"i{id}", text="hello there").observation(
            tuple((key.split("=")[0], key.split("=")[1]) for key in keys)
        ),
        RULES,
        NOW,
    ),
    st.lists(st.sampled_from(KEYS), min_size=1, max_size=2, unique=True),
    st.integers(0, 9),
    st.integers(10**9, 10**9 + 3),
    st.sampled_from(["page_view", "email_opened"]),
)
refused = st.builds(
    lambda id: prepare(Observation("web", (("crm", "a"), ("crm", "b")), id, Tier.FIRST, 5), RULES, NOW),
    st.sampled_from(["r1", "r2"]),
)
histories = st.lists(st.one_of(observations, observations, orders, interactions, refused), max_size=40)


async def load(store: Store, commands: Sequence[Observe], folder: Path, stop_after: int | None = None) -> int:
    """Load what commands come to; answers how many portions that took. Stops early, as if cut off."""
    spool = Spool(folder)
    gathering = Gathering(spool)
    for command in commands:
        gathering.add(Row.of(receipt_of(command), 0))
    outcome = Outcome(gathering.settle(), RULES, NOW, lambda number: f"cus_{number + 1}")
    await store.begin_load("begun")
    done = 0
    for portion in outcome.portions():
        if done == stop_after:
            return done
        await store.load(portion.writes, portion.numbers)
        done += 1
    await store.end_load()
    return done


def told(changes: Sequence[Change], groups: dict[str, frozenset[str]]) -> list[tuple[object, ...]]:
    """A history without the order of its entries, ids told by what they hold."""
    return sorted(
        (
            change.kind.value,
            change.at,
            sorted(groups.get(change.customer, ())),
            sorted(groups.get(change.other, ())),
            sorted(change.keys),
            change.rule,
            # Which of several sightings is told as the cause of a new customer follows the order of the work.
            change.cause if change.kind is not ChangeKind.CREATED else change.cause.how,
        )
        for change in changes
    )


def by_what_they_hold(around: object, region: object) -> tuple[object, ...]:
    """What a store holds, customers told by their identifiers."""
    members, customers, *rest = readable(region, around)
    groups: dict[str, set[str]] = {}
    for key, values in members.items():
        groups.setdefault(values[5], set()).add(key)
    frozen = {id: frozenset(keys) for id, keys in groups.items()}
    return (
        {key: (*values[:5], frozen[values[5]], values[6]) for key, values in members.items()},
        {frozen[id]: values for id, values in customers.items()},
        *rest,
    )


@settings(SETTINGS, max_examples=80)
@given(history=histories)
def test_loading_leaves_what_one_commit_leaves(fresh: Fresh, run: Run, tmp_path: Path, history: list[Observe]) -> None:
    # given
    model = Graph(RULES)
    model.now = NOW - 10**6
    model.do(*history)
    # when
    store = fresh()
    run(load(store, history, tmp_path))
    # then
    keys = sorted({*KEYS, *(key for one in history for key in one.outcome.keys)})
    around, region = run(store.write(lambda: everything(keys)))
    other_around, other_region = model.store.run(lambda: everything(keys))
    assert by_what_they_hold(around, region) == by_what_they_hold(other_around, other_region)
    assert len(run(store.receipts(None, 1000))) == len(model.store.receipts)
    entries = [entry.change for entry in run(store.changes(0, 1000))]
    mine = {id: frozenset(keys) for id, keys in replay(entries).items()}
    theirs = {id: frozenset(keys) for id, keys in replay(model.store.changes).items()}
    assert told(entries, mine) == told(model.store.changes, theirs)
    # when
    after = [observe(seen("crm=a", "mail=b", "order=z", id="after"), RULES)]
    run(store.write(lambda: commit(after, RULES, model.now, CountingIds(1000))))
    model.do(*after)
    # then
    grown = replay(entry.change for entry in run(store.changes(0, 1000)))
    assert in_order(grown.values()) == model.customers()


def test_facts_and_words_are_loaded(fresh: Fresh, run: Run, tmp_path: Path) -> None:
    # given
    one = Interaction("web", "note", 10**15, "i1", text="prefers the phone")
    history = [prepare(one.observation((("crm", "a"), ("mail", "b"))), RULES, NOW)]
    store = fresh()
    # when
    run(load(store, history, tmp_path))
    # then
    page = TimelinePage(10)
    (view,) = run(store.customers([ByKey("mail=b")], Selection((page,))))
    assert view is not None
    kinds = [item.place[1] for item in view.pages[page].items]
    assert kinds == [TimelineKind.CHANGE, TimelineKind.INTERACTION]
    assert [hit.customer for hit in run(store.find("phone", list(Field), None, 10))] == [view.customer.id]


def test_nothing_else_is_written_while_a_history_is_loaded(fresh: Fresh, run: Run, tmp_path: Path) -> None:
    # given
    store = fresh()
    history = [observe(seen("crm=a", "mail=a", id="1"), RULES)]
    run(load(store, history, tmp_path, stop_after=1))
    other = [observe(seen("crm=b", id="2"), RULES)]
    # when / then
    with pytest.raises(StoreUnavailable, match="being loaded"):
        run(store.write(lambda: commit(other, RULES, NOW, CountingIds(1000))))
    with pytest.raises(StoreUnavailable, match="being loaded"):
        run(store.adopt_rules("text", 0, NOW))
    assert run(store.kept(LOADING)) == "begun"
    run(store.end_load())
    assert run(store.kept(LOADING)) is None
    run(store.write(lambda: commit(other, RULES, NOW, CountingIds(1000))))


def test_a_store_with_anything_in_it_is_not_loaded(store: Store, run: Run) -> None:
    # given
    run(store.write(lambda: commit([observe(seen("crm=b", id="2"), RULES)], RULES, NOW, CountingIds())))
    # when / then
    with pytest.raises(Conflict, match="not empty"):
        run(store.begin_load("mark"))
