"""A history on Spark gives exactly what `kith backfill` gives: every record, the report, and the counts."""

from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from graph.domain.model.erasures import HeldOrder
from graph.domain.model.errors import InvalidInput
from graph.domain.model.rules import StoredRules
from graph.domain.model.store_values import Writes
from graph.domain.model.stored_records import StoredValue
from graph.domain.model.tombstones import Tombstone, TombstoneMode
from graph.ports import Store, Work, Write
from graph.stores.sqlite import SQLiteStore
from service.bootstrap import Wiring
from service.config import rules_file
from service.ingest.backfill import Backfill
from service.ingest.raw_lines import AS_FOUND
from service.ingest.report import Report
from service.ingest.spark.backfill import SparkBackfill
from service.ingest.spark.load import load_kept_tables
from tests.builders.backfill_files import write_files
from tests.builders.clients import Client
from tests.builders.runs import Run
from tests.builders.safeguards import ListSafeguards

NOW, SEED = 1_790_000_000_000_000, "5eed" * 16
RULES = rules_file.default_text().replace('name = "cookie"\n', 'name = "cookie"\nrequires_consent = "profiling"\n', 1)
ERASED = ("email=p1@mail.example", "crm_id=C2", "order=W-3")


def ignore(*_: object) -> None:
    pass


def put(writes: Writes) -> Work[None]:
    yield Write(writes)


def open_wiring(path: Path, run: Run) -> Wiring:
    """A store that knows of an erasure, as one that was restored after it."""
    store = SQLiteStore(path)
    run(store.migrate())
    safeguards = ListSafeguards()
    wiring = Client(store, run, rules_file.parse(RULES), safeguards=safeguards).wiring
    wiring.rules_text = RULES
    hashes = {key: safeguards.keys().hash(key) for key in ERASED}
    tombstones = [
        Tombstone(hash, key.partition("=")[0], 1_800_000_000_000_000, TombstoneMode.SUPPRESSED, 1, 0)
        for key, hash in hashes.items()
    ]
    held = HeldOrder(hashes["order=W-3"], "W-3", "shop", 1, "{}", 2**60, "ers_1")
    run(store.write(lambda: put(Writes(tombstones=tombstones, held_orders=[held]))))
    run(wiring.prepare())
    return wiring


async def contents(store: Store) -> tuple[list[Any], list[Any], list[str]]:
    """All records, the held orders, and the customers of the feed."""
    # Without what each store has of its own: when it got its rules, and a secret.
    own = StoredRules, StoredValue
    records = [record async for batch in store.export() for record in batch if not isinstance(record, own)]
    return records, list(await store.held_orders("", 100)), list(await store.identifier_keys("", 10_000))


def test_everything_is_as_after_a_backfill_by_arrays(spark: SparkSession, run: Run, tmp_path: Path) -> None:
    # given: a history with every kind of line, of which many contradict, repeat or replace others
    files = write_files(tmp_path, seed=7, count=700)
    arrays, cluster = (open_wiring(tmp_path / name, run) for name in ("arrays.db", "spark.db"))
    reports = Report(tmp_path / "arrays.ndjson"), Report(tmp_path / "spark.ndjson")
    expected = Backfill(arrays.store, arrays.graph, NOW, reports[0], ignore, "", AS_FOUND, ignore, "ann", SEED)
    run(expected.run(files))
    # when: the tables are kept, and loaded by another run
    kept = str(tmp_path / "kept")
    backfill = SparkBackfill(
        spark, cluster.store, cluster.graph, NOW, reports[1], ignore, "", "ann", kept, SEED, large=100
    )
    run(backfill.run([str(path) for path in files]))
    loaded = run(load_kept_tables(cluster.store, cluster.graph, kept, ignore, "ann"))
    # then
    assert reports[1].counts == reports[0].counts
    assert reports[1].counts.duplicates
    assert {"ID_CONFLICT", "CONSENT_REQUIRED", "INVALID_LINE"} <= set(reports[0].counts.rejected_by_code)
    assert reports[1].path.read_text("utf-8") == reports[0].path.read_text("utf-8")
    assert (loaded.customers, loaded.identifiers, loaded.links) == (
        expected.customers,
        expected.identifiers,
        expected.links,
    )
    records, held, keys = run(contents(cluster.store))
    expected_records, expected_held, expected_keys = run(contents(arrays.store))
    assert (held, keys) == (expected_held, expected_keys)
    for record, other in zip(records, expected_records, strict=True):
        assert record == other
    # and the history holds what it is about: suspended, excluded and superseded
    text = repr(expected_records)
    for part in ("LIMIT", "GUARD", "SHARED", "BELOW_THRESHOLD", "SUPERSEDED"):
        assert part in text, part
    # and what holds the hairball together is named
    hubs = {large.key: large.neighbors for large in backfill.large_components}
    assert hubs["email=info@company.example"] == 120
    # and tables that were made for other rules are not loaded
    other = SQLiteStore(tmp_path / "other.db")
    run(other.migrate())
    wiring = Client(other, run).wiring
    run(wiring.prepare())
    with pytest.raises(InvalidInput, match="were made for other rules"):
        run(load_kept_tables(other, wiring.graph, kept, ignore, "ann"))
    with pytest.raises(InvalidInput, match="does not hold the tables of a history"):
        run(load_kept_tables(other, wiring.graph, str(tmp_path), ignore, "ann"))
    for used in (arrays, cluster, wiring):
        run(used.graph.close())
