"""No value that a caller sends is logged at any level, through whatever door it comes."""

import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from schema.root import schema
from service.access.access_file import AccessFile
from service.cli import startup
from service.cli.startup import KnownKeys
from service.config.settings import Settings
from tests.builders.canaries import CANARY, NUMBER, operations
from tests.builders.services import Service, kith

PROTOCOLS = [Subprotocol("graphql-transport-ws")]
KEY = f"{CANARY}-key-of-the-shop"
OPERATIONS = [*operations(schema._schema, valid=True), *operations(schema._schema, valid=False)]
BODIES = [
    b'{"query": "' + CANARY.encode(),
    json.dumps(CANARY).encode(),
    json.dumps([CANARY, NUMBER]).encode(),
    json.dumps({"query": CANARY}).encode(),
    json.dumps({"query": f"query {CANARY} {{ {CANARY}(a: {NUMBER}) }}"}).encode(),
    json.dumps({"query": f'{{ searchCustomers(text: "{CANARY}'}).encode(),
    json.dumps({"query": "{ __typename }", "operationName": CANARY}).encode(),
    json.dumps({"query": "{ __typename }", "variables": CANARY}).encode(),
    json.dumps({"documentId": CANARY}).encode(),
    json.dumps({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": CANARY}}}).encode(),
    b"[" * 5_000 + CANARY.encode(),
    b"\xff" + CANARY.encode(),
]
FRAMES: list[Any] = [
    CANARY,
    CANARY.encode(),
    json.dumps({"type": CANARY}),
    json.dumps({"type": "subscribe", "id": CANARY, "payload": {"query": CANARY}}),
    json.dumps({"type": "subscribe", "id": NUMBER}),
    json.dumps({"type": "ping", "payload": {"a": CANARY}}),
]
RAW = [
    f"GET /{CANARY} HTTP/9.9\r\n\r\n",
    f"{CANARY} / HTTP/1.1\r\nHost: x\r\n\r\n",
    f"{CANARY}\r\n\r\n",
    f"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: {CANARY}\r\n\r\n",
    f"POST /graphql HTTP/1.1\r\nHost: x\r\n{CANARY}\r\n\r\n",
    f"POST /graphql HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{CANARY}\r\n",
    f"GET /graphql HTTP/1.1\r\nHost: x\r\nUpgrade: {CANARY}\r\nConnection: Upgrade\r\n\r\n",
]


@pytest.fixture(params=["text", "json"])
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Service]:
    """A service that logs as much as it can."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONASYNCIODEBUG", "1")
        service = Service(
            f"sqlite:///{tmp_path / 'kith.db'}",
            tmp_path,
            log_level="debug",
            log_format=request.param,
            api_keys=f"shop:{KEY}",
            profile="development",
            max_batch=5,
            slow_seconds=0.000_001,
            rfm_interval_seconds=0,
        )
    try:
        yield service.wait()
    finally:
        service.stop()


def send_requests(service: Service) -> None:
    """Requests with canaries in bodies, headers and addresses."""
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    for query, variables in OPERATIONS:
        if not query.startswith("subscription"):
            service.http.post(service.url, json={"query": query, "variables": variables}, headers=headers)
    for body in BODIES:
        service.http.post(service.url, content=body, headers=headers)
    batch = [{"query": query, "variables": variables} for query, variables in OPERATIONS[:3]]
    service.http.post(service.url, json=batch, headers=headers)
    sent = dict.fromkeys(("User-Agent", "Cookie", "Accept", "X-Forwarded-For", "Traceparent", "Origin"), CANARY)
    strange = [
        {"Authorization": f"Bearer {CANARY}"},
        {"Authorization": CANARY},
        {"X-Request-Id": f"{CANARY} or {CANARY}@mail.example"},
        {"Content-Type": CANARY},
        {"Host": CANARY},
        sent,
    ]
    for more in strange:
        service.http.post(service.url, json={"query": "{ __typename }"}, headers=headers | more)
    for path in (f"/{CANARY}", f"/graphql/{CANARY}", f"/?{CANARY}", f"/metrics?{CANARY}", f"/readyz/{CANARY}"):
        service.http.get(f"http://127.0.0.1:{service.port}{path}", headers=headers)
    for query in (f"{{ {CANARY} }}", "{ __typename }"):
        asked = {"query": query, "variables": json.dumps({"a": CANARY}), "operationName": CANARY, CANARY: CANARY}
        for accept in ("application/json", "text/event-stream"):
            service.http.get(service.url, params=asked, headers=headers | {"Accept": accept})


def send_bytes(service: Service) -> None:
    """What is no HTTP."""
    for text in RAW:
        with socket.create_connection(("127.0.0.1", service.port), timeout=10) as raw, contextlib.suppress(OSError):
            raw.sendall(text.encode())
            raw.shutdown(socket.SHUT_WR)
            while raw.recv(65_536):
                pass


def send_frames(service: Service) -> None:
    """WebSockets with keys, documents and nonsense."""
    subscriptions = [
        json.dumps({"type": "subscribe", "id": f"{CANARY}{n}", "payload": {"query": query, "variables": variables}})
        for n, (query, variables) in enumerate(OPERATIONS)
    ]
    for key in (KEY, CANARY):
        for frames in ([], subscriptions[-8:], *([frame] for frame in FRAMES)):
            address = f"{service.socket}?{CANARY}={CANARY}"
            with (
                contextlib.suppress(WebSocketException, TimeoutError),
                connect(address, subprotocols=PROTOCOLS, user_agent_header=CANARY) as client,
            ):
                client.send(json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {key}"}}))
                client.recv(timeout=10)
                for frame in frames:
                    client.send(frame)
                with contextlib.suppress(TimeoutError):
                    client.recv(timeout=1)
                client.close(4999, CANARY)
    with contextlib.suppress(WebSocketException), connect(service.socket, subprotocols=[Subprotocol(CANARY)]):
        pass


def test_no_door_leads_into_the_log(service: Service) -> None:
    # given
    assert len(OPERATIONS) > 60
    # when
    send_requests(service)
    send_bytes(service)
    send_frames(service)
    # then: everything was logged
    for _ in range(100):
        log = service.log.read_text()
        if log.count("websocket") >= 8:
            break
        time.sleep(0.1)
    assert log.count("kith.requests") > len(OPERATIONS)
    assert log.count("without a valid key") >= 3
    assert log.count("Send") > 20, "names of operations are logged"
    # and no canary with it
    lines = [line for line in log.splitlines() if CANARY in line.lower() or str(NUMBER) in line]
    assert not lines
    if '"logger"' in log:
        # What the command line prints comes before the first message.
        printed = startup.lines(Settings(_env_file=None), KnownKeys((), ()), AccessFile(), 0)
        assert all(json.loads(line)["level"] for line in log.splitlines()[len(printed) :])


def test_an_import_prints_no_value(tmp_path: Path) -> None:
    # given: lines that are imported, and lines that are rejected for each reason
    lines: list[Any] = [
        {"source": "crm", "identifiers": [{"namespace": "crm_id", "value": CANARY}]},
        {"source": "crm", "identifiers": [{"namespace": "email", "value": f"{CANARY} is no email"}]},
        {"source": CANARY, "seenAt": CANARY, "identifiers": [{"namespace": "crm_id", "value": CANARY}]},
        {"source": "crm", "identifiers": [{"namespace": "phone", "value": CANARY}]},
        {"source": "shop", "number": CANARY, "total": CANARY, "currency": CANARY, "identifiers": []},
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (tmp_path / "f.ndjson").write_text(f"{text}{{{CANARY}\n")
    # when
    done = kith(tmp_path, "import", "f.ndjson", env={**os.environ, "KITH_LOG_LEVEL": "debug"})
    # then: the file of rejected lines holds them, what is printed and logged does not
    (rejected,) = tmp_path.glob("*-report.ndjson")
    assert CANARY in rejected.read_text()
    assert CANARY not in done.stdout + done.stderr, done.stdout + done.stderr
