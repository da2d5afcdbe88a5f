"""Destinations of type `webhook`, with real servers on loopback; the published libraries verify what they receive."""

import base64
import json
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from graph.domain.model.errors import InvalidInput
from service.destinations.adapter import ChangeMessage, MemberUpdate, Outcome, Status, Unavailable
from service.destinations.endpoints import Endpoint, deliver, lanes_of
from service.destinations.http import HttpClient
from service.destinations.messages import Progress, change_message
from service.destinations.webhook import WebhookAdapter
from tests.builders.destination_tools import is_signed, read_in_node
from tests.builders.destinations import OLD_SECRET, SECRET, adapter_of, change, member, settings_of
from tests.builders.runs import Run
from tests.builders.vendor_servers import Received, Reply, VendorServer, every

PRIVATE = Ed25519PrivateKey.from_private_bytes(b"\1" * 32)
PUBLIC = PRIVATE.public_key()
NOW = 1_800_000_000


class Receiver(VendorServer):
    """Holds what a receiver would: by address, whether it is in the audience. Ignores repeats by their ids."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.members: dict[str, bool] = {}
        self.changes: list[int] = []

    def answer(self, request: Received) -> Reply:
        id = request.headers["webhook-id"]
        if id not in self.seen:
            self.seen.append(id)
            content = request.json
            if content["type"].startswith("audience."):
                data = content["data"]
                self.members[data["address"]["value"]] = data["present"]
            else:
                self.changes.append(content["data"]["number"])
        return Reply(204)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def other() -> Iterator[Receiver]:
    with Receiver() as other:
        yield other


def to(*receivers: VendorServer, secrets: str = '"env:NEW"', more: str = "") -> WebhookAdapter:
    tables = "".join(
        f'[[destination.endpoints]]\nurl = "{receiver.url}/hooks?code=tell-nobody"\nsecrets = [{secrets}]\n'
        for receiver in receivers
    )
    return WebhookAdapter(settings_of(f'type = "webhook"\n{more}\n{tables}'), lambda: NOW)


def sent(run: Run, adapter: WebhookAdapter, *updates: MemberUpdate) -> list[Outcome]:
    async def sending() -> list[Outcome]:
        try:
            return await adapter.send(updates)
        finally:
            await adapter.close()

    return run(sending())


def sent_changes(run: Run, adapter: WebhookAdapter, *changes: ChangeMessage) -> list[Outcome]:
    async def sending() -> list[Outcome]:
        try:
            return await adapter.send_changes(changes)
        finally:
            await adapter.close()

    return run(sending())


def statuses(outcomes: list[Outcome]) -> list[Status]:
    return [outcome.status for outcome in outcomes]


def test_an_update_is_a_message_of_its_own(receiver: Receiver, run: Run) -> None:
    # when
    (outcome,) = sent(run, to(receiver), member(1, expires_at=1_772_452_800_000_000))
    # then
    (request,) = receiver.received
    assert request.json == {
        "type": "audience.member_added",
        "timestamp": "2026-03-01T12:00:00Z",
        "data": {
            "audience": {
                "id": "aud-1",
                "segmentId": "seg-1",
                "segmentName": "Spring sale",
                "externalId": "list-9",
                "purpose": "newsletter",
                "channel": "EMAIL",
            },
            "address": {"namespace": "email", "value": "anna1@shop.example"},
            "present": True,
            "customerId": "customer-1",
            "fields": {"first_name": "Anna1", "orders": 1},
            "expiresAt": "2026-03-02T12:00:00Z",
        },
    }
    assert request.headers["content-type"] == "application/json"
    assert request.headers["webhook-timestamp"] == str(NOW)
    assert outcome == Outcome(Status.DONE, reference=request.headers["webhook-id"])


@pytest.mark.parametrize(("erased", "type"), [(False, "audience.member_removed"), (True, "audience.member_erased")])
def test_a_removal_and_an_erasure_say_so_without_fields(receiver: Receiver, run: Run, erased: bool, type: str) -> None:
    # when
    sent(run, to(receiver), member(1, present=False, erased=erased))
    # then
    content = receiver.received[0].json
    assert content["type"] == type
    assert set(content["data"]) == {"audience", "address", "present", "customerId"}


def test_a_change_is_a_message_with_its_time(receiver: Receiver, run: Run) -> None:
    # when
    (outcome,) = sent_changes(run, to(receiver), change(1))
    # then
    (request,) = receiver.received
    assert outcome.status is Status.DONE
    assert request.headers["webhook-id"] == "change-1"
    assert request.json == {
        "type": "change.customers_merged",
        "timestamp": "2026-03-01T12:00:00.000001Z",
        "data": {
            "id": "change-1",
            "kind": "CUSTOMERS_MERGED",
            "customerId": "customer-1",
            "otherCustomerId": "customer-1001",
            "number": 1,
        },
    }


def test_published_libraries_verify_the_signature_of_each_secret(receiver: Receiver, run: Run) -> None:
    # given: a receiver that still has the old secret, and one that has the new one
    adapter = WebhookAdapter(
        settings_of(
            f'type = "webhook"\n[[destination.endpoints]]\nurl = "{receiver.url}"\nsecrets = ["env:NEW", "env:OLD"]'
        )
    )
    sent(run, adapter, member(1, fields={"city": "Köln"}))
    (request,) = receiver.received
    unknown = "whsec_" + base64.b64encode(b"x" * 32).decode()
    cases = [
        (secret, dict(request.headers), body)
        for secret in (SECRET, OLD_SECRET, unknown)
        for body in (request.body, request.body + b" ")
    ]
    expected = [True, False, True, False, False, False]
    # when, then
    assert [is_signed(*case) for case in cases] == expected
    asked = [{"secret": secret, "headers": headers, "body": body.decode()} for secret, headers, body in cases]
    assert read_in_node(asked) == expected


def test_a_private_key_signs_beside_a_shared_secret(receiver: Receiver, run: Run) -> None:
    # given
    env = {"NEW": SECRET, "PRIVATE": "whsk_" + base64.b64encode(b"\1" * 32 + PUBLIC.public_bytes_raw()).decode()}
    table = f'[[destination.endpoints]]\nurl = "{receiver.url}"\nsecrets = ["env:PRIVATE", "env:NEW"]'
    adapter = adapter_of(f'type = "webhook"\n{table}', env)
    assert isinstance(adapter, WebhookAdapter)
    # when
    sent(run, adapter, member())
    # then
    (request,) = receiver.received
    asymmetric, shared = request.headers["webhook-signature"].split()
    assert shared.startswith("v1,")
    version, _, signature = asymmetric.partition(",")
    assert version == "v1a"
    id, seconds = request.headers["webhook-id"], request.headers["webhook-timestamp"]
    PUBLIC.verify(base64.b64decode(signature), f"{id}.{seconds}.".encode() + request.body)


def test_the_id_is_the_same_for_a_repeat_and_another_for_the_same_state_later(receiver: Receiver, run: Run) -> None:
    # when: the first message comes again, because its answer was lost
    (added,) = sent(run, to(receiver), member(1))
    sent(run, to(receiver), member(1))
    # then
    assert receiver.seen == [added.reference]
    # when: out, and in again
    (removed,) = sent(run, to(receiver), member(1, present=False, reference=added.reference))
    (again,) = sent(run, to(receiver), member(1, reference=removed.reference))
    # then
    assert len({added.reference, removed.reference, again.reference}) == 3
    assert receiver.members == {"anna1@shop.example": True}


def test_each_endpoint_receives_each_message_once(receiver: Receiver, other: Receiver, run: Run) -> None:
    # given
    other.stop()
    # when: the second is away
    updates = [member(number) for number in range(3)]
    outcomes = sent(run, to(receiver, other), *updates)
    # then: the first has them, and they wait for the second
    assert statuses(outcomes) == [Status.RETRY] * 3
    assert outcomes[0].message == "127.0.0.1: no answer from 127.0.0.1: Connection refused"
    assert len(receiver.seen) == 3
    # when
    other.start()
    again = [member(number, reference=outcome.reference) for number, outcome in zip(range(3), outcomes, strict=True)]
    outcomes = sent(run, to(receiver, other), *again)
    # then
    assert statuses(outcomes) == [Status.DONE] * 3
    assert len(receiver.received) == len(other.received) == 3
    assert sorted(receiver.seen) == sorted(other.seen) == sorted(outcome.reference for outcome in outcomes)


def test_a_state_that_changed_while_an_endpoint_was_away_goes_to_all(
    receiver: Receiver, other: Receiver, run: Run
) -> None:
    # given: in at the first, while the second is away; then out, and in again
    other.stop()
    (outcome,) = sent(run, to(receiver, other), member(1))
    (outcome,) = sent(run, to(receiver, other), member(1, present=False, reference=outcome.reference))
    other.start()
    # when
    (outcome,) = sent(run, to(receiver, other), member(1, reference=outcome.reference))
    # then
    assert outcome.status is Status.DONE
    assert receiver.members == other.members == {"anna1@shop.example": True}
    assert len(receiver.seen) == 3


def test_a_message_that_is_refused_is_dead_and_the_others_are_done(receiver: Receiver, run: Run) -> None:
    # given
    receiver.fault = every(3, Reply(422, {"message": "anna@shop.example is not valid, whsec_ok"}))
    # when
    outcomes = sent(run, to(receiver, more="concurrency = 1"), *(member(number) for number in range(7)))
    # then
    dead = Outcome(Status.DEAD, "127.0.0.1: 422 Unprocessable Entity: … is not valid, whsec_ok")
    assert statuses(outcomes) == [Status.DEAD if number in (2, 5) else Status.DONE for number in range(7)]
    assert outcomes[2] == dead
    assert len(receiver.members) == 5


def test_an_error_of_the_receiver_concerns_one_message(receiver: Receiver, run: Run) -> None:
    # given
    receiver.fault = lambda request: Reply(500) if b"anna3@" in request.body else None
    # when
    outcomes = sent(run, to(receiver), *(member(number) for number in range(6)))
    # then
    assert statuses(outcomes) == [Status.RETRY if number == 3 else Status.DONE for number in range(6)]


def test_a_receiver_that_fails_with_each_message_is_unavailable(receiver: Receiver, run: Run) -> None:
    # given
    receiver.fault = lambda request: Reply(500)
    # when, then
    with pytest.raises(Unavailable, match="500 Internal Server Error"):
        sent(run, to(receiver), member(1), member(2))
    assert statuses(sent(run, to(receiver), member(1))) == [Status.RETRY]


def test_a_busy_receiver_is_not_asked_again_in_the_same_call(receiver: Receiver, run: Run) -> None:
    # given
    receiver.fault = every(5, Reply(429, b"", {"Retry-After": "3"}))
    # when
    outcomes = sent(run, to(receiver, more="concurrency = 1"), *(member(number) for number in range(20)))
    # then
    assert statuses(outcomes) == [Status.DONE] * 4 + [Status.RETRY] * 16
    assert {outcome.retry_after for outcome in outcomes[4:]} == {3.0}
    assert len(receiver.received) == 5


@pytest.mark.parametrize(
    ("status", "login", "message"),
    [
        (401, True, "401 Unauthorized"),
        (403, True, "403 Forbidden"),
        (404, False, "404 Not Found: the endpoint is gone"),
        (410, False, "410 Gone: the endpoint is gone"),
        (503, False, "503 Service Unavailable"),
        (302, False, "302 Found: redirects are not followed; set the final address"),
    ],
)
def test_a_receiver_that_takes_nothing_is_unavailable(
    receiver: Receiver, run: Run, status: int, login: bool, message: str
) -> None:
    # given
    receiver.fault = lambda request: Reply(status)
    # when, then
    with pytest.raises(Unavailable) as raised:
        sent(run, to(receiver), *(member(number) for number in range(20)))
    assert (raised.value.message, raised.value.login) == (message, login)
    assert receiver.members == {}


def test_a_receiver_that_never_answers_costs_one_timeout(receiver: Receiver, run: Run) -> None:
    # given
    receiver.hold()
    # when, then
    with pytest.raises(Unavailable, match=r"within 0\.3 s"):
        sent(run, to(receiver, more="timeout_seconds = 0.3"), *(member(number) for number in range(200)))
    assert len(receiver.received) <= 8


def test_changes_of_a_customer_are_received_in_order(receiver: Receiver, run: Run) -> None:
    # when: of 10 customers, mixed
    changes = [change(number, f"customer-{number % 10}") for number in range(100)]
    outcomes = sent_changes(run, to(receiver), *changes)
    # then
    assert statuses(outcomes) == [Status.DONE] * 100
    for customer in range(10):
        mine = [number for number in receiver.changes if number % 10 == customer]
        assert mine == sorted(mine)
        assert len(mine) == 10


def test_changes_wait_behind_one_of_the_same_customer_that_has_to_be_sent_again(receiver: Receiver, run: Run) -> None:
    # given: the third change of customer 1 fails
    receiver.fault = lambda request: Reply(500) if request.json["data"]["number"] == 5 else None
    changes = [change(number, f"customer-{number % 2}") for number in range(10)]
    # when
    outcomes = sent_changes(run, to(receiver), *changes)
    # then
    assert statuses(outcomes) == [Status.RETRY if number in (5, 7, 9) else Status.DONE for number in range(10)]
    assert outcomes[7].message == "waits for the message before it"
    assert sorted(receiver.changes) == [0, 1, 2, 3, 4, 6, 8]


def test_a_merge_waits_for_what_happened_to_both_customers(receiver: Receiver, run: Run) -> None:
    # given: changes of two customers, of which one fails; then they merge
    receiver.fault = lambda request: Reply(500) if request.json["data"]["number"] == 1 else None
    changes = [
        change(0, "customer-1"),
        change(1, "customer-2"),
        change(2, "customer-1", data={"number": 2, "otherCustomerId": "customer-2"}),
        change(3, "customer-1"),
        change(4, "customer-3"),
    ]
    # when
    outcomes = sent_changes(run, to(receiver), *changes)
    # then
    expected = [Status.DONE, Status.RETRY, Status.RETRY, Status.RETRY, Status.DONE]
    assert statuses(outcomes) == expected
    assert sorted(receiver.changes) == [0, 4]


def test_after_some_time_no_request_is_begun(receiver: Receiver, run: Run) -> None:
    # given
    client, messages = HttpClient(), [change_message(change(number)) for number in range(3)]
    endpoint = Endpoint(receiver.url, lambda messages: ({}, b""))

    async def delivering() -> list[Outcome]:
        try:
            return await deliver(client, [endpoint], messages, [Progress()] * 3, lanes_of(messages), seconds=0)
        finally:
            await client.close()

    # when, then
    assert statuses(run(delivering())) == [Status.RETRY] * 3
    assert receiver.received == []


def test_changes_do_not_wait_behind_one_that_is_dead(receiver: Receiver, run: Run) -> None:
    # given
    receiver.fault = lambda request: Reply(400) if request.json["data"]["number"] == 1 else None
    # when
    outcomes = sent_changes(run, to(receiver), *(change(number) for number in range(3)))
    # then
    assert statuses(outcomes) == [Status.DONE, Status.DEAD, Status.DONE]
    assert receiver.changes == [0, 2]


def test_no_outcome_shows_a_secret_or_an_address(receiver: Receiver, run: Run) -> None:
    # given: a receiver that repeats what it was sent
    receiver.fault = lambda request: Reply(
        400, {"message": f"{request.body.decode()} {SECRET} {request.headers['webhook-signature']}"}
    )
    # when
    (outcome,) = sent(run, to(receiver), member(1))
    # then
    assert outcome.status is Status.DEAD
    assert not [shown for shown in ("anna1", "Anna1", SECRET, "tell-nobody") if shown in outcome.message]


def test_no_outcome_shows_the_identifiers_of_a_change(receiver: Receiver, run: Run) -> None:
    # given
    receiver.fault = lambda request: Reply(400, {"message": request.body.decode()})
    data = {"identifiers": [{"namespace": "login", "value": "anna-of-the-shop"}]}
    # when
    (outcome,) = sent_changes(run, to(receiver), change(1, data=data))
    # then
    assert outcome.status is Status.DEAD
    assert "anna" not in outcome.message


@pytest.mark.parametrize(
    ("endpoint", "message"),
    [
        ('url = "http://shop.example/"\nsecrets = ["env:NEW"]', r"endpoints: .*allow_http"),
        ('url = "https://shop.example/"\nsecrets = []', r"endpoints\.1\.secrets: "),
        ('url = "https://shop.example/"\nsecrets = ["env:TOKEN"]', r"secrets\.1: .*begins with whsec_ or whsk_"),
        ('url = "https://shop.example/"\nsecrets = ["env:SHORT"]', r"has 24 to 64 bytes, this one 4"),
        ('url = "https://shop.example/"\nsecrets = ["env:ODD"]', r"is base64 after whsec_"),
        ('url = "https://shop.example/"\nsecrets = ["env:KEY"]', r"has 32 or 64 bytes, this one 31"),
        ('url = "https://u:p@shop.example/"\nsecrets = ["env:NEW"]', r"endpoints\.1\.url: .*user or a password"),
        ('url = "https://shop.example/"', r"endpoints\.1\.secrets: the key is required"),
    ],
)
def test_wrong_settings_are_named_without_secrets(endpoint: str, message: str) -> None:
    env = {
        "NEW": SECRET,
        "TOKEN": "not-such-a-secret",
        "SHORT": "whsec_" + base64.b64encode(b"abcd").decode(),
        "ODD": "whsec_!!!!!!!!",
        "KEY": "whsk_" + base64.b64encode(b"k" * 31).decode(),
    }
    with pytest.raises(InvalidInput, match=message) as raised:
        settings_of(f'type = "webhook"\n[[destination.endpoints]]\n{endpoint}', env)
    assert not [secret for secret in env.values() if secret in raised.value.message]


def test_an_address_that_is_there_twice_is_rejected() -> None:
    table = '[[destination.endpoints]]\nurl = "https://shop.example/"\nsecrets = ["env:NEW"]\n'
    with pytest.raises(InvalidInput, match="an address is there twice"):
        settings_of(f'type = "webhook"\n{table}{table}')


def test_the_settings_show_no_secret() -> None:
    table = '[[destination.endpoints]]\nurl = "https://shop.example/"\nsecrets = ["env:NEW"]\n'
    settings = settings_of(f'type = "webhook"\n{table}')
    assert SECRET not in repr(settings)
    assert SECRET not in json.dumps(settings.model_dump(mode="json"))
