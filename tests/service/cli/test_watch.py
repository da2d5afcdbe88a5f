"""`kith watch`: whole files are imported and moved away, whatever happens to the process."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.connectors.folder import Folder
from tests.builders.pipelines import contact, kith, observations, row, stored, write

pytestmark = pytest.mark.usefixtures("own_logging")
WATCH = ("watch", "in", "--as", "crm.toml", "--interval", "0.1")


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    write(tmp_path)
    return folder


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_whole_files_are_imported_and_moved(tmp_path: Path, inbox: Path) -> None:
    # given
    write(inbox, "a.csv")
    (inbox / "a.csv").rename(inbox / "crm.csv")
    (inbox / "crm.toml").unlink()
    (inbox / "later.csv.part").write_text("id")
    # when
    done = kith(tmp_path, *WATCH, "--once")
    # then
    assert done.returncode == 0, done.stderr
    assert names(inbox) == ["done/crm.csv", "later.csv.part"]
    assert "crm.csv: 3 records accepted, 0 duplicates, 0 refused" in done.stderr
    assert "Ann 2" in stored(tmp_path, 2)
    # when: the file comes again
    (inbox / "done" / "crm.csv").rename(inbox / "crm.csv")
    again = kith(tmp_path, *WATCH, "--once")
    # then
    assert "0 records accepted, 3 duplicates" in again.stderr


def test_files_with_refused_records_and_unreadable_files_go_to_failed(tmp_path: Path, inbox: Path) -> None:
    # given
    (inbox / "a.csv").write_text(f"{','.join(contact(0))},note\n{row(1)}\n{row(2, updated_at='soon')}\n")
    (inbox / "b.json").write_text("{")
    # when
    done = kith(tmp_path, *WATCH, "--once")
    # then: what could be stored is stored
    assert done.returncode == 1
    assert names(inbox) == [
        "failed/a.csv",
        "failed/a.csv-report.ndjson",
        "failed/b.json",
        "failed/b.json-error.txt",
    ]
    assert "INVALID_FIELD" in (inbox / "failed" / "a.csv-report.ndjson").read_text()
    assert "is not JSON" in (inbox / "failed" / "b.json-error.txt").read_text()
    assert "Ann 1" in stored(tmp_path, 1)
    # and the refused record is kept
    assert "c2@example.com" not in done.stdout + done.stderr


def watching(folder: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "service", *WATCH]
    return subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)


def wait_for(path: Path, process: "subprocess.Popen[str]") -> None:
    """Wait until a file is there."""
    for _ in range(2_400):
        if path.exists():
            return
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.05)
    raise AssertionError(f"{path} is not there after 120 s")


@pytest.fixture
def processes() -> Iterator[list["subprocess.Popen[str]"]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.communicate()


def test_a_killed_process_loses_nothing_and_doubles_nothing(
    tmp_path: Path, inbox: Path, processes: list["subprocess.Popen[str]"]
) -> None:
    # given: files of which each kill finds another one half-read
    parts = [write(tmp_path, f"part-{number}.csv", 600 + number) for number in range(4)]
    kith(tmp_path, "migrate")
    for part in parts[:3]:
        part.rename(inbox / part.name)
        before = observations(tmp_path)
        process = watching(tmp_path)
        processes.append(process)
        # when: something of it is stored
        for _ in range(2_400):
            if observations(tmp_path) > before or part.name in names(inbox / "done"):
                break
            assert process.poll() is None, process.communicate()[1]
            time.sleep(0.01)
        process.kill()
        process.wait()
    process = watching(tmp_path)
    processes.append(process)
    parts[3].rename(inbox / parts[3].name)
    for part in parts:
        wait_for(inbox / "done" / part.name, process)
    # then: two facts of each contact
    assert observations(tmp_path) == 2 * 603
    # when
    process.send_signal(signal.SIGTERM)
    # then
    assert process.wait(60) == 0
    assert names(inbox) == [f"done/part-{number}.csv" for number in range(4)]
    assert os.listdir(inbox / "failed") == []


def test_a_file_that_its_sender_takes_away_stops_nothing(
    tmp_path: Path, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given: a file that is gone after the look that finds it whole
    write(inbox, "a.csv")
    (inbox / "crm.toml").unlink()
    (inbox / "b.csv").write_bytes((inbox / "a.csv").read_bytes())
    look = Folder.look

    def look_and_lose(folder: Folder) -> list[Path]:
        found = look(folder)
        if found:
            (inbox / "a.csv").unlink(missing_ok=True)
        return found

    monkeypatch.setattr(Folder, "look", look_and_lose)
    # when
    done = kith(tmp_path, *WATCH, "--once")
    # then
    assert done.returncode == 0, done.stderr
    assert names(inbox) == ["done/b.csv"]
    assert "a.csv is gone" in done.stderr
