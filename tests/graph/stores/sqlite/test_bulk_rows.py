"""A history that is loaded as columns leaves the same rows in a file as one that is loaded as writes."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from graph.domain.model.rules import Rules
from graph.domain.resolution.preparation import Observe
from graph.stores.sqlite import SQLiteStore
from tests.builders.histories import histories, load
from tests.builders.runs import Run
from tests.builders.strategies import GUARDED_RULES, RULES, SETTINGS

_INTERNAL = ("sqlite_", "search_", "stored_values")


def _contents(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of all tables; of the full-text index, its texts and how often each word is in them."""
    with closing(sqlite3.connect(path)) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        contents = {
            table: sorted(db.execute(f"SELECT * FROM {table}").fetchall(), key=repr)
            for table in tables
            if not table.startswith(_INTERNAL)
        }
        contents["search texts"] = db.execute("SELECT rowid, * FROM search ORDER BY rowid").fetchall()
        contents["words"] = db.execute("SELECT * FROM search_words ORDER BY term").fetchall()
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return contents


def _loaded(run: Run, folder: Path, history: Sequence[Observe], rules: Rules, as_columns: bool) -> Any:
    folder.mkdir()
    store = SQLiteStore(folder / "kith.db")
    run(store.migrate())
    run(load(store, history, folder, rules=rules, as_columns=as_columns))
    run(store.close())
    return _contents(folder / "kith.db")


@settings(SETTINGS, max_examples=40)
@given(history=histories, rules=st.sampled_from([RULES, GUARDED_RULES]))
def test_columns_leave_the_same_rows_as_writes(run: Run, history: list[Observe], rules: Rules) -> None:
    with TemporaryDirectory() as folder:
        # when
        as_writes = _loaded(run, Path(folder) / "writes", history, rules, as_columns=False)
        as_columns = _loaded(run, Path(folder) / "columns", history, rules, as_columns=True)
        # then
        assert as_columns == as_writes


def test_keys_are_unique_after_a_load(run: Run, tmp_path: Path) -> None:
    # given
    _loaded(run, tmp_path / "store", [], RULES, as_columns=True)
    # when
    with closing(sqlite3.connect(tmp_path / "store" / "kith.db")) as db:
        unique = {
            (table, tuple(column for (_, _, column) in db.execute(f"PRAGMA index_info({index[1]})")))
            for table in ("identifiers", "observations")
            for index in db.execute(f"PRAGMA index_list({table})")
            if index[2]
        }
    # then
    assert unique == {("identifiers", ("key",)), ("observations", ("source", "public_id"))}
