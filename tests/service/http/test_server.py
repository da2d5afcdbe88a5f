"""The end of a service: everything open is finished or answered, in bounded time."""

import asyncio
import json
import signal
import socket
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from graph.domain.model.errors import InvalidInput
from service.http.server import listen
from tests.builders.clients import LINK, seen
from tests.builders.runs import Run
from tests.builders.services import Serve, Service, kith

CHANGES = "subscription { changes { cursor } }"
PROTOCOL = "graphql-transport-ws"


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts services on one SQLite file."""
    services: list[Service] = []

    def start(**settings: object) -> Service:
        services.append(Service(f"sqlite:///{tmp_path / 'kith.db'}", tmp_path, **settings))
        return services[-1].wait()

    yield start
    for service in services:
        service.stop()


def post(body: bytes, length: int | None = None, *headers: bytes) -> bytes:
    lines = [b"POST /graphql HTTP/1.1", b"Host: localhost", b"Content-Type: application/json", *headers]
    return b"\r\n".join([*lines, b"Content-Length: %d" % (len(body) if length is None else length), b"", body])


def open_connection(service: Service, request: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", service.port), timeout=30)
    connection.sendall(request)
    return connection


def rest_of(connection: socket.socket) -> str:
    """What comes until the service closes the connection, which it must."""
    received = b""
    while chunk := connection.recv(65536):
        received += chunk
    connection.close()
    return received.decode()


def test_an_event_stream_gets_a_last_event_and_an_end(serve: Serve) -> None:
    # given
    service = serve()
    stream = open_connection(service, post(json.dumps({"query": CHANGES}).encode(), None, b"Accept: text/event-stream"))
    assert b"200 OK" in stream.recv(65536)
    # when
    service.signal(signal.SIGTERM)
    received = rest_of(stream)
    # then
    assert '"code":"SHUTTING_DOWN"' in received
    assert "event: complete" in received
    assert service.ended() == 0
    assert "Traceback" not in service.log.read_text()


async def begin(url: str, *queries: str) -> Any:
    websocket = await connect(url, subprotocols=[PROTOCOL])
    await websocket.send('{"type": "connection_init"}')
    assert json.loads(await websocket.recv())["type"] == "connection_ack"
    for id, query in enumerate(queries):
        await websocket.send(json.dumps({"type": "subscribe", "id": str(id), "payload": {"query": query}}))
    return websocket


async def until_closed(websocket: Any) -> AsyncIterator[str]:
    """The messages of a socket until the service closes it."""
    while True:
        try:
            yield await websocket.recv()
        except ConnectionClosed:
            return


def test_a_socket_gets_the_end_of_each_subscription_and_a_reason(serve: Serve, run: Run) -> None:
    # given
    service = serve()

    async def attempt() -> list[tuple[str, str]]:
        websocket = await begin(service.socket, CHANGES, CHANGES)
        await asyncio.sleep(0.3)
        # when
        service.signal(signal.SIGTERM)
        messages = [json.loads(message) async for message in until_closed(websocket)]
        # then
        assert websocket.close_code == 1012
        assert "connect again" in websocket.close_reason
        for message in messages:
            if message["type"] == "next":
                assert message["payload"]["errors"][0]["extensions"]["code"] == "SHUTTING_DOWN"
        return sorted((message["id"], message["type"]) for message in messages)

    assert run(attempt()) == [("0", "complete"), ("0", "next"), ("1", "complete"), ("1", "next")]
    assert service.ended() == 0


def test_half_a_request_is_answered(serve: Serve) -> None:
    # given
    service = serve(shutdown_seconds=2)
    body = open_connection(service, post(b'{"query": ', 100))
    head = open_connection(service, b"POST /graphql HTTP/1.1\r\nHost: loc")
    idle = open_connection(service, b"")
    time.sleep(0.3)
    # when
    service.signal(signal.SIGTERM)
    # then
    assert rest_of(idle) == ""
    for connection in (body, head):
        assert '"code":"REQUEST_TIMEOUT"' in rest_of(connection)
    assert service.ended() == 0


def test_a_write_in_flight_gets_its_answer(serve: Serve, tmp_path: Path) -> None:
    # given: writes that wait for another process
    service = serve()
    observations = [
        seen(f"cookie=cookie-{number}", f"device=device-{number}", id=str(number)) for number in range(1000)
    ]
    body = json.dumps({"query": LINK, "variables": {"input": {"observations": observations}}}).encode()
    other = sqlite3.connect(tmp_path / "kith.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writes = [open_connection(service, post(body)) for _ in range(2)]
    time.sleep(0.5)
    # when
    service.signal(signal.SIGTERM)
    other.close()
    # then
    for connection in writes:
        received = rest_of(connection)
        assert received.startswith("HTTP/1.1 200 OK")
        assert received.count('"ObservationAccepted"') == 1000
    assert service.ended() == 0


def test_an_operation_that_does_not_end_in_time_is_answered(serve: Serve, tmp_path: Path) -> None:
    # given: a write that waits for another process
    service = serve(shutdown_seconds=3)
    other = sqlite3.connect(tmp_path / "kith.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    body = {"query": LINK, "variables": {"input": {"observations": [seen("cookie=ck-1", "device=device-1")]}}}
    write = open_connection(service, post(json.dumps(body).encode()))
    time.sleep(0.5)
    # when
    service.signal(signal.SIGTERM)
    answer = rest_of(write)
    # then
    assert answer.startswith("HTTP/1.1 503")
    assert '"code":"SHUTTING_DOWN"' in answer
    assert service.ended() in (0, 1)
    assert "Traceback" not in service.log.read_text()
    other.close()


def test_while_it_drains_the_service_answers_and_is_not_ready(serve: Serve) -> None:
    # given
    service = serve(drain_seconds=3)
    kept = httpx.Client()
    assert kept.get(service.url.replace("graphql", "readyz")).status_code == 200
    # when
    service.signal(signal.SIGTERM)
    # then: a connection that is open already, and a new one
    for client in (kept, httpx.Client()):
        answer = client.get(service.url.replace("graphql", "readyz"))
        assert answer.status_code == 503
        assert answer.json()["missing"] == {"service": "the service is shutting down"}
        assert answer.headers["connection"] == "close"
        assert client.post(service.url, json={"query": "{ __typename }"}).status_code == 200
        client.close()
    assert service.ended() == 0


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_the_process(serve: Serve, second: int) -> None:
    # given: a body that would be awaited
    service = serve(shutdown_seconds=600)
    half = open_connection(service, post(b"{", 100))
    # when
    service.signal(signal.SIGTERM, second)
    # then
    assert service.ended() == -second
    half.close()


def test_clients_that_do_not_read_do_not_keep_the_process(serve: Serve) -> None:
    # given: a client whose answers fill all buffers
    service = serve(shutdown_seconds=2)
    query = "{ __schema { types { name description fields { name description type { name } } } } }"
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", service.port))
    connection.settimeout(1)
    request = post(json.dumps({"query": query}).encode())
    try:
        for _ in range(200):
            connection.sendall(request)
    except TimeoutError:
        pass
    # when
    service.signal(signal.SIGTERM)
    # then
    assert service.ended() in (0, 1)
    connection.close()


def test_a_port_in_use_is_one_line(serve: Serve, tmp_path: Path) -> None:
    # given
    service = serve()
    # when
    done = kith(tmp_path, "serve", "--port", str(service.port))
    # then
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert line == f"kith: KITH_PORT: cannot listen on 127.0.0.1 port {service.port}: address already in use"


@pytest.mark.parametrize(
    ("host", "names"), [("203.0.113.1", "KITH_PORT: cannot listen on 203.0.113.1"), ("no.invalid", "KITH_HOST: cannot")]
)
def test_an_address_that_cannot_be_used_is_named(host: str, names: str) -> None:
    with pytest.raises(InvalidInput, match=names):
        listen(host, 0)


def test_all_addresses_of_a_name_get_the_same_port() -> None:
    sockets = listen("localhost", 0)
    assert len({listener.getsockname()[1] for listener in sockets}) == 1
    for listener in sockets:
        listener.close()
