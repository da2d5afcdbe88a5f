"""The ratios that would be possible if Kith's own work took no time: the work of the database alone.

    python -m bench.floors [--quick] [--store neo4j://127.0.0.1:7687] [--record]

SQLite: the statements that Kith runs for batches of a thousand are recorded with their values, and run a second time on
a file in the same state. No request is read and nothing is decided. Neo4j: the time that the server reports for the
queries of a batch, and the time of the commit. Each is measured in turn with the peer of `bench.links_in` on the same
batches. Files: orjson parses the JSON of each line, as if on all cores, and the result is discarded. A second table
shows what the statements of SQLite cost by table, a third one splits the time of a batch on Neo4j into the server's, by
query, and Kith's own.
"""

import asyncio
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
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
from bench.table_costs import Cost, SqlStatement, run_again, table_costs
from graph.domain.model.dates import SECOND
from graph.domain.model.observations import Observation
from graph.identity_graph import IdentityGraph
from graph.stores.neo4j import Neo4jStore
from graph.stores.neo4j.transaction import READING, RedactedParameters, Transaction
from graph.stores.neo4j.writes import WRITE
from graph.stores.sqlite import SQLiteStore

TARGET, FILE_TARGET = 0.5, 0.33


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


def links_of(batches: Batches) -> int:
    """Return the number of links in batches."""
    return sum(seen.links for batch in batches for seen in batch)


def sqlite_row(seen: Sequence[SampleObservation], count: int, linked: bool, rounds: int) -> tuple[Row, dict[str, Cost]]:
    """Measure the statements of SQLite alone, against the union in hand-written SQL.

    Return the measurement, and the costs by table of the last round.
    """
    state = "well-linked" if linked else "fresh"
    row = Row(f"SQLite, {state}, batches of 1000: its statements alone", "links/s", [], "hand-written SQL", [], TARGET)
    first = batched(seen[:count], 1_000)
    before, batches = (first, batched(again(seen[:count]), 1_000)) if linked else ([], first)
    costs: dict[str, Cost] = {}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            row.peer_rates.append(links_of(batches) / plain_sqlite(Path(folder) / "plain.db", before, batches))
            file = Path(folder) / "kith.db"
            recorded = asyncio.run(statements(file, before, batches))
            costs = run_again(file, *recorded)
            row.kith_rates.append(links_of(batches) / sum(cost.seconds for cost in costs.values()))
    return row, costs


LOCKS, RECORDS, REGIONS, COMMIT, OWN = (
    "server: locking and reading what surrounds the batch",
    "server: writing the records",
    "server: regions, and what is rare",
    "server: commit",
    "Kith and the driver",
)
STEPS = {READING["neighborhood"]: LOCKS, WRITE: RECORDS}
"""The step of a query of a write; the others are of `REGIONS`."""


@dataclass(slots=True)
class BatchCosts:
    """What batches cost: the seconds of each step, and what the server has written."""

    seconds: dict[str, float] = field(
        default_factory=lambda: dict.fromkeys((LOCKS, RECORDS, REGIONS, COMMIT, OWN), 0.0)
    )
    nodes: int = 0
    relationships: int = 0
    properties: int = 0

    @property
    def of_server(self) -> float:
        """The seconds of the server."""
        return sum(self.seconds.values()) - self.seconds[OWN]


@contextmanager
def server_costs(costs: BatchCosts) -> Iterator[None]:
    """Add what the server reports of each query of a write."""
    original = Transaction._run

    async def timed(self: Transaction, query: str, **values: Any) -> list[Sequence[Any]]:
        result = await self._tx._tx.run(query, {"params": RedactedParameters(values)})
        records = [record.values() async for record in result]
        summary = await result.consume()
        took = (summary.result_available_after or 0) + (summary.result_consumed_after or 0)
        costs.seconds[STEPS.get(query, REGIONS)] += took / 1000
        costs.nodes += summary.counters.nodes_created
        costs.relationships += summary.counters.relationships_created
        costs.properties += summary.counters.properties_set
        return records

    Transaction._run = timed  # type: ignore[method-assign]
    try:
        yield
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


async def neo4j_costs(uri: str, before: Batches, batches: Batches) -> BatchCosts:
    """Record batches; return what they cost."""
    store, costs = CommittingStore(uri), BatchCosts()
    graph = await graph_over(store)
    await link(graph, before)
    store.commit_seconds = 0.0
    start = time.perf_counter()
    with server_costs(costs):
        await link(graph, batches)
    took = time.perf_counter() - start
    await graph.close()
    costs.seconds[COMMIT] = store.commit_seconds
    costs.seconds[OWN] = took - costs.of_server
    return costs


def neo4j_row(
    uri: str, seen: Sequence[SampleObservation], count: int, linked: bool, rounds: int
) -> tuple[Row, BatchCosts]:
    """Measure the Neo4j server alone, against the driver alone; return also what the batches of the last round cost."""
    state = "well-linked" if linked else "fresh"
    row = Row(f"Neo4j, {state}, batches of 1000: the server alone", "links/s", [], "driver alone, MERGE", [], TARGET)
    migrated(uri)
    first = seen[:count]
    # The database plans each query for seconds when it runs for the first time.
    before = batched(first if linked else seen[-5_000:], 1_000)
    batches = batched(again(first) if linked else first, 1_000)
    costs = BatchCosts()
    for _ in range(rounds):
        asyncio.run(wipe(uri))
        uvloop.run(plain_neo4j(uri, before, 1))
        row.peer_rates.append(links_of(batches) / uvloop.run(plain_neo4j(uri, batches, 1)))
        asyncio.run(wipe(uri))
        costs = uvloop.run(neo4j_costs(uri, before, batches))
        row.kith_rates.append(links_of(batches) / costs.of_server)
    return row, costs


def costs_table(count: int, fresh: BatchCosts, linked: BatchCosts) -> str:
    """Return what 1,000 of `count` observations cost, as a Markdown table."""
    text = "\n| 1,000 observations in one batch, Neo4j | fresh, ms | share | well-linked, ms | share |\n"
    text += "| --- " * 5 + "|\n"
    both = (fresh, linked)
    for step in fresh.seconds:
        cells = [
            f"{costs.seconds[step] * 1e6 / count:.0f} | {costs.seconds[step] / sum(costs.seconds.values()):.0%}"
            for costs in both
        ]
        text += f"| {step} | {' | '.join(cells)} |\n"
    for name in ("nodes", "relationships", "properties"):
        cells = [f"{getattr(costs, name) * 1_000 / count:,.0f} | " for costs in both]
        text += f"| {name} written (number) | {' | '.join(cells)} |\n"
    return text


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
    sqlite_rows = [sqlite_row(seen, sqlite_count, linked, rounds) for linked in (False, True)]
    rows = [row for row, _ in sqlite_rows]
    with neo4j(chosen.store) as uri:
        neo4j_rows = [neo4j_row(uri, seen, neo4j_count, linked, rounds) for linked in (False, True)]
    rows += [row for row, _ in neo4j_rows]
    rows.append(files_row(100_000 if chosen.quick else 1_000_000))
    command = f"python -m bench.floors{' --quick' if chosen.quick else ''}"
    sqlite_links = links_of([list(seen[:sqlite_count])])
    sqlite_costs = table_costs(sqlite_links, *(costs for _, costs in sqlite_rows))
    costs = costs_table(neo4j_count, *(costs for _, costs in neo4j_rows))
    report_results("Limits without Kith's own work", command, table(rows) + sqlite_costs + costs, record=chosen.record)


if __name__ == "__main__":
    main()
