"""A process as one of several workers."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.runtime.worker import ALIVE, READY, STARTED, VARIABLE, Place, Worker


@pytest.fixture
def channel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[socket.socket]:
    """The supervisor's end; the worker finds the other one and its place in the environment."""
    ours, theirs = socket.socketpair()
    listener = socket.create_server(("127.0.0.1", 0))
    place = Place(2, 3, (listener.detach(),), theirs.detach(), str(tmp_path))
    for name, value in place.as_variable().items():
        monkeypatch.setenv(name, value)
    yield ours
    ours.close()


def open_worker() -> Worker:
    worker = Worker.from_environment()
    assert worker is not None
    return worker


def test_a_process_without_a_supervisor_is_none() -> None:
    assert Worker.from_environment() is None


def test_a_worker_has_what_its_supervisor_gave_it_and_leaves_nothing_to_its_children(
    channel: socket.socket, tmp_path: Path
) -> None:
    worker = open_worker()
    assert (worker.number, worker.count, worker.is_first, worker.folder) == (2, 3, False, tmp_path)
    (listener,) = worker.listeners
    assert listener.getsockname()[0] == "127.0.0.1"
    assert not listener.get_inheritable()
    assert VARIABLE not in os.environ
    listener.close()


def test_it_reports_that_it_listens_and_works_and_once_that_it_is_ready(channel: socket.socket) -> None:
    # given
    worker = open_worker()
    # when
    worker.report(STARTED)
    worker.beat(ready=False)
    worker.beat(ready=True)
    worker.beat(ready=True)
    # then
    assert channel.recv(64) == STARTED + ALIVE + ALIVE + READY + ALIVE


def test_it_shuts_down_when_its_supervisor_has_ended(channel: socket.socket) -> None:
    # given
    ended: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: ended.append(number))
    open_worker().end_with_supervisor()
    # when
    channel.close()
    # then
    deadline = time.monotonic() + 10
    while not ended and time.monotonic() < deadline:
        time.sleep(0.01)
    signal.signal(signal.SIGTERM, before)
    assert ended == [signal.SIGTERM]
