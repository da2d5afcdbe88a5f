"""`kith export`, run as a process."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from shutil import copytree

import pyarrow.parquet
import pytest

from tests.builders.clients import identifiers
from tests.builders.services import kith

BY_EMAIL = identifiers("email=ann@example.com")
ORDER = {"source": "shop", "placedAt": "2026-03-01T12:00:00Z", "reportedAt": "2026-03-01T12:00:00Z", "currency": "EUR"}
LINES = (
    {"source": "crm", "id": "1", "identifiers": identifiers("crm_id=C-1") + BY_EMAIL},
    ORDER | {"number": "W-1", "total": "10.50", "identifiers": BY_EMAIL},
)
ROLE = """
[[role]]
name = "analyst"
description = "An analyst, who works with people without knowing who they are."
reach = "any"
scopes = ["customer:read", "identifier:read", "order:read"]
"""


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store that knows Ann and an order."""
    folder = tmp_path_factory.mktemp("imported")
    (folder / "all.ndjson").write_text("".join(json.dumps(line) + "\n" for line in LINES))
    assert kith(folder, "import", "all.ndjson").returncode == 0
    return folder


@pytest.fixture
def folder(imported: Path, tmp_path: Path) -> Path:
    """A copy of this folder."""
    return copytree(imported, tmp_path / "copy")


def test_tables_are_written_and_then_their_changes(folder: Path) -> None:
    # when
    done = kith(folder, "export", "out/1", "--table", "orders", "--table", "customers")
    again = kith(folder, "export", "out/1", "--table", "orders", "--table", "customers")
    # then
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "customers.parquet: 1 rows",
        "orders.parquet: 1 rows",
        "next: kith export FOLDER --since out/1",
    ]
    assert again.stdout.splitlines()[0] == "out/1 is complete already"
    (row,) = pyarrow.parquet.read_table(folder / "out" / "1" / "orders.parquet").to_pylist()
    assert (row["number"], str(row["total"]), row["_deleted"]) == ("W-1", "10.500000", False)
    # when
    (folder / "more.ndjson").write_text(json.dumps(ORDER | {"number": "W-2", "total": "1", "identifiers": BY_EMAIL}))
    assert kith(folder, "import", "more.ndjson").returncode == 0
    changed = kith(folder, "export", "out/2", "--since", "out/1", "--table", "orders", "--format", "csv")
    # then
    assert changed.stdout.splitlines()[0] == "orders.csv: 1 rows, 0 gone"
    assert "W-2" in (folder / "out" / "2" / "orders.csv").read_text()


def test_a_role_sees_masked_values_and_its_own_tables(folder: Path) -> None:
    # given
    (folder / "access.toml").write_text(ROLE)
    (folder / ".env").write_text("KITH_ACCESS=access.toml\nKITH_PROFILE=development\n")
    # when
    done = kith(folder, "export", "out", "--role", "analyst", "--format", "ndjson")
    # then
    assert done.returncode == 0, done.stderr
    assert "links is left out: the role analyst lacks the scope graph:read" in done.stdout
    assert "a•••@e•••.com" in (folder / "out" / "identifiers.ndjson").read_text()


def test_production_asks_for_a_purpose_and_leaves_an_entry(folder: Path) -> None:
    # given
    assert kith(folder, "keys", "add", "dpo", "--role", "privacy").returncode == 0
    # when
    unexplained = kith(folder, "export", "out")
    explained = kith(folder, "export", "out", "--purpose", "churn model")
    entries = kith(folder, "audit", "entries", "--purpose", "review")
    # then
    assert (unexplained.returncode, explained.returncode) == (2, 0)
    assert "requires --purpose" in unexplained.stderr
    assert json.loads((folder / "out" / "manifest.json").read_text())["role"] == "privacy"
    assert "  export  " in entries.stdout
    assert "for churn model  export" in entries.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["out", "--role", "king"], "role 'king' is unknown; known are storefront"),
        (["out", "--role", "till"], "reaches some customers only"),
        (["out", "--table", "fax"], "table 'fax' is unknown"),
        (["out", "--since", "before"], "before has no manifest.json"),
        (["all.ndjson/out"], "all.ndjson/out cannot be used: Not a directory"),
        (["s4://bucket/out"], "s4:// is no file system"),
        (["out", "--store", "sqlite:///missing.db"], "the store is empty"),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(folder: Path, words: list[str], message: str) -> None:
    # when
    done = kith(folder, "export", *words)
    # then
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "out").exists()
    assert not (folder / "missing.db").exists()


def test_a_folder_and_its_manifest_are_all_that_is_left(folder: Path) -> None:
    assert kith(folder, "export", "out").returncode == 0
    names = sorted(path.name for path in (folder / "out").iterdir())
    assert "manifest.json" in names
    assert not [name for name in names if name.endswith(".part") or name == "progress.json"]
    with closing(sqlite3.connect(folder / "out" / "_states" / "orders.sqlite")) as states:
        assert states.execute("SELECT count(*) FROM rows").fetchone() == (1,)
