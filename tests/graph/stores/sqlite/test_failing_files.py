"""What happens when the database file is moved, cannot be written or is no database, and that it ends by itself."""

import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from graph.domain.model.errors import StoreUnavailable
from graph.stores.sqlite import SQLiteStore, failures
from graph.stores.sqlite.thread_connections import FILE_MOVED, LOG_MOVED
from tests.builders.clients import LINK, Client, seen
from tests.builders.runs import Run

ANN = "email=ann@example.com"
FULL = failures.SENTENCES[sqlite3.SQLITE_FULL]


class Service:
    """The application over a file that holds Ann."""

    def __init__(self, path: Path, run: Run) -> None:
        self.path, self._run = path, run
        self.store = SQLiteStore(path)
        run(self.store.migrate())
        self.client = Client(self.store, run)
        self.client.link(seen(ANN))

    @property
    def ready(self) -> str:
        return self._run(self.store.ready())

    def beside(self, ending: str) -> Path:
        return self.path.with_name(f"{self.path.name}{ending}")

    def write(self, key: str) -> str:
        """Send a link; return why it was not stored, or nothing."""
        response = self.client.send(LINK, {"input": {"observations": [seen(key)]}})
        if response.status_code == 200:
            assert "errors" not in response.json()
            return ""
        assert response.status_code == 503
        (error,) = response.json()["errors"]
        assert error["extensions"]["code"] == "STORE_UNAVAILABLE"
        return error["message"]

    def reads(self) -> bool:
        return self.client.customer(ANN) is not None

    def stop(self) -> None:
        self._run(self.store.close())


@pytest.fixture
def service(tmp_path: Path, run: Run) -> Iterator[Service]:
    service = Service(tmp_path / "kith.db", run)
    yield service
    service.stop()


def holds(path: Path, key: str) -> bool:
    with sqlite3.connect(path) as db:
        return bool(db.execute("SELECT 1 FROM identifiers WHERE key = ?", (key,)).fetchone())


def remove(service: Service) -> None:
    service.path.rename(service.beside(".away"))


def replace(service: Service) -> None:
    remove(service)
    shutil.copy(service.beside(".away"), service.path)


@pytest.mark.parametrize("move", [remove, replace])
def test_no_write_is_answered_as_stored_that_is_not_in_the_file(
    service: Service, move: Callable[[Service], None]
) -> None:
    assert service.ready == ""
    # when
    move(service)
    # then
    assert service.write("email=bob@example.com") == FILE_MOVED
    assert service.write("email=cy@example.com") == FILE_MOVED
    assert service.ready == FILE_MOVED
    assert service.reads()
    # when: it is put back
    service.beside(".away").rename(service.path)
    # then
    assert service.ready == ""
    assert service.write("email=dan@example.com") == ""
    assert holds(service.path, "email=dan@example.com")


def test_a_removed_file_is_not_created_anew(service: Service, run: Run) -> None:
    # given: readers that have no connection yet
    remove(service)
    # when
    for _ in range(8):
        with pytest.raises(StoreUnavailable):
            service.store._connections.open()
    # then
    assert not service.path.exists()
    assert service.ready == FILE_MOVED


@pytest.mark.parametrize("ending", ["-wal", "-shm"])
def test_a_removed_log_is_saved_when_the_service_stops(tmp_path: Path, run: Run, ending: str) -> None:
    # given
    service = Service(tmp_path / "kith.db", run)
    # when
    service.beside(ending).unlink()
    # then
    if ending == "-wal":
        assert service.write("email=bob@example.com") == LOG_MOVED
    assert service.ready == LOG_MOVED
    assert service.write("email=cy@example.com") == LOG_MOVED
    assert service.reads()
    # when
    service.stop()
    # then
    assert holds(service.path, ANN)


def test_a_full_disk_is_reported_until_space_is_free(service: Service, run: Run) -> None:
    # given: a file that may not grow
    (pages,) = run(service.store._read(lambda db: db.execute("PRAGMA page_count").fetchone()))
    run(service.store._set([f"max_page_count = {pages}"]))
    # when
    failed = [message for number in range(200) if (message := service.write(f"email=p{number}@example.com"))]
    # then
    assert set(failed) == {FULL}
    assert service.ready == FULL
    assert service.reads()
    # when
    run(service.store._set([f"max_page_count = {10 * pages}"]))
    # then
    assert service.ready == ""
    assert service.write("email=bob@example.com") == ""


def test_an_error_of_the_disk_is_reported_until_it_is_gone(service: Service) -> None:
    # given: a log that may not grow
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (service.beside("-wal").stat().st_size, limits[1]))
    try:
        # when
        failed = service.write("email=bob@example.com")
        # then
        assert failed.startswith(failures.IO_ERROR)
        assert service.ready == failed
        assert service.reads()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    # then
    assert service.ready == ""
    assert service.write("email=bob@example.com") == ""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB, which only root can make."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(tmp_path)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("file systems cannot be mounted here")
    yield tmp_path
    subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


def test_a_full_file_system_is_reported_until_space_is_free(small_disk: Path, run: Run) -> None:
    # given
    service = Service(small_disk / "kith.db", run)
    filling = small_disk / "filling"
    with pytest.raises(OSError, match="No space left"):
        fill(filling)
    # when
    failed = [message for number in range(20) if (message := service.write(f"email=p{number}@example.com"))]
    # then
    assert set(failed) == {FULL}
    assert service.ready == FULL
    assert service.reads()
    # when
    filling.unlink()
    # then
    assert service.ready == ""
    assert service.write("email=bob@example.com") == ""
    service.stop()


def test_a_read_only_file_is_reported(small_disk: Path, run: Run) -> None:
    # given
    service = Service(small_disk / "kith.db", run)
    service.stop()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    # when
    store = SQLiteStore(service.path)
    # then
    with pytest.raises(StoreUnavailable, match="read-only"):
        run(store.put_value("a", "b"))
    assert "read-only" in run(store.ready())
    run(store.close())


def test_a_damaged_file_is_reported_though_other_parts_of_it_can_be_read(tmp_path: Path, run: Run) -> None:
    # given: a file whose feed is destroyed
    service = Service(tmp_path / "kith.db", run)
    service.stop()
    with sqlite3.connect(service.path) as db:
        (page,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'changes'").fetchone()
    with service.path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)
    store = SQLiteStore(service.path)
    assert run(store.ready()) == ""
    # when
    with pytest.raises(StoreUnavailable, match="damaged"):
        run(store._read(lambda db: db.execute("SELECT * FROM changes").fetchall()))
    # then
    assert "damaged" in run(store.ready())
    run(store.close())
