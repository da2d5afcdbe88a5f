import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any, TypeVar

import pytest

from graph.stores.sqlite.checkpoints import Checkpoints

T = TypeVar("T")
ROWS = 2_000


def opened(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    db.executescript("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0")
    return db


class AtOnce(Executor):
    """Does what it is given before it answers, so that a test hangs on no thread's pace."""

    def submit(self, function: Callable[..., T], /, *values: Any, **named: Any) -> Future[T]:
        done: Future[T] = Future()
        try:
            done.set_result(function(*values, **named))
        except Exception as error:
            done.set_exception(error)
        return done


def written(path: Path, committed: Callable[[sqlite3.Connection], object]) -> int:
    """Write over the same pages again and again; answers the bytes of the log."""
    db = opened(path)
    db.execute("CREATE TABLE things (no INTEGER PRIMARY KEY, text TEXT)")
    for turn in range(40):
        db.execute("BEGIN")
        rows = ((no, f"{turn} {no}") for no in range(ROWS // 4))
        db.executemany("INSERT OR REPLACE INTO things VALUES (?, ?)", rows)
        db.execute("COMMIT")
        committed(db)
    (count, newest) = db.execute("SELECT count(*), min(text) FROM things WHERE text LIKE '39 %'").fetchone()
    assert (count, newest) == (ROWS // 4, "39 0")
    size = path.with_name(path.name + "-wal").stat().st_size
    db.close()
    return size


def test_the_log_begins_anew_while_writes_go_on(tmp_path: Path) -> None:
    # given
    alone = written(tmp_path / "alone.db", lambda _: None)
    path = tmp_path / "beside.db"
    checkpoints = Checkpoints(lambda: opened(path), ROWS, AtOnce())

    # when
    beside = written(path, checkpoints.committed)

    # then
    assert beside < alone / 2


def test_a_thread_of_its_own_copies(tmp_path: Path) -> None:
    # given
    path = tmp_path / "one.db"
    threads: list[str] = []

    def connect() -> sqlite3.Connection:
        threads.append(threading.current_thread().name)
        return opened(path)

    checkpoints = Checkpoints(connect, ROWS)

    # when
    written(path, checkpoints.committed)

    # then
    checkpoints.close()
    assert set(threads) == {"kith-sqlite-checkpoint_0"}


def test_a_copy_that_fails_fails_no_write(tmp_path: Path) -> None:
    # given
    def broken() -> sqlite3.Connection:
        raise sqlite3.OperationalError("disk I/O error")

    # when, then
    assert written(tmp_path / "one.db", Checkpoints(broken, ROWS, AtOnce()).committed) > 0


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
