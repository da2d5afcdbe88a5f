"""Migrations of a Neo4j database: the numbered statements of `schema.cypher`.

Neo4j commits each change of the schema by itself, so a process may die between any two. Each migration is recorded by a
node once it is complete, with its index; until then it is carried out again, so all statements must be safe to repeat.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import neo4j
from neo4j import AsyncManagedTransaction
from neo4j.exceptions import ClientError, TransientError

from graph.domain.model.errors import StoreUnavailable
from graph.domain.model.migrations import Migrations, newer
from graph.stores.neo4j import cypher
from graph.stores.neo4j.connection import OpenTransaction

SCHEMA = cypher.load("schema")
MIGRATIONS = cypher.load("migrations")
LOCK = next(iter(SCHEMA))
"""The migration that creates the constraint on migrations; its node is locked."""
LOCK_SECONDS = 3600
"""After this time the database ends the transaction of a machine that has vanished without closing its connection."""
MAX_TRIES = 30
"""Tries of a statement that several processes run at the same time on an empty database."""
EQUIVALENT = "Neo.ClientError.Schema.EquivalentSchemaRuleAlreadyExists"


@cache
def digest(name: str) -> str:
    """Return the SHA-256 of a migration's statement."""
    return hashlib.sha256(SCHEMA[name].encode()).hexdigest()


@cache
def structure() -> str:
    """Return the SHA-256 of all migrations, by which programs recognize that they have the same."""
    return hashlib.sha256("".join(map(digest, SCHEMA)).encode()).hexdigest()


def data_migrations() -> dict[str, str]:
    """Return the digests of the migrations that change data, by name: those that create no constraint or index."""
    return {name: digest(name) for name in SCHEMA if not _index(name)}


async def status(session: neo4j.AsyncSession) -> Migrations:
    """Return which migrations a database lacks; one whose index was dropped is lacking again."""
    current, _ = await _status_and_offline(session)
    return current


async def problem(session: neo4j.AsyncSession) -> str:
    """Return an empty text if the program can use the database, otherwise why it cannot."""
    current, offline = await _status_and_offline(session)
    if current.problem or not offline:
        return current.problem
    return f"these indexes of the database are not complete: {', '.join(offline)}"


async def _status_and_offline(session: neo4j.AsyncSession) -> tuple[Migrations, list[str]]:
    # In this order: a database that another process sets up meanwhile is complete before anything is stored in it.
    ((empty,),) = await _run(session, MIGRATIONS["is_empty"])
    applied = dict(await _run(session, MIGRATIONS["applied"]))
    indexes = dict(await _run(session, MIGRATIONS["indexes"]))
    # Migrations of data have no index.
    present = {"", *indexes}
    pending = [name for name in SCHEMA if name not in applied or _index(name) not in present]
    unknown = [name for name, recorded in applied.items() if name not in SCHEMA or recorded != digest(name)]
    return Migrations(pending, unknown, empty), _offline(indexes)


def _offline(indexes: Mapping[str, str]) -> list[str]:
    """Return the names of the program's indexes that are not complete, from the states of those that exist."""
    names = filter(None, map(_index, SCHEMA))
    return [name for name in names if indexes.get(name) != "ONLINE"]


async def migrate(locking: neo4j.AsyncSession, session: neo4j.AsyncSession) -> list[str]:
    """Carry out the migrations that a database lacks, one process at a time, and return their names.

    Two sessions, because the lock is held by a transaction and the schema cannot be changed in it: if this process
    dies, the database ends the transaction. All statements are safe to repeat, should two processes hold it after all.
    """
    await _create_lock(session)
    lock = await locking.begin_transaction(timeout=LOCK_SECONDS)
    try:
        # Waits for a process that is migrating.
        await (await lock.run(MIGRATIONS["lock"], name=LOCK)).consume()
        return await _migrate(session)
    finally:
        await lock.close()


async def _create_lock(session: neo4j.AsyncSession) -> None:
    for tries in range(1, MAX_TRIES + 1):
        try:
            await _run(session, SCHEMA[LOCK])
            break
        except (ClientError, TransientError) as error:
            # Another process is creating it.
            if tries == MAX_TRIES or (isinstance(error, ClientError) and error.code != EQUIVALENT):
                raise
            await asyncio.sleep(0.1)
    await _run(session, MIGRATIONS["await_indexes"])

    async def create(tx: AsyncManagedTransaction) -> None:
        await (await tx.run(MIGRATIONS["create_lock"], name=LOCK, digest=digest(LOCK))).consume()

    await session.execute_write(create)


async def _migrate(session: neo4j.AsyncSession) -> list[str]:
    current = await status(session)
    if current.unknown:
        current.check()
    unrecorded: list[str] = []
    for name in current.pending:
        if _index(name):
            await _run(session, SCHEMA[name])
            unrecorded.append(name)
        else:
            # It reads or writes data, and may need the indexes before it.
            await _complete(session, unrecorded)
            await _run(session, SCHEMA[name])
            await _complete(session, [name])
            unrecorded = []
    await _complete(session, unrecorded)
    return list(current.pending)


async def _complete(session: neo4j.AsyncSession, names: Sequence[str]) -> None:
    """Wait for the indexes of some migrations, and record them as complete."""
    if not names:
        return
    await _run(session, MIGRATIONS["await_indexes"])
    offline = _offline(dict(await _run(session, MIGRATIONS["indexes"])))
    if missing := {_index(name) for name in names} & set(offline):
        raise StoreUnavailable(f"the database could not build these indexes: {', '.join(sorted(map(str, missing)))}")
    rows = [{"name": name, "digest": digest(name)} for name in names]

    async def record(tx: AsyncManagedTransaction) -> None:
        await (await tx.run(MIGRATIONS["record"], migrations=rows)).consume()

    await session.execute_write(record)


def check_not_newer(applied: int) -> None:
    """Raise `StoreVersionMismatch` if more migrations are complete than the program has."""
    if applied > len(SCHEMA):
        raise newer(f"{applied - 1:04}")


async def check_transaction(tx: OpenTransaction) -> None:
    """Raise `StoreVersionMismatch` if a newer program has migrated the database. `Transaction.write` does so too."""
    (record,) = await tx.run(MIGRATIONS["count"], {})
    check_not_newer(record["count"])


async def _run(session: neo4j.AsyncSession, query: str, **values: Any) -> list[list[Any]]:
    return [record.values() async for record in await session.run(query, values)]


def _index(name: str) -> str:
    """Return the name of the constraint or index that a migration creates; empty if it creates none."""
    words = SCHEMA[name].split()
    if words[0] != "CREATE":
        return ""
    return words[next(place for place, word in enumerate(words) if word in ("CONSTRAINT", "INDEX")) + 1]
