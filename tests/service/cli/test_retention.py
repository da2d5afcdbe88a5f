"""`kith retention`: preview and run, also after a run was killed; and files that are older than what may be kept."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from tests.builders.clients import identifiers
from tests.builders.services import kith

STORE = ("--store", "sqlite:///kith.db")
FILE = """
[[retention]]
namespace = "cookie"
days = 395
reason = "13 months"
[[retention]]
kind = "interaction"
days = 730
reason = "nobody asks for older visits"
"""
LINES = [
    {
        "source": "web",
        "id": f"w-{number}",
        "seenAt": "2015-01-01T00:00:00Z",
        "identifiers": identifiers(f"cookie=ck-old-{number}", f"login=u{number % 500}"),
    }
    for number in range(3_000)
] + [
    {
        "source": "web",
        "type": "page_viewed",
        "occurredAt": "2015-01-01T00:00:00Z",
        "identifiers": identifiers("login=u1"),
    }
]


def filled(folder: Path) -> None:
    (folder / "old.ndjson").write_text("".join(json.dumps(line) + "\n" for line in LINES))
    imported = kith(folder, "backfill", "old.ndjson", *STORE)
    assert imported.returncode == 0, imported.stderr
    (folder / "retention.toml").write_text(FILE)
    (folder / ".env").write_text("KITH_RETENTION=retention.toml\n")


def left(folder: Path) -> int:
    """The number of cookies that are stored."""
    with closing(sqlite3.connect(folder / "kith.db", timeout=30)) as connection:
        return connection.execute("SELECT count(*) FROM identifiers WHERE namespace = 'cookie'").fetchone()[0]


def test_a_run_that_was_killed_is_run_again(tmp_path: Path) -> None:
    # given
    filled(tmp_path)
    preview = kith(tmp_path, "retention", "preview", *STORE)
    assert preview.returncode == 0, preview.stderr
    assert "namespace cookie: 395 days. 13 months" in preview.stdout
    assert (
        "3000 identifiers of kind observation (namespace cookie), the oldest of 2015-01-01T00:00:00Z" in preview.stdout
    )
    assert "1 statements of kind interaction (kind interaction)" in preview.stdout
    # when: killed in the middle
    command = [sys.executable, "-m", "service", "retention", "run", *STORE]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL)
    while process.poll() is None and left(tmp_path) == 3_000:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    cut_off_at = left(tmp_path)
    # then
    assert 0 < cut_off_at < 3_000
    # when
    done = kith(tmp_path, "retention", "run", *STORE)
    # then
    assert done.returncode == 0, done.stderr
    assert f"{cut_off_at} identifiers of kind observation" in done.stdout
    assert f"identifiers that nothing names any longer: {cut_off_at}" in done.stdout
    assert left(tmp_path) == 0
    assert "nothing" in kith(tmp_path, "retention", "preview", *STORE).stdout
    verified = kith(tmp_path, "verify", *STORE)
    assert verified.returncode == 0, verified.stdout
    # and no byte of an identifier is left
    assert b"ck-old" not in (tmp_path / "kith.db").read_bytes()


def test_old_files_bring_nothing_back(tmp_path: Path) -> None:
    # given: a file of the years before, and rules for what may be kept
    (tmp_path / "retention.toml").write_text(FILE)
    (tmp_path / ".env").write_text("KITH_RETENTION=retention.toml\n")
    (tmp_path / "old.ndjson").write_text("".join(json.dumps(line) + "\n" for line in LINES))
    # when
    loaded = kith(tmp_path, "backfill", "old.ndjson", *STORE)
    # then
    assert "EXPIRED" in (loaded.stdout + loaded.stderr)
    assert left(tmp_path) == 0
    assert "nothing" in kith(tmp_path, "retention", "preview", *STORE).stdout
    # when: line by line
    imported = kith(tmp_path, "import", "old.ndjson", *STORE)
    # then
    assert "EXPIRED" in (imported.stdout + imported.stderr)
    assert left(tmp_path) == 0
    assert kith(tmp_path, "lookup", "login=u1", *STORE).returncode == 0


def test_the_file_that_ships_can_be_previewed_before_it_is_used(tmp_path: Path) -> None:
    # given
    filled(tmp_path)
    (tmp_path / ".env").unlink()
    # then
    assert "nothing expires" in kith(tmp_path, "retention", "preview", *STORE).stdout
    assert "nothing expires" in kith(tmp_path, "retention", "run", *STORE).stdout
    shown = kith(tmp_path, "retention", "preview", "--file", "default", *STORE)
    assert "3000 identifiers of kind observation (namespace cookie)" in shown.stdout
    assert left(tmp_path) == 3_000


def test_orders_whose_hold_is_over_are_removed_without_rules(tmp_path: Path) -> None:
    # given orders without a person, of which one may still be kept
    assert kith(tmp_path, "migrate", *STORE).returncode == 0
    path = tmp_path / "kith.db"
    with closing(sqlite3.connect(path)) as db, db:
        rows = [(f"hash {number}", number, until) for number, until in (("W-1", 1), ("W-2", 4_102_444_800_000_000))]
        db.executemany("INSERT INTO held_orders VALUES (?, ?, 'shop', 0, '{}', ?, 'ers_1')", rows)
    # when
    done = kith(tmp_path, "retention", "run", *STORE)
    # then
    assert done.returncode == 0, done.stderr
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT number FROM held_orders").fetchall() == [("W-2",)]
