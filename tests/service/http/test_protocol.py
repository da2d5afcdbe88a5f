"""Connections whose clients send too much, too slowly or nothing."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.http.protocol import (
    MAX_FRAMING_BYTES,
    MAX_HEAD_BYTES,
    MAX_HEADERS,
    MAX_UPGRADE_HEADER_BYTES,
    MAX_URL_BYTES,
)
from tests.builders.services import Service

HOST = b"Host: localhost\r\n"
BODY = b'{"query": "{ __typename }"}'
POST = b"POST /graphql HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
UPGRADE = (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
)
REQUEST_SECONDS = 1.0
MAX_SOCKETS = 60


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("protocol")
    service = Service(
        f"sqlite:///{folder / 'kith.db'}", folder, request_seconds=REQUEST_SECONDS, max_sockets=MAX_SOCKETS
    ).wait()
    yield service
    service.stop()
    assert "Traceback" not in service.log.read_text()


def answer(received: bytes) -> tuple[int, str | None]:
    """The status of a response and the code of its error."""
    head, _, body = received.partition(b"\r\n\r\n")
    errors = json.loads(body).get("errors", [{}])
    return int(head.split()[1]), errors[0].get("extensions", {}).get("code")


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"GET /graphql HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 20_000_000, (431, "HEADERS_TOO_LARGE")),
        (
            b"GET /graphql HTTP/1.1\r\n" + HOST + b"X: " + b"a" * MAX_HEAD_BYTES + b"\r\n\r\n",
            (431, "HEADERS_TOO_LARGE"),
        ),
        (b"GET /graphql HTTP/1.1\r\n" + HOST + b"A: b\r\n" * MAX_HEADERS + b"\r\n", (431, "HEADERS_TOO_LARGE")),
        (b"GET /graphql HTTP/1.1\r\n" + HOST + b"A: b\r\n" * 5_000_000, (431, "HEADERS_TOO_LARGE")),
        (b"GET /" + b"a" * MAX_URL_BYTES + b" HTTP/1.1\r\n" + HOST + b"\r\n", (414, "URL_TOO_LONG")),
        (b"GET /" + b"a" * 5_000_000, (414, "URL_TOO_LONG")),
        (
            b"GET /graphql HTTP/1.1\r\n" + HOST + UPGRADE + b"X: " + b"a" * MAX_UPGRADE_HEADER_BYTES + b"\r\n\r\n",
            (431, "HEADERS_TOO_LARGE"),
        ),
        (b"nonsense\r\n\r\n", (400, "BAD_REQUEST")),
        (b"GET http:///\xff HTTP/1.1\r\n\r\n", (400, "BAD_REQUEST")),
    ],
    ids=["endless", "long", "many", "endless-many", "long-url", "endless-url", "long-upgrade", "nonsense", "bad-url"],
)
def test_a_head_over_a_limit_is_answered_and_ends_the_connection(
    service: Service, head: bytes, expected: tuple[int, str]
) -> None:
    assert answer(service.exchange(head)) == expected


def test_a_head_within_the_limits_is_served(service: Service) -> None:
    # given: in one piece, and byte for byte
    headers = b"".join(b"X%d: %s\r\n" % (number, b"a" * 300) for number in range(MAX_HEADERS - 5))
    request = POST + headers + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
    # then
    assert answer(service.exchange(request))[0] == 200
    assert answer(service.exchange(*(request[i : i + 1000] for i in range(0, len(request), 1000))))[0] == 200


def test_a_large_body_with_the_next_head_behind_it_is_no_large_head(service: Service) -> None:
    body = b'{"query": "{ __typename }", "extensions": {"x": "%s"}}' % (b"x" * 200_000)
    first = POST + b"Content-Length: %d\r\n\r\n" % len(body) + body
    last = POST + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
    received = service.exchange(first + last[:40], last[40:])
    assert received.count(b"HTTP/1.1 200 OK") == 2


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"POST /graphql HTT", (408, "REQUEST_TIMEOUT")),
        (POST, (408, "REQUEST_TIMEOUT")),
        (POST + b"Content-Length: 100\r\n\r\n" + BODY, (408, "REQUEST_TIMEOUT")),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n", (408, "REQUEST_TIMEOUT")),
    ],
    ids=["url", "headers", "body", "chunk"],
)
def test_a_request_that_does_not_arrive_is_answered(service: Service, sent: bytes, expected: tuple[int, str]) -> None:
    assert answer(service.exchange(sent)) == expected


@pytest.mark.parametrize("sent", [b"", b"\r\n"])
def test_a_connection_without_a_request_is_closed(service: Service, sent: bytes) -> None:
    assert service.exchange(sent) == b""


def test_what_follows_an_answered_request_does_not_keep_the_connection(service: Service) -> None:
    # given: a request that is answered before its body has come
    request = POST.replace(b"application/json", b"text/plain") + b"Content-Length: 1000000\r\n\r\n"
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as connection:
        connection.sendall(request)
        assert b" 415 " in connection.recv(65536)
        # when: the body comes byte by byte
        closed = False
        for _ in range(200):
            time.sleep(0.05)
            with contextlib.suppress(TimeoutError):
                try:
                    connection.sendall(b"x")
                except OSError:
                    closed = True
                    break
    # then
    assert closed


def test_slow_clients_do_not_keep_out_others(service: Service) -> None:
    # given: twice as many connections as may be open, each with half a head
    slow = []
    for _ in range(2 * MAX_SOCKETS):
        slow.append(socket.create_connection(("127.0.0.1", service.port), timeout=20))
        slow[-1].sendall(b"GET /graphql HTTP/1.1\r\n")
    # then
    for _ in range(20):
        assert service.ask("{ __typename }") == {"__typename": "Query"}
    for connection in slow:
        connection.close()


def test_slow_bodies_do_not_keep_out_others(service: Service) -> None:
    with contextlib.ExitStack() as ending:
        # given: twice as many connections as may be open, whose bodies are awaited
        slow = []
        for _ in range(2 * MAX_SOCKETS):
            slow.append(ending.enter_context(socket.create_connection(("127.0.0.1", service.port), timeout=20)))
            slow[-1].sendall(POST + b"Expect: 100-continue\r\nContent-Length: 100\r\n\r\n")
            assert b"100 Continue" in slow[-1].recv(25)
        # then
        assert service.ask("{ __typename }") == {"__typename": "Query"}
        assert answer(slow[0].recv(65536)) == (408, "REQUEST_TIMEOUT")


def test_more_connections_than_may_be_open_are_refused_if_all_are_served(tmp_path: Path) -> None:
    # given: as many event streams as there may be connections
    service = Service(f"sqlite:///{tmp_path / 'kith.db'}", tmp_path, max_sockets=3).wait()
    service.http.close()
    stream = b'{"query": "subscription { changes { id } }"}'
    with contextlib.ExitStack() as ending:
        ending.callback(service.stop)
        for _ in range(3):
            busy = ending.enter_context(socket.create_connection(("127.0.0.1", service.port), timeout=20))
            busy.sendall(POST + b"Accept: text/event-stream\r\nContent-Length: %d\r\n\r\n" % len(stream) + stream)
            assert b" 200 OK" in busy.recv(65536)
        # when
        received = service.exchange(POST + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY)
    # then
    assert answer(received) == (503, "OVERLOADED")
    assert b"retry-after: 1" in received.lower()


CHUNKED = POST + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
CHUNK = b"%x\r\n%b\r\n" % (len(BODY), BODY)


def test_trailers_are_no_headers(service: Service) -> None:
    # when: a trailer has the name of a header that is checked
    received = service.exchange(CHUNKED + CHUNK + b"0\r\nHost: example.com\r\n\r\n")
    # then
    assert answer(received)[0] == 200


@pytest.mark.parametrize(
    "beginning",
    [b"0\r\nX: ", b"0\r\n", CHUNK + b"0\r\n" + b"X: y\r\n", b"5;"],
    ids=["long-trailer", "many-trailers", "trailers-after-content", "extension"],
)
def test_endless_trailers_and_extensions_end_the_connection(service: Service, beginning: bytes) -> None:
    piece = b"X: y\r\n" * 1000 if beginning.endswith(b"\n") else b"x" * MAX_FRAMING_BYTES
    # when: far more is sent than sockets buffer, on a connection that would be kept
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as connection:
        connection.sendall(POST.replace(b"Content-Type: application/json\r\n", b""))
        connection.sendall(b"Transfer-Encoding: chunked\r\n\r\n" + beginning)
        sent = 0
        with contextlib.suppress(OSError):
            while sent < 30_000_000_000:
                connection.sendall(piece)
                sent += len(piece)
    # then
    assert sent < 30_000_000_000


@pytest.mark.parametrize("chunk", [b"x\r\n", b"fffffffffffffffff\r\n", b'5;a="\r\n"\r\n'])
def test_an_invalid_chunk_is_answered(service: Service, chunk: bytes) -> None:
    assert answer(service.exchange(CHUNKED + chunk)) == (400, "BAD_REQUEST")


OFFER = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
"""What Java's client sends with its first request."""


@pytest.mark.parametrize(
    "body",
    [b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY, b"Transfer-Encoding: chunked\r\n\r\n" + CHUNK + b"0\r\n\r\n"],
    ids=["length", "chunked"],
)
@pytest.mark.parametrize("pieces", [1, 2])
def test_the_body_of_a_request_that_offers_another_protocol_is_its_own(
    service: Service, body: bytes, pieces: int
) -> None:
    # given: an offer, and the next request behind it
    last = POST + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
    request = POST + OFFER + body + last
    cut = len(request) if pieces == 1 else request.index(b"\r\n\r\n") + 4
    # when
    received = service.exchange(request[:cut], request[cut:])
    # then
    assert received.count(b"HTTP/1.1 ") == received.count(b'{"data":{"__typename":"Query"}}') == 2


def test_a_body_is_not_taken_for_a_request(service: Service) -> None:
    # given
    hidden = b"GET /livez HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
    for offer in (OFFER, UPGRADE):
        head = POST + offer + b"Content-Length: %d\r\n\r\n" % len(hidden)
        with socket.create_connection(("127.0.0.1", service.port), timeout=20) as connection:
            # when
            connection.sendall(head)
            time.sleep(0.1)
            connection.sendall(hidden)
            connection.shutdown(socket.SHUT_WR)
            received = b""
            with contextlib.suppress(OSError):
                while piece := connection.recv(65536):
                    received += piece
        # then
        assert received.count(b"HTTP/1.1 ") == received.count(b"HTTP/1.1 400 ") == 1


def test_a_flood_of_chunks_that_nobody_reads_leaves_others_their_turn(service: Service) -> None:
    # given: a request that is answered before its body, in the smallest chunks, of 100 MB
    flood, sent = b"1\r\nx\r\n" * 10_000, 0
    ended = threading.Event()

    def send() -> None:
        nonlocal sent
        with contextlib.suppress(OSError):
            while sent < 100_000_000 and not ended.is_set():
                connection.sendall(flood)
                sent += len(flood)

    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as connection:
        connection.sendall(b"POST /graphql HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n")
        sending = threading.Thread(target=send)
        sending.start()
        # when
        for _ in range(20):
            service.ask("{ __typename }")
        ended.set()
        sending.join()
    # then: the others were answered long before its end
    assert sent < 100_000_000
