"""The peers of `bench.links_in`: the database alone, which writes the same identifiers and links without the rule.

Both write the normalized keys of each observation, and its time.
"""

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

from neo4j import AsyncGraphDatabase

from bench.population import SampleObservation
from graph.domain.model.identifiers import Identifier
from service.config.rules_file import default_text, parse

RULES = parse(default_text())
Batches = list[list[SampleObservation]]


def _normalized_keys(seen: SampleObservation) -> list[str]:
    return sorted(Identifier(name, str(RULES.normalize_value(name, value))).key for name, value in seen.keys)


def plain_sqlite(path: Path, before: Batches, batches: Batches) -> float:
    """Write the same identifiers and links to SQLite, and union customers without rules, as durably as Kith does.

    Writes `before` first; returns the seconds for `batches`.
    """
    db = sqlite3.connect(path, isolation_level=None)
    db.executescript(
        """PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
        PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 20000;
        CREATE TABLE identifiers (id INTEGER PRIMARY KEY, key TEXT UNIQUE, first INTEGER, last INTEGER,
            customer INTEGER);
        CREATE INDEX by_customer ON identifiers (customer);
        CREATE TABLE links (a INTEGER, b INTEGER, first INTEGER, last INTEGER, count INTEGER, PRIMARY KEY (a, b))
            WITHOUT ROWID;"""
    )
    sent = [[(_normalized_keys(seen), seen.at) for seen in batch] for batch in (*before, *batches)]
    start = time.perf_counter()
    for number, batch in enumerate(sent):
        if number == len(before):
            start = time.perf_counter()
        db.execute("BEGIN IMMEDIATE")
        for keys, at in batch:
            rows = [
                db.execute(
                    """INSERT INTO identifiers (key, first, last) VALUES (?1, ?2, ?2) ON CONFLICT (key) DO UPDATE SET
                        first = min(first, ?2), last = max(last, ?2) RETURNING id, customer""",
                    (key, at),
                ).fetchone()
                for key in keys
            ]
            customers = sorted({customer for _, customer in rows if customer is not None})
            target = customers[0] if customers else rows[0][0]
            for merged in customers[1:]:
                db.execute("UPDATE identifiers SET customer = ? WHERE customer = ?", (target, merged))
            for id, customer in rows:
                if customer is None:
                    db.execute("UPDATE identifiers SET customer = ? WHERE id = ?", (target, id))
            for (a, _), (b, _) in combinations(rows, 2):
                db.execute(
                    """INSERT INTO links VALUES (?1, ?2, ?3, ?3, 1) ON CONFLICT DO UPDATE SET first = min(first, ?3),
                        last = max(last, ?3), count = count + 1""",
                    (a, b, at),
                )
        db.execute("COMMIT")
    took = time.perf_counter() - start
    db.close()
    return took


MERGE = """UNWIND $identifiers AS identifier
MERGE (i:Identifier {key: identifier.key})
  ON CREATE SET i.first = identifier.first, i.last = identifier.last
  ON MATCH SET i.last = CASE WHEN identifier.last > i.last THEN identifier.last ELSE i.last END
WITH count(*) AS done
UNWIND $links AS link
MATCH (a:Identifier {key: link.a}) MATCH (b:Identifier {key: link.b})
MERGE (a)-[l:LINKED]->(b)
  ON CREATE SET l.first = link.at, l.last = link.at, l.count = 1
  ON MATCH SET l.last = CASE WHEN link.at > l.last THEN link.at ELSE l.last END, l.count = l.count + 1"""


def _merge_parameters(batch: Sequence[SampleObservation]) -> dict[str, object]:
    """Return the parameters of `MERGE`: each identifier once, in the order of keys, so that writers do not deadlock."""
    identifiers: dict[str, dict[str, object]] = {}
    links = []
    for seen in sorted(batch, key=lambda seen: seen.at):
        keys = _normalized_keys(seen)
        for key in keys:
            identifiers.setdefault(key, {"key": key, "first": seen.at})["last"] = seen.at
        links += [{"a": a, "b": b, "at": seen.at} for a, b in combinations(keys, 2)]
    return {"identifiers": [identifiers[key] for key in sorted(identifiers)], "links": links}


async def plain_neo4j(uri: str, batches: Batches, clients: int) -> float:
    """Write the same identifiers and links with the driver alone; return the seconds."""
    work = iter([_merge_parameters(batch) for batch in batches])
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
