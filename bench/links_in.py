"""Links in: Kith with resolution, against the database alone writing the same identifiers and links without any.

Both sides take the same observations in the same batches, on an empty database each time, in turn. The answers are
compared first: as many identifiers and links must be there afterwards.
"""

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from itertools import combinations, islice
from pathlib import Path

from neo4j import AsyncGraphDatabase

from bench.population import Population, Seen
from bench.report import Row
from graph.domain.identifiers import Identifier
from graph.domain.observations import SECOND, Observation
from graph.identity_graph import IdentityGraph
from graph.ports import Store
from graph.stores.embedded import EmbeddedStore
from graph.stores.neo4j import Neo4jStore
from service.bootstrap import RandomIds, SystemClock, currencies
from service.rules_file import default_text, parse

RULES = parse(default_text())
Batches = list[list[Seen]]


def observations(links: int, seed: int) -> list[Seen]:
    """Observations without placeholders, so that both sides write the same."""
    return [
        one
        for one in Population(links, seed)
        if all(isinstance(RULES.clean(name, value), str) for name, value in one.keys) and one.keys[0][0] != "order"
    ]


def batched(seen: Sequence[Seen], size: int) -> Batches:
    """In lists of a size."""
    rest = iter(seen)
    return list(iter(lambda: list(islice(rest, size)), []))


def _normalised(one: Seen) -> list[str]:
    return sorted(Identifier(name, str(RULES.clean(name, value))).key for name, value in one.keys)


async def kith(store: Store, batches: Batches, clients: int) -> float:
    """Seconds for all batches from so many clients, over a migrated, empty store."""
    graph = IdentityGraph(store, RULES, SystemClock(), RandomIds(), currencies())
    sent = [[Observation(one.source, one.keys, one.id, seen_at=one.at * SECOND) for one in batch] for batch in batches]
    work = iter(sent)

    async def client() -> None:
        for batch in work:
            await graph.link(batch)

    start = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return time.perf_counter() - start


def plain_sqlite(path: Path, batches: Batches) -> float:
    """The same identifiers, links and a union without rules, written by hand on SQLite as durably as Kith does."""
    db = sqlite3.connect(path, isolation_level=None)
    db.executescript(
        """PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
        CREATE TABLE identifiers (no INTEGER PRIMARY KEY, key TEXT UNIQUE, first INTEGER, last INTEGER,
            customer INTEGER);
        CREATE INDEX by_customer ON identifiers (customer);
        CREATE TABLE links (a INTEGER, b INTEGER, first INTEGER, last INTEGER, count INTEGER, PRIMARY KEY (a, b))
            WITHOUT ROWID;"""
    )
    sent = [[(_normalised(one), one.at) for one in batch] for batch in batches]
    start = time.perf_counter()
    for batch in sent:
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


MERGE = """UNWIND $rows AS row
UNWIND row.keys AS key
MERGE (i:Identifier {key: key})
  ON CREATE SET i.first = row.at, i.last = row.at
  ON MATCH SET i.last = CASE WHEN row.at > i.last THEN row.at ELSE i.last END
WITH row, count(*) AS done
UNWIND row.pairs AS pair
MATCH (a:Identifier {key: pair[0]}) MATCH (b:Identifier {key: pair[1]})
MERGE (a)-[l:LINKED]->(b)
  ON CREATE SET l.first = row.at, l.last = row.at, l.count = 1
  ON MATCH SET l.last = CASE WHEN row.at > l.last THEN row.at ELSE l.last END, l.count = l.count + 1"""


async def plain_neo4j(uri: str, batches: Batches, clients: int) -> float:
    """The driver alone writing the same identifiers and links, keys sorted, without resolution."""
    sent = [
        [
            {"keys": keys, "at": one.at, "pairs": [list(p) for p in combinations(keys, 2)]}
            for one in batch
            for keys in [_normalised(one)]
        ]
        for batch in batches
    ]
    work = iter(sent)
    async with AsyncGraphDatabase.driver(uri, notifications_min_severity="OFF") as driver:

        async def client() -> None:
            async with driver.session() as session:
                for rows in work:
                    rows.sort(key=lambda row: row["keys"])
                    await session.execute_write(_merge, rows)

        start = time.perf_counter()
        await asyncio.gather(*(client() for _ in range(clients)))
        return time.perf_counter() - start


async def _merge(tx, rows):
    await (await tx.run(MERGE, rows=rows)).consume()


async def wipe(uri: str) -> None:
    """Empty the database of the benchmark."""
    async with AsyncGraphDatabase.driver(uri, notifications_min_severity="OFF") as driver, driver.session() as session:
        await (await session.run("MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 5000 ROWS")).consume()


async def counts(uri: str) -> tuple[int, int]:
    """Identifiers and links."""
    async with AsyncGraphDatabase.driver(uri, notifications_min_severity="OFF") as driver, driver.session() as session:
        nodes = await (await session.run("MATCH (i:Identifier) RETURN count(i)")).single()
        links = await (await session.run("MATCH ()-[l:LINKED]->() RETURN count(l)")).single()
        return nodes[0], links[0]


def sqlite_row(seen: Sequence[Seen], batch: int, clients: int, rounds: int) -> Row:
    """SQLite: links a second."""
    batches, links = batched(seen, batch), sum(one.links for one in seen)
    row = Row(f"SQLite, links in, batches of {batch} from {clients}", "links/s", [], "the same union by hand", [], 0.5)
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            row.theirs.append(links / plain_sqlite(Path(folder) / "plain.db", batches))
            path = Path(folder) / "kith.db"

            async def ours(path: Path = path) -> float:
                store = EmbeddedStore(path)
                await store.migrate()
                try:
                    return await kith(store, batches, clients)
                finally:
                    await store.close()

            row.ours.append(links / asyncio.run(ours()))
            plain, own = (sqlite3.connect(Path(folder) / name) for name in ("plain.db", "kith.db"))
            for table in ("identifiers", "links"):
                (theirs,), (mine,) = (db.execute(f"SELECT count(*) FROM {table}").fetchone() for db in (plain, own))
                if theirs != mine:
                    raise AssertionError(f"{table}: Kith wrote {mine}, the peer {theirs}")
    return row


def neo4j_row(uri: str, seen: Sequence[Seen], batch: int, clients: int, rounds: int, reach: float) -> Row:
    """Neo4j: links a second."""
    batches, links = batched(seen, batch), sum(one.links for one in seen)
    row = Row(f"Neo4j, links in, batches of {batch} from {clients}", "links/s", [], "driver alone, MERGE", [], reach)

    async def both() -> None:
        store = Neo4jStore(uri)
        await store.migrate()
        for _ in range(rounds):
            await wipe(uri)
            row.theirs.append(links / await plain_neo4j(uri, batches, clients))
            theirs = await counts(uri)
            await wipe(uri)
            row.ours.append(links / await kith(store, batches, clients))
            if await counts(uri) != theirs:
                raise AssertionError(f"Kith wrote {await counts(uri)}, the peer {theirs}")
        await store.close()

    asyncio.run(both())
    return row
