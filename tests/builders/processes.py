"""Processes that end, seen from outside."""

import os
import time
from pathlib import Path


def stat_of(pid: int) -> tuple[str, int]:
    """The state of a process and its parent's id; a process that has ended is a zombie (`Z`) or gone (empty)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return "", 0
    state, parent, *_ = text.rpartition(")")[2].split()
    return state, int(parent)


def descendants(pid: int) -> list[int]:
    """The ids of the processes that a process has started, and of theirs."""
    stats = {int(name): stat_of(int(name)) for name in os.listdir("/proc") if name.isdigit()}
    found = [pid]
    for parent in found:
        found += [child for child, (state, above) in stats.items() if above == parent and state not in ("", "Z")]
    return found[1:]


def wait_for_end(*pids: int) -> None:
    """Wait until processes have ended."""
    for _ in range(1_200):
        if all(stat_of(pid)[0] in ("", "Z") for pid in pids):
            return
        time.sleep(0.05)
    raise AssertionError(f"still running after 60 s: {[pid for pid in pids if stat_of(pid)[0] not in ('', 'Z')]}")
