"""The worst cases of one link more: how long it takes, over the size of the customer that it comes to.

    python -m bench.worst [--sizes 100,1000,10000,100000] [--store neo4j://127.0.0.1:7687]

A customer holds a login and so many cookies, and one more cookie that another login had first, so that a link is
suspended there. Then come, one at a time: a link between two small customers beside it, which the others are held
against; a new cookie; a link between two of its cookies; and a new address, of which a customer has a limited number.
At last an address that twenty customers of a crowd used is used by one more, and crosses `shared_above`.
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
from bench.report import Curve, tell
from graph.commands.commit import Accepted
from graph.domain.model.dates import SECOND
from graph.domain.model.observations import Observation
from graph.identity_graph import IdentityGraph
from graph.ports import Store
from graph.stores.neo4j import Neo4jStore
from graph.stores.sqlite import EmbeddedStore
from service.bootstrap import SystemClock, currencies
from service.runtime.ids import RandomIds

BATCH = 1_000
Pairs = tuple[tuple[str, str], ...]


def seen(id: str, *keys: tuple[str, str], at: int = 1_000) -> Observation:
    return Observation("bench", keys, id, seen_at=at * SECOND)


async def fill(graph: IdentityGraph, size: int) -> None:
    """The large customer, with a link that is suspended; and a crowd around an address."""
    login = ("login", f"large-{size}")
    many = [seen(f"{size} {one}", login, ("cookie", f"{size}-cookie-{one}")) for one in range(size)]
    last = ("cookie", f"{size}-cookie-{size - 1}")
    many.append(seen(f"{size} before", ("login", f"other-{size}"), last, at=10))
    # Twenty customers around an address that may be shared by no more; one of them is large.
    office = ("email", f"office-{size}@mail.example")
    many.append(seen(f"{size} office", office, ("crm_id", f"crm-{size}-0")))
    many += [seen(f"{size} office {one}", office, ("crm_id", f"crm-{size}-{one}"), at=900) for one in range(1, 20)]
    crowd = [
        seen(f"{size} crowd {one}", ("crm_id", f"crm-{size}-0"), ("cookie", f"{size}-crowd-{one}"))
        for one in range(size)
    ]
    for batch in batched([*many, *crowd], BATCH):
        await graph.link(batch)


def kinds(size: int) -> dict[str, Callable[[int], Pairs]]:
    """What comes, by the number of the try."""
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
    """Milliseconds of each kind of link: the median of some tries, small and large in turn."""
    times: dict[str, list[float]] = {name: [] for name in kinds(size)}
    for at in range(4):
        for name, pairs in kinds(size).items():
            # An address is limited to five a customer.
            await timed(graph, seen(f"{size} {name} {at}", *pairs(at)), times[name])
    office = ("email", f"office-{size}@mail.example")
    times["crosses shared_above"] = []
    await timed(graph, seen(f"{size} crossing", office, ("crm_id", f"crm-{size}-20")), times["crosses shared_above"])
    return {name: statistics.median(found) * 1000 for name, found in times.items()}


async def timed(graph: IdentityGraph, one: Observation, times: list[float]) -> None:
    begin = time.perf_counter()
    (answered,) = await graph.link([one])
    times.append(time.perf_counter() - begin)
    if not isinstance(answered, Accepted):
        raise TypeError(answered)


async def run(store: Store, sizes: list[int]) -> Curve:
    """The curve of each kind of link."""
    await store.migrate()
    graph = IdentityGraph(store, RULES, SystemClock(), RandomIds(), currencies())
    curve = Curve("One link more to a large customer", "identifiers", "milliseconds")
    for size in sizes:
        await fill(graph, size)
        for name, milliseconds in (await measure(graph, size)).items():
            curve.lines.setdefault(name, []).append((size, milliseconds))
    await graph.close()
    return curve


def lines(curve: Curve) -> Iterator[str]:
    """The curve as a table of Markdown."""
    sizes = [int(x) for x, _ in next(iter(curve.lines.values()))]
    yield "| one link more, in ms | " + " | ".join(f"{size:,}" for size in sizes) + " |"
    yield "| --- " * (len(sizes) + 1) + "|"
    for name, points in curve.lines.items():
        yield f"| {name} | " + " | ".join(f"{y:.1f}" for _, y in points) + " |"


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--sizes", default="100,1000,10000,100000")
    options.add_argument("--store", default="")
    options.add_argument("--record", action="store_true", help="write the figures into RESULTS.md")
    chosen = options.parse_args()
    sizes = [int(size) for size in chosen.sizes.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        store = Neo4jStore(chosen.store) if chosen.store else EmbeddedStore(Path(folder) / "worst.db")
        curve = asyncio.run(run(store, sizes))
        where = "Neo4j" if chosen.store else "SQLite"
        curve.name += f", {where}"
        tell(
            curve.name, f"python -m bench.worst --sizes {chosen.sizes}", "\n".join(lines(curve)), [curve], chosen.record
        )


if __name__ == "__main__":
    main()
