"""Destinations of type `cloudevents`, with a real server; libraries for Python and Node, and Kith, read the events."""

from collections.abc import Iterator
from typing import Any

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from cloudevents.core.formats.json import JSONFormat

from graph.domain.model.errors import InvalidInput
from service.connectors.cloud_events import unwrap
from service.destinations.adapter import ChangeMessage, MemberUpdate, Outcome, Status, Unavailable
from service.destinations.cloudevents import CloudEventsAdapter
from tests.builders.destination_tools import is_signed, read_in_node
from tests.builders.destinations import SECRET, SPRING, adapter_of, change, member, settings_of
from tests.builders.runs import Run
from tests.builders.vendor_servers import Received, Reply, VendorServer

ODD = 'Anna "Ö" 100%'


@pytest.fixture
def server() -> Iterator[VendorServer]:
    with VendorServer() as server:
        yield server


def to(server: VendorServer, more: str = "", endpoint: str = "") -> CloudEventsAdapter:
    table = f'[[destination.endpoints]]\nurl = "{server.url}/events"\n{endpoint}'
    adapter = adapter_of(f'type = "cloudevents"\n{more}\n{table}')
    assert isinstance(adapter, CloudEventsAdapter)
    return adapter


def sent(run: Run, adapter: CloudEventsAdapter, *items: MemberUpdate | ChangeMessage) -> list[Outcome]:
    async def sending() -> list[Outcome]:
        try:
            if isinstance(items[0], ChangeMessage):
                return await adapter.send_changes(items)  # type: ignore[arg-type]
            return await adapter.send(items)  # type: ignore[arg-type]
        finally:
            await adapter.close()

    return run(sending())


def as_python_reads(request: Received) -> dict[str, Any]:
    """What the library for Python makes of a request with one event."""
    event = from_http_event(HTTPMessage(dict(request.headers), request.body), JSONFormat())
    return {**event.get_attributes(), "data": event.get_data()}


def as_node_reads(request: Received) -> Any:
    return read_in_node([{"headers": dict(request.headers), "body": request.body.decode()}])[0]


def as_kith_reads(request: Received) -> list[tuple[str, str, Any]]:
    events = unwrap(request.body, request.headers)
    assert events is not None
    return [(event.attributes["id"], event.attributes["type"], event.data) for event in events]


@pytest.mark.parametrize("mode", ["binary", "structured"])
def test_an_update_is_an_event(server: VendorServer, run: Run, mode: str) -> None:
    # when
    (outcome,) = sent(run, to(server, f'mode = "{mode}"'), member(1, fields={"name": ODD}))
    # then
    (request,) = server.received
    event = as_python_reads(request)
    assert outcome == Outcome(Status.DONE, reference=event["id"])
    assert (event["source"], event["type"], event["subject"]) == ("/kith", "kith.audience.member_added", "customer-1")
    assert event["datacontenttype"] == "application/json"
    assert event["data"]["audience"]["id"] == SPRING.id
    assert event["data"]["fields"] == {"name": ODD}
    # then: the same in Node
    read = as_node_reads(request)
    assert {name: read[name] for name in ("id", "source", "type", "subject", "data")} == {
        name: event[name] for name in ("id", "source", "type", "subject", "data")
    }
    # then: Kith reads it as an event of the same id
    ((id, type, _),) = as_kith_reads(request)
    assert (id, type) == (event["id"], event["type"])


@pytest.mark.parametrize("mode", ["binary", "structured"])
def test_a_change_is_an_event_with_its_time(server: VendorServer, run: Run, mode: str) -> None:
    # when: a customer id with characters that headers do not have
    sent(run, to(server, f'mode = "{mode}"\nsource = "https://kith.example"\ntype_prefix = ""'), change(1, ODD))
    # then
    event, read = as_python_reads(server.received[0]), as_node_reads(server.received[0])
    assert event["id"] == read["id"] == "change-1"
    assert event["source"] == read["source"] == "https://kith.example"
    assert event["type"] == read["type"] == "change.customers_merged"
    assert event["subject"] == ODD
    assert event["time"].isoformat() == "2026-03-01T12:00:00.000001+00:00"
    assert event["data"]["otherCustomerId"] == "customer-1001"


def test_a_batch_is_a_list_of_events(server: VendorServer, run: Run) -> None:
    # when
    outcomes = sent(run, to(server, 'mode = "batched"\nbatch_size = 3'), *(change(number) for number in range(7)))
    # then
    assert {outcome.status for outcome in outcomes} == {Status.DONE}
    assert [[event["id"] for event in request.json] for request in server.received] == [
        ["change-0", "change-1", "change-2"],
        ["change-3", "change-4", "change-5"],
        ["change-6"],
    ]
    assert {request.headers["content-type"] for request in server.received} == {
        "application/cloudevents-batch+json; charset=utf-8"
    }
    assert [event["id"] for event in as_node_reads(server.received[0])] == ["change-0", "change-1", "change-2"]
    assert [id for id, _, _ in as_kith_reads(server.received[0])] == ["change-0", "change-1", "change-2"]


def test_one_event_that_is_refused_does_not_take_its_batch_with_it(server: VendorServer, run: Run) -> None:
    # given
    server.fault = lambda request: Reply(400, {"message": "no"}) if b"anna3@" in request.body else None
    # when
    outcomes = sent(run, to(server, 'mode = "batched"'), *(member(number) for number in range(5)))
    # then
    assert [outcome.status for outcome in outcomes] == [
        Status.DEAD if number == 3 else Status.DONE for number in range(5)
    ]
    assert outcomes[3].message == "127.0.0.1: 400 Bad Request: no"


def test_the_batches_behind_one_that_failed_wait(server: VendorServer, run: Run) -> None:
    # given
    server.replies = [Reply(204), Reply(503, b"", {"Retry-After": "2"})]
    # when
    outcomes = sent(run, to(server, 'mode = "batched"\nbatch_size = 2'), *(change(number) for number in range(6)))
    # then
    assert [outcome.status for outcome in outcomes] == [Status.DONE] * 2 + [Status.RETRY] * 4
    assert outcomes[2].retry_after == 2.0
    assert len(server.received) == 2


def test_a_batch_that_takes_more_than_before_is_signed_under_another_id(server: VendorServer, run: Run) -> None:
    # given
    signed = 'secrets = ["env:NEW"]'
    # when
    for count in (2, 2, 3):
        sent(run, to(server, 'mode = "batched"', signed), *(change(number) for number in range(count)))
    # then
    first, again, more = (request.headers["webhook-id"] for request in server.received)
    assert first == again != more
    assert all(is_signed(SECRET, request.headers, request.body) for request in server.received)


def test_an_endpoint_may_want_a_token_and_signatures(server: VendorServer, run: Run) -> None:
    # when
    sent(run, to(server, endpoint='token = "env:TOKEN"\nsecrets = ["env:NEW"]'), member())
    # then
    (request,) = server.received
    assert request.headers["authorization"] == "Bearer token-of-the-gateway"
    assert is_signed(SECRET, request.headers, request.body)


def test_an_endpoint_that_rejects_the_token_is_unavailable(server: VendorServer, run: Run) -> None:
    # given
    server.replies = [Reply(401, {"message": "the token token-of-the-gateway has expired"})]
    # when, then
    with pytest.raises(Unavailable) as raised:
        sent(run, to(server, endpoint='token = "env:TOKEN"'), member())
    assert raised.value.login
    assert raised.value.message == "401 Unauthorized: the token … has expired"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ('mode = "xml"', "mode: "),
        ('source = ""', "source: "),
        ('source = "a b"', "source: "),
        ('type_prefix = "Ö"', "type_prefix: "),
        ("batch_size = 0", "batch_size: "),
        ("concurrency = 1000", "concurrency: "),
    ],
)
def test_wrong_settings_are_named(more: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        settings_of(f'type = "cloudevents"\n{more}\n[[destination.endpoints]]\nurl = "https://shop.example/"')
