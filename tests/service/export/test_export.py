"""Exports: going on after a cut, changes since, policies, and what is refused."""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pyarrow.parquet
import pytest

from graph.domain.access.policies import Policies, Policy
from graph.domain.model.errors import InvalidInput
from graph.domain.model.labels import Label
from graph.domain.tables.columns import TABLES
from graph.ports import Store
from graph.stores.sqlite import SQLiteStore
from service.export import formats
from service.export.folders import open_folder
from service.export.formats import Format
from service.export.manifest import MANIFEST, PROGRESS
from tests.builders.clients import Client, order, seen
from tests.builders.operations import REVOKE, decide, interaction, record
from tests.builders.runs import Run
from tests.builders.table_exports import DiskFull, FailingFolder, export, planned, rows_in, values
from tests.builders.viewers import viewer

ANN, BOB = "email=ann@example.com", "email=bob@example.com"


@pytest.fixture
def sqlite_store(run: Run, tmp_path: Path) -> Iterator[SQLiteStore]:
    store = SQLiteStore(tmp_path / "kith.db")
    run(store.migrate())
    yield store
    run(store.close())


@pytest.fixture
def client(sqlite_store: Store, run: Run) -> Client:
    """A store with Ann and Bob, who have an order and an interaction each."""
    client = Client(sqlite_store, run)
    run(client.wiring.prepare())
    client.link(seen("cookie=ck-111", ANN, source="crm", id="1"), seen("cookie=ck-222", BOB, source="crm", id="2"))
    client.record(order("W-1", ANN), order("W-2", BOB))
    viewed = {"at": "2026-01-01T00:00:00Z"}
    record(client, interaction("page_viewed", ANN, id="1", **viewed), interaction("page_viewed", BOB, id="2", **viewed))
    return client


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_the_manifest_describes_every_file(client: Client, run: Run, tmp_path: Path) -> None:
    # when
    made = export(client, run, tmp_path / "out", format=Format.PARQUET)
    # then
    manifest = json.loads((tmp_path / "out" / MANIFEST).read_text())
    assert [table["name"] for table in manifest["tables"]] == list(TABLES)
    for table in manifest["tables"]:
        path = tmp_path / "out" / table["file"]
        assert (table["bytes"], table["sha256"]) == (path.stat().st_size, sha256(path.read_bytes()).hexdigest())
        read = pyarrow.parquet.read_table(path)
        assert (read.num_rows, read.schema.names) == (table["rows"], [column["name"] for column in table["columns"]])
        assert table["change"] == run(client.wiring.store.newest_change())
    assert (manifest["cursor"], manifest["since"], manifest["role"]) == (made.cursor, None, "privacy")
    assert not (tmp_path / "out" / PROGRESS).exists()


@pytest.mark.parametrize("cut", ["customers", "interactions", "changes"])
@pytest.mark.parametrize("writes", [0, 1])
def test_an_export_that_was_cut_off_goes_on(client: Client, run: Run, tmp_path: Path, cut: str, writes: int) -> None:
    # given
    folder = FailingFolder(open_folder(str(tmp_path / "out")), f"{cut}.csv", writes)
    with pytest.raises(DiskFull):
        export(client, run, folder, format=Format.CSV)
    before = content(tmp_path / "out")
    finished = [name for name in folder.written if name.endswith(".csv")]
    assert finished == [f"{name}.csv" for name in list(TABLES)[: list(TABLES).index(cut)]]
    assert MANIFEST not in before
    client.record(order("W-3", ANN))
    # when: the same command, which finds the store changed
    again = FailingFolder(open_folder(str(tmp_path / "out")), "")
    made = export(client, run, again, format=Format.CSV)
    # then: finished files are not written again
    assert {name: text for name, text in content(tmp_path / "out").items() if name in finished} == {
        name: before[name] for name in finished
    }
    assert set(finished).isdisjoint(again.written)
    assert [table.name for table in made.tables] == list(TABLES)
    assert not [name for name in content(tmp_path / "out") if name.endswith(".part") or name == PROGRESS]
    # and the next export of changes brings tables of different times to one state
    export(client, run, tmp_path / "next", since=tmp_path / "out")
    export(client, run, tmp_path / "whole")
    keys = {row["number"] for row in rows_in(tmp_path / "next")["orders"].values()}
    assert ("W-3" in keys) is ("orders.csv" in finished)


def test_one_that_is_complete_is_not_written_again(client: Client, run: Run, tmp_path: Path) -> None:
    export(client, run, tmp_path / "out")
    assert planned(client, run, tmp_path / "out").complete
    assert not planned(client, run, tmp_path / "other").complete


def test_changes_say_what_is_gone(client: Client, run: Run, tmp_path: Path) -> None:
    # given
    whole = export(client, run, tmp_path / "1")
    # when: Ann and Bob are one customer, and an interaction is revoked that made no change of the feed
    client.link(seen("login=both", ANN, id="3"), seen("login=both", BOB, id="4"))
    client.ask(REVOKE, {"o": [{"source": "web", "id": "1"}]})
    made = export(client, run, tmp_path / "2", since=tmp_path / "1")
    # then
    changed = rows_in(tmp_path / "2")
    assert (made.since, made.table("interactions").deleted) == (whole.cursor, 1)
    (kept, retired) = sorted(changed["customers"].values(), key=lambda row: row["redirects_to"] is not None)
    assert retired["redirects_to"] == kept["customer_id"]
    assert values(changed["orders"], "customer_id") == [kept["customer_id"]], "that of the other one is as it was"
    (gone,) = (row for row in changed["interactions"].values() if row["_deleted"])
    assert {value for name, value in gone.items() if name not in ("interaction_id", "_deleted")} == {None}


def test_a_table_that_was_not_exported_before_is_whole(client: Client, run: Run, tmp_path: Path) -> None:
    export(client, run, tmp_path / "1", tables=("orders",))
    made = export(client, run, tmp_path / "2", since=tmp_path / "1", tables=("orders", "customers"))
    assert {table.name: table.rows for table in made.tables} == {"customers": 2, "orders": 0}


def test_a_role_reads_its_tables_masked(client: Client, run: Run, tmp_path: Path) -> None:
    # when
    made = export(client, run, tmp_path / "out", viewer("steward"))
    # then
    assert made.withheld_tables["orders"] == "order:read"
    assert set(made.withheld_tables).isdisjoint(table.name for table in made.tables)
    text = b"".join(content(tmp_path / "out").values())
    assert b"ann@" not in text
    assert "a•••@e•••.com".encode() in text


def test_a_policy_withholds_people_without_consent(client: Client, run: Run, tmp_path: Path) -> None:
    # given
    labels = (Label.CONTRACT, Label.BEHAVIOR, Label.CONTACT)
    client.graph.policies = Policies(tuple(Policy(label, "analysis", "newsletter") for label in labels))
    decide(client, ANN, decision="GIVEN", at="2026-01-01T00:00:00Z")
    # when
    export(client, run, tmp_path / "out", viewer("privacy", purpose="analysis"))
    # then: of Bob, there is no address, order or interaction anywhere
    tables = rows_in(tmp_path / "out")
    assert values(tables["orders"], "number") == ["W-1"]
    assert values(tables["interactions"], "identifier_value") == ["ann@example.com"]
    assert "bob@example.com" not in values(tables["identifiers"], "value")
    assert b"bob@" not in b"".join(content(tmp_path / "out").values())
    assert len(tables["customers"]) == 2


def test_blocks_bound_what_is_in_memory(
    client: Client, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    for module in ("service.export.export", "service.export.formats"):
        monkeypatch.setattr(f"{module}.BLOCK_ROWS", 3)
    # when
    export(client, run, tmp_path / "out", format=Format.PARQUET)
    # then
    file = pyarrow.parquet.ParquetFile(tmp_path / "out" / "identifiers.parquet")
    assert [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)] == [3, 3]
    assert formats.BLOCK_ROWS == 3


def refused(client: Client, run: Run, folder: Path, **options: object) -> InvalidInput:
    by = options.pop("by", None)
    with pytest.raises(InvalidInput) as error:
        planned(client, run, folder, by, **options)
    return error.value


def test_a_mistake_is_named_before_anything_is_written(client: Client, run: Run, tmp_path: Path) -> None:
    # given
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.png").touch()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / MANIFEST).write_text("{}")
    export(client, run, tmp_path / "out")
    export(client, run, tmp_path / "masked", viewer("steward"))
    with pytest.raises(DiskFull):
        export(client, run, FailingFolder(open_folder(str(tmp_path / "cut")), "links.ndjson"))
    new = tmp_path / "new"
    # then
    for error, code, message in (
        (refused(client, run, tmp_path / "photos"), "INVALID_FILE", "holds other files, such as cat.png"),
        (refused(client, run, tmp_path / "broken"), "INVALID_FILE", "is not of an export"),
        (refused(client, run, tmp_path / "out", format=Format.CSV), "INVALID_FILE", "with another file_format"),
        (refused(client, run, tmp_path / "cut", tables=("links",)), "INVALID_FILE", "cut off with another tables"),
        (refused(client, run, tmp_path / "cut", since=tmp_path / "out"), "INVALID_FILE", "with another since"),
        (refused(client, run, new, tables=("fax",)), "INVALID_VALUE", "table 'fax' is unknown; known are customers"),
        (
            refused(client, run, new, tables=("orders",), by=viewer("steward")),
            "FORBIDDEN",
            "requires the scope order:read",
        ),
        (refused(client, run, new, by=viewer("till")), "FORBIDDEN", "reaches some customers only"),
        (refused(client, run, new, since=tmp_path / "none"), "INVALID_FILE", "the export is not there"),
        (refused(client, run, new, since=tmp_path / "cut"), "INVALID_FILE", "the export was cut off"),
        (refused(client, run, new, since=new), "INVALID_FILE", "the export is not there"),
        (
            refused(client, run, new, since=tmp_path / "masked"),
            "INVALID_VALUE",
            "for the role steward, and this one for",
        ),
    ):
        assert error.code == code
        assert message in error.message
    assert not new.exists()
    # and a finished file that was changed is noticed
    (tmp_path / "out" / "orders.ndjson").write_text("")
    assert "is not as it was written" in refused(client, run, tmp_path / "out").message


def test_an_export_of_another_store_is_refused(client: Client, run: Run, tmp_path: Path) -> None:
    # given
    other = SQLiteStore(tmp_path / "other.db")
    run(other.migrate())
    stranger = Client(other, run)
    run(stranger.wiring.prepare())
    export(stranger, run, tmp_path / "theirs")
    # then
    assert "is of another store" in refused(client, run, tmp_path / "new", since=tmp_path / "theirs").message
    run(other.close())
