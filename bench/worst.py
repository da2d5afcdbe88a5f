"""The time of one more link, over the size of the customer that it belongs to, in the worst cases.

    python -m bench.worst [--sizes 100,1000,10000,100000] [--store neo4j://127.0.0.1:7687]

A customer has a login and many cookies, one of which another login had first, so that a link is suspended. Then come,
one at a time: a link between two small customers, for comparison; a new cookie; a link between two of the customer's
cookies; and a new address, of which a customer may have five. Then a sixth address, which displaces another; and at
last an address that twenty customers used is used by one more, and crosses `shared_above`.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.links_in import batched
from bench.peers.unions import RULES
from bench.report import Curve, report_results
from graph.commands.commit import Accepted
from graph.domain.model.dates import SECOND
from graph.domain.model.observations import Observation
from graph.domain.model.times import EARLIEST
from graph.identity_graph import IdentityGraph
from graph.ports import Store
from graph.stores.neo4j import Neo4jStore
from graph.stores.sqlite import SQLiteStore
from service.bootstrap import SystemClock, currencies
from service.runtime.ids import RandomIds

BATCH = 1_000
Pairs = tuple[tuple[str, str], ...]


def seen(id: str, *keys: tuple[str, str], at: int = 1_000) -> Observation:
    return Observation("bench", keys, id, seen_at=EARLIEST + at * SECOND)


async def fill(graph: IdentityGraph, size: int) -> None:
    """Record the large customer with a suspended link, and twenty customers with one address."""
    login = ("login", f"large-{size}")
    observations = [seen(f"{size} {n}", login, ("cookie", f"{size}-cookie-{n}")) for n in range(size)]
    last = ("cookie", f"{size}-cookie-{size - 1}")
    observations.append(seen(f"{size} before", ("login", f"other-{size}"), last, at=10))
    # Twenty customers, one of them large, use an address; with one more it would be shared.
    office = ("email", f"office-{size}@mail.example")
    observations.append(seen(f"{size} office", office, ("crm_id", f"crm-{size}-0")))
    observations += [seen(f"{size} office {n}", office, ("crm_id", f"crm-{size}-{n}"), at=900) for n in range(1, 20)]
    observations += [
        seen(f"{size} crowd {n}", ("crm_id", f"crm-{size}-0"), ("cookie", f"{size}-crowd-{n}")) for n in range(size)
    ]
    for batch in batched(observations, BATCH):
        await graph.link(batch)


def kinds(size: int) -> dict[str, Callable[[int], Pairs]]:
    """Return the identifiers of each kind of link, by the number of the attempt."""
    login = ("login", f"large-{size}")
    return {
        "two small customers": lambda at: (("cookie", f"{size}-a-{at}"), ("device", f"{size}-b-{at}")),
        "a new cookie": lambda at: (login, ("cookie", f"{size}-new-{at}")),
        "within the customer": lambda at: (
            ("cookie", f"{size}-cookie-{at}"),
            ("cookie", f"{size}-cookie-{at + size // 2}"),
        ),
        "a new address": lambda at: (login, ("email", f"{size}-{at}@mail.example")),
    }


async def measure(graph: IdentityGraph, size: int) -> dict[str, float]:
    """Return the milliseconds of each kind of link: the median of some attempts, all kinds in turn."""
    times: dict[str, list[float]] = {name: [] for name in kinds(size)}
    for at in range(4):
        for name, pairs in kinds(size).items():
            # Four attempts: a customer may have five addresses.
            await timed(graph, seen(f"{size} {name} {at}", *pairs(at)), times[name])
    login = ("login", f"large-{size}")
    await timed(graph, seen(f"{size} fifth", login, ("email", f"{size}-4@mail.example")), times["a new address"])
    times["a sixth address"] = []
    for at in range(5, 8):
        sixth = seen(f"{size} sixth {at}", login, ("email", f"{size}-{at}@mail.example"), at=1_000 + at)
        await timed(graph, sixth, times["a sixth address"])
    office = ("email", f"office-{size}@mail.example")
    times["crosses shared_above"] = []
    await timed(graph, seen(f"{size} crossing", office, ("crm_id", f"crm-{size}-20")), times["crosses shared_above"])
    return {name: statistics.median(seconds) * 1000 for name, seconds in times.items()}


async def timed(graph: IdentityGraph, observation: Observation, times: list[float]) -> None:
    start = time.perf_counter()
    (result,) = await graph.link([observation])
    times.append(time.perf_counter() - start)
    if not isinstance(result, Accepted):
        raise TypeError(result)


async def run(store: Store, sizes: list[int]) -> Curve:
    """Measure all sizes; return the curve of each kind of link."""
    await store.migrate()
    graph = IdentityGraph(store, RULES, SystemClock(), RandomIds(), currencies())
    curve = Curve("One more link to a large customer", "identifiers", "milliseconds")
    for size in sizes:
        await fill(graph, size)
        for name, milliseconds in (await measure(graph, size)).items():
            curve.lines.setdefault(name, []).append((size, milliseconds))
    await graph.close()
    return curve


def lines(curve: Curve) -> Iterator[str]:
    """Yield the lines of a Markdown table of a curve."""
    sizes = [int(x) for x, _ in next(iter(curve.lines.values()))]
    yield "| one more link, ms | " + " | ".join(f"{size:,}" for size in sizes) + " |"
    yield "| --- " * (len(sizes) + 1) + "|"
    for name, points in curve.lines.items():
        yield f"| {name} | " + " | ".join(f"{y:.1f}" for _, y in points) + " |"


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--sizes", default="100,1000,10000,100000")
    options.add_argument("--store", default="")
    options.add_argument("--record", action="store_true", help="write the results to RESULTS.md")
    chosen = options.parse_args()
    sizes = [int(size) for size in chosen.sizes.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        store = Neo4jStore(chosen.store) if chosen.store else SQLiteStore(Path(folder) / "worst.db")
        curve = asyncio.run(run(store, sizes))
        curve.name += f", {'Neo4j' if chosen.store else 'SQLite'}"
        report_results(
            curve.name, f"python -m bench.worst --sizes {chosen.sizes}", "\n".join(lines(curve)), [curve], chosen.record
        )


if __name__ == "__main__":
    main()
