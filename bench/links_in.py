"""Links in: Kith over HTTP with resolution, against the database alone writing the same identifiers and links without.

Both sides take the same observations in the same batches, in turn, on a store that is empty each time or holds all of
it already. Kith serves in a process of its own and `wrk` sends; the peer writes from coroutines, without HTTP.
"""

import asyncio
import json
import re
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations, islice
from pathlib import Path
from typing import TypeVar

import httpx
import uvloop
from neo4j import AsyncGraphDatabase

from bench.population import Population, Seen
from bench.report import Row
from bench.view import percentiles, served, told_by_wrk
from graph.domain.identifiers import Identifier
from graph.stores.neo4j import Neo4jStore
from service.rules_file import default_text, parse
from tools.neo4j.server import free_port

RULES = parse(default_text())
T = TypeVar("T")
Batches = list[list[Seen]]


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


def _normalised(one: Seen) -> list[str]:
    return sorted(Identifier(name, str(RULES.clean(name, value))).key for name, value in one.keys)


def plain_sqlite(path: Path, before: Batches, batches: Batches) -> float:
    """The same identifiers, links and a union without rules, written by hand on SQLite as durably as Kith does.

    Answers the seconds for `batches`, after those of `before`.
    """
    db = sqlite3.connect(path, isolation_level=None)
    db.executescript(
        """PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
        PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 20000;
        CREATE TABLE identifiers (no INTEGER PRIMARY KEY, key TEXT UNIQUE, first INTEGER, last INTEGER,
            customer INTEGER);
        CREATE INDEX by_customer ON identifiers (customer);
        CREATE TABLE links (a INTEGER, b INTEGER, first INTEGER, last INTEGER, count INTEGER, PRIMARY KEY (a, b))
            WITHOUT ROWID;"""
    )
    sent = [[(_normalised(one), one.at) for one in batch] for batch in (*before, *batches)]
    start = time.perf_counter()
    for number, batch in enumerate(sent):
        if number == len(before):
            start = time.perf_counter()
        db.execute("BEGIN IMMEDIATE")
        for keys, at in batch:
            found = [
                db.execute(
                    """INSERT INTO identifiers (key, first, last) VALUES (?1, ?2, ?2) ON CONFLICT (key) DO UPDATE SET
                        first = min(first, ?2), last = max(last, ?2) RETURNING no, customer""",
                    (key, at),
                ).fetchone()
                for key in keys
            ]
            customers = sorted({customer for _, customer in found if customer is not None})
            target = customers[0] if customers else found[0][0]
            for other in customers[1:]:
                db.execute("UPDATE identifiers SET customer = ? WHERE customer = ?", (target, other))
            for no, customer in found:
                if customer is None:
                    db.execute("UPDATE identifiers SET customer = ? WHERE no = ?", (target, no))
            for (a, _), (b, _) in combinations(found, 2):
                db.execute(
                    """INSERT INTO links VALUES (?1, ?2, ?3, ?3, 1) ON CONFLICT DO UPDATE SET first = min(first, ?3),
                        last = max(last, ?3), count = count + 1""",
                    (a, b, at),
                )
        db.execute("COMMIT")
    took = time.perf_counter() - start
    db.close()
    return took


MERGE = """UNWIND $identifiers AS one
MERGE (i:Identifier {key: one.key})
  ON CREATE SET i.first = one.first, i.last = one.last
  ON MATCH SET i.last = CASE WHEN one.last > i.last THEN one.last ELSE i.last END
WITH count(*) AS done
UNWIND $links AS link
MATCH (a:Identifier {key: link.a}) MATCH (b:Identifier {key: link.b})
MERGE (a)-[l:LINKED]->(b)
  ON CREATE SET l.first = link.at, l.last = link.at, l.count = 1
  ON MATCH SET l.last = CASE WHEN link.at > l.last THEN link.at ELSE l.last END, l.count = l.count + 1"""


def _merged(batch: Sequence[Seen]) -> dict[str, object]:
    """A batch as `MERGE` takes it: each identifier once and in the order of keys, so that writers do not deadlock."""
    identifiers: dict[str, dict[str, object]] = {}
    links = []
    for one in sorted(batch, key=lambda one: one.at):
        keys = _normalised(one)
        for key in keys:
            identifiers.setdefault(key, {"key": key, "first": one.at})["last"] = one.at
        links += [{"a": a, "b": b, "at": one.at} for a, b in combinations(keys, 2)]
    return {"identifiers": [identifiers[key] for key in sorted(identifiers)], "links": links}


async def plain_neo4j(uri: str, batches: Batches, clients: int) -> float:
    """The driver alone writing the same identifiers and links, without resolution."""
    work = iter([_merged(batch) for batch in batches])
    async with AsyncGraphDatabase.driver(uri, notifications_min_severity="OFF") as driver:

        async def client() -> None:
            async with driver.session() as session:
                for values in work:
                    await session.execute_write(_merge, values)

        start = time.perf_counter()
        await asyncio.gather(*(client() for _ in range(clients)))
        return time.perf_counter() - start


async def _merge(tx, values):
    await (await tx.run(MERGE, values)).consume()


async def wipe(uri: str) -> None:
    """Empty the database of the benchmark."""
    async with AsyncGraphDatabase.driver(uri, notifications_min_severity="OFF") as driver, driver.session() as session:
        await (await session.run("MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 5000 ROWS")).consume()


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
    with served(command, port, KITH_POPULATION_SECONDS="0") as url:
        yield f"{url}/graphql"


def over_http(url: str, batches: Batches, clients: int, seconds: int) -> float:
    """Links a second that so many clients get in, over HTTP; fails where there are too few batches for the time."""
    told = told_by_wrk(url, [body(batch) for batch in batches], clients, seconds)
    found = re.search(r"(\d+) requests in ([\d.]+)(m?s)", told)
    if found is None:
        raise AssertionError(told)
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


def neo4j_row(uri: str, how: How) -> Row:
    """Neo4j: links a second."""

    async def migrated() -> None:
        # The peer needs the index of identifiers as much as Kith does.
        store = Neo4jStore(uri)
        await store.migrate()
        await store.close()

    asyncio.run(migrated())

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
        told_by_wrk(url, singles[:third], 1, seconds)
        alone = percentiles(told_by_wrk(url, singles[third : 2 * third], 1, seconds))
        stop = threading.Event()

        def importing() -> None:
            for batch in batched(seen[half + 2_000 :], 1_000):
                if stop.is_set():
                    return
                fill(url, batch)

        thread = threading.Thread(target=importing)
        thread.start()
        beside = percentiles(told_by_wrk(url, singles[2 * third :], 1, seconds))
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
