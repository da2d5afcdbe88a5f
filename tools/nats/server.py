"""A real NATS server with JetStream, on 127.0.0.1: the program `nats-server` of the machine.

Debian and Ubuntu have it (`apt install nats-server`). Standard library only.
"""

import os
import shutil
import socket
from collections.abc import Sequence
from pathlib import Path

from tools.neo4j.server import free_port, require_free
from tools.server_process import CannotStart, ChildServer, ServerProcess

START_SECONDS = 60


def program() -> str | None:
    """Return the path of `nats-server`, which Debian installs where only administrators look; `None` without it."""
    return shutil.which("nats-server", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


class Server(ChildServer):
    """The server as a child process: a context manager that starts and stops it. `options` are more of its options."""

    def __init__(self, home: Path, port: int = 0, options: Sequence[str] = ()) -> None:
        self._home = home.absolute()
        self._port = port or free_port()
        self._options = options
        self.url = f"nats://127.0.0.1:{self._port}"

    def __enter__(self) -> "Server":
        require_free(self._port)
        self.start()
        return self

    def start(self) -> None:
        """Start the server with the data that its home folder has."""
        path = program()
        if path is None:
            raise CannotStart("nats-server not found")
        self._home.mkdir(parents=True, exist_ok=True)
        command = [path, "--addr", "127.0.0.1", "--port", str(self._port), "--jetstream"]
        command += ["--store_dir", str(self._home / "data"), *self._options]
        self._process = ServerProcess(command, self._home / "nats.log", "nats-server")
        self._process.wait_until(self._answers, START_SECONDS)

    def _answers(self) -> bool:
        """Whether the server greets who connects."""
        with socket.socket() as probe:
            probe.settimeout(1)
            try:
                probe.connect(("127.0.0.1", self._port))
                return probe.recv(4) == b"INFO"
            except OSError:
                return False
