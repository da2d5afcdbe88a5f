"""Files on a real SFTP server, OpenSSH's: its key is checked, and what it refuses is said without secrets."""

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from graph.domain.model.errors import InvalidInput
from service.destinations.adapter import DONE, Unavailable
from service.destinations.files.adapter import FilesAdapter
from service.destinations.files.sftp import SftpFolder
from tests.builders.file_drops import Clock, Receiver, settings, update
from tests.builders.runs import Run
from tests.builders.sftp import SftpServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SftpServer]:
    """A server whose user logs in with a key."""
    server = SftpServer(tmp_path_factory.mktemp("sftp"))
    yield server
    server.stop()


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    """A folder on the server."""
    (tmp_path / "drop").mkdir()
    return tmp_path / "drop"


def adapter(server: SftpServer, drop: Path, clock: Clock | None = None, **more: Any) -> FilesAdapter:
    values = {
        "url": f"sftp://127.0.0.1:{server.port}{drop}", "user": server.user, "private_key": f"file:{server.user_key}",
        "host_key": server.host_key, **more,
    }  # fmt: skip
    given = {name: value for name, value in values.items() if value is not None}
    return FilesAdapter(settings(drop.parent, **given), clock or Clock())


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_files_arrive_as_a_whole_and_old_ones_are_deleted(
    format: str, server: SftpServer, drop: Path, run: Run
) -> None:
    # given
    clock = Clock()
    sender = adapter(server, drop, clock, format=format)
    updates = [update(f"{n}@x.example", fields={"first_name": "x" * 50}) for n in range(5_000)]
    # when
    assert run(sender.send(updates)) == [DONE] * 5_000
    assert run(sender.send([update("0@x.example", present=False)])) == [DONE]
    # then
    assert len(Receiver(drop).members()["winback"]) == 4_999
    assert not list(drop.glob("*.part"))
    # when
    clock.now += 15 * 24 * 3_600_000_000
    run(sender.maintain())
    # then
    assert list(drop.iterdir()) == []
    run(sender.close())


def test_a_connection_that_was_lost_is_made_again(server: SftpServer, drop: Path, run: Run) -> None:
    # given
    sender = adapter(server, drop)
    run(sender.send([update("a@x.example")]))
    # when
    run(sender.close())
    # then
    assert run(sender.send([update("b@x.example")])) == [DONE]
    assert len(Receiver(drop).members()["winback"]) == 2
    run(sender.close())


def test_a_server_with_another_key_gets_nothing(server: SftpServer, drop: Path, run: Run) -> None:
    # given
    other = drop.parent / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other], check=True)
    key = other.with_suffix(".pub").read_text().rsplit(" ", 1)[0]
    # when
    with pytest.raises(Unavailable, match="another host key than the expected one") as error:
        run(adapter(server, drop, host_key=key).send([update("a@x.example")]))
    # then
    assert not error.value.login
    assert list(drop.iterdir()) == []


def test_a_server_is_known_by_a_file_of_hosts(server: SftpServer, drop: Path, run: Run) -> None:
    # given
    known = drop.parent / "known_hosts"
    known.write_text(f"# servers\n\n[127.0.0.1]:{server.port} {server.host_key}\n")
    # then
    sender = adapter(server, drop, host_key=None, known_hosts="known_hosts")
    assert run(sender.send([update("a@x.example")])) == [DONE]
    # when
    known.write_text(f"[drop.example]:{server.port} {server.host_key}\n")
    # then
    with pytest.raises(Unavailable, match="not found in known_hosts"):
        run(adapter(server, drop, host_key=None, known_hosts="known_hosts").send([update("a@x.example")]))


def test_a_login_that_is_refused_is_said(server: SftpServer, drop: Path, run: Run) -> None:
    # given
    sender = adapter(server, drop, private_key=None, password="env:PASSWORD")
    # when
    with pytest.raises(Unavailable) as error:
        run(sender.send([update("a@x.example")]))
    # then
    assert error.value.login
    assert error.value.message == f"the server refused the login of {server.user}"


def test_a_key_with_a_passphrase_opens_the_door(server: SftpServer, drop: Path, run: Run) -> None:
    # given
    locked = drop.parent / "locked"
    locked.write_bytes(server.user_key.read_bytes())
    locked.chmod(0o600)
    subprocess.run(["ssh-keygen", "-q", "-p", "-N", "open-sesame", "-P", "", "-f", locked], check=True)
    # then
    sender = adapter(server, drop, private_key="file:locked", passphrase="env:PASSWORD")
    assert run(sender.send([update("a@x.example")])) == [DONE]
    # and
    with pytest.raises(InvalidInput, match="destination letters: private_key is no private key") as error:
        adapter(server, drop, private_key="file:locked")
    assert "OPENSSH" not in error.value.message


def test_a_folder_that_is_missing_is_named_as_such(server: SftpServer, drop: Path, run: Run) -> None:
    run(adapter(server, drop).check())
    with pytest.raises(Unavailable, match="cannot be reached: there is no such folder"):
        run(adapter(server, drop / "missing").check())
    with pytest.raises(Unavailable, match="cannot be listed: there is no such folder"):
        run(adapter(server, drop / "missing").send([update("a@x.example")]))
    with pytest.raises(Unavailable, match="cannot be written: there is no such folder"):
        run(adapter(server, drop / "missing", write_only=True).send([update("a@x.example")]))


def test_no_server_and_one_that_says_nothing_are_unavailable(drop: Path, run: Run) -> None:
    # given
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        more = {"user": "kith", "password": "env:PASSWORD", "host_key": "ssh-ed25519 " + HOST_KEY}
        url = f"sftp://127.0.0.1:{silent.getsockname()[1]}/in"
        sender = FilesAdapter(settings(drop, url=url, timeout_seconds=0.2, **more))
        # then
        with pytest.raises(Unavailable, match="no connection to the server: nobody listens"):
            run(sender.send([update("a@x.example")]))
        # when
        silent.listen()
        # then
        with pytest.raises(Unavailable, match="no connection to the server"):
            run(sender.send([update("a@x.example")]))


HOST_KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIGZsb2F0aW5nLWtleS1mb3ItdGVzdHMtb2YtZmlsZXM="


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"host_key": "ssh-ed25519 AAAA"}, "host_key has no key such as"),
        ({"known_hosts": "empty"}, "known_hosts has no key such as"),
        ({"known_hosts": "missing"}, "known_hosts cannot be read: FileNotFoundError"),
    ],
)
def test_keys_that_cannot_be_read_are_refused(more: dict[str, Any], message: str, tmp_path: Path) -> None:
    # given
    (tmp_path / "empty").write_text("\n")
    # then
    with pytest.raises(InvalidInput, match=f"destination letters: {message}"):
        SftpFolder(settings(tmp_path, url="sftp://drop.example/in", user="kith", password="env:PASSWORD", **more))
