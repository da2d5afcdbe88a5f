"""WebSockets whose clients send too much, read nothing, or show no key."""

import contextlib
import json
import socket
import struct
from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from service.http.websocket_protocol import MAX_FIRST_BYTES, PART_BYTES
from tests.builders.services import Service

MAX_SOCKETS = 20
PROTOCOL = Subprotocol("graphql-transport-ws")
INIT = json.dumps({"type": "connection_init"})
ACK = {"type": "connection_ack"}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("websockets")
    service = Service(f"sqlite:///{folder / 'kith.db'}", folder, max_sockets=MAX_SOCKETS, slow_reader_seconds=3).wait()
    yield service
    service.stop()
    log = service.log.read_text()
    assert "Traceback" not in log
    assert "Exception in ASGI" not in log


def opened(service: Service) -> ClientConnection:
    return connect(service.socket, subprotocols=[PROTOCOL], compression=None, max_size=None)


def subscribe(id: str, query: str = "{ __typename }") -> str:
    return json.dumps({"type": "subscribe", "id": id, "payload": {"query": query}})


def small_frames(text: bytes) -> bytes:
    """A message in frames of one byte each, masked with zeros."""
    frames = [b"\x00\x81\0\0\0\0" + bytes([byte]) for byte in text]
    frames[0] = b"\x01" + frames[0][1:]
    frames[-1] = b"\x80" + frames[-1][1:]
    return b"".join(frames)


def test_a_long_message_ends_a_socket_that_is_not_initialized(service: Service) -> None:
    with opened(service) as client:
        # when: the message is short enough for an operation
        client.send(json.dumps({"type": "ping", "payload": {"x": "x" * MAX_FIRST_BYTES}}))
        # then
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(timeout=20)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


def test_messages_of_any_length_and_number_of_frames_are_read_in_order(service: Service) -> None:
    with opened(service) as client:
        client.send(INIT)
        assert json.loads(client.recv(timeout=20)) == ACK
        # when: one long frame, a message in many small frames, pings between them, all at once
        long = json.dumps({"type": "ping", "payload": {"x": "x" * 500_000}})
        ids = [f"{number:04}" for number in range(16)]  # fewer than the operations that one socket may have
        client.send(long)
        frames = b"".join(small_frames(subscribe(id).encode()) + b"\x89\x80\0\0\0\0" for id in ids)
        assert len(frames) > 2 * PART_BYTES
        client.socket.sendall(frames)
        # then
        answers = []
        while len(answers) < 1 + 2 * len(ids):
            answers.append(json.loads(client.recv(timeout=20)))
    assert answers[0] == {"type": "pong"}
    assert [answer["id"] for answer in answers if answer["type"] == "complete"] == ids


def test_a_client_that_does_not_read_is_not_read(service: Service) -> None:
    # given: a client that reads no answer to its pings
    ping = b"\x89\xfd\0\0\0\0" + b"p" * 125
    with socket.create_connection(("127.0.0.1", service.port), timeout=3) as raw:
        raw.sendall(
            b"GET /graphql HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
            b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
        )
        assert b" 101 " in raw.recv(65536)
        raw.sendall(b"\x81" + struct.pack("B", 0x80 | len(INIT)) + b"\0\0\0\0" + INIT.encode())
        # when
        sent = 0
        with contextlib.suppress(OSError):
            while sent < 500_000_000:
                raw.sendall(ping * 1000)
                sent += len(ping) * 1000
    # then: the pings wait with the client, not in the memory of the service
    assert sent < 500_000_000


def test_sockets_without_a_caller_give_way_to_other_connections(service: Service) -> None:
    with contextlib.ExitStack() as ending:
        # given: more sockets than may be open, none of which has shown who it is
        for _ in range(MAX_SOCKETS + 5):
            ending.enter_context(opened(service))
        # then
        for _ in range(3):
            assert service.ask("{ __typename }") == {"__typename": "Query"}


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([INIT, json.dumps({"type": "x" * 5_000})], 4400),
        ([INIT, *[subscribe("é" * 200, "subscription { changes { id } }")] * 2], 4409),
    ],
    ids=["type", "id"],
)
def test_a_reason_with_a_long_text_of_the_client_is_cut(service: Service, messages: list[str], code: int) -> None:
    with opened(service) as client:
        for message in messages:
            client.send(message)
        # then
        with contextlib.suppress(ConnectionClosed):
            while True:
                client.recv(timeout=20)
        assert client.close_code == code
        assert 100 < len((client.close_reason or "").encode()) <= 123
