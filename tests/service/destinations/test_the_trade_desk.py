"""Segments at The Trade Desk, a fake of which keeps ids and minutes as its Data API does."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from service.destinations.adapter import MemberUpdate, Status, Unavailable
from service.destinations.the_trade_desk import TheTradeDeskAdapter
from tests.builders.ad_platforms import BUYERS, VISITORS, TradeDesk, update
from tests.builders.runs import Run
from tests.builders.senders import Sender, statuses
from tests.builders.vendor_libraries import library
from tests.builders.vendor_servers import Reply, every

NOW = 1_790_000_000
DAY = 86_400

Open = Callable[..., Sender]


@pytest.fixture
def desk() -> Iterator[TradeDesk]:
    with TradeDesk() as server:
        yield server


@pytest.fixture
def sender(desk: TradeDesk, run: Run) -> Iterator[Sender]:
    """A destination that sends to the fake, at a time that stands still."""
    settings: dict[str, Any] = {"token": "env:TOKEN", "advertiser_id": "adv42", "url": desk.url}
    settings |= {"namespaces": {"device": "dpid", "ttd_cookie": "cookie"}}
    sender = Sender(run, "the-trade-desk", secrets={"TOKEN": desk.token}, **settings)
    sender.adapter = TheTradeDeskAdapter(sender.settings, lambda: NOW)  # type: ignore[arg-type]
    yield sender
    sender.close()


def device(number: int, present: bool = True, **more: Any) -> MemberUpdate:
    return update(id_of(number), present, namespace="device", **more)


def id_of(number: int) -> str:
    return f"38400000-8cf0-11bd-b23e-{number:012}"


def test_memberships_are_added_with_their_end_and_removed(desk: TradeDesk, sender: Sender) -> None:
    # when
    added = sender.send(
        device(1),
        device(2, expires_at=(NOW + DAY) * 1_000_000),
        device(3, expires_at=(NOW + 999 * DAY) * 1_000_000),
        device(4, expires_at=(NOW - 1) * 1_000_000),
        update(id_of(5), namespace="ttd_cookie", audience=VISITORS),
    )
    # then the longest is 180 days, and what has ended is not there
    assert statuses(added) == [Status.DONE] * 5
    assert desk.segments == {
        "1001": {id_of(1): 180 * 1440, id_of(2): 1440, id_of(3): 180 * 1440},
        "1002": {id_of(5): 180 * 1440},
    }
    assert desk.bodies[0][1]["Items"][4] == {"TDID": id_of(5), "Data": [{"Name": "1002", "TtlInMinutes": 180 * 1440}]}
    # when
    sender.send(device(1, present=False), device(9, present=False))
    # then
    assert set(desk.segments["1001"]) == {id_of(2), id_of(3)}


def test_erased_ids_are_deleted_everywhere(desk: TradeDesk, sender: Sender) -> None:
    # given
    sender.send(device(1), device(1, audience=VISITORS), device(2))
    # when
    outcomes = sender.send(device(1, present=False, erased=True), device(2, present=False))
    # then
    assert statuses(outcomes) == [Status.DONE, Status.DONE]
    assert desk.deleted == {id_of(1)}
    assert desk.segments == {"1001": {}, "1002": {}}


def test_requests_are_what_the_vendors_library_reads_and_nothing_else_leaves(desk: TradeDesk, sender: Sender) -> None:
    # when
    sender.send(device(1, fields={"name": "Ann"}), device(2, present=False, erased=True))
    # then
    kinds = {"/data/advertiser": "segments", "/data/deletion-optout/advertiser": "deletion"}
    assert [path for path, _ in desk.bodies] == ["/data/deletion-optout/advertiser", "/data/advertiser"]
    read = library("read_requests", [{"kind": kinds[path], "body": body} for path, body in desk.bodies])
    assert read == [body for _, body in desk.bodies]
    assert read == [
        {"AdvertiserId": "adv42", "RequestType": "Deletion", "Items": [{"DAID": id_of(2)}]},
        {
            "AdvertiserId": "adv42",
            "Items": [{"DAID": id_of(1), "Data": [{"Name": "1001", "TtlInMinutes": 180 * 1440}]}],
        },
    ]


def test_the_vendors_client_and_ours_leave_the_same_ids(desk: TradeDesk, sender: Sender) -> None:
    """The client is the measure of the fake: it finds its addresses, and sends what ours sends."""
    # given
    what = {"vendor": "trade-desk", "url": desk.url, "token": desk.token, "advertiser": "adv42", "segment": "1001"}
    # when
    library("send", [{**what, "ids": [id_of(1)], "remove": False}])
    theirs = dict(desk.segments["1001"])
    sender.send(device(1, expires_at=(NOW + DAY) * 1_000_000))
    # then
    assert desk.segments["1001"] == theirs == {id_of(1): 1440}
    # when
    library("send", [{**what, "ids": [id_of(1)], "remove": True}])
    sender.send(device(1, present=False, erased=True))
    # then
    for path, body in desk.bodies:
        # What the client tells about itself.
        body.pop("DataOrigins", None)
        assert path in ("/data/advertiser", "/data/deletion-optout/advertiser")
    assert desk.bodies[0] == desk.bodies[1]
    assert desk.bodies[2] == desk.bodies[3]
    assert desk.deleted == {id_of(1)}


def test_items_that_failed_are_dead_and_unknown_ids_are_gone_already(desk: TradeDesk, sender: Sender) -> None:
    # given every seventh is unknown to The Trade Desk
    desk.unmapped = {id_of(7), id_of(14)}
    # when
    outcomes = sender.send(*(device(number) for number in range(1, 15)))
    # then
    assert statuses(outcomes) == [Status.DEAD if number % 7 == 0 else Status.DONE for number in range(1, 15)]
    assert outcomes[6].message.startswith("UserNotMapped: ")
    # when
    assert statuses(sender.send(device(7, present=False))) == [Status.DONE]


def test_a_limit_of_new_segments_is_tried_again(desk: TradeDesk, sender: Sender) -> None:
    # given
    line = {"ItemNumber": "1", "ErrorCode": "TargetingDataCreationLimitExceeded", "Message": "too many segments"}
    desk.replies = [Reply(400, {"FailedLines": [line]})]
    # when
    outcomes = sender.send(device(1), device(2))
    # then
    assert statuses(outcomes) == [Status.RETRY, Status.RETRY]
    assert outcomes[0].message == "TargetingDataCreationLimitExceeded: too many segments"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (update("ann@example.com"), "email is not in the `namespaces` of the destination"),
        (update("ck-1", namespace="device"), "device is not an advertising id: a UUID is required"),
        (
            device(1, audience=msgspec.structs.replace(BUYERS, external_id="")),
            "the audience has no external id: the name of the segment at The Trade Desk",
        ),
    ],
)
def test_what_the_trade_desk_would_not_take_is_dead(
    desk: TradeDesk, sender: Sender, wrong: MemberUpdate, message: str
) -> None:
    # when
    outcomes = sender.send(wrong, device(2))
    # then
    assert statuses(outcomes) == [Status.DEAD, Status.DONE]
    assert outcomes[0].message == message


def test_a_trade_desk_that_takes_nothing_now_is_unavailable(desk: TradeDesk, sender: Sender) -> None:
    # given
    desk.fault = every(2, Reply(503, b""))
    sender.send(device(1))
    # then
    with pytest.raises(Unavailable):
        sender.send(device(2))
    # when the token has expired
    desk.fault, desk.token = lambda request: None, "another"
    with pytest.raises(Unavailable) as raised:
        sender.send(device(2))
    assert raised.value.login
    assert raised.value.message == "403 Forbidden: Cannot create new targeting data"


def test_a_request_that_is_refused_as_a_whole_is_dead(desk: TradeDesk, sender: Sender) -> None:
    # given
    desk.replies = [Reply(413, b"")]
    # then
    (outcome,) = sender.send(device(1))
    assert outcome.status is Status.DEAD
    assert outcome.message.startswith("413 ")


def test_nothing_of_the_trade_desk_is_pending(sender: Sender) -> None:
    assert statuses(sender.poll(device(1))) == [Status.RETRY]
