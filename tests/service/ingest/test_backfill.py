"""`kith backfill`: all formats, refused lines, runs that are cut off, and stores that are not empty."""

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

from graph.domain.model.errors import Conflict, InvalidInput, StoreUnavailable
from graph.domain.model.store_values import Writes
from graph.domain.profile.pages import ByKey, OrderPage, Selection
from graph.ports import LOADING, Store
from service.bootstrap import Wiring, wire
from service.config.settings import Settings
from service.ingest import backfill
from service.ingest.backfill import Mark
from service.ingest.importer import Report
from tests.builders.runs import Run

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
        "statedAt": "2026-02-01T00:00:00Z",
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


@pytest.fixture
def wiring(tmp_path: Path) -> Wiring:
    return wire(Settings(store=f"sqlite:///{tmp_path / 'kith.db'}", _env_file=None))


def written(folder: Path, lines: list[dict[str, object]]) -> Path:
    path = folder / "history.ndjson"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines) + "{nope\n", "utf-8")
    return path


class CutOff:
    """A store whose power goes after the first portion."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._loaded = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def load(self, writes: Writes, numbers: Mapping[str, int]) -> None:
        if self._loaded == 1:
            raise OSError("the power went")
        self._loaded += 1
        await self._store.load(writes, numbers)


def quiet(what: str, done: int, total: int) -> None:
    assert 0 <= done <= total


def test_a_history_is_read_resolved_and_loaded(wiring: Wiring, run: Run, tmp_path: Path) -> None:
    # given
    report = Report(tmp_path / "refused.ndjson")
    # when
    done = run(backfill.run(wiring, [written(tmp_path, LINES)], report, quiet))
    report.flush()
    # then
    assert (done.customers, done.identifiers, done.links) == (2, 4, 2)
    assert (done.counts.accepted, done.counts.repeated, done.counts.refused, done.counts.dropped) == (4, 1, 4, 1)
    refused = [json.loads(line) for line in (tmp_path / "refused.ndjson").read_text().splitlines()]
    assert {(one["line"], one["code"]) for one in refused} == {
        (6, "ID_CONFLICT"),
        (7, "LIMIT_EXCEEDED"),
        (8, "UNKNOWN_NAMESPACE"),
        (9, "BAD_LINE"),
    }
    run(wiring.prepare())
    page = OrderPage(10)
    (view,) = run(wiring.graph.customers([ByKey("email=anna@mail.example")], Selection((page,))))
    assert view is not None
    assert view.customer.counts == {"crm_id": 1, "email": 1, "order": 1}
    assert [one.key for one in view.pages[page].items] == ["order=W-7"]
    run(wiring.graph.close())


def test_a_run_that_was_cut_off_goes_on(wiring: Wiring, run: Run, tmp_path: Path) -> None:
    # given
    path, report = written(tmp_path, LINES), Report(tmp_path / "refused.ndjson")
    with pytest.raises(OSError, match="power"):
        run(backfill.run(replace(wiring, store=CutOff(wiring.store)), [path], report, quiet))
    # when / then
    assert run(wiring.store.kept(LOADING)) is not None
    with pytest.raises(StoreUnavailable, match="being loaded"):
        run(wiring.prepare())
    with pytest.raises(InvalidInput, match="other files"):
        run(backfill.run(wiring, [written(tmp_path / "..", LINES[:1])], report, quiet))
    # when
    path = written(tmp_path, LINES)
    done = run(backfill.run(wiring, [path], report, quiet))
    # then
    assert (done.customers, run(wiring.store.count_customers())) == (2, 2)
    assert len(run(wiring.store.changes(0, 10))) == 2
    # and a second history does not go on top
    with pytest.raises(Conflict, match="not empty"):
        run(backfill.run(wiring, [path], report, quiet))
    run(wiring.graph.close())


def test_parquet_is_read_by_column(wiring: Wiring, run: Run, tmp_path: Path) -> None:
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
    report = Report(tmp_path / "refused.ndjson")
    done = run(backfill.run(wiring, [tmp_path / "history.parquet"], report, quiet))
    # then
    assert (done.counts.accepted, done.customers, done.identifiers, done.links) == (3, 2, 5, 4)
    run(wiring.graph.close())


def test_a_file_that_cannot_be_read_leaves_the_store_as_it_was(wiring: Wiring, run: Run, tmp_path: Path) -> None:
    # given
    bad, good = tmp_path / "bad.parquet", written(tmp_path, LINES)
    bad.write_bytes(b"PAR1 and nothing else")
    report = Report(tmp_path / "refused.ndjson")
    # when
    with pytest.raises(InvalidInput, match=r"bad\.parquet cannot be read as Parquet"):
        run(backfill.run(wiring, [good, bad], report, quiet))
    # then
    assert run(wiring.store.kept(LOADING)) is None
    assert run(backfill.run(wiring, [good], report, quiet)).customers == 2
    run(wiring.graph.close())


def test_a_run_that_loaded_nothing_binds_no_other(wiring: Wiring, run: Run, tmp_path: Path) -> None:
    # given
    run(wiring.prepare())
    run(wiring.store.begin_load(Mark(("another file",), 1, "00").text()))
    # when
    done = run(backfill.run(wiring, [written(tmp_path, LINES)], Report(tmp_path / "refused.ndjson"), quiet))
    # then
    assert done.customers == 2
    run(wiring.graph.close())


def test_the_command_tells_what_it_did(tmp_path: Path) -> None:
    # given
    path = written(tmp_path, LINES)
    command = [sys.executable, "-m", "service", "backfill", str(path), "--store", f"sqlite:///{tmp_path / 'kith.db'}"]
    # when
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    # then
    assert done.returncode == 0, done.stderr
    assert "4 lines taken in, 1 known already, 4 refused; 1 identifiers dropped" in done.stdout
    assert "2 customers of 4 identifiers, 2 links" in done.stdout
    assert "BAD_LINE 1, ID_CONFLICT 1, LIMIT_EXCEEDED 1, UNKNOWN_NAMESPACE 1" in done.stdout
    # when
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    # then
    assert again.returncode == 2
    assert "not empty" in again.stderr


def test_who_is_told_to_stop_leaves_nothing_behind(tmp_path: Path) -> None:
    # given a backfill that is reading
    file, folder = tmp_path / "history.ndjson", tmp_path / "temporary"
    folder.mkdir()
    with file.open("w") as out:
        for n in range(100_000):
            one = {
                "source": "web",
                "id": str(n),
                "identifiers": [{"namespace": "email", "value": f"p{n}@mail.example"}],
            }
            out.write(json.dumps(one) + "\n")
    command = [sys.executable, "-m", "service", "backfill", str(file), "--store", f"sqlite:///{tmp_path}/kith.db"]
    process = subprocess.Popen(
        command, env={**os.environ, "TMPDIR": str(folder)}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    for _ in range(600):
        if any(rows.stat().st_size for rows in folder.glob("kith-backfill-*/rows")):
            break
        time.sleep(0.02)
    assert list(folder.glob("kith-backfill-*/rows"))
    # when
    process.terminate()
    _, told = process.communicate(timeout=60)
    # then
    assert process.returncode == 128 + signal.SIGTERM
    assert list(folder.glob("kith-backfill-*")) == []
    assert "Traceback" not in told
