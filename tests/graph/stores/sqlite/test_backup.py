"""A backup is one snapshot of a file in use, or nothing."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from graph.domain.model.errors import InvalidInput, StoreUnavailable
from graph.stores.sqlite import backup
from graph.stores.sqlite.backup import backup_to


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file in WAL mode with a table whose two columns are equal in each snapshot, over more pages than one step."""
    path = tmp_path / "kith.db"
    with closing(connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE t (a INTEGER, b INTEGER, filler BLOB)")
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO t VALUES (0, 0, ?)", [(bytes(3000),)] * 300)
        connection.execute("COMMIT")
    return path


def connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)


def test_a_backup_during_writes_is_one_snapshot(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # given: a writer that changes the first and the last page in each transaction
    monkeypatch.setattr(backup, "STEP_PAGES", 10)
    path.chmod(0o600)
    stop = threading.Event()
    commits: list[int] = []

    def write() -> None:
        with closing(connect(path)) as writer:
            while not stop.is_set():
                writer.execute("BEGIN IMMEDIATE")
                writer.execute("UPDATE t SET a = a + 1")
                writer.execute("UPDATE t SET b = b + 1")
                writer.execute("COMMIT")
                commits.append(1)

    thread = threading.Thread(target=write)
    thread.start()
    steps: list[tuple[int, int]] = []
    # when
    with closing(connect(path)) as source:

        def progress(copied: int, total: int) -> None:
            # A commit between any two steps.
            seen = len(commits)
            while len(commits) == seen and thread.is_alive():
                pass
            steps.append((copied, total))

        backup_to(source, tmp_path / "copy.db", progress)
        stop.set()
        thread.join()
        assert not source.in_transaction
    # then
    assert len(steps) > 10
    assert steps[-1][0] == steps[-1][1]
    with closing(connect(tmp_path / "copy.db")) as copy:
        assert copy.execute("SELECT count(*), count(DISTINCT a), max(a) = max(b) FROM t").fetchone() == (300, 1, 1)
    assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o600
    assert {file.name for file in tmp_path.iterdir()} == {"kith.db", "copy.db"}


def test_a_file_that_exists_is_kept(path: Path, tmp_path: Path) -> None:
    # given
    other = tmp_path / "copy.db"
    other.write_text("precious")
    # when / then
    with closing(connect(path)) as source, pytest.raises(InvalidInput, match=r"copy\.db exists already"):
        backup_to(source, other)
    assert other.read_text() == "precious"


def test_a_folder_that_does_not_exist_is_an_error(path: Path, tmp_path: Path) -> None:
    with closing(connect(path)) as source, pytest.raises(InvalidInput, match="is not a folder"):
        backup_to(source, tmp_path / "missing" / "copy.db")


@pytest.mark.parametrize(
    "damaged", [slice(20 * 4096, 21 * 4096), slice(100, 4096)], ids=["a page of the table", "the names of the tables"]
)
def test_a_damaged_file_is_not_backed_up(damaged: slice, path: Path, tmp_path: Path) -> None:
    # given
    content = bytearray(path.read_bytes())
    content[damaged] = bytes(damaged.stop - damaged.start)
    path.write_bytes(content)
    # when / then
    with (
        closing(connect(path)) as source,
        pytest.raises(StoreUnavailable, match="the database file is damaged, and was not backed up: "),
    ):
        backup_to(source, tmp_path / "copy.db")
    assert [file.name for file in tmp_path.iterdir()] == ["kith.db"]


def test_an_interrupted_backup_leaves_nothing(path: Path, tmp_path: Path) -> None:
    def interrupt(copied: int, total: int) -> None:
        raise KeyboardInterrupt

    with closing(connect(path)) as source, pytest.raises(KeyboardInterrupt):
        backup_to(source, tmp_path / "copy.db", interrupt)
    assert [file.name for file in tmp_path.iterdir()] == ["kith.db"]
