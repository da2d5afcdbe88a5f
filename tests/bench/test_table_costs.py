"""The costs of SQLite's statements by table."""

import sqlite3
from pathlib import Path

from bench.table_costs import COSTS_HEADER, Cost, run_again, table_costs, table_of

TABLES = ["identifiers", "observations", "facts", "links"]


def test_a_statement_counts_for_the_table_that_it_reads_or_writes() -> None:
    # given
    cases = {
        "INSERT INTO links (a, b) VALUES (?, ?) ON CONFLICT (a, b) DO UPDATE SET b = excluded.b": "links",
        "INSERT OR IGNORE INTO observations VALUES (?)": "observations",
        "UPDATE identifiers SET facts = (SELECT count(*) FROM facts) WHERE id = ?": "identifiers",
        "SELECT (SELECT json_group_array(i.key) FROM facts f JOIN identifiers i ON (i.id = f.identifier)), o.facts "
        "FROM json_each(?) requested CROSS JOIN observations o": "observations",
        "COMMIT": "transactions",
    }
    for sql, table in cases.items():
        # then
        assert table_of(sql, TABLES) == table, sql


def test_costs_are_those_of_the_measured_statements_alone(tmp_path: Path) -> None:
    # given
    file = tmp_path / "store.db"
    with sqlite3.connect(file) as db:
        db.execute("CREATE TABLE links (a INTEGER, b TEXT)")
        db.execute("CREATE TABLE facts (a INTEGER)")
    before = [("INSERT INTO facts VALUES (?)", [(1,)], True)]
    measured = [("INSERT INTO links VALUES (?, ?)", [(1, "x" * 100_000)], True), ("SELECT b FROM links", (), False)]
    # when
    costs = run_again(file, before, measured)
    # then
    assert set(costs) == {"links"}
    assert costs["links"].seconds > 0
    assert costs["links"].size > 90_000


def test_what_costs_nothing_is_left_out_of_the_table() -> None:
    # when
    text = table_costs(1_000, {"links": Cost(0.01, 5_000), "rules": Cost(0.000_001)}, {"links": Cost(0.02)})
    # then
    assert text == COSTS_HEADER + "| links | 10.0 | 5 | 20.0 | 0 |\n"
