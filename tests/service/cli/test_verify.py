"""`kith verify`, run as a process: what it prints, and its exit status."""

import sqlite3
from contextlib import closing
from pathlib import Path

from graph.stores.sqlite import SQLiteStore
from tests.builders.clients import Client
from tests.builders.runs import Run
from tests.builders.services import kith
from tests.builders.transfers import send_every_kind


def test_damage_is_reported_masked_and_repaired(tmp_path: Path, run: Run) -> None:
    # given
    store = SQLiteStore(tmp_path / "kith.db")
    send_every_kind(Client(store, run), run)
    run(store.close())
    sound = kith(tmp_path, "verify")
    assert sound.returncode == 0, sound.stdout + sound.stderr
    assert sound.stdout.startswith("clean: ")
    assert " changes, " in sound.stdout
    assert " rules, " in sound.stdout
    with closing(sqlite3.connect(tmp_path / "kith.db")) as connection:
        connection.execute("UPDATE identifiers SET observation_count = 99 WHERE key = 'email=ann@example.com'")
        connection.commit()
    # when
    damaged = kith(tmp_path, "verify")
    shown = kith(tmp_path, "verify", "--show")
    # then
    assert (damaged.returncode, shown.returncode) == (1, 1)
    assert damaged.stdout.startswith("identifiers: 1\n  email=a•••@e•••.com: evidence\nnot clean: ")
    assert "ann@example.com" not in damaged.stdout + damaged.stderr
    assert "  email=ann@example.com: evidence\n" in shown.stdout
    # when
    repaired = kith(tmp_path, "verify", "--repair")
    # then
    assert repaired.returncode == 0, repaired.stdout + repaired.stderr
    assert "repairing\nclean: " in repaired.stdout
    assert kith(tmp_path, "verify").returncode == 0


def test_a_file_that_is_not_there_is_not_created(tmp_path: Path) -> None:
    done = kith(tmp_path, "verify")
    assert done.returncode == 2
    assert "kith.db is not a file" in done.stderr
    assert not (tmp_path / "kith.db").exists()
