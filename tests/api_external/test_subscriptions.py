"""Subscriptions, with the common client libraries and with clients that read too slowly."""

import asyncio
import contextlib
import hashlib
import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from graph.commands.commit import commit
from graph.domain.model.facts import FactKind
from graph.domain.model.observations import Observation
from graph.domain.model.times import EARLIEST
from graph.stores.sqlite import SQLiteStore
from service.config import rules_file
from tests.builders.clients import LINK, seen
from tests.builders.graphs import NOW, CountingIds, observe
from tests.builders.operations import INTERACTIONS
from tests.builders.runs import Run
from tests.builders.services import Serve, Service, Subscriber
from tests.builders.stores import overwrite_identifiers

CHANGES = "subscription($after: String) { changes(after: $after) { cursor kind customerId } }"
CUSTOMER = """subscription { customerChanged(by: {identifier: {namespace: "cookie", value: "ck-1"}}) {
    id identifiers { nodes { value } } } }"""
PROTOCOL = "graphql-transport-ws"


def link(service: Service, *keys: str) -> None:
    service.ask(LINK, {"input": {"observations": [seen(*keys)]}})


@pytest.mark.parametrize("protocol", ["ws", "sse"])
def test_a_customer_is_followed_from_unknown_to_merged(serve: Serve, protocol: str) -> None:
    # given
    service = serve()
    subscriber = Subscriber(service, protocol, {"name": "c", "query": CUSTOMER, "take": 3})
    # then
    assert subscriber.next() == {"name": "c", "next": {"data": {"customerChanged": None}}}
    # when
    link(service, "cookie=ck-1", "device=device-1")
    # then
    first = subscriber.next()["next"]["data"]["customerChanged"]
    assert [identifier["value"] for identifier in first["identifiers"]["nodes"]] == ["device-1", "ck-1"]
    # when
    link(service, "cookie=ck-1", "email=ann@example.com")
    # then
    second = subscriber.next()["next"]["data"]["customerChanged"]
    values = [identifier["value"] for identifier in second["identifiers"]["nodes"]]
    assert values == ["ann@example.com", "device-1", "ck-1"]
    assert second["id"] == first["id"]


@pytest.mark.parametrize("protocol", ["ws", "sse"])
def test_the_feed_resumes_without_gaps(serve: Serve, protocol: str) -> None:
    # given
    service = serve()
    for number in range(3):
        link(service, f"cookie=cookie-{number}", f"device=device-{number}")
    history = service.ask("{ changes { nodes { cursor } } }")["changes"]["nodes"]
    # when: the feed is read from the cursor of the first change, and further changes are recorded
    variables = {"after": history[0]["cursor"]}
    subscriber = Subscriber(
        service, protocol, {"name": "f", "query": CHANGES, "variables": variables, "take": len(history) + 1}
    )
    cursors = [subscriber.next()["next"]["data"]["changes"]["cursor"] for _ in history[1:]]
    for number in range(2):
        link(service, f"cookie=late-{number}", f"device=later-{number}")
        cursors.append(subscriber.next()["next"]["data"]["changes"]["cursor"])
    # then
    history = service.ask("{ changes { nodes { cursor } } }")["changes"]["nodes"]
    assert cursors == [change["cursor"] for change in history[1:]]


def test_changes_by_another_process_are_received(serve: Serve) -> None:
    # given
    service, other = serve(change_poll_seconds=0.2), serve()
    subscriber = Subscriber(
        service, "ws", {"name": "f", "query": CHANGES, "take": 1}, {"name": "c", "query": CUSTOMER, "take": 2}
    )
    assert subscriber.next()["next"]["data"]["customerChanged"] is None
    # when
    link(other, "cookie=ck-1", "device=device-1")
    # then
    events = [line for line in subscriber.lines() if "next" in line]
    assert {event["name"] for event in events} == {"f", "c"}


def test_an_invalid_operation_does_not_end_others(serve_sqlite: Serve) -> None:
    # given
    service = serve_sqlite()
    operations = [
        {"name": "valid", "query": CUSTOMER, "take": 2},
        {"name": "syntax", "query": "subscription {"},
        {"name": "unknown", "query": "subscription { nope }"},
        {"name": "variables", "query": CHANGES, "variables": {"after": 7}},
        {"name": "cursor", "query": CHANGES, "variables": {"after": "nonsense"}},
        {"name": "query", "query": "{ __typename }"},
    ]
    subscriber = Subscriber(service, "ws", *operations)
    # when
    first_lines: dict[str, Any] = {}
    while len(first_lines) < 6:
        line = subscriber.next()
        first_lines.setdefault(line["name"], line)
    link(service, "cookie=ck-1", "device=device-1")
    # then
    assert first_lines["valid"]["next"]["data"] == {"customerChanged": None}
    assert first_lines["query"]["next"]["data"] == {"__typename": "Query"}
    for name in ("syntax", "unknown", "variables"):
        assert first_lines[name]["error"][0]["extensions"]["code"] == "BAD_REQUEST", first_lines[name]
    assert "INVALID_CURSOR" in json.dumps(first_lines["cursor"])
    assert any(line["name"] == "valid" and "next" in line for line in subscriber.lines())


def test_keys_authenticate_sockets_and_streams(serve_sqlite: Serve) -> None:
    # given
    service = serve_sqlite(api_keys="shop:till:0123456789abcdef")
    operation = {"name": "q", "query": "{ __typename }"}
    for protocol in ("ws", "sse"):
        # when
        rejected = list(Subscriber(service, protocol, operation, key="0123456789abcdeX").lines())
        accepted = list(Subscriber(service, protocol, operation, key="0123456789abcdef").lines())
        # then
        assert not any("next" in line for line in rejected)
        assert {"name": "q", "next": {"data": {"__typename": "Query"}}} in accepted


async def begin(url: str, **options: Any) -> Any:
    websocket = await connect(url, subprotocols=[PROTOCOL], **options)
    await websocket.send('{"type": "connection_init"}')
    assert json.loads(await websocket.recv())["type"] == "connection_ack"
    return websocket


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("nonsense", 4400),
        ("[]", 4400),
        ("7", 4400),
        ('{"type": 7}', 4400),
        ('{"type": "subscribe", "id": 7}', 4400),
        ('{"type": "connection_init"}', 4429),
        (b"\xff\x00", 4400),
    ],
)
def test_an_invalid_message_ends_the_connection_with_a_reason(
    serve_sqlite: Serve, run: Run, message: str | bytes, code: int
) -> None:
    service = serve_sqlite()

    async def attempt() -> None:
        websocket = await begin(service.socket)
        await websocket.send(message)
        with pytest.raises(ConnectionClosed) as closed:
            await websocket.recv()
        assert closed.value.rcvd.code == code
        assert closed.value.rcvd.reason

    run(attempt())
    assert "Traceback" not in service.log.read_text()


@pytest.mark.parametrize(
    "payload", [None, 7, {}, {"query": 7}, {"query": "{ __typename }", "variables": []}, {"documentId": "sha256:x"}]
)
def test_an_invalid_request_is_answered_and_the_connection_stays_open(
    serve_sqlite: Serve, run: Run, payload: object
) -> None:
    service = serve_sqlite()

    async def attempt() -> None:
        websocket = await begin(service.socket)
        await websocket.send(json.dumps({"type": "subscribe", "id": "1", "payload": payload}))
        answer = json.loads(await websocket.recv())
        assert (answer["type"], answer["id"]) == ("error", "1")
        assert answer["payload"][0]["message"]
        await websocket.send(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": "{ __typename }"}}))
        assert json.loads(await websocket.recv())["type"] == "next"

    run(attempt())


def test_a_value_that_cannot_be_stored_is_rejected_alone(serve_sqlite: Serve, run: Run) -> None:
    # given
    service = serve_sqlite()
    values = ["1", "1e999", "18446744073709551616", '"\\ud800"', "[" * 900 + "]" * 900, "2"]
    identifiers = '[{"namespace": "cookie", "value": "cookie-1"}]'
    items = [
        f'{{"source": "web", "type": "cart", "occurredAt": "2026-01-01T00:00:00Z", "identifiers": {identifiers}, '
        f'"properties": {{"n": {value}}}}}'
        for value in values
    ]
    variables = f'{{"input": {{"interactions": [{", ".join(items)}]}}}}'
    payload = f'{{"query": {json.dumps(INTERACTIONS)}, "variables": {variables}}}'
    message = f'{{"type": "subscribe", "id": "1", "payload": {payload}}}'

    async def attempt() -> dict[str, Any]:
        websocket = await begin(service.socket)
        await websocket.send(message)
        return json.loads(await websocket.recv())

    # when
    results = run(attempt())["payload"]["data"]["recordInteractions"]["results"]
    # then
    codes = [result.get("problem", {}).get("code") for result in results]
    assert codes == [None, "INVALID_VALUE", "INVALID_VALUE", "INVALID_CHARACTER", "INVALID_VALUE", None]


def test_what_an_older_store_holds_ends_no_subscription(serve_sqlite: Serve, run: Run, tmp_path: Path) -> None:
    # given a service, and an interaction that it would not accept
    service = serve_sqlite()
    store, rules = SQLiteStore(tmp_path / "kith.db"), rules_file.parse(rules_file.default_text())
    facts = '{"properties":{"n":18446744073709551616,"m":"\\ud800","d":%s},"type":"cart"}' % ("[" * 300 + "]" * 300)
    kind = FactKind.INTERACTION.value
    old = Observation("web", (("cookie", "ck-1"),), "old", seen_at=EARLIEST, facts=facts, kind=kind)
    run(store.write(lambda: commit([observe(old, rules)], rules, NOW, CountingIds(), version=1)))
    run(store.close())
    query = """subscription { customerChanged(by: {identifier: {namespace: "cookie", value: "ck-1"}}) {
      timeline(kinds: [INTERACTION]) { nodes { ... on Interaction { properties } } } } }"""

    async def attempt() -> list[dict[str, Any]]:
        websocket = await begin(service.socket)
        await websocket.send(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": query}}))
        first = json.loads(await websocket.recv())
        await asyncio.to_thread(link, service, "cookie=ck-1", "device=device-1")
        return [first, json.loads(await websocket.recv())]

    # when
    events = run(attempt())
    # then
    for event in events:
        (node,) = event["payload"]["data"]["customerChanged"]["timeline"]["nodes"]
        assert (node["properties"]["n"], node["properties"]["m"]) == (2.0**64, "\ufffd")


def test_an_event_that_cannot_be_answered_is_an_error_and_its_id_is_free_again(
    serve_sqlite: Serve, run: Run, tmp_path: Path
) -> None:
    # given a customer with a number that its field cannot represent
    service = serve_sqlite()
    link(service, "cookie=ck-1", "device=device-1")
    store = SQLiteStore(tmp_path / "kith.db")
    run(overwrite_identifiers(store, "observation_count", 2**40))
    run(store.close())
    query = CUSTOMER.replace("{ value }", "{ observationCount }")

    async def attempt() -> list[dict[str, Any]]:
        websocket = await begin(service.socket)
        received = []
        # when it is followed twice under one id
        for number in range(2):
            await websocket.send(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": query}}))
            received.append(json.loads(await websocket.recv()))
            await asyncio.to_thread(link, service, "cookie=ck-1", f"email=ann{number}@example.com")
            received.append(json.loads(await websocket.recv()))
            await websocket.send('{"type": "complete", "id": "1"}')
        await websocket.send(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": "{ __typename }"}}))
        return [*received, json.loads(await websocket.recv()), json.loads(await websocket.recv())]

    *events, answer, end = run(attempt())
    # then each event is an error, and the socket goes on
    for event in events:
        assert (event["type"], event["payload"]["data"]) == ("next", {"customerChanged": None})
        assert event["payload"]["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert answer["payload"] == {"data": {"__typename": "Query"}}
    assert end == {"type": "complete", "id": "1"}


def test_sockets_run_only_trusted_documents_if_configured(serve_sqlite: Serve, run: Run, tmp_path: Path) -> None:
    text = "{ __typename }"
    hash = hashlib.sha256(text.encode()).hexdigest()
    (tmp_path / "documents.json").write_text(json.dumps({hash: text}))
    service = serve_sqlite(documents=tmp_path / "documents.json", trusted_documents_only="true")

    async def attempt() -> None:
        websocket = await begin(service.socket)
        await websocket.send(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": "{ consentPurposes }"}}))
        rejected = json.loads(await websocket.recv())
        assert (rejected["type"], rejected["payload"][0]["extensions"]["code"]) == ("error", "UNTRUSTED_DOCUMENT")
        payload = {"query": "", "documentId": f"sha256:{hash}"}
        await websocket.send(json.dumps({"type": "subscribe", "id": "2", "payload": payload}))
        assert json.loads(await websocket.recv())["payload"] == {"data": {"__typename": "Query"}}

    run(attempt())


def test_the_legacy_protocol_is_rejected(serve_sqlite: Serve, run: Run) -> None:
    service = serve_sqlite()

    async def attempt() -> None:
        websocket = await connect(service.socket, subprotocols=["graphql-ws"])
        with pytest.raises(ConnectionClosed) as closed:
            await websocket.recv()
        assert closed.value.rcvd.code == 4406

    run(attempt())


def test_connections_and_callers_have_limits(serve_sqlite: Serve, run: Run) -> None:
    service = serve_sqlite(max_subscriptions=2, max_connections=2)

    async def attempt() -> None:
        first, second = await begin(service.socket), await begin(service.socket)
        for id in "123":
            await first.send(json.dumps({"type": "subscribe", "id": id, "payload": {"query": CHANGES}}))
        answer = json.loads(await first.recv())
        assert (answer["type"], answer["id"]) == ("error", "3")
        assert answer["payload"][0]["extensions"]["code"] == "TOO_MANY_OPERATIONS"
        third = await connect(service.socket, subprotocols=[PROTOCOL])
        await third.send('{"type": "connection_init"}')
        with pytest.raises(ConnectionClosed) as closed:
            await third.recv()
        assert closed.value.rcvd.code == 4290
        await second.close()
        fourth = None
        for _ in range(50):
            await asyncio.sleep(0.05)
            with contextlib.suppress(ConnectionClosed):
                fourth = await begin(service.socket)
                break
        assert fourth, "a closed connection still counts"

    run(attempt())
    body = {"query": CHANGES}
    answer = service.http.post(service.url, json=body, headers={"accept": "text/event-stream"})
    assert answer.status_code == 429


def test_only_allowed_origins_can_open_sockets(serve_sqlite: Serve, run: Run) -> None:
    service = serve_sqlite(allowed_origins="https://shop.example")

    async def attempt() -> None:
        with pytest.raises(InvalidStatus) as rejected:
            await connect(service.socket, subprotocols=[PROTOCOL], origin="https://evil.example")
        assert rejected.value.response.status_code == 403
        assert b'"code":"ORIGIN_NOT_ALLOWED"' in rejected.value.response.body
        await begin(service.socket, origin="https://shop.example")

    run(attempt())


def test_a_page_that_points_its_own_name_here_opens_no_socket(serve_sqlite: Serve, run: Run) -> None:
    service = serve_sqlite()

    async def attempt() -> None:
        url = service.socket.replace("127.0.0.1", "evil.example")
        with pytest.raises(InvalidStatus) as rejected:
            await connect(url, subprotocols=[PROTOCOL], host="127.0.0.1", port=service.port)
        assert rejected.value.response.status_code == 421
        assert b'"code":"HOST_NOT_ALLOWED"' in rejected.value.response.body

    run(attempt())


def resident_memory(pid: int) -> int:
    """Return the resident memory of a process in KiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


def _request(service: Service, protocol: str) -> tuple[bytes, list[bytes]]:
    """Return the bytes that open a stream of all changes, and the frames to send afterwards."""
    head = f"Host: 127.0.0.1:{service.port}\r\n"
    if protocol == "sse":
        body = json.dumps({"query": ALL_CHANGES})
        head = f"POST /graphql HTTP/1.1\r\n{head}Accept: text/event-stream\r\nContent-Type: application/json\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode(), []
    head = f"GET /graphql HTTP/1.1\r\n{head}Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    frames = []
    for message in ({"type": "connection_init"}, {"type": "subscribe", "id": "1", "payload": {"query": ALL_CHANGES}}):
        text = json.dumps(message).encode()
        frames.append(bytes([0x81, 0x80 | 126]) + len(text).to_bytes(2, "big") + b"\0\0\0\0" + text)
    return (
        f"{head}Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Protocol: {PROTOCOL}\r\n\r\n".encode(),
        frames,
    )


ALL_CHANGES = 'subscription { changes(after: "WzBd") { summary cause { source } identifiers { namespace value } } }'


@pytest.mark.parametrize("protocol", ["ws", "sse"])
def test_a_slow_reader_is_disconnected_and_does_not_consume_memory(serve_sqlite: Serve, protocol: str) -> None:
    # given: 20 MB of history, and a client that reads nothing
    service = serve_sqlite(slow_reader_seconds=1)
    for batch in range(12):
        observations = [
            seen(
                *(f"cookie={'c' * 200}-{batch}-{number}-{index}" for index in range(8)),
                f"email=m{batch}.{number}@example.com",
            )
            for number in range(500)
        ]
        service.ask(LINK, {"input": {"observations": observations}})
    before = resident_memory(service.pid)
    with socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.connect(("127.0.0.1", service.port))
        opening, frames = _request(service, protocol)
        reader.sendall(opening)
        time.sleep(0.5)
        for frame in frames:
            reader.sendall(frame)
        # when
        for _ in range(100):
            time.sleep(0.1)
            if "was closed" in service.log.read_text():
                break
        grown = resident_memory(service.pid) - before
        reader.settimeout(10)
        last = b""
        while chunk := reader.recv(1_000_000):
            last = (last + chunk)[-1000:]
    # then: the reason of a WebSocket's closure follows the unread data
    reason = (4080).to_bytes(2, "big") + b"slow reader: an event was not read in time"
    assert protocol == "sse" or reason in last
    assert "was closed: it did not read an event in time" in service.log.read_text()
    assert grown < 30_000
    assert service.ask("{ __typename }") == {"__typename": "Query"}
    assert "Traceback" not in service.log.read_text()
