"""Ingesting links: Kith over HTTP, with resolution, against the database alone, without resolution.

    python -m bench.links_in [--quick] [--store neo4j://127.0.0.1:7687] [--record]

Both sides get the same observations in the same batches, in turn, on a store that is either empty or already holds the
same links. Kith runs in a process of its own and `wrk` sends the requests; the peer writes from coroutines, without
HTTP.
"""

import asyncio
import json
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

import httpx
import uvloop

from bench.peers.unions import RULES, Batches, plain_neo4j, plain_sqlite
from bench.population import Population, SampleObservation
from bench.report import Row, report_results, table
from bench.server import neo4j, parse_options, wipe
from bench.wrk import QUIET, percentiles, require_wrk, sent_once, server_process, wrk_output
from graph.stores.neo4j import Neo4jStore
from tools.neo4j.server import free_port

T = TypeVar("T")


def observations(links: int, seed: int) -> list[SampleObservation]:
    """Return the observations of a population by time, so that customers are interleaved.

    Observations with placeholders are left out, so that both sides write the same.
    """
    valid = [
        seen
        for seen in Population(links, seed)
        if all(isinstance(RULES.normalize_value(name, value), str) for name, value in seen.keys)
        and seen.keys[0][0] != "order"
    ]
    return sorted(valid, key=lambda seen: (seen.at, seen.source, seen.id))


def batched(items: Sequence[T], size: int) -> list[list[T]]:
    """Split items into lists of a size."""
    rest = iter(items)
    return list(iter(lambda: list(islice(rest, size)), []))


LINK = """mutation Link($input: LinkIdentifiersInput!) { linkIdentifiers(input: $input) {
  results { __typename } errors { code } } }"""
DAY = 86_400
WARM = 2_000
"""Observations that are sent before anything is measured."""


def body(batch: Sequence[SampleObservation]) -> str:
    """Return the body of a request that sends a batch."""
    lines = [seen.as_line() for seen in batch]
    return json.dumps({"query": LINK, "variables": {"input": {"observations": lines}}})


def again(seen: Sequence[SampleObservation]) -> list[SampleObservation]:
    """Return new observations of the same identifiers, a day later."""
    return [SampleObservation(first.source, f"again {first.id}", first.at + DAY, first.keys) for first in seen]


@contextmanager
def service(store: str, **settings: str) -> Iterator[str]:
    """Run Kith over a store, without background work; yield the URL of its GraphQL."""
    port = free_port()
    command = [sys.executable, "-m", "service", "serve", "--port", str(port), "--store", store]
    with server_process(command, port, **QUIET, **settings) as url:
        yield f"{url}/graphql"


def over_http(url: str, batches: Batches, clients: int, seconds: int) -> float:
    """Send batches over HTTP; return links per second. It is an error if all batches are sent before the time is up."""
    done, took = sent_once(url, [body(batch) for batch in batches], clients, seconds)
    return sum(seen.links for batch in batches[:done] for seen in batch) / took


def fill(url: str, seen: Sequence[SampleObservation]) -> None:
    """Send observations in batches of a thousand."""
    for batch in batched(seen, 1_000):
        response = httpx.post(
            url, content=body(batch), headers={"Content-Type": "application/json"}, timeout=120
        ).json()
        if response.get("errors") or response["data"]["linkIdentifiers"]["errors"]:
            raise AssertionError(str(response)[:500])


@dataclass(slots=True)
class LoadProfile:
    """How links are sent. The peer gets at most `max_batches` batches, if it is slow; 0 for all."""

    seen: Sequence[SampleObservation]
    batch: int
    clients: int
    rounds: int
    seconds: int
    linked: bool = False
    max_batches: int = 0


Peer = Callable[[Batches, Batches], float]
"""Writes the batches that are stored before, then those that are measured; returns the seconds of the latter."""


def row(kind: str, store: Callable[[], str], peer: Peer, peer_name: str, load: LoadProfile, target: float) -> Row:
    """Measure Kith over HTTP and a peer in turn, on stores that are empty or already hold the same links."""
    name = f"{kind}, {'well-linked' if load.linked else 'fresh'}, batches of {load.batch} from {load.clients}"
    result = Row(name, "links/s", [], peer_name, [], target)
    sent = again(load.seen) if load.linked else load.seen
    batches, before = batched(sent, load.batch), batched(load.seen, 1_000) if load.linked else []
    for _ in range(load.rounds):
        peer_batches = batches[: load.max_batches] if load.max_batches else batches
        links = sum(seen.links for batch in peer_batches for seen in batch)
        result.peer_rates.append(links / peer(before, peer_batches))
        with service(store()) as url:
            # The database plans each query for seconds when it runs for the first time.
            fill(url, load.seen if load.linked else load.seen[-WARM:])
            result.kith_rates.append(over_http(url, batches, load.clients, load.seconds))
    return result


def sqlite_row(load: LoadProfile) -> Row:
    """Measure SQLite, in links per second."""
    with tempfile.TemporaryDirectory() as folder:
        files = (Path(folder) / f"{number}.db" for number in range(1_000))

        def peer(before: Batches, batches: Batches) -> float:
            return plain_sqlite(next(files), before, batches)

        return row("SQLite", lambda: f"sqlite:///{next(files)}", peer, "hand-written SQL", load, 0.5)


def migrated(uri: str) -> None:
    """Create the indexes of a database. The peer needs the index of identifiers as much as Kith does."""

    async def migrate() -> None:
        store = Neo4jStore(uri)
        await store.migrate()
        await store.close()

    asyncio.run(migrate())


def neo4j_row(uri: str, load: LoadProfile) -> Row:
    """Measure Neo4j, in links per second."""
    migrated(uri)

    def peer(before: Batches, batches: Batches) -> float:
        asyncio.run(wipe(uri))
        uvloop.run(plain_neo4j(uri, before, 1))
        return uvloop.run(plain_neo4j(uri, batches, load.clients))

    def store() -> str:
        asyncio.run(wipe(uri))
        return uri

    return row("Neo4j", store, peer, "driver alone, MERGE", load, 0.8 if load.batch == 1 else 0.5)


def latency_during_import(kind: str, store: str, seen: Sequence[SampleObservation], seconds: int) -> str:
    """Measure single writes alone, and while another client sends batches of 1000; return a row of Markdown."""
    half, third = len(seen) // 2, len(seen) // 6
    singles = [body([single]) for single in seen[:half]]
    with service(store) as url:
        fill(url, seen[half : half + 2_000])
        # The database plans each query when it runs for the first time.
        wrk_output(url, singles[:third], 1, seconds)
        alone = percentiles(wrk_output(url, singles[third : 2 * third], 1, seconds))
        stop = threading.Event()

        def importing() -> None:
            for batch in batched(seen[half + 2_000 :], 1_000):
                if stop.is_set():
                    return
                fill(url, batch)

        thread = threading.Thread(target=importing)
        thread.start()
        during = percentiles(wrk_output(url, singles[2 * third :], 1, seconds))
        if not thread.is_alive():
            raise AssertionError("the import ended before the single writes did")
        stop.set()
        thread.join()
    cells = " | ".join(f"{value:.1f}" for value in (*alone, *during, during[1] / alone[1]))
    return f"| {kind} | {cells} |\n"


IMPORT_LATENCY_HEADER = (
    "\n| single writes from one client | p50 alone, ms | p99 alone, ms | p50 during an import, ms | "
    "p99 during an import, ms | ratio of p99 (target 3) |\n| --- | --- | --- | --- | --- | --- |\n"
)


def rows_of(uri: str, seen: Sequence[SampleObservation], quick: bool) -> list[Row]:
    """Measure both stores, with all load profiles or, if `quick`, with a few."""
    rounds, seconds = (2, 2) if quick else (3, 4)

    def profile(batch: int, clients: int, max_batches: int, linked: int = 0) -> LoadProfile:
        """With `linked`, this many observations are stored before and sent again."""
        return LoadProfile(
            seen[:linked] if linked else seen, batch, clients, rounds, seconds, bool(linked), max_batches
        )

    batches, singles = (1_000, 1, 0), (1, 32, 10_000)
    rows = [sqlite_row(profile(*batches)), sqlite_row(profile(*singles))]
    rows += [] if quick else [sqlite_row(profile(*load, linked=100_000)) for load in (batches, singles)]
    loads = [(1_000, 1, 30), (100, 8, 200), (1, 32, 2_000)]
    more = [(1_000, 8, 30), (1_000, 32, 30), (100, 1, 200), (100, 32, 200), (1, 1, 1_000), (1, 8, 2_000)]
    rows += [neo4j_row(uri, profile(*load)) for load in (loads if quick else loads + more)]
    rows += [] if quick else [neo4j_row(uri, profile(*load, linked=25_000)) for load in loads]
    return rows


def main() -> None:
    """Measure and print."""
    chosen = parse_options(__doc__, quick="smaller data, fewer rounds and rows")
    require_wrk()
    seen = observations(60_000 if chosen.quick else 250_000, seed=1)
    latencies = ""
    with neo4j(chosen.store) as uri, tempfile.TemporaryDirectory() as folder:
        rows = rows_of(uri, seen, chosen.quick)
        if not chosen.quick:
            asyncio.run(wipe(uri))
            stores = {"Neo4j": uri, "SQLite": f"sqlite:///{folder}/latency.db"}
            latencies = IMPORT_LATENCY_HEADER + "".join(
                latency_during_import(kind, store, seen, 4) for kind, store in stores.items()
            )
    command = f"python -m bench.links_in{' --quick' if chosen.quick else ''}"
    report_results("Ingesting links", command, table(rows) + latencies, record=chosen.record)


if __name__ == "__main__":
    main()
