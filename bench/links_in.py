"""Links in: Kith over HTTP with resolution, against the database alone writing the same identifiers and links without.

    python -m bench.links_in [--quick] [--store neo4j://127.0.0.1:7687] [--record]

Both sides take the same observations in the same batches, in turn, on a store that is empty each time or holds all of
it already. Kith serves in a process of its own and `wrk` sends; the peer writes from coroutines, without HTTP.
"""

import asyncio
import json
import re
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
from bench.population import Population, Seen
from bench.report import Row, table, tell
from bench.server import chosen_by, neo4j, wipe
from bench.wrk import QUIET, needed, percentiles, served, told
from graph.stores.neo4j import Neo4jStore
from tools.neo4j.server import free_port

T = TypeVar("T")


def observations(links: int, seed: int) -> list[Seen]:
    """Observations as they would come: by time, so that people take turns. Without placeholders: both sides write the
    same."""
    fit = [
        one
        for one in Population(links, seed)
        if all(isinstance(RULES.clean(name, value), str) for name, value in one.keys) and one.keys[0][0] != "order"
    ]
    return sorted(fit, key=lambda one: (one.at, one.source, one.id))


def batched(seen: Sequence[T], size: int) -> list[list[T]]:
    """In lists of a size."""
    rest = iter(seen)
    return list(iter(lambda: list(islice(rest, size)), []))


LINK = """mutation Link($input: LinkIdentifiersInput!) { linkIdentifiers(input: $input) {
  results { __typename } errors { code } } }"""
DAY = 86_400
WARM = 2_000
"""Observations that come before anything is measured."""


def body(batch: Sequence[Seen]) -> str:
    """What a partner sends over HTTP for some observations."""
    sent = [one.as_line() for one in batch]
    return json.dumps({"query": LINK, "variables": {"input": {"observations": sent}}})


def again(seen: Sequence[Seen]) -> list[Seen]:
    """The same seen together once more, a day later."""
    return [Seen(one.source, f"again {one.id}", one.at + DAY, one.keys) for one in seen]


@contextmanager
def service(store: str) -> Iterator[str]:
    """Kith over a store, with nothing to do in the background."""
    port = free_port()
    command = [sys.executable, "-m", "service", "serve", "--port", str(port), "--store", store]
    with served(command, port, **QUIET) as url:
        yield f"{url}/graphql"


def over_http(url: str, batches: Batches, clients: int, seconds: int) -> float:
    """Links a second that so many clients get in, over HTTP; fails where there are too few batches for the time."""
    text = told(url, [body(batch) for batch in batches], clients, seconds)
    found = re.search(r"(\d+) requests in ([\d.]+)(m?s)", text)
    if found is None:
        raise AssertionError(text)
    done, took = int(found[1]), float(found[2]) / (1000 if found[3] == "ms" else 1)
    if done >= len(batches):
        raise AssertionError(f"{len(batches)} batches are too few for {seconds} s")
    return sum(one.links for batch in batches[:done] for one in batch) / took


def fill(url: str, seen: Sequence[Seen]) -> None:
    """All of it, in thousands."""
    for batch in batched(seen, 1_000):
        answer = httpx.post(url, content=body(batch), headers={"Content-Type": "application/json"}, timeout=120).json()
        if answer.get("errors") or answer["data"]["linkIdentifiers"]["errors"]:
            raise AssertionError(str(answer)[:500])


@dataclass(slots=True)
class How:
    """One way of getting links in; the peer takes no more than `most` batches where it is slow."""

    seen: Sequence[Seen]
    batch: int
    clients: int
    rounds: int
    seconds: int
    linked: bool = False
    most: int = 0


Plain = Callable[[Batches, Batches], float]
"""A peer: writes what was there before, then the batches; answers the seconds that these took."""


def row(kind: str, store: Callable[[], str], plain: Plain, name: str, how: How, reach: float) -> Row:
    """Kith over HTTP and a peer, in turn, on fresh stores or on such as hold all of it already."""
    what = f"{kind}, {'well-linked' if how.linked else 'fresh'}, batches of {how.batch} from {how.clients}"
    result = Row(what, "links/s", [], name, [], reach)
    sent = again(how.seen) if how.linked else how.seen
    batches, before = batched(sent, how.batch), batched(how.seen, 1_000) if how.linked else []
    for _ in range(how.rounds):
        few = batches[: how.most] if how.most else batches
        links = sum(one.links for batch in few for one in batch)
        result.theirs.append(links / plain(before, few))
        with service(store()) as url:
            # A database that is asked something for the first time plans for seconds.
            fill(url, how.seen if how.linked else how.seen[-WARM:])
            result.ours.append(over_http(url, batches, how.clients, how.seconds))
    return result


def sqlite_row(how: How) -> Row:
    """SQLite: links a second."""
    with tempfile.TemporaryDirectory() as folder:
        files = (Path(folder) / f"{number}.db" for number in range(1_000))

        def plain(before: Batches, batches: Batches) -> float:
            return plain_sqlite(next(files), before, batches)

        return row("SQLite", lambda: f"sqlite:///{next(files)}", plain, "the same union by hand", how, 0.5)


def migrated(uri: str) -> None:
    """Give a database its indexes: the peer needs that of identifiers as much as Kith does."""

    async def migrate() -> None:
        store = Neo4jStore(uri)
        await store.migrate()
        await store.close()

    asyncio.run(migrate())


def neo4j_row(uri: str, how: How) -> Row:
    """Neo4j: links a second."""
    migrated(uri)

    def plain(before: Batches, batches: Batches) -> float:
        asyncio.run(wipe(uri))
        uvloop.run(plain_neo4j(uri, before, 1))
        return uvloop.run(plain_neo4j(uri, batches, how.clients))

    def store() -> str:
        asyncio.run(wipe(uri))
        return uri

    return row("Neo4j", store, plain, "driver alone, MERGE", how, 0.8 if how.batch == 1 else 0.5)


def beside_import(kind: str, store: str, seen: Sequence[Seen], seconds: int) -> str:
    """A single's latency alone, and while another client sends thousands without a pause: a line of a table."""
    half, third = len(seen) // 2, len(seen) // 6
    singles = [body([one]) for one in seen[:half]]
    with service(store) as url:
        fill(url, seen[half : half + 2_000])
        # A database that is asked something for the first time plans for a moment.
        told(url, singles[:third], 1, seconds)
        alone = percentiles(told(url, singles[third : 2 * third], 1, seconds))
        stop = threading.Event()

        def importing() -> None:
            for batch in batched(seen[half + 2_000 :], 1_000):
                if stop.is_set():
                    return
                fill(url, batch)

        thread = threading.Thread(target=importing)
        thread.start()
        beside = percentiles(told(url, singles[2 * third :], 1, seconds))
        if not thread.is_alive():
            raise AssertionError("the import was over before the singles were")
        stop.set()
        thread.join()
    cells = [
        f"{alone[0]:.1f}",
        f"{alone[1]:.1f}",
        f"{beside[0]:.1f}",
        f"{beside[1]:.1f}",
        f"{beside[1] / alone[1]:.1f}",
    ]
    return f"| {kind} | {' | '.join(cells)} |\n"


BESIDE = (
    "\n| a single from one client | p50 alone, ms | p99 alone, ms | p50 beside an import, ms | p99, ms | "
    "p99 over p99 alone (aim 3) |\n| --- | --- | --- | --- | --- | --- |\n"
)


def rows_of(uri: str, seen: Sequence[Seen], quick: bool) -> list[Row]:
    """Both stores, in all ways or in a few."""
    rounds, seconds = (2, 2) if quick else (3, 4)

    def how(batch: int, clients: int, most: int, linked: int = 0) -> How:
        """With `linked` so many observations are there already, and come again."""
        return How(seen[:linked] if linked else seen, batch, clients, rounds, seconds, bool(linked), most)

    whole, single = (1_000, 1, 0), (1, 32, 10_000)
    found = [sqlite_row(how(*whole)), sqlite_row(how(*single))]
    found += [] if quick else [sqlite_row(how(*one, linked=100_000)) for one in (whole, single)]
    ways = [(1_000, 1, 30), (100, 8, 200), (1, 32, 2_000)]
    more = [(1_000, 8, 30), (1_000, 32, 30), (100, 1, 200), (100, 32, 200), (1, 1, 1_000), (1, 8, 2_000)]
    found += [neo4j_row(uri, how(*one)) for one in (ways if quick else ways + more)]
    found += [] if quick else [neo4j_row(uri, how(*one, linked=25_000)) for one in ways]
    return found


def main() -> None:
    """Measure and print."""
    chosen = chosen_by(__doc__, quick="smaller data, fewer rounds and rows")
    needed()
    seen = observations(60_000 if chosen.quick else 250_000, seed=1)
    beside = ""
    with neo4j(chosen.store) as uri, tempfile.TemporaryDirectory() as folder:
        found = rows_of(uri, seen, chosen.quick)
        if not chosen.quick:
            asyncio.run(wipe(uri))
            stores = {"Neo4j": uri, "SQLite": f"sqlite:///{folder}/beside.db"}
            beside = BESIDE + "".join(beside_import(kind, store, seen, 4) for kind, store in stores.items())
    command = f"python -m bench.links_in{' --quick' if chosen.quick else ''}"
    tell("Links in", command, table(found) + beside, record=chosen.record)


if __name__ == "__main__":
    main()
