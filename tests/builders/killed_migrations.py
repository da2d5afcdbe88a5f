"""Migrations whose process is killed after each of their statements; run as a program of its own, because it forks.

    python -m tests.builders.killed_migrations STORE

prints one line for each statement: its number, and on SQLite the problem that the store reports afterwards. The last
line is that of the migration that was not killed.
"""

import asyncio
import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import neo4j

from graph.ports import Store
from graph.stores.neo4j import Neo4jStore
from graph.stores.sqlite import SQLiteStore


def killed_after(count: int) -> Callable[[], None]:
    """Return a function that kills this process when it is called for the time after `count` times."""
    calls = 0

    def call() -> None:
        nonlocal calls
        calls += 1
        if calls > count:
            os.kill(os.getpid(), signal.SIGKILL)

    return call


class KilledSQLiteStore(SQLiteStore):
    """Is killed before the statement after the first `count` ones of its writing thread."""

    def __init__(self, path: Path, count: int) -> None:
        super().__init__(path)
        self._killed = killed_after(count)

    def _open_connection(self) -> sqlite3.Connection:
        connection = super()._open_connection()
        connection.set_trace_callback(lambda statement: None if statement.startswith("--") else self._killed())
        return connection


def kill_neo4j(count: int) -> None:
    """Kill this process before the query after the first `count` ones."""
    killed = killed_after(count)
    for owner in (neo4j.AsyncSession, neo4j.AsyncTransaction, neo4j.AsyncManagedTransaction):
        run = owner.run

        async def killing_run(self: Any, *values: Any, run: Any = run, **more: Any) -> Any:
            killed()
            return await run(self, *values, **more)

        owner.run = killing_run  # type: ignore[method-assign]


def store(name: str, count: int | None = None) -> Store:
    """Return a store; with `count` one that is killed after as many statements."""
    if name.startswith("sqlite"):
        path = Path(name.removeprefix("sqlite:///"))
        return SQLiteStore(path) if count is None else KilledSQLiteStore(path, count)
    if count is not None:
        kill_neo4j(count)
    return Neo4jStore(name, os.environ.get("NEO4J_USER", ""), os.environ.get("NEO4J_PASSWORD", ""))


def in_child(name: str, count: int | None, problem_only: bool = False) -> bool:
    """Migrate, or print the store's problem, in a child process; return whether it was killed."""

    async def act() -> None:
        opened = store(name, count)
        print(await opened.ready() if problem_only else await opened.migrate(), flush=True)
        await opened.close()

    child = os.fork()
    if child == 0:
        asyncio.run(act())
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status not in (0, signal.SIGKILL):
        raise SystemExit(f"the migration failed with status {status}")
    return status == signal.SIGKILL


def main(name: str) -> None:
    """Kill the migration after its first statement, the next one after its second, and so on."""
    count = 1
    while in_child(name, count):
        print(count, end=" " if name.startswith("sqlite") else "\n", flush=True)
        if name.startswith("sqlite"):
            in_child(name, None, problem_only=True)
        count += 1


if __name__ == "__main__":
    main(sys.argv[1])
