"""Anonymous audiences at a data management platform: what it holds, and that nothing else leaves Kith."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from graph.domain.model.errors import InvalidInput
from service.destinations.adapter import MemberUpdate, Status, Unavailable
from tests.builders.ad_platforms import BUYERS, VISITORS, Platform, update
from tests.builders.runs import Run
from tests.builders.senders import Sender, statuses
from tests.builders.vendor_servers import Reply, every

DEVICE = "38400000-8cf0-11bd-b23e-10b96e40000d"
END = 1_790_000_000_000_000

Open = Callable[..., Sender]


@pytest.fixture
def platform() -> Iterator[Platform]:
    with Platform() as server:
        yield server


@pytest.fixture
def opened(platform: Platform, run: Run) -> Iterator[Open]:
    """Opens destinations that send to the fake."""
    senders: list[Sender] = []

    def open(**settings: Any) -> Sender:
        secrets = {"TOKEN": "platform-token"}
        senders.append(Sender(run, "dmp", secrets=secrets, **{"url": f"{platform.url}/segments", **settings}))
        return senders[-1]

    yield open
    for sender in senders:
        sender.close()


def cookie(value: str, present: bool = True, **more: Any) -> MemberUpdate:
    return update(value, present, namespace="cookie", **more)


@pytest.mark.parametrize("format", ["ndjson", "csv"])
def test_memberships_are_added_and_removed(platform: Platform, opened: Open, format: str) -> None:
    # given
    sender = opened(format=format)
    # when
    added = sender.send(
        cookie("ck-1", expires_at=END),
        cookie('ck-"2",ü'),
        update(DEVICE.upper(), namespace="device", audience=VISITORS),
    )
    # then
    assert statuses(added) == [Status.DONE] * 3
    assert platform.held == {
        ("1001", "cookie", "ck-1"): "2026-09-21T14:13:20Z",
        ("1001", "cookie", 'ck-"2",ü'): "",
        ("1002", "dpid", DEVICE): "",
    }
    # when
    removed = sender.send(cookie("ck-1", present=False), cookie("never-there", present=False))
    # then
    assert statuses(removed) == [Status.DONE, Status.DONE]
    assert set(platform.held) == {("1001", "cookie", 'ck-"2",ü'), ("1002", "dpid", DEVICE)}


def test_an_erasure_is_told_as_one(platform: Platform, opened: Open) -> None:
    # given
    sender = opened()
    sender.send(cookie("ck-1"))
    # when
    sender.send(cookie("ck-1", present=False, erased=True))
    # then
    assert [line["action"] for line in platform.lines] == ["add", "erase"]
    assert platform.held == {}


def test_nothing_leaves_but_ids_segments_and_their_end(platform: Platform, opened: Open) -> None:
    # given an audience that has fields of its members, and a customer
    fields = {"name": "Ann Lee", "email": "ann@example.com", "city": "Cologne"}
    audience = msgspec.structs.replace(BUYERS, segment_name="Ann's segment", purpose="advertising")
    # when
    opened(token="env:TOKEN").send(
        cookie("ck-1", fields=fields, expires_at=END, audience=audience),
        cookie("ck-2", present=False, fields=fields, audience=audience, reference="ref-ann"),
    )
    # then
    line = {"id_type": "cookie", "segment": "1001", "expires_at": ""}
    assert platform.lines == [
        {**line, "id": "ck-2", "action": "remove"},
        {**line, "id": "ck-1", "action": "add", "expires_at": "2026-09-21T14:13:20Z"},
    ]
    for request in platform.received:
        assert set(request.headers) == {
            "host",
            "accept",
            "accept-encoding",
            "connection",
            "user-agent",
            "content-type",
            "content-length",
            "authorization",
        }
        assert request.headers["authorization"] == "Bearer platform-token"
        assert (request.path, request.query) == ("/segments", {})


@pytest.mark.parametrize(
    "namespace", ["crm_id", "login", "loyalty_card", "email", "hashed_email", "phone", "payment_token", "order", "ip"]
)
def test_a_namespace_that_names_people_is_an_error(opened: Open, namespace: str) -> None:
    message = f"{namespace} names people; only cookies and advertising ids may be sent"
    with pytest.raises(InvalidInput, match=message):
        opened(namespaces={namespace: "cookie"})


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (update("ann@example.com"), "email is not in the `namespaces` of the destination"),
        (cookie("ann@example.com"), "cookie is not a cookie"),
        (cookie(""), "cookie is not a cookie"),
        (cookie("a\nb"), "cookie is not a cookie"),
        (update("aa:bb:cc:dd:ee:ff", namespace="device"), "device is not an advertising id: a UUID is required"),
        (
            cookie("ck-1", audience=msgspec.structs.replace(BUYERS, external_id="")),
            "the audience has no external id: the segment of the platform",
        ),
    ],
)
def test_what_is_not_anonymous_does_not_leave(
    platform: Platform, opened: Open, wrong: MemberUpdate, message: str
) -> None:
    # when
    outcomes = opened().send(wrong, cookie("ck-9"))
    # then
    assert statuses(outcomes) == [Status.DEAD, Status.DONE]
    assert outcomes[0].message == message
    assert [line["id"] for line in platform.lines] == ["ck-9"]


@pytest.mark.parametrize("format", ["ndjson", "csv"])
def test_lines_that_a_platform_refuses_are_dead(platform: Platform, opened: Open, format: str) -> None:
    # given every seventh is refused
    platform.refused = {"ck-7", "ck-14"}
    # when
    outcomes = opened(format=format).send(*(cookie(f"ck-{number}") for number in range(1, 15)))
    # then
    assert statuses(outcomes) == [Status.DEAD if number % 7 == 0 else Status.DONE for number in range(1, 15)]
    assert outcomes[6].message == "the id ck-7 is not known"


def test_a_request_that_is_refused_for_some_lines_is_sent_again_for_the_others(
    platform: Platform, opened: Open
) -> None:
    # given
    platform.replies = [Reply(422, {"rejected": [{"line": 2, "reason": "no such cookie"}]})]
    # when
    outcomes = opened().send(cookie("ck-1"), cookie("ck-2"))
    # then
    assert statuses(outcomes) == [Status.RETRY, Status.DEAD]
    assert (outcomes[0].retry_after, outcomes[1].message) == (0, "no such cookie")


def test_a_request_that_is_refused_without_a_line_is_dead(platform: Platform, opened: Open) -> None:
    # given
    platform.replies = [Reply(400, {"message": "unknown format"})]
    # then
    (outcome,) = opened().send(cookie("ck-1"))
    assert (outcome.status, outcome.message) == (Status.DEAD, "400 Bad Request: unknown format")


def test_a_platform_that_takes_nothing_now_is_unavailable_and_gets_all_in_the_end(
    platform: Platform, opened: Open
) -> None:
    # given
    sender = opened()
    platform.fault = every(5, Reply(429, b"", {"Retry-After": "7"}))
    # when
    waits = []
    for number in range(12):
        try:
            sender.send(cookie(f"ck-{number}"))
        except Unavailable as error:
            waits.append(error.retry_after)
            sender.send(cookie(f"ck-{number}"))
    # then
    assert set(waits) == {7}
    assert {id for _, _, id in platform.held} == {f"ck-{number}" for number in range(12)}
    # when the login has expired
    platform.fault = lambda request: Reply(401, b"")
    with pytest.raises(Unavailable) as raised:
        sender.send(cookie("ck-1"))
    assert raised.value.login


def test_nothing_of_a_platform_is_pending(opened: Open) -> None:
    assert statuses(opened().poll(cookie("ck-1"))) == [Status.RETRY]
