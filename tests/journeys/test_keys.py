"""The life of a key, in two processes on one store: made, used, rotated under load, revoked."""

import contextlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.builders.runs import Run
from tests.builders.services import Service, kith
from tests.builders.stores import wipe

WATCH = "subscription { changes { cursor } }"
ASK = {"query": "{ __typename }"}


@pytest.fixture(params=["sqlite", pytest.param("neo4j", marks=pytest.mark.neo4j)])
def store(request: pytest.FixtureRequest, run: Run, tmp_path: Path) -> Iterator[str]:
    """The address of an empty store. No key is left in a database that other tests use."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'kith.db'}"
        return
    run(wipe(request.getfixturevalue("neo4j_store")))
    yield str(request.getfixturevalue("neo4j_uri"))
    run(wipe(request.getfixturevalue("neo4j_store")))


class Shop:
    """Two processes on one store, and the command line."""

    def __init__(self, store: str, folder: Path) -> None:
        self._store, self._folder = store, folder
        self.services: list[Service] = []
        self._open = contextlib.ExitStack()

    def keys(self, *words: str) -> str:
        """What `kith keys` prints on standard output."""
        done = kith(self._folder, "keys", *words, "--store", self._store)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def start(self) -> None:
        """Start the services."""
        self.services = [Service(self._store, self._folder, log_level="debug") for _ in range(2)]
        for service in self.services:
            service.wait()

    def status(self, key: str | None, service: int = 0) -> int:
        """The status of a request with a key, or without one."""
        headers = {} if key is None else {"authorization": f"Bearer {key}"}
        return self.services[service].http.post(self.services[service].url, json=ASK, headers=headers).status_code

    def socket(self, key: str, service: int) -> ClientConnection:
        """A WebSocket that waits for changes."""
        socket = self._open.enter_context(connect(self.services[service].socket, subprotocols=["graphql-transport-ws"]))
        socket.send(json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {key}"}}))
        assert json.loads(socket.recv())["type"] == "connection_ack"
        socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": WATCH}}))
        return socket

    def events(self, key: str, service: int) -> httpx.Response:
        """An event stream that waits for changes."""
        url, headers = self.services[service].url, {"authorization": f"Bearer {key}", "accept": "text/event-stream"}
        stream = httpx.stream("POST", url, json={"query": WATCH}, headers=headers, timeout=60)
        response = self._open.enter_context(stream)
        assert response.status_code == 200
        return response

    def stop(self) -> None:
        """Close and stop everything."""
        self._open.close()
        for service in self.services:
            service.stop()


@pytest.fixture
def shop(store: str, tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(store, tmp_path)
    yield shop
    shop.stop()


def test_an_open_service_closes_when_it_gets_its_first_key(shop: Shop) -> None:
    # given
    shop.start()
    assert [shop.status(None, number) for number in (0, 1)] == [200, 200]
    # when
    key = shop.keys("add", "feed", "--role", "feed")
    # then
    for number in (0, 1):
        while shop.status(None, number) == 200:
            pass
        assert (shop.status(None, number), shop.status(key, number)) == (401, 200)


def test_no_request_is_refused_while_a_key_is_rotated_and_a_revoked_one_ends_everything(shop: Shop) -> None:
    # given
    old = shop.keys("add", "feed", "--role", "feed")
    shop.start()
    current, refused, stopped = [old], list[int](), threading.Event()

    def load(service: int) -> None:
        while not stopped.is_set():
            if (status := shop.status(current[0], service)) != 200:
                refused.append(status)

    threads = [threading.Thread(target=load, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    # when
    try:
        new = shop.keys("rotate", "feed")
        while not all(shop.status(new, number) == 200 for number in (0, 1)):
            pass
        opened = [(shop.socket(old, number), shop.events(old, number)) for number in (0, 1)]
        current[0] = new
        shop.keys("revoke", old.split("_")[1])
        # then: both processes refuse it, and end what it had opened
        for number, (socket, events) in enumerate(opened):
            while shop.status(old, number) == 200:
                pass
            with pytest.raises(ConnectionClosed) as closed:
                socket.recv(timeout=30)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4403
            text = events.read().decode()
            assert '"UNAUTHENTICATED"' in text
            assert "event: complete" in text
    finally:
        stopped.set()
        for thread in threads:
            thread.join()
    assert refused == []
    # then: the list shows who used what, and nothing else has a secret
    rows = shop.keys("list").splitlines()[1:]
    assert [row.split()[-1] for row in rows] == ["revoked", "valid"]
    assert all(row.split()[-2].startswith("20") for row in rows)
    secrets = [key.split("_")[2] for key in (old, new)]
    for service in shop.services:
        log = service.log.read_text()
        environment = Path(f"/proc/{service.pid}/environ").read_bytes().decode()
        assert not [secret for secret in secrets if secret in log or secret in environment]
