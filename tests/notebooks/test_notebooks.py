"""The notebook for analysts and the statements of its guide, run on an export, with the numbers of the service."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from graph.domain.model.changes import ChangeKind
from graph.stores.sqlite import SQLiteStore
from service.export.formats import Format
from tests.builders.clients import order
from tests.builders.operations import decide, interaction, record
from tests.builders.repository import ROOT
from tests.builders.runs import Run
from tests.builders.table_exports import export
from tests.builders.transfers import CREATE_SEGMENT
from tests.builders.viewers import ViewerClient, shop

PYTHON = ROOT / ".venv-notebooks" / "bin" / "python"
NOTEBOOK = ROOT / "examples" / "analysts" / "analysis.ipynb"
ANNA = "email=anna.berg@example.com"


@pytest.fixture(scope="module")
def python() -> str:
    """A Python with DuckDB, Polars and Jupyter's kernel."""
    if not PYTHON.exists():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("DuckDB and Jupyter's kernel: `make notebook-tools`")
    return str(PYTHON)


@pytest.fixture
def client(run: Run, tmp_path: Path) -> Iterator[ViewerClient]:
    """The example shop, with two segments, and what Anna did and decided."""
    store = SQLiteStore(tmp_path / "kith.db")
    run(store.migrate())
    client = shop(store, run, tmp_path)
    run(client.wiring.prepare())
    record(client, interaction("page_viewed", ANNA, at="2026-01-01T10:00:00Z"))
    decide(client, ANNA, decision="GIVEN", at="2026-01-01T10:00:00Z")
    for name, least in (("Buyers", 1), ("Regulars", 2)):
        rule = {"all": [{"metric": {"name": "ORDER_COUNT", "min": least}}]}
        client.ask(CREATE_SEGMENT, {"i": {"name": name, "rule": rule}})
    run(client.graph.segment_worker.catch_up())
    yield client
    run(store.close())


def test_the_notebook_counts_what_the_service_counts(
    python: str, client: ViewerClient, run: Run, tmp_path: Path
) -> None:
    # given
    made = export(client, run, tmp_path / "out", format=Format.PARQUET)
    # when
    done = subprocess.run(
        [python, ROOT / "tools" / "notebooks" / "run.py", NOTEBOOK],
        env={**os.environ, "KITH_EXPORT": str(tmp_path / "out"), "IPYTHONDIR": str(tmp_path / "ipython")},
        capture_output=True,
        text=True,
        check=False,
    )
    # then
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    customers = run(client.wiring.store.count_customers())
    assert found["funnel"]["seen"] == customers
    assert (
        found["funnel"]["seen"]
        > found["funnel"]["known"]
        >= found["funnel"]["bought"]
        > found["funnel"]["bought again"]
    )
    assert found["funnel"]["acted"] == 1
    totals = run(client.wiring.store.order_totals("", 1_000))
    revenue = sum((total["EUR"].revenue for _, total in totals), Decimal(0))
    assert Decimal(found["revenue"]["EUR"]) == revenue
    sizes = {
        segment.name: run(client.wiring.store.count_members(segment.id))
        for segment in run(client.wiring.store.segments())
    }
    (overlap,) = found["overlap"]
    assert (overlap["a"], overlap["b"], overlap["shared"]) == ("Buyers", "Regulars", sizes["Regulars"])
    assert overlap["jaccard"] == pytest.approx(sizes["Regulars"] / sizes["Buyers"], abs=0.001)
    identifiers = made.table("identifiers")
    assert identifiers is not None
    changes = run(client.wiring.store.changes(0, 10_000))
    merges = sum(entry.change.kind is ChangeKind.CUSTOMERS_MERGED for entry in changes)
    assert (found["identifiers"], found["merges"]) == (identifiers.rows, merges)
    assert found["consents"] == [
        {"purpose": "newsletter", "channel": "every channel", "decision": "GIVEN", "customers": 1}
    ]


def test_duckdb_merges_changes_as_the_guide_says(python: str, client: ViewerClient, run: Run, tmp_path: Path) -> None:
    # given
    lake = tmp_path / "lake"
    export(client, run, lake / "monday", format=Format.PARQUET)
    client.record(order("NEW-1", ANNA), order("W-5001", source="shop", reportedAt="2026-10-01T00:00:00Z", total="1"))
    export(client, run, lake / "tuesday", since=lake / "monday", format=Format.PARQUET)
    export(client, run, lake / "whole", format=Format.PARQUET)
    guide = (ROOT / "docs" / "guides" / "analysis.md").read_text()
    (statement,) = re.findall(r"```sql\n(MERGE .*?)```", guide, re.DOTALL)
    script = f"""
import duckdb
db = duckdb.connect()
db.execute("CREATE TABLE orders AS FROM 'lake/monday/orders.parquet'")
for _ in range(2):
    db.execute('''{statement}''')
rows = "FROM orders ORDER BY order_id"
whole = "FROM 'lake/whole/orders.parquet' ORDER BY order_id"
assert db.sql(rows).fetchall() == db.sql(whole).fetchall()
print(db.sql("SELECT count(*) FROM orders").fetchall()[0][0])
"""
    # when: twice, since a loader may repeat it
    done = subprocess.run([python, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    # then
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 30


def test_outputs_of_the_notebook_are_not_committed() -> None:
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert len(code) >= 6
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code)
