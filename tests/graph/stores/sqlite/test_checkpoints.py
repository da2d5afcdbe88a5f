"""Checkpoints of the write-ahead log beside the writer."""

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


def connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    db.executescript("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0")
    return db


class SynchronousExecutor(Executor):
    """Runs a function before `submit` returns, so that no test depends on the speed of a thread."""

    def submit(self, function: Callable[..., T], /, *values: Any, **named: Any) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(function(*values, **named))
        except Exception as error:
            future.set_exception(error)
        return future


def write_repeatedly(path: Path, committed: Callable[[sqlite3.Connection], object]) -> int:
    """Write the same pages again and again. Return the size of the log in bytes."""
    db = connect(path)
    db.execute("CREATE TABLE things (id INTEGER PRIMARY KEY, text TEXT)")
    for turn in range(40):
        db.execute("BEGIN")
        rows = ((id, f"{turn} {id}") for id in range(ROWS // 4))
        db.executemany("INSERT OR REPLACE INTO things VALUES (?, ?)", rows)
        db.execute("COMMIT")
        committed(db)
    (count, newest) = db.execute("SELECT count(*), min(text) FROM things WHERE text LIKE '39 %'").fetchone()
    assert (count, newest) == (ROWS // 4, "39 0")
    size = path.with_name(path.name + "-wal").stat().st_size
    db.close()
    return size


def test_the_log_is_reused_while_writes_continue(tmp_path: Path) -> None:
    # given
    size_without = write_repeatedly(tmp_path / "without.db", lambda _: None)
    path = tmp_path / "with.db"
    checkpoints = Checkpoints(lambda: connect(path), ROWS, SynchronousExecutor())

    # when
    size_with = write_repeatedly(path, checkpoints.committed)

    # then
    assert size_with < size_without / 2


def test_checkpoints_run_in_a_thread_of_their_own(tmp_path: Path) -> None:
    # given
    path = tmp_path / "things.db"
    threads: list[str] = []

    def connect_in_thread() -> sqlite3.Connection:
        threads.append(threading.current_thread().name)
        return connect(path)

    checkpoints = Checkpoints(connect_in_thread, ROWS)

    # when
    write_repeatedly(path, checkpoints.committed)

    # then
    checkpoints.close()
    assert set(threads) == {"kith-sqlite-checkpoint_0"}


def test_a_failed_checkpoint_fails_no_write(tmp_path: Path) -> None:
    # given
    def connect_to_broken_disk() -> sqlite3.Connection:
        raise sqlite3.OperationalError("disk I/O error")

    # when, then
    checkpoints = Checkpoints(connect_to_broken_disk, ROWS, SynchronousExecutor())
    assert write_repeatedly(tmp_path / "things.db", checkpoints.committed) > 0


def test_few_rows_stay_in_the_log(tmp_path: Path) -> None:
    # given
    db = connect(tmp_path / "things.db")
    db.execute("CREATE TABLE things (id INTEGER)")
    checkpoints = Checkpoints(lambda: pytest.fail("no checkpoint is due"), ROWS)

    # when
    db.executemany("INSERT INTO things VALUES (?)", ((id,) for id in range(ROWS - 1)))
    checkpoints.committed(db)

    # then
    checkpoints.close()
    db.close()
