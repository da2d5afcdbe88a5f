"""Ends a process when the one that started both of them has ended, however it ended.

The starter holds the other end of standard input. If anything is written there, the process has ended by itself.
Standard library only.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

GRACE_SECONDS = 30
"""Time for a clean end."""


def guard(pid: int) -> "subprocess.Popen[bytes]":
    """Start a guard over a child process of this one. Give the result to `release` when the child has ended."""
    command = [sys.executable, "-I", "-S", __file__, str(pid)]
    # Ctrl-C in a terminal reaches all processes of its session.
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def release(process: "subprocess.Popen[bytes]") -> None:
    """End a guard: its process has ended."""
    process.communicate(b"ended")


def main() -> None:
    """Wait until the starter has ended."""
    pid = int(sys.argv[1])
    if sys.stdin.buffer.read():
        return
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        for _ in range(GRACE_SECONDS * 10):
            time.sleep(0.1)
            os.kill(pid, 0)
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
