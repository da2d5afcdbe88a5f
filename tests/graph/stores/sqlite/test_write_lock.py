"""Writers of several processes take turns."""

import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from graph.domain.model.errors import StoreUnavailable
from graph.stores.sqlite.write_lock import WriteLock

HOLD = """
import sys, time
from graph.stores.sqlite.write_lock import WriteLock
with WriteLock(sys.argv[1]).held(10):
    print("held", flush=True)
    time.sleep(600)
"""


def until(condition: Callable[[], bool]) -> None:
    for _ in range(2_000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen within 20 s")


def is_waiting(path: str) -> bool:
    """Whether someone is next in turn."""
    import fcntl

    file = os.open(f"{path}-queue", os.O_RDWR)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def test_whoever_waits_comes_before_whoever_had_the_lock_last(tmp_path: Path) -> None:
    # given
    path = str(tmp_path / "kith.db")
    first, second = WriteLock(path), WriteLock(path)
    turns: list[str] = []

    def wait() -> None:
        with second.held(20):
            turns.append("second")
            until(lambda: math.isfinite(first.contended_at))

    waiting = threading.Thread(target=wait)
    with first.held(20):
        turns.append("first")
        waiting.start()
        # It is next in turn, and has found the lock taken.
        until(lambda: is_waiting(path) and math.isfinite(second.contended_at))
    # when: the first wants it again at once
    with first.held(20):
        turns.append("first again")
    # then
    waiting.join()
    # both know that there is another
    assert math.isfinite(first.contended_at)
    assert math.isfinite(second.contended_at)
    assert turns == ["first", "second", "first again"]


def test_a_wait_has_an_end_and_the_next_try_succeeds(tmp_path: Path) -> None:
    # given
    path = str(tmp_path / "kith.db")
    first, second = WriteLock(path), WriteLock(path)
    with first.held(20):
        # when
        for _ in range(3):
            with pytest.raises(StoreUnavailable, match="another process is writing"), second.held(0.05):
                raise AssertionError("the lock is held twice")
    # then
    for lock in (second, first, second):
        with lock.held(20):
            pass


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    # given
    path = str(tmp_path / "kith.db")
    process = subprocess.Popen([sys.executable, "-c", HOLD, path], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    # when
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    # then
    with WriteLock(path).held(20):
        pass


def test_an_error_frees_the_lock(tmp_path: Path) -> None:
    lock, other = WriteLock(str(tmp_path / "kith.db")), WriteLock(str(tmp_path / "kith.db"))
    with pytest.raises(ValueError, match="no"), lock.held(20):
        raise ValueError("no")
    with other.held(20):
        pass


def test_where_no_lock_file_can_be_made_there_is_no_lock(tmp_path: Path) -> None:
    entered = []
    with WriteLock(str(tmp_path / "missing" / "kith.db")).held(20):
        entered.append(True)
    assert entered


def test_a_process_alone_finds_no_other(tmp_path: Path) -> None:
    lock = WriteLock(str(tmp_path / "kith.db"))
    for _ in range(3):
        with lock.held(20):
            pass
    assert lock.contended_at == float("-inf")
