"""What erasure costs: links into a store with many tombstones against one without, and the erasure of a person.

    python -m bench.erasure [--quick] [--store neo4j://127.0.0.1:7687] [--record]

Without --store on SQLite. The links are recorded in this process, one request at a time and many at once, in turn.
"""

import asyncio
import contextlib
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from bench.links_in import batched, observations
from bench.population import SampleObservation
from bench.report import Row, report_results, table
from bench.server import parse_options, wipe
from graph.commands.erase import ErasureRequest
from graph.domain.model.observations import Observation
from graph.domain.model.store_values import Writes
from graph.domain.model.tombstones import Tombstone, TombstoneMode
from graph.domain.profile.pages import ByKey
from graph.identity_graph import IdentityGraph
from graph.ports import Store, Work, Write
from graph.stores.neo4j import Neo4jStore
from graph.stores.sqlite import SQLiteStore
from service.bootstrap import SystemClock, currencies
from service.config.rules_file import default_text, parse
from service.runtime.ids import RandomIds
from tests.builders.safeguards import ListSafeguards

TOMBSTONES = 100_000
STATEMENTS = 1_000
"""Statements of a person that is erased."""
CLIENTS = 32
LEAST = 0.97
"""The least ratio: what tombstones cost is not to be seen in the noise of a run."""


@contextlib.asynccontextmanager
async def graph_over(store: Store, with_keys: bool) -> AsyncIterator[IdentityGraph]:
    """Yield a graph with the default rules, with or without the keys of erasure."""
    await store.migrate()
    options = {"safeguards": ListSafeguards()} if with_keys else {}
    graph = IdentityGraph(store, parse(default_text()), SystemClock(), RandomIds(), currencies(), parse, **options)
    await graph.rules_control.open(default_text())
    yield graph
    await graph.close()


def sent(seen: SampleObservation) -> Observation:
    """Return an observation of the sample."""
    return Observation(seen.source, tuple(seen.keys), seen.id, seen_at=int(seen.at * 1_000_000))


async def record(graph: IdentityGraph, batches: Sequence[Sequence[SampleObservation]]) -> float:
    """Record batches by many clients at once; return links per second."""
    waiting = iter(batches)

    async def client() -> None:
        for batch in waiting:
            await graph.link([sent(seen) for seen in batch])

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return sum(map(len, batches)) / (time.perf_counter() - began)


async def erase(graph: IdentityGraph, number: int) -> float:
    """Erase a person of many statements; return the seconds until the answer."""
    login = ("login", f"erased-{number}")
    statements = [
        Observation(
            "bench", (login, ("cookie", f"c{number}-{n % 40}")), f"{number}-{n}", seen_at=1_700_000_000_000_000 + n
        )
        for n in range(STATEMENTS)
    ]
    for part in batched(statements, 500):
        await graph.link(part)
    request = ErasureRequest(ByKey(f"login=erased-{number}"), request_id=f"r{number}")
    began = time.perf_counter()
    plan = await graph.erasures.plan(request)
    await graph.erasures.erase(ErasureRequest(request.ref, request_id=request.request_id, plan_hash=plan.hash))
    return time.perf_counter() - began


async def measure(stores: dict[str, Store], rounds: int, links: int) -> tuple[list[Row], list[float]]:
    """Measure intake in turn, then erasures."""
    rows: list[Row] = []
    async with (
        graph_over(stores["with"], with_keys=True) as buried,
        graph_over(stores["without"], with_keys=False) as plain,
    ):
        for start in range(0, TOMBSTONES, 5_000):
            await buried._store.write(lambda: bury_part(start))  # noqa: B023
        for size in (1, 100):
            rates: dict[str, list[float]] = {"with": [], "without": []}
            for at in range(rounds):
                batches = batched(observations(links, seed=at * 100 + size), size)
                for name, graph in (("with", buried), ("without", plain)):
                    rates[name].append(await record(graph, batches))
            text = f"links with {TOMBSTONES:,} tombstones, {CLIENTS} x {size}"
            rows.append(Row(text, "links/s", rates["with"], "without keys and tombstones", rates["without"], LEAST))
        seconds = [await erase(buried, number) for number in range(5)]
    return rows, seconds


def bury_part(start: int) -> Work[None]:
    """Store some of the tombstones."""
    keys = ListSafeguards().keys()
    names = (f"email=gone-{number}@example.com" for number in range(start, start + 5_000))
    yield Write(
        Writes(tombstones=[Tombstone(keys.hash(key), "email", 0, TombstoneMode.ERASED, 1, 1, "ers") for key in names])
    )


async def on_neo4j(uri: str, rounds: int, links: int) -> tuple[list[Row], list[float]]:
    """Measure on one database: the sides take turns in emptying it."""
    await wipe(uri)
    store = Neo4jStore(uri)
    async with graph_over(store, with_keys=True) as graph:
        before = [await record(graph, batched(observations(links, seed=at), 1)) for at in range(rounds)]
        for start in range(0, TOMBSTONES, 5_000):
            await graph._store.write(lambda: bury_part(start))  # noqa: B023
        after = [await record(graph, batched(observations(links, seed=50 + at), 1)) for at in range(rounds)]
        seconds = [await erase(graph, number) for number in range(5)]
    text = f"links with {TOMBSTONES:,} tombstones, {CLIENTS} x 1 (Neo4j)"
    return [Row(text, "links/s", after, "before there are any", before, LEAST)], seconds


def main() -> None:
    """Measure and print."""
    chosen = parse_options(__doc__, quick="fewer links and rounds")
    rounds, links = (3, 1_500) if chosen.quick else (6, 6_000)
    if chosen.store:
        rows, seconds = asyncio.run(on_neo4j(chosen.store, rounds, links))
    else:
        with tempfile.TemporaryDirectory() as folder:
            stores: dict[str, Store] = {name: SQLiteStore(Path(folder) / f"{name}.db") for name in ("with", "without")}
            rows, seconds = asyncio.run(measure(stores, rounds, links))
    took, median = ", ".join(f"{second:.2f}" for second in seconds), statistics.median(seconds)
    text = f"Plan and erasure of a person of {STATEMENTS:,} statements: {took} s; median {median:.2f} s.\n"
    command = f"python -m bench.erasure{' --quick' if chosen.quick else ''}"
    report_results("Erasure", command, f"{table(rows)}\n{text}", record=chosen.record)


if __name__ == "__main__":
    main()
