"""The test server does not share a port with another one: its clients would reach the wrong database."""

import socket
from pathlib import Path

import pytest

from tools.neo4j.server import CannotStart, Server


@pytest.mark.parametrize("name", ["bolt", "http"])
def test_a_port_in_use_is_an_error(tmp_path: Path, name: str) -> None:
    # given
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        # when
        with pytest.raises(CannotStart, match=f"port {port} cannot be used"), Server(tmp_path, **{name: port}):
            pass
