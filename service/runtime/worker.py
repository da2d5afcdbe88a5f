"""One of several processes of a service, as it sees itself: what its supervisor gave it, and what it reports."""

import os
import signal
import socket
import threading
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

VARIABLE = "WORKER_OF_KITH"
"""The variable by which a supervisor says to a process that it is a worker."""
STARTED, READY, ALIVE = b"s", b"r", b"."
"""What a worker reports: that it listens, that its store is ready, and each second that it works."""


class Place(Struct, frozen=True):
    """The place of a worker in a service: its `number` of `count`, from 1, and what it inherits.

    `listeners` and `channel` are file descriptors of the sockets to listen on and of the connection to the supervisor.
    In `folder`, workers reach each other. The first one `announces` what is in effect.
    """

    number: int
    count: int
    listeners: tuple[int, ...]
    channel: int
    folder: str
    announces: bool = False

    def as_variable(self) -> dict[str, str]:
        """Return the variable of the environment that says this."""
        return {VARIABLE: msgspec.json.encode(self).decode()}


class Worker:
    """This process as a worker. `is_first` says whether it does the work in the background."""

    def __init__(self, place: Place) -> None:
        self.number, self.count, self.announces = place.number, place.count, place.announces
        self.folder = Path(place.folder)
        self.listeners = [socket.socket(fileno=descriptor) for descriptor in place.listeners]
        self._channel = socket.socket(fileno=place.channel)
        self._is_ready = False
        for inherited in (*self.listeners, self._channel):
            # Programs that this process starts get none of them.
            inherited.set_inheritable(False)
        self._channel.setblocking(True)

    @classmethod
    def from_environment(cls) -> "Worker | None":
        """Return this process as a worker; `None` if no supervisor has started it."""
        text = os.environ.pop(VARIABLE, None)
        return None if text is None else cls(msgspec.json.decode(text, type=Place))

    @property
    def is_first(self) -> bool:
        """Whether this worker does what one process of a service does: the work in the background."""
        return self.number == 1

    def report(self, what: bytes) -> None:
        """Report something to the supervisor."""
        with suppress(OSError):
            self._channel.send(what, socket.MSG_DONTWAIT)

    def beat(self, ready: bool) -> None:
        """Report that this process works, and once that its store is ready."""
        self.report(ALIVE)
        if ready and not self._is_ready:
            self._is_ready = True
            self.report(READY)

    def end_with_supervisor(self) -> None:
        """From now on, shut down as after SIGTERM when the supervisor has ended, however it did."""

        def watch() -> None:
            with suppress(OSError):
                while self._channel.recv(64):
                    pass
            os.kill(os.getpid(), signal.SIGTERM)

        threading.Thread(target=watch, name="kith-supervisor", daemon=True).start()
