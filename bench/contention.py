"""Writers of one and of two processes on the same identifiers of a Neo4j database, and a single writer beside them.

    python -m bench.contention [--store neo4j://127.0.0.1:7687] [--seconds 10] [--identifiers 160]

Each process has 64 writers that link random identifiers of the same few, so that customers are merged and split without
end. The single writer waits 50 ms between two links. Prints percentiles in milliseconds, errors to callers, and how
often a transaction ran again.
"""

import argparse
import asyncio
import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence

import uvloop

from bench.server import graph_over, neo4j, wipe
from graph.domain.model.observations import Observation
from graph.domain.model.times import EARLIEST
from graph.identity_graph import IdentityGraph
from graph.stores.neo4j import Neo4jStore

WRITERS = 64
NAMESPACES = ("email", "phone", "device", "cookie")


def observation(dice: random.Random, identifiers: int, id: str) -> Observation:
    """Return an observation of up to three of the identifiers."""
    numbers = [dice.randrange(identifiers) for _ in range(dice.randint(1, 3))]
    keys = {(NAMESPACES[number % 4], value(NAMESPACES[number % 4], number)) for number in numbers}
    return Observation("web", tuple(sorted(keys)), id, seen_at=EARLIEST + dice.randrange(10**9))


def value(namespace: str, number: int) -> str:
    """Return a valid value of a namespace."""
    return {"email": f"anna{number}@mail.com", "phone": f"+4930{1234000 + number}"}.get(
        namespace, f"{namespace}{number}"
    )


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """Return percentiles in milliseconds."""
    ordered = sorted(seconds)
    return {name: round(1000 * ordered[int(len(ordered) * part)], 1) for name, part in (("p50", 0.5), ("p99", 0.99))}


async def write(
    graph: IdentityGraph, name: str, identifiers: int, until: float, pause: float
) -> tuple[list[float], Counter[str]]:
    """Link until a time; return how long each link took, and the errors."""
    dice = random.Random(name)
    took: list[float] = []
    errors: Counter[str] = Counter()
    while time.time() < until:
        began = time.perf_counter()
        try:
            await graph.link([observation(dice, identifiers, f"{name}-{len(took)}-{began}")])
        except Exception as error:
            errors[str(error)] += 1
        took.append(time.perf_counter() - began)
        await asyncio.sleep(pause)
    return took, errors


async def process(uri: str, name: str, writers: int, identifiers: int, until: float) -> None:
    """Run the writers of one process and print what they saw; a single writer pauses between links."""
    store = Neo4jStore(uri)
    graph = await graph_over(store)
    pause = 0.05 if writers == 1 else 0.0
    results = await asyncio.gather(
        *(write(graph, f"{name}-{number}", identifiers, until, pause) for number in range(writers))
    )
    took = [seconds for times, _ in results for seconds in times]
    errors = sum((errors for _, errors in results), Counter[str]())
    summary = {"links": len(took), **percentiles(took), "errors": dict(errors), "conflicts": store.conflicts}
    print(f"  {name}: {json.dumps(summary)}", flush=True)
    await store.close()


def measure(uri: str, processes: int, seconds: float, identifiers: int) -> None:
    """Run the processes and the single writer at the same time."""
    asyncio.run(wipe(uri))
    asyncio.run(prepare(uri))
    print(f"{processes} process(es) with {WRITERS} writers each, and a single writer in one of its own:")
    until = time.time() + seconds + 5
    names = [("single", 1), *((f"writers{number}", WRITERS) for number in range(processes))]
    command = [sys.executable, "-m", "bench.contention", "--store", uri, "--identifiers", str(identifiers)]
    running = [subprocess.Popen([*command, "--process", name, str(writers), str(until)]) for name, writers in names]
    for one in running:
        one.wait()


async def prepare(uri: str) -> None:
    """Store the rules, and have the server plan the queries."""
    store = Neo4jStore(uri)
    graph = await graph_over(store)
    await graph.link([observation(random.Random(1), 10, "first")])
    await store.close()


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", default="", help="a Neo4j database, which is emptied; without it, one is started")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--identifiers", type=int, default=160)
    parser.add_argument("--process", nargs=3, metavar=("NAME", "WRITERS", "UNTIL"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.process:
        name, writers, until = options.process
        uvloop.run(process(options.store, name, int(writers), options.identifiers, float(until)))
        return 0
    with neo4j(options.store) as uri:
        for processes in (1, 2):
            measure(uri, processes, options.seconds, options.identifiers)
    return 0


if __name__ == "__main__":
    sys.exit(main())
