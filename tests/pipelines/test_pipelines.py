"""Real pipelines into Kith: a tap of the Singer SDK, dlt, and uploads by SFTP."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders.doors import Door
from tests.builders.pipelines import MAPPING, observations, stored
from tests.builders.services import ROOT, Service
from tests.builders.sftp import SftpServer

PYTHON = ROOT / ".venv-pipelines" / "bin" / "python"
TOOLS = ROOT / "tools" / "pipelines"
CONTACTS = 1_200
KEY = "a-key-of-the-shop"


@pytest.fixture(scope="module")
def python() -> str:
    """A Python with dlt and the Singer SDK."""
    if not PYTHON.exists():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("dlt and the Singer SDK: `make pipeline-tools`")
    return str(PYTHON)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "crm.toml").write_text(MAPPING)
    return tmp_path


def run_pipe(folder: Path, tap: list[str], stop_after: int | None = None) -> list[str]:
    """Run a tap and the target as a pipe. Kill both after some states; return the states that were printed."""
    target_command = [sys.executable, "-m", "service", "singer", "--as", "crm.toml"]
    with (folder / "pipe.log").open("a") as log:
        source = subprocess.Popen(tap, cwd=folder, stdout=subprocess.PIPE, stderr=log)
        target = subprocess.Popen(
            target_command, cwd=folder, stdin=source.stdout, stdout=subprocess.PIPE, stderr=log, text=True
        )
        source.stdout.close()
        printed = []
        for line in target.stdout:
            printed.append(line)
            if len(printed) == stop_after:
                target.kill()
                source.kill()
                break
        printed += target.stdout.readlines()
        target.stdout.close()
        statuses = target.wait(), source.wait()
    if stop_after is None:
        assert statuses == (0, 0), (folder / "pipe.log").read_text()
    return printed


def test_a_tap_of_the_singer_sdk_goes_on_from_its_state_after_a_kill(python: str, folder: Path) -> None:
    # given
    (folder / "config.json").write_text(json.dumps({"contacts": CONTACTS}))
    tap = [python, str(TOOLS / "tap_contacts.py"), "--config", "config.json"]
    # when: both are killed after the first states, and run again from the last one
    killed = run_pipe(folder, tap, stop_after=1)
    (folder / "state.json").write_text(killed[-1])
    at_kill = json.loads(killed[-1])["bookmarks"]["contacts"]["replication_key_value"]
    states = run_pipe(folder, [*tap, "--state", "state.json"])
    # then: two facts of each contact
    assert 0 <= at_kill < CONTACTS
    assert json.loads(states[-1])["bookmarks"]["contacts"]["replication_key_value"] == CONTACTS - 1
    assert observations(folder) == 2 * CONTACTS
    assert f"Ann {CONTACTS - 1}" in stored(folder, CONTACTS - 1)


@pytest.fixture
def service(folder: Path) -> Iterator[Service]:
    """A service with a source that rows are posted to."""
    mapping = MAPPING.replace('format = "csv"', 'format = "json"\nproof = { method = "bearer" }')
    (folder / "rows.toml").write_text(mapping)
    (folder / "key").write_text(KEY)
    sources = folder / "connectors.toml"
    sources.write_text('[[source]]\nname = "shop"\nmapping = "rows.toml"\nsecrets = ["file:key"]\n')
    service = Service(f"sqlite:///{folder / 'kith.db'}", folder, connectors=sources)
    yield service.wait()
    service.stop()


def test_dlt_loads_rows_and_repeats_a_batch_that_failed(python: str, folder: Path, service: Service) -> None:
    # given: a proxy that loses the answer to the first batch
    door = Door(service.port)
    door.answers_lost = 1
    command = [python, str(TOOLS / "load_contacts.py"), f"{door.url}/in/shop", KEY, str(CONTACTS)]
    # when
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    door.close()
    # then
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(door.posts(503)) == 1
    assert len(door.posts(200)) == -(-CONTACTS // 500)
    assert {post.path for post in door.posts()} == {"/in/shop?table=contacts"}
    assert observations(folder) == 2 * CONTACTS


def test_files_that_are_uploaded_by_sftp_are_imported_once_they_are_whole(folder: Path) -> None:
    # given
    inbox = folder / "in"
    inbox.mkdir()
    table = folder / "contacts.csv"
    rows = [f"C{number},c{number}@example.com,Ann {number},2026-03-01" for number in range(CONTACTS)]
    table.write_text("\n".join(["id,email,first_name,updated_at", *rows]))
    command = [sys.executable, "-m", "service", "watch", "in", "--as", "crm.toml", "--interval", "0.2"]
    server = SftpServer(folder)
    watching = subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)
    try:
        # when: it is uploaded under another name, and renamed
        server.batch(f"put {table} {inbox}/contacts.csv.part", f"rename {inbox}/contacts.csv.part {inbox}/contacts.csv")
        server.wait_for(inbox / "done" / "contacts.csv", watching)
    finally:
        watching.terminate()
        watching.wait()
        server.stop()
    # then
    assert observations(folder) == 2 * CONTACTS
    assert (inbox / "done" / "contacts.csv").read_bytes() == table.read_bytes()
