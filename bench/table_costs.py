"""What the statements of SQLite cost by the table that they read or write, with its indexes; for `bench.floors`.

Time of one run, and bytes of the file. The peer has identifiers and links alone. Observations, with what names them,
are the records as they were sent; customers, the history and the words that are searched are Kith's own.
"""

import re
import sqlite3
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SqlStatement = tuple[str, Any, bool]
"""SQL, its values, and whether the values are several rows."""

_SUBQUERY = re.compile(r"\([^()]*\)")
_NAMED_TABLE = re.compile(r"\b(?:FROM|INTO|UPDATE|JOIN)\s+(\w+)")


def table_of(sql: str, tables: Collection[str]) -> str:
    """Return the first of some tables that a statement reads or writes; `transactions` if there is none.

    What stands in parentheses is left out, such as what else is looked up for each row.
    """
    while (outer := _SUBQUERY.sub("", sql)) != sql:
        sql = outer
    return next((name for name in _NAMED_TABLE.findall(sql) if name in tables), "transactions")


def tables_in(db: sqlite3.Connection) -> dict[str, int]:
    """Return the bytes of each table of a file, those of its indexes and of the parts of full-text search included."""
    sizes: dict[str, int] = {}
    sql = (
        """SELECT s.tbl_name, sum(d.pgsize) FROM dbstat d JOIN sqlite_schema s ON s.name = d.name GROUP BY s.tbl_name"""
    )
    for name, size in db.execute(sql):
        table = "search" if name.startswith("search_") else name
        sizes[table] = sizes.get(table, 0) + size
    return sizes


@dataclass(slots=True)
class Cost:
    """What the statements on one table take, in seconds, and the bytes by which it has grown."""

    seconds: float = 0.0
    size: int = 0


def run_again(file: Path, before: Sequence[SqlStatement], measured: Sequence[SqlStatement]) -> dict[str, Cost]:
    """Run recorded statements; return the costs of those that are measured, by table.

    The settings are those of the store.
    """
    db = sqlite3.connect(file, isolation_level=None)
    for setting in ("synchronous = FULL", "cache_size = -65536", "wal_autocheckpoint = 20000"):
        db.execute(f"PRAGMA {setting}")
    costs: dict[str, Cost] = {}
    sizes: dict[str, int] = {}
    for part in (before, measured):
        costs, sizes = {}, tables_in(db)
        for sql, values, several in part:
            start = time.perf_counter()
            if several:
                db.executemany(sql, values)
            else:
                db.execute(sql, values).fetchall()
            took = time.perf_counter() - start
            costs.setdefault(table_of(sql, sizes.keys() | {"search"}), Cost()).seconds += took
    for name, size in tables_in(db).items():
        if grown := size - sizes.get(name, 0):
            costs.setdefault(name, Cost()).size = grown
    db.close()
    return costs


COSTS_HEADER = (
    "\n| SQLite, batches of 1000 | µs per link, fresh | bytes per link | µs per link, well-linked | bytes per link |\n"
    "| --- | --- | --- | --- | --- |\n"
)


def table_costs(links: int, fresh: dict[str, Cost], linked: dict[str, Cost]) -> str:
    """Return the costs of each table, in both states, as rows of Markdown; those below 0.1 µs are left out."""
    nothing = Cost()
    text = COSTS_HEADER
    for name in sorted(fresh.keys() | linked.keys(), key=lambda name: -fresh.get(name, nothing).seconds):
        costs = fresh.get(name, nothing), linked.get(name, nothing)
        if max(cost.seconds for cost in costs) >= links / 10_000_000:
            cells = (f"{cost.seconds / links * 1_000_000:.1f} | {cost.size / links:.0f}" for cost in costs)
            text += f"| {name} | {' | '.join(cells)} |\n"
    return text
