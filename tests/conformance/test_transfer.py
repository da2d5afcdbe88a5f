"""What one store exports, another imports: afterwards both hold the same, and writes go on in the same way."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.commands.commit import commit
from graph.domain.model.changes import Entry
from graph.domain.model.errors import InvalidInput, StoreNotEmpty, StoreUnavailable
from graph.domain.model.rules import Rules
from graph.domain.model.stored_records import KINDS, StoredCustomer
from graph.domain.resolution.preparation import Command
from graph.ports import LOADING, Store
from graph.stores.sqlite import SQLiteStore
from graph.transfer import importing
from tests.builders.clients import Client, seen
from tests.builders.graphs import NOW, CountingIds, Graph, observe
from tests.builders.graphs import seen as observation
from tests.builders.runs import Run
from tests.builders.store_contents import comparable as comparable_contents
from tests.builders.store_contents import read_all
from tests.builders.stores import Fresh
from tests.builders.strategies import GUARDED_RULES, KEYS, RULES, SETTINGS, batches
from tests.builders.transfers import ANN, comparable, everything_shown, exported, fill, send_every_kind


@pytest.fixture
def sqlite(tmp_path: Path, run: Run) -> SQLiteStore:
    """Another store, of the kind that needs no server."""
    store = SQLiteStore(tmp_path / "other.db")
    run(store.migrate())
    yield store
    run(store.close())


def test_every_kind_of_record_arrives(fresh: Fresh, sqlite: SQLiteStore, run: Run) -> None:
    # given
    store = fresh()
    client = Client(store, run)
    send_every_kind(client, run)
    records = exported(store, run)
    assert {type(record) for record in records} == set(KINDS.values())
    assert run(store.count_records()) == len(records)
    shown = everything_shown(client, run)
    # when: to SQLite, and from there back to an empty store of the first kind
    fill(sqlite, run, records)
    assert comparable(exported(sqlite, run)) == comparable(records)
    assert everything_shown(Client(sqlite, run), run) == shown
    third = fresh()
    fill(third, run, exported(sqlite, run))
    # then
    assert comparable(exported(third, run)) == comparable(records)
    other = Client(third, run)
    assert everything_shown(other, run) == shown
    # when: writes go on
    newest = run(third.newest_change())
    (result,) = other.link(seen("crm_id=A1", "email=new@example.com", id="after", source="shop"))
    assert result["customerId"] == other.customer(ANN)["id"]
    merges = [entry.number for entry in run(third.changes(0, 1000)) if entry.change.kind.value == "customers_merged"]
    run(other.graph.undo_merge(merges[0], "sue"))
    # then
    numbers = [entry.number for entry in run(third.changes(0, 1000))]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) > newest


@settings(SETTINGS, max_examples=15)
@given(sequence=batches, rules=st.sampled_from([RULES, GUARDED_RULES]), size=st.integers(1, 9))
def test_a_copy_behaves_as_its_original(
    fresh: Fresh, run: Run, sequence: list[list[Command]], rules: Rules, size: int
) -> None:
    # given
    store, model, ids = fresh(), Graph(rules), CountingIds()
    for batch in sequence[:-1]:
        model.do(*batch)
        run(store.write(lambda batch=batch: commit(batch, rules, model.now, ids)))
    records = exported(store, run)
    # when
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importing, "BATCH_SIZE", size)
        copy = fresh()
        fill(copy, run, records)
    # then
    assert comparable(exported(copy, run)) == comparable(records)
    # when: the last commands are carried out on the copy
    expected = model.do(*sequence[-1])
    assert run(copy.write(lambda: commit(sequence[-1], rules, model.now, ids))) == expected
    # then
    neighborhood, region = run(copy.write(lambda: read_all(KEYS)))
    model_neighborhood, model_region = model.store.run(lambda: read_all(KEYS))
    assert comparable_contents(region, neighborhood) == comparable_contents(model_region, model_neighborhood)
    assert [entry.change for entry in run(copy.changes(0, 10_000))] == model.store.changes


def test_a_store_with_data_imports_nothing(store: Store, run: Run) -> None:
    # given
    run(store.write(lambda: commit([observe(observation("crm=b", id="2"), RULES)], RULES, NOW, CountingIds())))
    records = exported(store, run)
    # when / then
    with pytest.raises(StoreNotEmpty, match="not empty"):
        fill(store, run, records)
    assert comparable(exported(store, run)) == comparable(records)


def test_a_history_with_a_gap_is_refused_and_the_store_serves_nothing(fresh: Fresh, run: Run) -> None:
    # given
    store = fresh()
    commands = [observe(observation(f"crm={name}", id=name), RULES) for name in "abc"]
    run(store.write(lambda: commit(commands, RULES, NOW, CountingIds())))
    records = [record for record in exported(store, run) if not isinstance(record, Entry) or record.number != 2]
    # when
    other = fresh()
    with pytest.raises(InvalidInput, match="change 3 follows change 1"):
        fill(other, run, records)
    # then
    assert run(other.get_value(LOADING)) == "copying"
    with pytest.raises(StoreUnavailable, match="loading"):
        run(other.write(lambda: commit(commands, RULES, NOW, CountingIds())))
    with pytest.raises(StoreUnavailable, match="loading"):
        exported(other, run)


def test_an_export_shows_one_state(fresh: Fresh, run: Run) -> None:
    # given
    store = fresh()
    run(store.write(lambda: commit([observe(observation("crm=a", id="1"), RULES)], RULES, NOW, CountingIds())))

    async def export_while_writing() -> list[object]:
        batches = store.export()
        records = list(await anext(batches))
        command = observe(observation("crm=b", id="2"), RULES)
        # On SQLite the write commits at once; on Neo4j it waits for the end of the export.
        writing = asyncio.create_task(store.write(lambda: commit([command], RULES, NOW, CountingIds(2))))
        await asyncio.sleep(0.3)
        records += [record async for batch in batches for record in batch]
        await batches.aclose()
        await writing
        return records

    # when
    records = run(export_while_writing())
    # then
    assert [record.id for record in records if isinstance(record, StoredCustomer)] == ["cus_1"]
    assert len([record for record in records if isinstance(record, Entry)]) == 1
    assert run(store.newest_change()) == 2
