"""One line in the log for each operation, and for each request that ends before any."""

import asyncio
import contextlib
import hashlib
import json
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from graph.stores.sqlite import SQLiteStore
from service.bootstrap import wire
from service.config.settings import Settings
from service.http.app import create_app, create_endpoint
from tests.builders.clients import LINK, Client, identifiers, seen
from tests.builders.request_log import RequestLog, request_log
from tests.builders.runs import Run
from tests.builders.services import Service

QUERY = 'query View($key: String!) { customer(by: {identifier: {namespace: "crm_id", value: $key}}) { id } }'
KEY = "0123456789abcdef"
PROTOCOL = Subprotocol("graphql-transport-ws")


@pytest.fixture
def log() -> Iterator[RequestLog]:
    with request_log() as log:
        yield log


@pytest.fixture
def client(tmp_path: Path, run: Run) -> Iterator[Client]:
    store = SQLiteStore(tmp_path / "kith.db")
    run(store.migrate())
    yield Client(store, run, api_keys=f"shop:{KEY}", max_batch=3, profile="development")
    run(store.close())


AUTHORIZATION = {"authorization": f"Bearer {KEY}"}


def digest(document: str) -> str:
    return hashlib.sha256(document.encode()).hexdigest()[:16]


def test_an_operation_is_one_line(client: Client, log: RequestLog) -> None:
    # when
    response = client.send(QUERY, {"key": "Ann"}, **AUTHORIZATION)
    # then
    (line,) = log.lines
    assert line.pop("duration_ms") > 0
    assert line == {
        "level": "INFO",
        "message": "operation",
        "transport": "http",
        "status": 200,
        "caller": "shop",
        "operation_type": "query",
        "operation_name": "View",
        "cost": 1,
        "document": digest(QUERY),
        "request_id": response.headers["x-request-id"],
    }
    assert re.fullmatch("[0-9a-f]{32}", line["request_id"])


@pytest.mark.parametrize(
    ("headers", "id"),
    [
        ({"x-request-id": "proxy-1"}, "proxy-1"),
        ({"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01"}, "ab" * 16),
    ],
)
def test_a_request_keeps_the_id_that_it_has(client: Client, log: RequestLog, headers: dict[str, str], id: str) -> None:
    # when
    response = client.send(QUERY, {"key": "Ann"}, **AUTHORIZATION, **headers)
    # then
    assert response.headers["x-request-id"] == id
    assert log.last["request_id"] == id


@pytest.mark.parametrize(
    ("query", "kind", "codes"),
    [
        ("{ nonsense", "none", ("BAD_REQUEST",)),
        ("{ customers(by: []) { id } }", "query", ("INVALID_COUNT",)),
        ('{ why(a: {namespace: "nope", value: "1"}, b: {namespace: "nope", value: "2"}) { summary } }', "query", None),
        ("subscription { changes { __typename } }", "none", ("METHOD_NOT_ALLOWED",)),
    ],
)
def test_codes_of_errors_are_logged(
    client: Client, log: RequestLog, query: str, kind: str, codes: tuple[str, ...] | None
) -> None:
    # when
    answer = client.send(query, **AUTHORIZATION).json()
    # then
    sent = tuple(error["extensions"]["code"] for error in answer.get("errors", ()))
    assert log.last["operation_type"] == kind
    assert log.last.get("codes", ()) == sent
    assert codes is None or sent == codes


def test_long_names_of_operations_are_left_out(client: Client, log: RequestLog) -> None:
    client.send(f"query {'x' * 64} {{ __typename }}", **AUTHORIZATION)
    client.send(f"query {'x' * 65} {{ __typename }}", **AUTHORIZATION)
    assert [line.get("operation_name") for line in log.lines] == ["x" * 64, None]


def test_a_request_without_a_valid_key_is_a_warning_with_the_address(client: Client, log: RequestLog) -> None:
    # when
    response = client.send(QUERY, authorization=f"Bearer {KEY[::-1]}")
    # then
    assert response.status_code == 401
    assert response.headers["x-request-id"] == log.last["request_id"]
    assert (log.last["level"], log.last["status"], log.last["codes"]) == ("WARNING", 401, ("UNAUTHENTICATED",))
    assert log.last["client"] == "127.0.0.1"
    assert KEY[::-1] not in str(log.lines)


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [("203.0.113.7", "203.0.113.7"), ("ann@example.com", None), ('1.2.3.4" status=200', None)],
)
def test_only_an_address_is_logged_as_one(tmp_path: Path, forwarded: str, expected: str | None) -> None:
    # given: a proxy on this machine, whose client wrote the header
    service = Service(
        f"sqlite:///{tmp_path / 'kith.db'}",
        tmp_path,
        api_keys=f"shop:till:{KEY}",
        log_format="json",
        log_level="debug",
    ).wait()
    # when
    with contextlib.closing(service.http):
        service.http.post(service.url, json={"query": "{ __typename }"}, headers={"X-Forwarded-For": forwarded})
        with (
            contextlib.suppress(ConnectionClosed),
            connect(
                service.socket, subprotocols=[PROTOCOL], additional_headers={"X-Forwarded-For": forwarded}
            ) as socket,
        ):
            socket.send(json.dumps({"type": "connection_init"}))
            socket.recv(timeout=20)
    service.stop()
    # then: the second failure of an address within a minute is of no interest
    lines = [json.loads(line) for line in service.log.read_text().splitlines() if "without a valid key" in line]
    assert [line.get("client") for line in lines] == [expected] * 2
    assert [line["level"] for line in lines] == ["warning", "debug"]


@pytest.mark.parametrize(("body", "status"), [(b"[", 400), (b"{}", 400), (b"", 400)])
def test_a_request_without_an_operation_is_one_line(client: Client, log: RequestLog, body: bytes, status: int) -> None:
    client.post(body, **AUTHORIZATION)
    (line,) = log.lines
    assert (line["level"], line["status"], line["codes"]) == ("INFO", status, ("BAD_REQUEST",))


def test_each_operation_of_a_batch_is_one_line(client: Client, log: RequestLog) -> None:
    # when
    batch = [{"query": "query A { __typename }"}, {"documentId": "nope"}, {"query": "query B { __typename }"}]
    response = client.post(json.dumps(batch).encode(), **AUTHORIZATION)
    # then
    assert [line.get("operation_name") for line in log.lines] == ["A", None, "B"]
    assert [line.get("codes") for line in log.lines] == [None, ("DOCUMENT_NOT_FOUND",), None]
    assert {line["request_id"] for line in log.lines} == {response.headers["x-request-id"]}


def test_a_slow_operation_is_a_warning_with_its_parts(tmp_path: Path, run: Run, log: RequestLog) -> None:
    # given: everything is slow
    settings = Settings(_env_file=None, store=f"sqlite:///{tmp_path / 'kith.db'}", slow_seconds=1e-9)
    wiring = wire(settings)
    run(wiring.prepare())
    app = create_app(settings, wiring, create_endpoint(settings, wiring))
    http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost")
    link = "mutation Link($i: LinkIdentifiersInput!) { linkIdentifiers(input: $i) { results { __typename } } }"
    written = {"i": {"observations": [{"source": "crm", "identifiers": identifiers("crm_id=Ann")}]}}

    # when
    async def send() -> None:
        await asyncio.gather(*(http.post("/graphql", json={"query": link, "variables": written}) for _ in range(5)))
        await http.post("/graphql", json={"query": QUERY, "variables": {"key": "Ann"}})
        await http.aclose()
        await wiring.graph.close()

    run(send())
    # then
    *writes, read = log.lines
    assert [line["message"] for line in log.lines] == ["slow operation"] * 6
    assert {line["level"] for line in log.lines} == {"WARNING"}
    assert len(writes) == 5
    for line in writes:
        assert line["write_ms"] > 0
        assert line["queue_ms"] >= 0
    assert read["read_ms"] > 0
    assert read["write_ms"] == read["queue_ms"] == 0
    # and the parts are the whole, for reads and writes do not overlap here
    for line in log.lines:
        parts = [line[f"{part}_ms"] for part in ("body", "queue", "write", "read", "execution")]
        assert sum(parts) == pytest.approx(line["duration_ms"], abs=0.01)


def test_event_streams_are_logged_at_their_end_with_the_number_of_events(client: Client, log: RequestLog) -> None:
    # when
    response = client.send("query Once { __typename }", accept="text/event-stream", **AUTHORIZATION)
    # then
    assert response.status_code == 200
    assert (log.last["transport"], log.last["events"], log.last["operation_name"]) == ("sse", 1, "Once")


def test_a_socket_beyond_the_limit_is_logged_with_its_code(tmp_path: Path) -> None:
    # given
    service = Service(f"sqlite:///{tmp_path / 'kith.db'}", tmp_path, log_format="json", max_connections=1).wait()
    try:
        with (
            connect(service.socket, subprotocols=["graphql-transport-ws"]) as first,
            connect(service.socket, subprotocols=["graphql-transport-ws"]) as second,
        ):
            for client in (first, second):
                client.send(json.dumps({"type": "connection_init"}))
                # when: the second one is beyond the limit
                with contextlib.suppress(ConnectionClosed):
                    client.recv()
    finally:
        service.stop()
    # then
    (line,) = [json.loads(line) for line in service.log.read_text().splitlines() if "a WebSocket was rejected" in line]
    assert (line["level"], line["status"], line["codes"]) == ("warning", 4290, ["TOO_MANY_CONNECTIONS"])


def test_operations_of_sockets_are_logged_at_their_end(tmp_path: Path) -> None:
    # given
    service = Service(f"sqlite:///{tmp_path / 'kith.db'}", tmp_path, log_format="json", slow_seconds=0.01).wait()
    try:
        # when
        with connect(
            service.socket, subprotocols=["graphql-transport-ws"], additional_headers={"X-Request-Id": "socket-1"}
        ) as client:
            assert client.response.headers["X-Request-Id"] == "socket-1"
            client.send(json.dumps({"type": "connection_init"}))
            client.recv()
            subscribe = {"query": "subscription Follow { changes { __typename } }"}
            client.send(json.dumps({"type": "subscribe", "id": "1", "payload": subscribe}))
            answer = None
            while answer is None:
                # The subscription begins some time after it was sent.
                service.ask(
                    LINK, {"input": {"observations": [seen("crm_id=Ann", "cookie=1", id=secrets.token_hex(4))]}}
                )
                with contextlib.suppress(TimeoutError):
                    answer = json.loads(client.recv(timeout=0.5))
            assert answer["type"] == "next"
    finally:
        service.stop()
    # then
    lines = [json.loads(line) for line in service.log.read_text().splitlines() if '"kith.requests"' in line]
    (line,) = [line for line in lines if line["transport"] == "websocket"]
    assert (line["request_id"], line["caller"]) == ("socket-1", "local")
    assert (line["operation_type"], line["operation_name"]) == ("subscription", "Follow")
    assert line["events"] >= 1
    # and a subscription is never slow
    assert line["level"] == "info"
