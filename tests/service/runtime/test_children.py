"""Processes that Kith and its tests start end when the one that started them is killed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from service.runtime import model_fitting
from service.runtime.children import exit_after
from tests.builders.processes import descendants, wait_for_end
from tests.builders.services import ROOT
from tools.neo4j import server

if not Path("/proc/self/stat").exists():
    pytest.skip("processes are looked up in /proc", allow_module_level=True)

NEO4J = """
import sys, time
from pathlib import Path
from tools.neo4j.server import Server
with Server(Path(sys.argv[1]), heap_mb=256, page_cache_mb=64):
    time.sleep(600)
"""
WAITING = """
import subprocess, sys
subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdin=subprocess.PIPE).wait()  # `run` would close the pipe
"""
CHILD = f"""
import sys, time
from {exit_after.__module__} import exit_after
exit_after(sys.stdin.buffer.read)
time.sleep(600)
"""


def start(*words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, *words], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def children(process: subprocess.Popen[bytes], count: int, *words: str) -> list[int]:
    """All that a process has started, as soon as so many of them have one of the words in their command lines."""
    for _ in range(1_200):
        assert process.poll() is None, "it ended by itself"
        found = descendants(process.pid)
        lines = [Path(f"/proc/{pid}/cmdline").read_text() for pid in found]
        if sum(any(word in line for word in words) for line in lines) >= count:
            return found
        time.sleep(0.05)
    raise AssertionError(f"there are not {count} processes after 60 s")


def wait_until_watching(process: subprocess.Popen[bytes]) -> None:
    """Wait until a process has a thread that waits for its parent."""
    for _ in range(1_200):
        if len(os.listdir(f"/proc/{process.pid}/task")) > 1:
            return
        time.sleep(0.05)
    raise AssertionError("it has one thread after 60 s")


def kill(process: subprocess.Popen[bytes]) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def test_a_child_of_a_killed_process_ends() -> None:
    # given
    process = start("-c", WAITING, CHILD)
    found = children(process, 1, "exit_after")
    # when
    kill(process)
    # then
    wait_for_end(*found)


def test_the_readers_of_a_killed_backfill_end(tmp_path: Path) -> None:
    # given
    file = tmp_path / "history.ndjson"
    with file.open("w") as out:
        for number in range(50_000):
            identifiers = [{"namespace": "email", "value": f"p{number}@mail.example"}]
            out.write(json.dumps({"source": "web", "id": str(number), "identifiers": identifiers}) + "\n")
    process = start("-m", "service", "backfill", str(file), "--store", f"sqlite:///{tmp_path / 'kith.db'}")
    found = children(process, os.cpu_count() or 1, "spawn_main")
    # when
    kill(process)
    # then
    wait_for_end(*found)


@pytest.mark.skipif(not model_fitting.available(), reason="needs the extra `predict`")
def test_a_fit_ends_when_the_service_does() -> None:
    # given: a fit that takes some seconds
    command = [sys.executable, "-m", model_fitting.__name__]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdin.write(json.dumps([[[number % 5, 3.0 * (number % 5), 60.0] for number in range(5_000)], {}]).encode())
    process.stdin.write(b"\n")
    process.stdin.flush()
    wait_until_watching(process)
    # when: the other end of the pipe is closed
    out, _ = process.communicate(timeout=60)
    # then: it has not come to its result
    assert (process.returncode, out) == (1, b"")


@pytest.mark.neo4j
def test_the_neo4j_of_a_killed_run_ends(tmp_path: Path) -> None:
    # given
    if reason := server.missing():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    process = start("-c", NEO4J, str(tmp_path))
    found = children(process, 2, "CommunityEntryPoint", "guard.py")
    # when
    kill(process)
    # then
    wait_for_end(*found)
