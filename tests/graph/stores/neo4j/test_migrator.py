"""Migrations of a database: each is recorded once it is complete, by one process at a time."""

import asyncio
import os
from collections.abc import Iterator

import neo4j
import pytest

from graph.domain.model.errors import StoreVersionMismatch
from graph.domain.model.products import Product
from graph.domain.model.store_values import Writes
from graph.ports import Write
from graph.stores.neo4j import Neo4jStore, migrator
from tests.builders.runs import Run
from tests.builders.stores import drop_structure, kill_migrations, refusals, wipe

NAMES = list(migrator.SCHEMA)
pytestmark = pytest.mark.neo4j


@pytest.fixture
def store(neo4j_store: Neo4jStore, run: Run) -> Iterator[Neo4jStore]:
    """The test database without data, which is complete again afterwards."""
    run(wipe(neo4j_store))
    yield neo4j_store
    run(drop_structure(neo4j_store))
    run(neo4j_store.migrate())


async def query(store: Neo4jStore, text: str) -> list[neo4j.Record]:
    async with store._session() as session:
        return [record async for record in await session.run(text)]


def test_a_migration_that_is_killed_between_any_two_statements_is_completed_by_the_next_one(
    store: Neo4jStore, neo4j_uri: str, run: Run
) -> None:
    # given
    run(drop_structure(store))
    # when
    *killed, last = kill_migrations(neo4j_uri)
    # then
    # Each run goes on where the one before was killed, and gets further: there are fewer runs than statements.
    assert len(killed) > len(NAMES) // 2
    # What is before a migration of data is recorded before it, so the last run completes only the rest.
    assert last.endswith(f"'{NAMES[-1]}']")
    assert run(store.ready()) == ""
    recorded = run(query(store, "MATCH (m:Migration) RETURN m.name AS name, m.digest AS digest ORDER BY name"))
    assert [tuple(record) for record in recorded] == [(name, migrator.digest(name)) for name in NAMES]
    assert run(store.migrate()) == []


def test_several_processes_set_up_an_empty_database(store: Neo4jStore, neo4j_uri: str, run: Run) -> None:
    # given: each with a driver of its own
    run(drop_structure(store))

    async def set_up() -> tuple[list[str], str]:
        other = Neo4jStore(neo4j_uri, *store_login())
        done = await other.migrate(), await other.ready()
        await other.close()
        return done

    async def all_at_once() -> list[tuple[list[str], str]]:
        return await asyncio.gather(*(set_up() for _ in range(4)))

    # when
    results = run(all_at_once())
    # then: one did it, and all are ready
    assert sorted(results) == [([], "")] * 3 + [(NAMES[1:], "")]


def store_login() -> tuple[str, str]:
    return os.environ.get("NEO4J_USER", ""), os.environ.get("NEO4J_PASSWORD", "")


def test_a_database_of_a_program_that_recorded_no_migrations_is_older(store: Neo4jStore, run: Run) -> None:
    # given
    run(store.save_products([Product("S-1", "Shoe", "shop", 1)]))
    run(query(store, "MATCH (m:Migration) DELETE m"))
    # when / then
    assert "written by an older Kith and lacks" in run(store.ready())
    assert not run(store.migrations()).empty
    assert run(store.migrate()) == NAMES[1:]
    assert run(store.ready()) == ""


def test_an_index_that_was_dropped_is_built_again(store: Neo4jStore, run: Run) -> None:
    # given
    run(store.save_products([Product("S-1", "Shoe", "shop", 1)]))
    run(query(store, "DROP INDEX customer_due"))
    # when / then
    assert "0020 customer_due" in run(store.ready())
    assert run(store.migrate()) == ["0020_customer_due"]


@pytest.mark.parametrize(
    "change",
    [
        "CREATE (:Migration {name: '0099_later', digest: ''})",
        "MATCH (m:Migration {name: '0020_customer_due'}) SET m.digest = ''",
    ],
    ids=["unknown", "changed"],
)
def test_a_database_of_a_newer_program_is_refused(store: Neo4jStore, change: str, run: Run) -> None:
    # given
    run(query(store, change))
    # when / then
    assert "newer Kith (migration 00" in run(store.ready())
    with pytest.raises(StoreVersionMismatch, match="upgrade this program"):
        run(store.migrate())


def test_a_process_that_runs_while_a_newer_one_migrates_refuses_writes_and_goes_on_reading(
    store: Neo4jStore, run: Run
) -> None:
    # given: a store in use
    shoe = Product("S-1", "Shoe", "shop", 1)
    run(store.save_products([shoe]))

    def work():
        yield Write(Writes())

    run(store.write(work))
    # when
    run(query(store, "CREATE (:Migration {name: '0099_later', digest: ''})"))
    # then
    assert all("newer Kith" in message for message in refusals(store, run))
    assert run(store.products(["S-1"])) == {"S-1": shoe}


def test_a_step_that_fills_in_data_runs_after_the_indexes_before_it(
    store: Neo4jStore, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    # given: an index, and a step that requires it
    run(store.save_products([Product("S-1", "Shoe", "shop", 1)]))
    monkeypatch.setitem(
        migrator.SCHEMA, "0098_product_name", "CREATE INDEX product_name IF NOT EXISTS FOR (p:Product) ON (p.name)"
    )
    monkeypatch.setitem(
        migrator.SCHEMA,
        "0099_fill",
        "MATCH (p:Product) USING INDEX p:Product(name) WHERE p.name > '' SET p.filled = true",
    )
    # when
    assert run(store.migrate()) == ["0098_product_name", "0099_fill"]
    # then
    assert [record["p"]["filled"] for record in run(query(store, "MATCH (p:Product) RETURN p"))] == [True]
    assert run(store.migrate()) == []
