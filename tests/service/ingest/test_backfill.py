"""`kith backfill`: formats, rejected lines, interrupted runs, and stores that are not empty."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import polars
import pytest

from graph.domain.model.erasures import HeldOrder
from graph.domain.model.errors import InvalidInput, StoreNotEmpty, StoreUnavailable
from graph.domain.model.load_columns import PortionColumns
from graph.domain.model.store_values import Writes
from graph.domain.model.tombstones import Tombstone, TombstoneMode
from graph.domain.profile.consents import decisions
from graph.domain.profile.insights import CONSENTS
from graph.domain.profile.pages import ByKey, OrderPage, Selection
from graph.ports import COPYING, IMPORTING, LOADING, Work, Write
from graph.stores.sqlite import SQLiteStore
from service.bootstrap import Wiring, wire
from service.config.settings import Settings
from service.ingest import backfill
from service.ingest.file_formats import open_file
from service.ingest.importer import ImportRun
from service.ingest.load_portions import LoadCheckpoint
from service.ingest.raw_lines import ReadOptions
from service.ingest.report import Report
from tests.builders.clients import Client
from tests.builders.runs import Run
from tests.builders.safeguards import ListSafeguards

LINES = [
    {
        "source": "crm",
        "id": "1",
        "seenAt": "2026-01-01T00:00:00Z",
        "identifiers": [
            {"namespace": "crm_id", "value": "C1"},
            {"namespace": "email", "value": "Anna@Mail.example"},
            {"namespace": "phone", "value": "unknown"},
        ],
    },
    {
        "source": "shop",
        "number": "w-7",
        "placedAt": "2026-02-01T00:00:00Z",
        "reportedAt": "2026-02-01T00:00:00Z",
        "currency": "EUR",
        "total": "12.50",
        "identifiers": [{"namespace": "email", "value": "anna@mail.example"}],
        "lines": [{"sku": "a", "quantity": "1", "total": "12.50"}],
    },
    {
        "source": "crm",
        "id": "2",
        "attributes": {"given_name": "Anna"},
        "identifiers": [{"namespace": "crm_id", "value": "C1"}],
    },
    {"source": "crm", "id": "3", "identifiers": [{"namespace": "crm_id", "value": "C2"}]},
    {"source": "crm", "id": "3", "identifiers": [{"namespace": "crm_id", "value": "C2"}]},
    {"source": "crm", "id": "3", "identifiers": [{"namespace": "crm_id", "value": "C3"}]},
    {"source": "crm", "id": "4", "identifiers": [{"namespace": "crm_id", "value": v} for v in ("C4", "C5")]},
    {"source": "crm", "id": "5", "identifiers": [{"namespace": "nonsense", "value": "1"}]},
]

COMPOSITE_RULES = """
[blocked]
patterns = ['(?i)\\W*(unknown|n/?a)\\W*']
[[guard]]
attribute = "birth_date"
compare = "date"
[[namespace]]
name = "crm_id"
[[namespace]]
name = "name_birth"
[[namespace]]
name = "home"
[[composite]]
namespace = "name_birth"
of = ["family_name", "given_name", "birth_date"]
[[composite]]
namespace = "home"
of = ["address.postal_code", "address.street"]
"""
COMPOSITE_TABLE = """\
source,reportedAt,crm_id,attributes.familyname,attributes.givenname,attributes.birthdate,address.postalcode,address.street
crm,2026-01-01T00:00:00Z,3,Lee,Ann,1951-01-02,10115,Ring 1
crm,2026-01-02T00:00:00Z,1,Lee,ANN,1980-05-04,10115,Ring 1
shop,2026-01-03T00:00:00Z,2,LEÉ,Ann,1980-05-04,10115,ring 1
crm,2026-01-04T00:00:00Z,4,Lee,n/a,1980-05-04,,
crm,2026-01-05T00:00:00Z,5,O'Brien,Zoe,1990-01-01,10115,
"""


@pytest.fixture
def wiring(tmp_path: Path) -> Wiring:
    return wire(Settings(store=f"sqlite:///{tmp_path / 'kith.db'}", _env_file=None))


def write_history(folder: Path, lines: list[dict[str, object]]) -> Path:
    path = folder / "history.ndjson"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines) + "{nope\n", "utf-8")
    return path


class FailingStore:
    """A store that fails after some portions; it takes columns or writes only."""

    def __init__(self, store: SQLiteStore, after: int, as_columns: bool = True) -> None:
        self._store, self._remaining, self._as_columns = store, after, as_columns

    def __getattr__(self, name: str) -> object:
        if name == "load_columns" and self._as_columns:
            return self._load_columns
        if name == "load_columns":
            raise AttributeError(name)
        return getattr(self._store, name)

    async def load(self, writes: Writes, numbers: Mapping[str, int]) -> None:
        self._count()
        await self._store.load(writes, numbers)

    async def _load_columns(self, portion: PortionColumns, progress: str) -> None:
        self._count()
        await self._store.load_columns(portion, progress)

    def _count(self) -> None:
        if not self._remaining:
            raise OSError("no power")
        self._remaining -= 1


def check_progress(stage: str, done: int, total: int) -> None:
    assert 0 <= done <= total


def test_a_history_is_read_resolved_and_loaded(wiring: Wiring, run: Run, tmp_path: Path) -> None:
    # given
    report = Report(tmp_path / "report.ndjson")
    # when
    done = run(backfill.run(wiring, [write_history(tmp_path, LINES)], report, check_progress))
    report.flush()
    # then
    assert (done.customers, done.identifiers, done.links) == (2, 4, 2)
    assert (done.counts.accepted, done.counts.duplicates, done.counts.rejected, done.counts.dropped) == (4, 1, 4, 1)
    entries = [json.loads(line) for line in (tmp_path / "report.ndjson").read_text().splitlines()]
    assert {(entry["line"], entry["code"]) for entry in entries} == {
        (1, "BLOCKED"),
        (6, "ID_CONFLICT"),
        (7, "NAMESPACE_LIMIT_EXCEEDED"),
        (8, "UNKNOWN_NAMESPACE"),
        (9, "INVALID_LINE"),
    }
    assert {entry["line"]: entry["content"] for entry in entries if entry["result"] == "REJECTED"} == {
        6: LINES[5],
        7: LINES[6],
        8: LINES[7],
        9: "{nope",
    }
    run(wiring.prepare())
    page = OrderPage(10)
    (view,) = run(wiring.graph.customers([ByKey("email=anna@mail.example")], Selection((page,))))
    assert view is not None
    assert view.customer.counts == {"crm_id": 1, "email": 1, "order": 1}
    assert [order.key for order in view.pages[page].items] == ["order=W-7"]
    run(wiring.graph.close())


def test_what_is_suppressed_is_not_loaded_and_a_kept_order_takes_its_later_report(run: Run, tmp_path: Path) -> None:
    # given: an empty store that was restored to what it knows of an erasure
    store = SQLiteStore(tmp_path / "kith.db")
    run(store.migrate())
    safeguards = ListSafeguards()
    wiring = Client(store, run, safeguards=safeguards).wiring
    hashes = {key: safeguards.keys().hash(key) for key in ("email=anna@mail.example", "order=W-7", "crm_id=C2")}
    tombstones = [
        Tombstone(hash, key.partition("=")[0], 1_800_000_000_000_000, TombstoneMode.SUPPRESSED, 1, 0)
        for key, hash in hashes.items()
    ]
    held = HeldOrder(hashes["order=W-7"], "W-7", "shop", 1, "{}", 2**60, "ers_1")
    run(store.write(lambda: put(Writes(tombstones=tombstones, held_orders=[held]))))
    report = Report(tmp_path / "report.ndjson")
    # when
    done = run(backfill.run(wiring, [write_history(tmp_path, LINES)], report, check_progress))
    report.flush()
    # then: what names C2, and the order of Anna, is gone; what else names Anna has lost her address
    assert (done.counts.suppressed, done.counts.accepted, done.counts.duplicates) == (3, 3, 0)
    assert done.counts.dropped_by_code == {"SUPPRESSED": 1}
    assert run(store.identifier_keys("", 10)) == ["crm_id=C1", "crm_id=C3"]
    (order,) = run(store.held_orders("", 10))
    assert (order.reported_at, order.until) == (1_769_904_000_000_000, held.until)
    assert "12.5" in order.facts
    assert "anna" not in (tmp_path / "report.ndjson").read_text("utf-8").lower()
    run(store.close())


def put(writes: Writes) -> Work[None]:
    yield Write(writes)


def test_composite_keys_of_a_table_are_loaded_as_an_import_stores_them(run: Run, tmp_path: Path) -> None:
    # given: a table of people, some of whom state all parts of a key
    (tmp_path / "rules.toml").write_text(COMPOSITE_RULES, "utf-8")
    table = tmp_path / "people.csv"
    table.write_text(COMPOSITE_TABLE, "utf-8")
    wirings = [
        wire(Settings(store=f"sqlite:///{tmp_path / name}", rules=tmp_path / "rules.toml", _env_file=None))
        for name in ("imported.db", "loaded.db")
    ]
    imported, loaded = wirings
    # when
    run(imported.prepare())
    importer = ImportRun(imported.graph, Report(tmp_path / "import.ndjson"), lambda read, done: None)
    run(importer.run(table, open_file(table, imported.graph.rules)))
    done = run(backfill.run(loaded, [table], Report(tmp_path / "load.ndjson"), check_progress))
    run(loaded.prepare())
    # then
    assert (importer.counts.accepted, importer.counts.dropped) == (done.counts.accepted, done.counts.dropped) == (5, 1)
    for wiring in wirings:
        client = Client(wiring.store, run, wiring.graph.rules)
        assert client.keys_of("crm_id=1") == [
            "crm_id=1",
            "crm_id=2",
            "name_birth=lee|ann|1980-05-04",
            "home=10115|ring 1",
        ]
        # A namesake at the same address, one without a given name, and one without a street
        assert client.keys_of("crm_id=3") == ["crm_id=3", "name_birth=lee|ann|1951-01-02"]
        assert client.keys_of("crm_id=4") == ["crm_id=4"]
        assert client.keys_of("crm_id=5") == ["crm_id=5", "name_birth=obrien|zoe|1990-01-01"]
        profile = client.customer("name_birth=Lee|Ann|1980-05-04", "profile { birthDate { value } }")["profile"]
        assert profile["birthDate"] == {"value": "1980-05-04"}
        run(wiring.graph.close())


def test_a_store_with_half_a_copy_is_not_loaded(wiring: Wiring, run: Run, tmp_path: Path) -> None:
    # given
    path, report = write_history(tmp_path, LINES), Report(tmp_path / "report.ndjson")
    run(wiring.store.migrate())
    run(wiring.store.begin_load(COPYING))
    # when / then
    with pytest.raises(StoreUnavailable, match="was interrupted: run it again"):
        run(backfill.run(wiring, [path], report, check_progress))


def test_a_store_that_was_filled_from_files_is_not_loaded(wiring: Wiring, run: Run, tmp_path: Path) -> None:
    # given
    run(wiring.store.migrate())
    run(wiring.store.begin_load(IMPORTING + "1"))
    # when / then
    with pytest.raises(StoreUnavailable, match="run `kith finish-import FOLDER` first"):
        run(backfill.run(wiring, [write_history(tmp_path, LINES)], Report(tmp_path / "r.ndjson"), check_progress))
    run(wiring.graph.close())


@pytest.mark.parametrize(("after", "as_columns"), [(1, True), (2, True), (3, True), (1, False), (2, False)])
def test_an_interrupted_run_continues(wiring: Wiring, run: Run, tmp_path: Path, after: int, as_columns: bool) -> None:
    # given: a run that loaded columns, or writes as the other engines do
    path, report = write_history(tmp_path, LINES), Report(tmp_path / "report.ndjson")
    assert isinstance(wiring.store, SQLiteStore)
    failing = FailingStore(wiring.store, after, as_columns)
    with pytest.raises(OSError, match="no power"):
        run(backfill.run(replace(wiring, store=failing), [path], report, check_progress))
    # when / then
    assert run(wiring.store.get_value(LOADING)) is not None
    with pytest.raises(StoreUnavailable, match="is loading this store"):
        run(wiring.prepare())
    with pytest.raises(InvalidInput, match="different files"):
        run(backfill.run(wiring, [write_history(tmp_path / "..", LINES[:1])], report, check_progress))
    path = write_history(tmp_path, LINES)
    with pytest.raises(InvalidInput, match="different files or options"):
        run(backfill.run(wiring, [path], report, check_progress, options=ReadOptions(encoding="cp1252")))
    # when
    done = run(backfill.run(wiring, [path], report, check_progress))
    # then
    assert (done.customers, run(wiring.store.count_customers())) == (2, 2)
    assert len(run(wiring.store.changes(0, 10))) == 2
    # and a second history is not loaded on top
    with pytest.raises(StoreNotEmpty, match="not empty"):
        run(backfill.run(wiring, [path], report, check_progress))
    run(wiring.graph.close())


def test_a_backfill_of_an_earlier_release_is_not_continued(wiring: Wiring, run: Run, tmp_path: Path) -> None:
    # given: a release that derived customer ids from their positions was stopped in the middle
    path, report = write_history(tmp_path, LINES), Report(tmp_path / "report.ndjson")
    with pytest.raises(OSError, match="no power"):
        run(backfill.run(replace(wiring, store=FailingStore(wiring.store, 1)), [path], report, check_progress))
    stored = json.loads(str(run(wiring.store.get_value(LOADING))))
    del stored["ids_from"]
    run(wiring.store.put_value(LOADING, json.dumps(stored)))
    # when / then
    with pytest.raises(InvalidInput, match="is of an earlier release") as refused:
        run(backfill.run(wiring, [path], report, check_progress))
    assert refused.value.code == "DIFFERENT_RELEASE"
    run(wiring.graph.close())


def test_parquet_has_a_column_for_each_field_and_namespace(wiring: Wiring, run: Run, tmp_path: Path) -> None:
    # given
    frame = polars.DataFrame(
        {
            "source": ["crm", "crm", "shop"],
            "id": ["1", "2", "3"],
            "seenAt": ["2026-01-01T00:00:00Z", None, "2026-01-02T00:00:00Z"],
            "crm_id": ["C1", "C2", None],
            "email": [["a@mail.example", "b@mail.example"], None, ["b@mail.example"]],
            "cookie": [None, None, "cookie-1"],
        },
        strict=False,
    )
    frame.write_parquet(tmp_path / "history.parquet")
    # when
    report = Report(tmp_path / "report.ndjson")
    done = run(backfill.run(wiring, [tmp_path / "history.parquet"], report, check_progress))
    # then
    assert (done.counts.accepted, done.customers, done.identifiers, done.links) == (3, 2, 5, 4)
    run(wiring.graph.close())


def test_an_unreadable_file_leaves_the_store_unchanged(wiring: Wiring, run: Run, tmp_path: Path) -> None:
    # given
    bad, good = tmp_path / "bad.parquet", write_history(tmp_path, LINES)
    bad.write_bytes(b"PAR1 and nothing else")
    report = Report(tmp_path / "report.ndjson")
    # when
    with pytest.raises(InvalidInput, match=r"bad\.parquet cannot be read as Parquet"):
        run(backfill.run(wiring, [good, bad], report, check_progress))
    # then
    assert run(wiring.store.get_value(LOADING)) is None
    assert run(backfill.run(wiring, [good], report, check_progress)).customers == 2
    run(wiring.graph.close())


def test_a_run_that_loaded_nothing_does_not_bind_a_later_run(wiring: Wiring, run: Run, tmp_path: Path) -> None:
    # given
    run(wiring.prepare())
    run(wiring.store.begin_load(LoadCheckpoint(("another file",), 1, "00").to_json()))
    # when
    done = run(
        backfill.run(wiring, [write_history(tmp_path, LINES)], Report(tmp_path / "report.ndjson"), check_progress)
    )
    # then
    assert done.customers == 2
    run(wiring.graph.close())


WITHDRAWAL = {
    "source": "mailer",
    "id": "u-1",
    "type": "unsubscribed",
    "occurredAt": "2026-03-01T00:00:00Z",
    "identifiers": [{"namespace": "email", "value": "anna@mail.example"}],
}
GRANT = {
    "source": "shop",
    "id": "c-1",
    "purpose": "newsletter",
    "decision": "GIVEN",
    "decidedAt": "2026-01-01T00:00:00Z",
    "identifiers": WITHDRAWAL["identifiers"],
}


def test_a_line_counts_once_with_everything_that_follows_from_it(wiring: Wiring, run: Run, tmp_path: Path) -> None:
    # given: an interaction that withdraws consents, and a repetition of it
    path = write_history(tmp_path, [GRANT, WITHDRAWAL, WITHDRAWAL])
    # when
    done = run(backfill.run(wiring, [path], Report(tmp_path / "report.ndjson"), check_progress))
    # then
    assert (done.counts.accepted, done.counts.duplicates, done.counts.rejected) == (2, 1, 1)
    run(wiring.prepare())
    (view,) = run(wiring.graph.customers([ByKey("email=anna@mail.example")], Selection((CONSENTS,))))
    assert view is not None
    effective = decisions(view.pages[CONSENTS].items)
    assert [d.decision.name for d in effective if d.purpose == "newsletter"][:1] == ["WITHDRAWN"]
    run(wiring.graph.close())


def test_nothing_follows_from_a_line_that_contradicts_an_earlier_one(wiring: Wiring, run: Run, tmp_path: Path) -> None:
    # given: an interaction that withdraws consents has the id of one that does not
    path = write_history(tmp_path, [GRANT, {**WITHDRAWAL, "type": "email_opened"}, WITHDRAWAL])
    # when
    done = run(backfill.run(wiring, [path], Report(tmp_path / "report.ndjson"), check_progress))
    # then
    assert (done.counts.accepted, done.counts.rejected_by_code["ID_CONFLICT"]) == (2, 1)
    run(wiring.prepare())
    (view,) = run(wiring.graph.customers([ByKey("email=anna@mail.example")], Selection((CONSENTS,))))
    assert view is not None
    assert [(d.purpose, d.decision.name) for d in decisions(view.pages[CONSENTS].items)] == [("newsletter", "GIVEN")]
    run(wiring.graph.close())


def test_the_command_prints_a_summary(tmp_path: Path) -> None:
    # given
    path = write_history(tmp_path, LINES)
    command = [sys.executable, "-m", "service", "backfill", str(path), "--store", f"sqlite:///{tmp_path / 'kith.db'}"]
    # when
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    # then
    assert done.returncode == 1, done.stderr
    assert "4 lines accepted, 1 duplicates, 4 rejected, 0 blank; 1 identifiers dropped" in done.stdout
    assert "2 customers with 4 identifiers, 2 links" in done.stdout
    assert "ID_CONFLICT 1, INVALID_LINE 1, NAMESPACE_LIMIT_EXCEEDED 1, UNKNOWN_NAMESPACE 1" in done.stdout
    # when
    second = subprocess.run(command, capture_output=True, text=True, check=False)
    # then
    assert second.returncode == 2
    assert "not empty" in second.stderr


def test_a_terminated_run_deletes_its_temporary_files(tmp_path: Path) -> None:
    # given: a backfill that is reading
    file, folder = tmp_path / "history.ndjson", tmp_path / "temporary"
    folder.mkdir()
    with file.open("w") as out:
        for n in range(100_000):
            observation = {
                "source": "web",
                "id": str(n),
                "identifiers": [{"namespace": "email", "value": f"p{n}@mail.example"}],
            }
            out.write(json.dumps(observation) + "\n")
    command = [sys.executable, "-m", "service", "backfill", str(file), "--store", f"sqlite:///{tmp_path}/kith.db"]
    process = subprocess.Popen(
        command, env={**os.environ, "TMPDIR": str(folder)}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    for _ in range(3_000):
        if any(rows.stat().st_size for rows in folder.glob("kith-backfill-*/rows")):
            break
        time.sleep(0.02)
    assert list(folder.glob("kith-backfill-*/rows"))
    # when
    process.terminate()
    _, stderr = process.communicate(timeout=60)
    # then
    assert process.returncode == 128 + signal.SIGTERM
    assert list(folder.glob("kith-backfill-*")) == []
    assert "Traceback" not in stderr
