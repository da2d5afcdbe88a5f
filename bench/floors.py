"""How near an aim could come if all that Kith itself does took no time: what its design has the database do, alone.

    python -m bench.floors [--quick] [--store neo4j://127.0.0.1:7687] [--record]

SQLite: the statements that Kith made for batches of a thousand are written down with their values and run once more on
a file in the same state: no request is read, nothing is decided, no row is made. Neo4j: what the server took for the
queries of a batch, as it tells itself, and for the commit. Each stands beside the limit of `bench.links_in` on the same
batches, in turn. Files: each line's JSON is parsed by orjson on all cores at once, and nothing is done with it.
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
from bench.population import Seen
from bench.report import Row, table, tell
from bench.server import chosen_by, graph_over, neo4j, wipe
from graph.domain.model.dates import SECOND
from graph.domain.model.observations import Observation
from graph.identity_graph import IdentityGraph
from graph.stores.neo4j import Neo4jStore
from graph.stores.neo4j.transaction import Transaction
from graph.stores.sqlite import EmbeddedStore

AIM, THIRD = 0.5, 0.33
Statement = tuple[str, Any, bool]
"""SQL, its values, and whether these are rows."""


class Recording(sqlite3.Connection):
    """A connection that writes down what it is told."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.told: list[Statement] = []

    def execute(self, sql: str, values: Any = ()) -> sqlite3.Cursor:
        self.told.append((sql, values, False))
        return super().execute(sql, values)

    def executemany(self, sql: str, rows: Any) -> sqlite3.Cursor:
        self.told.append((sql, list(rows), True))
        return super().executemany(sql, self.told[-1][1])


class RecordingStore(EmbeddedStore):
    """A store whose connections write down what they are told."""

    made: list[Recording]

    def _opened(self) -> sqlite3.Connection:
        options: dict[str, Any] = {"isolation_level": None, "check_same_thread": False}
        connection = sqlite3.connect(self._path, factory=Recording, **options)
        self.made = [*getattr(self, "made", []), connection]
        return connection


async def link(graph: IdentityGraph, batches: Batches) -> None:
    """Take batches in, without HTTP."""
    for batch in batches:
        await graph.link([Observation(one.source, one.keys, one.id, seen_at=one.at * SECOND) for one in batch])


async def statements(file: Path, before: Batches, batches: Batches) -> tuple[list[Statement], list[Statement]]:
    """What Kith tells SQLite for the batches before, and for those that are measured; `file` is made ready for both."""
    graph = await graph_over(EmbeddedStore(file))
    await graph.close()
    other = file.with_suffix(".recorded")
    shutil.copy(file, other)
    store = RecordingStore(other)
    graph = await graph_over(store)
    marks = [{id(one): len(one.told) for one in store.made}]
    for some in (before, batches):
        await link(graph, some)
        marks.append({id(one): len(one.told) for one in store.made})
    writer = max(store.made, key=lambda one: len(one.told))
    await graph.close()
    begin, middle, end = (mark.get(id(writer), 0) for mark in marks)
    return writer.told[begin:middle], writer.told[middle:end]


def run_again(file: Path, before: Sequence[Statement], measured: Sequence[Statement]) -> float:
    """Seconds that SQLite takes for the statements alone, with the settings that suit it best."""
    db = sqlite3.connect(file, isolation_level=None)
    for setting in ("synchronous = FULL", "cache_size = -65536", "wal_autocheckpoint = 20000"):
        db.execute(f"PRAGMA {setting}")
    start = 0.0
    for some in (before, measured):
        start = time.perf_counter()
        for sql, values, many in some:
            if many:
                db.executemany(sql, values)
            else:
                db.execute(sql, values).fetchall()
    took = time.perf_counter() - start
    db.close()
    return took


def links_of(batches: Batches) -> int:
    """Links that batches hold."""
    return sum(one.links for batch in batches for one in batch)


def sqlite_row(seen: Sequence[Seen], many: int, linked: bool, rounds: int) -> Row:
    """SQLite with all else at nought, beside the union written by hand."""
    how = "well-linked" if linked else "fresh"
    row = Row(f"SQLite, {how}, thousands: its statements alone", "links/s", [], "the same union by hand", [], AIM)
    some = seen[:many]
    before, batches = (batched(some, 1_000), batched(again(some), 1_000)) if linked else ([], batched(some, 1_000))
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            row.theirs.append(links_of(batches) / plain_sqlite(Path(folder) / "plain.db", before, batches))
            file = Path(folder) / "kith.db"
            told = asyncio.run(statements(file, before, batches))
            row.ours.append(links_of(batches) / run_again(file, *told))
    return row


@contextmanager
def server_seconds() -> Iterator[list[float]]:
    """Gathers the seconds that the server tells of each query of a write."""
    found: list[float] = []
    usual = Transaction._run

    async def timed(self: Transaction, query: str, **values: Any) -> list[Sequence[Any]]:
        result = await self._tx.run(query, {"asked": values})
        records = [record.values() async for record in result]
        summary = await result.consume()
        found.append(((summary.result_available_after or 0) + (summary.result_consumed_after or 0)) / 1000)
        return records

    Transaction._run = timed  # type: ignore[method-assign]
    try:
        yield found
    finally:
        Transaction._run = usual  # type: ignore[method-assign]


class CommittingStore(Neo4jStore):
    """A store that tells how long commits take: from the last query's end to the answer."""

    commits = 0.0

    async def write(self, work: Any) -> Any:
        ended = 0.0

        def noted() -> Any:
            nonlocal ended
            result = yield from work()
            ended = time.perf_counter()
            return result

        answer = await super().write(noted)
        self.commits += time.perf_counter() - ended
        return answer


async def neo4j_seconds(uri: str, before: Batches, batches: Batches) -> float:
    """Seconds of the server alone for the batches."""
    store = CommittingStore(uri)
    graph = await graph_over(store)
    await link(graph, before)
    store.commits = 0.0
    with server_seconds() as found:
        await link(graph, batches)
    await graph.close()
    return sum(found) + store.commits


def neo4j_row(uri: str, seen: Sequence[Seen], many: int, linked: bool, rounds: int) -> Row:
    """Neo4j with all else at nought, beside the driver alone."""
    how = "well-linked" if linked else "fresh"
    row = Row(f"Neo4j, {how}, thousands: the server alone", "links/s", [], "driver alone, MERGE", [], AIM)
    migrated(uri)
    some = seen[:many]
    # A database that is asked something for the first time plans for seconds.
    before = batched(some if linked else seen[-5_000:], 1_000)
    batches = batched(again(some) if linked else some, 1_000)
    for _ in range(rounds):
        asyncio.run(wipe(uri))
        uvloop.run(plain_neo4j(uri, before, 1))
        row.theirs.append(links_of(batches) / uvloop.run(plain_neo4j(uri, batches, 1)))
        asyncio.run(wipe(uri))
        row.ours.append(links_of(batches) / uvloop.run(neo4j_seconds(uri, before, batches)))
    return row


def files_row(links: int) -> Row:
    """From file to customers: parsing alone, on all cores, beside three times what SciPy takes to connect."""
    with tempfile.TemporaryDirectory() as name:
        lines = history(Path(name) / "history.ndjson", links).read_bytes().splitlines()
        connecting = scipy(links, Path(name))
    begin = time.perf_counter()
    for line in lines:
        orjson.loads(line)
    took = (time.perf_counter() - begin) / (os.cpu_count() or 1)
    what = f"file to customers, {links:,} links: its JSON parsed, on all cores"
    return Row(what, "links/s", [links / took], "SciPy connects, once they are arrays", [links / connecting], THIRD)


def main() -> None:
    """Measure and print."""
    chosen = chosen_by(__doc__, quick="smaller data, one round")
    seen = observations(60_000 if chosen.quick else 250_000, seed=1)
    rounds, many, few = (1, 20_000, 5_000) if chosen.quick else (3, 100_000, 25_000)
    found = [sqlite_row(seen, many, linked, rounds) for linked in (False, True)]
    with neo4j(chosen.store) as uri:
        found += [neo4j_row(uri, seen, few, linked, rounds) for linked in (False, True)]
    found.append(files_row(100_000 if chosen.quick else 1_000_000))
    command = f"python -m bench.floors{' --quick' if chosen.quick else ''}"
    tell("With all of Kith's own work at nought", command, table(found), record=chosen.record)


if __name__ == "__main__":
    main()
