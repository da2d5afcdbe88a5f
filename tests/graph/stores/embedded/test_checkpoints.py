import sqlite3
from pathlib import Path

import pytest

from graph.stores.embedded.checkpoints import Checkpoints

ROWS = 2_000


def opened(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    db.executescript("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0")
    return db


def written(path: Path, checkpoints: Checkpoints | None) -> int:
    """Write over the same pages again and again; answers the bytes of the log."""
    db = opened(path)
    db.execute("CREATE TABLE things (no INTEGER PRIMARY KEY, text TEXT)")
    for turn in range(40):
        db.execute("BEGIN")
        rows = ((no, f"{turn} {no}") for no in range(ROWS // 4))
        db.executemany("INSERT OR REPLACE INTO things VALUES (?, ?)", rows)
        db.execute("COMMIT")
        if checkpoints is not None:
            checkpoints.committed(db)
    if checkpoints is not None:
        checkpoints.close()
    (count, newest) = db.execute("SELECT count(*), min(text) FROM things WHERE text LIKE '39 %'").fetchone()
    assert (count, newest) == (ROWS // 4, "39 0")
    size = path.with_name(path.name + "-wal").stat().st_size
    db.close()
    return size


def test_the_log_begins_anew_while_writes_go_on(tmp_path: Path) -> None:
    # given
    alone = written(tmp_path / "alone.db", None)

    # when
    path = tmp_path / "beside.db"
    beside = written(path, Checkpoints(lambda: opened(path), ROWS))

    # then
    assert beside < alone / 2


def test_a_copy_that_fails_fails_no_write(tmp_path: Path) -> None:
    # given
    def broken() -> sqlite3.Connection:
        raise sqlite3.OperationalError("disk I/O error")

    # when, then
    assert written(tmp_path / "one.db", Checkpoints(broken, ROWS)) > 0


def test_few_rows_are_left_in_the_log(tmp_path: Path) -> None:
    # given
    db = opened(tmp_path / "one.db")
    db.execute("CREATE TABLE things (no INTEGER)")
    checkpoints = Checkpoints(lambda: pytest.fail("nothing is to be copied"), ROWS)

    # when
    db.executemany("INSERT INTO things VALUES (?)", ((no,) for no in range(ROWS - 1)))
    checkpoints.committed(db)

    # then
    checkpoints.close()
    db.close()
