"""How tests get empty stores."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from graph.domain.model.errors import StoreVersionMismatch
from graph.domain.model.products import Product
from graph.domain.model.store_values import Writes
from graph.ports import Store, Work, Write
from graph.stores.neo4j import Neo4jStore
from graph.stores.sqlite import SQLiteStore, migrator
from tests.builders.refused_records import refused
from tests.builders.repository import ROOT
from tests.builders.runs import Run

Fresh = Callable[[], Store]
"""Makes an empty store."""


def second(store: Store) -> Store:
    """A second store over the same database, as another process has it."""
    if isinstance(store, SQLiteStore):
        return SQLiteStore(store._path)
    assert isinstance(store, Neo4jStore)
    return Neo4jStore(store.uri)


def at_migration(path: Path, count: int) -> None:
    """Make a file with the first migrations, and a product in it."""
    with closing(sqlite3.connect(path)) as connection:
        for name in list(migrator.scripts())[:count]:
            connection.executescript(migrator.scripts()[name])
        connection.execute(
            "INSERT INTO products (sku, name, source, reported_at, brand, categories) "
            "VALUES ('S-1', 'Shoe', 'shop', 1, '', '[]')"
        )
        connection.execute(f"PRAGMA user_version = {count}")
        connection.commit()


def files(folder: Path) -> list[str]:
    """The files in a folder, without those by which processes take turns at writing."""
    return sorted(file.name for file in folder.iterdir() if not file.name.endswith(("-lock", "-queue")))


def refusals(store: Store, run: Run) -> list[str]:
    """The messages with which a store that a newer program has migrated refuses each kind of write."""

    def work() -> Work[None]:
        yield Write(Writes())

    messages: list[str] = []
    for write in (
        store.write(work),
        store.save_products([Product("S-1", "Shoe", "shop", 2)]),
        store.save_refused_records([refused()], 9),
        store.put_value("a", "b"),
        store.replace_value("a", "b", None),
        store.save_rules("", 0, 0),
        store.begin_load(""),
    ):
        with pytest.raises(StoreVersionMismatch) as refusal:
            run(write)
        messages.append(refusal.value.message)
    return messages


async def wipe(store: Neo4jStore) -> None:
    """Empty a test database, but for its structure."""
    wipe_nodes = "MATCH (n) WHERE NOT n:Migration CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 5000 ROWS"
    # A read of the store is repeated if it conflicts with what the test before has left running.
    await store._read(wipe_nodes)


async def drop_structure(store: Neo4jStore) -> None:
    """Bring a test database to the state before the first migration."""
    async with store._session() as session:
        await (await session.run("MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 5000 ROWS")).consume()
        constraints = await (await session.run("SHOW CONSTRAINTS YIELD name RETURN collect(name)")).value()
        for name in constraints[0]:
            await (await session.run(f"DROP CONSTRAINT {name}")).consume()
        indexes = "SHOW INDEXES YIELD name, type WHERE type <> 'LOOKUP' RETURN collect(name)"
        for name in (await (await session.run(indexes)).value())[0]:
            await (await session.run(f"DROP INDEX {name}")).consume()


def kill_migrations(store: str) -> list[str]:
    """Kill the migration of a store after each of its statements; return the printed lines (`killed_migrations`)."""
    command = [sys.executable, "-m", "tests.builders.killed_migrations", store]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


async def overwrite_identifiers(store: Store, name: str, value: object) -> None:
    """Set one stored value of all identifiers behind Kith's back, to what Kith would never write."""
    if isinstance(store, Neo4jStore):
        async with store._session() as session:
            await (await session.run(f"MATCH (i:Identifier) SET i.{name} = $value", value=value)).consume()
        return
    assert isinstance(store, SQLiteStore)
    with closing(sqlite3.connect(store._path)) as connection:
        connection.execute(f"UPDATE identifiers SET {name} = ?", (value,))
        connection.commit()
