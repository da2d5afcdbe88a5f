"""The ratios that would be possible if Kith's own work took no time: the work of the database alone.

    python -m bench.floors [--quick] [--store neo4j://127.0.0.1:7687] [--record]

SQLite: the statements that Kith runs for batches of a thousand are recorded with their values, and run a second time on
a file in the same state. No request is read and nothing is decided. Neo4j: the time that the server reports for the
queries of a batch, and the time of the commit. Each is measured in turn with the peer of `bench.links_in` on the same
batches. Files: orjson parses the JSON of each line, as if on all cores, and the result is discarded.
"""

import asyncio
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import uvloop

from bench.backfill import history, scipy
from bench.links_in import again, batched, migrated, observations
from bench.peers.unions import Batches, plain_neo4j, plain_sqlite
from bench.population import SampleObservation
from bench.report import Row, report_results, table
from bench.server import graph_over, neo4j, parse_options, wipe
from graph.domain.model.dates import SECOND
from graph.domain.model.observations import Observation
from graph.identity_graph import IdentityGraph
from graph.stores.neo4j import Neo4jStore
from graph.stores.neo4j.transaction import Transaction
from graph.stores.sqlite import SQLiteStore

TARGET, FILE_TARGET = 0.5, 0.33
SqlStatement = tuple[str, Any, bool]
"""SQL, its values, and whether the values are several rows."""


class Recording(sqlite3.Connection):
    """A connection that records its statements."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.recorded: list[SqlStatement] = []

    def execute(self, sql: str, values: Any = ()) -> sqlite3.Cursor:
        self.recorded.append((sql, values, False))
        return super().execute(sql, values)

    def executemany(self, sql: str, rows: Any) -> sqlite3.Cursor:
        self.recorded.append((sql, list(rows), True))
        return super().executemany(sql, self.recorded[-1][1])


class RecordingStore(SQLiteStore):
    """A store whose connections record their statements."""

    connections: list[Recording]

    def _open_connection(self) -> sqlite3.Connection:
        options: dict[str, Any] = {"isolation_level": None, "check_same_thread": False}
        connection = sqlite3.connect(self._path, factory=Recording, **options)
        self.connections = [*getattr(self, "connections", []), connection]
        return connection


async def link(graph: IdentityGraph, batches: Batches) -> None:
    """Record batches without HTTP."""
    for batch in batches:
        await graph.link([Observation(seen.source, seen.keys, seen.id, seen_at=seen.at * SECOND) for seen in batch])


async def statements(file: Path, before: Batches, batches: Batches) -> tuple[list[SqlStatement], list[SqlStatement]]:
    """Record the statements for the batches before, and for those that are measured. `file` gets the schema only."""
    graph = await graph_over(SQLiteStore(file))
    await graph.close()
    recorded_file = file.with_suffix(".recorded")
    shutil.copy(file, recorded_file)
    store = RecordingStore(recorded_file)
    graph = await graph_over(store)
    counts = [{id(connection): len(connection.recorded) for connection in store.connections}]
    for part in (before, batches):
        await link(graph, part)
        counts.append({id(connection): len(connection.recorded) for connection in store.connections})
    writer = max(store.connections, key=lambda connection: len(connection.recorded))
    await graph.close()
    begin, middle, end = (count.get(id(writer), 0) for count in counts)
    return writer.recorded[begin:middle], writer.recorded[middle:end]


def run_again(file: Path, before: Sequence[SqlStatement], measured: Sequence[SqlStatement]) -> float:
    """Run recorded statements; return the seconds of those that are measured. The settings are those of the store."""
    db = sqlite3.connect(file, isolation_level=None)
    for setting in ("synchronous = FULL", "cache_size = -65536", "wal_autocheckpoint = 20000"):
        db.execute(f"PRAGMA {setting}")
    start = 0.0
    for part in (before, measured):
        start = time.perf_counter()
        for sql, values, several in part:
            if several:
                db.executemany(sql, values)
            else:
                db.execute(sql, values).fetchall()
    took = time.perf_counter() - start
    db.close()
    return took


def links_of(batches: Batches) -> int:
    """Return the number of links in batches."""
    return sum(seen.links for batch in batches for seen in batch)


def sqlite_row(seen: Sequence[SampleObservation], count: int, linked: bool, rounds: int) -> Row:
    """Measure the statements of SQLite alone, against the union in hand-written SQL."""
    state = "well-linked" if linked else "fresh"
    row = Row(f"SQLite, {state}, batches of 1000: its statements alone", "links/s", [], "hand-written SQL", [], TARGET)
    first = batched(seen[:count], 1_000)
    before, batches = (first, batched(again(seen[:count]), 1_000)) if linked else ([], first)
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            row.peer_rates.append(links_of(batches) / plain_sqlite(Path(folder) / "plain.db", before, batches))
            file = Path(folder) / "kith.db"
            recorded = asyncio.run(statements(file, before, batches))
            row.kith_rates.append(links_of(batches) / run_again(file, *recorded))
    return row


@contextmanager
def server_seconds() -> Iterator[list[float]]:
    """Collect the seconds that the server reports for each query of a write."""
    seconds: list[float] = []
    original = Transaction._run

    async def timed(self: Transaction, query: str, **values: Any) -> list[Sequence[Any]]:
        result = await self._tx.run(query, {"params": values})
        records = [record.values() async for record in result]
        summary = await result.consume()
        seconds.append(((summary.result_available_after or 0) + (summary.result_consumed_after or 0)) / 1000)
        return records

    Transaction._run = timed  # type: ignore[method-assign]
    try:
        yield seconds
    finally:
        Transaction._run = original  # type: ignore[method-assign]


class CommittingStore(Neo4jStore):
    """A store that measures its commits: the time from the end of the last query to the result."""

    commit_seconds = 0.0

    async def write(self, work: Any) -> Any:
        ended = 0.0

        def timed_work() -> Any:
            nonlocal ended
            result = yield from work()
            ended = time.perf_counter()
            return result

        result = await super().write(timed_work)
        self.commit_seconds += time.perf_counter() - ended
        return result


async def neo4j_seconds(uri: str, before: Batches, batches: Batches) -> float:
    """Record batches; return the seconds of the server alone."""
    store = CommittingStore(uri)
    graph = await graph_over(store)
    await link(graph, before)
    store.commit_seconds = 0.0
    with server_seconds() as query_seconds:
        await link(graph, batches)
    await graph.close()
    return sum(query_seconds) + store.commit_seconds


def neo4j_row(uri: str, seen: Sequence[SampleObservation], count: int, linked: bool, rounds: int) -> Row:
    """Measure the Neo4j server alone, against the driver alone."""
    state = "well-linked" if linked else "fresh"
    row = Row(f"Neo4j, {state}, batches of 1000: the server alone", "links/s", [], "driver alone, MERGE", [], TARGET)
    migrated(uri)
    first = seen[:count]
    # The database plans each query for seconds when it runs for the first time.
    before = batched(first if linked else seen[-5_000:], 1_000)
    batches = batched(again(first) if linked else first, 1_000)
    for _ in range(rounds):
        asyncio.run(wipe(uri))
        uvloop.run(plain_neo4j(uri, before, 1))
        row.peer_rates.append(links_of(batches) / uvloop.run(plain_neo4j(uri, batches, 1)))
        asyncio.run(wipe(uri))
        row.kith_rates.append(links_of(batches) / uvloop.run(neo4j_seconds(uri, before, batches)))
    return row


def files_row(links: int) -> Row:
    """Measure parsing alone, on all cores, against SciPy connecting the links; the target is a third of its rate."""
    with tempfile.TemporaryDirectory() as folder:
        lines = history(Path(folder) / "history.ndjson", links).read_bytes().splitlines()
        connecting = scipy(links, Path(folder))
    begin = time.perf_counter()
    for line in lines:
        orjson.loads(line)
    took = (time.perf_counter() - begin) / (os.cpu_count() or 1)
    name = f"file to customers, {links:,} links: parsing the JSON alone, on all cores"
    return Row(name, "links/s", [links / took], "SciPy connects, from arrays", [links / connecting], FILE_TARGET)


def main() -> None:
    """Measure and print."""
    chosen = parse_options(__doc__, quick="smaller data, one round")
    seen = observations(60_000 if chosen.quick else 250_000, seed=1)
    rounds, sqlite_count, neo4j_count = (1, 20_000, 5_000) if chosen.quick else (3, 100_000, 25_000)
    rows = [sqlite_row(seen, sqlite_count, linked, rounds) for linked in (False, True)]
    with neo4j(chosen.store) as uri:
        rows += [neo4j_row(uri, seen, neo4j_count, linked, rounds) for linked in (False, True)]
    rows.append(files_row(100_000 if chosen.quick else 1_000_000))
    command = f"python -m bench.floors{' --quick' if chosen.quick else ''}"
    report_results("Limits without Kith's own work", command, table(rows), record=chosen.record)


if __name__ == "__main__":
    main()
