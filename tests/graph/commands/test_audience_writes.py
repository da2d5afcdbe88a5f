"""The writes of audiences and of their ledger, over given contents of a store."""

from collections.abc import Sequence
from typing import Any, TypeVar

import pytest
from msgspec.structs import replace

from graph.commands import audience_writes
from graph.commands.audience_writes import FILL_KEY, Sent
from graph.domain.model.audiences import (
    ABSENT,
    UNDECIDED,
    Audience,
    Delivery,
    DeliveryStatus,
    HeldDelivery,
    Outcome,
    Status,
)
from graph.domain.model.errors import InvalidInput
from graph.domain.model.segments import Segment
from graph.domain.model.store_values import Writes
from graph.ports import ReadAudiences, ReadDeliveries, ReadErasures, ReadSegments, Request, Work
from tests.builders.erasures import ERASURE
from tests.builders.works import run_over

T = TypeVar("T")
NOW = 1_000
AUDIENCE = Audience("aud_1", "mail-tool", "seg_1", "newsletter", "EMAIL", ("email",), created_at=5, created_by="sue")
SEGMENT = Segment("seg_1", "buyers", '{"known":true}', 1, 5, "sue")
OWED, DONE, DEAD = DeliveryStatus.OWED, DeliveryStatus.DONE, DeliveryStatus.DEAD


def delivery(wanted: str = "1", sent: str | None = ABSENT, status: DeliveryStatus = OWED, key: str = "a") -> Delivery:
    return Delivery("aud_1", "mail-tool", f"email={key}@example.com", "ann", wanted, sent, status, 5, 5)


def run_write(
    work: Work[T], audiences: Sequence[Audience] = (), deliveries: Sequence[Delivery] = ()
) -> tuple[T, list[Writes]]:
    """The result of a write over audiences and deliveries, and what it has written."""

    def answer(request: Request) -> Any:
        match request:
            case ReadSegments():
                return [SEGMENT]
            case ReadAudiences():
                return list(audiences)
            case ReadDeliveries(places=places, erasures=of_erasures):
                return [
                    HeldDelivery(one, "ann")
                    for one in deliveries
                    if (one.audience, one.key) in places or one.erasure in of_erasures
                ]
            case ReadErasures(ids):
                return [erasure for erasure in [ERASURE] if erasure.id in ids]
        raise AssertionError(request)

    return run_over(work, answer)


# --- audiences


def test_a_new_audience_is_stored_and_its_members_are_to_be_decided() -> None:
    # when
    result, written = run_write(audience_writes.create(AUDIENCE))
    # then
    assert result == AUDIENCE
    assert written == [Writes(audiences=[AUDIENCE], values={f"{FILL_KEY}aud_1": ""})]


def test_creating_the_same_audience_again_returns_the_existing_one() -> None:
    # given
    again = replace(AUDIENCE, id="aud_2", created_at=NOW, created_by="tom")
    # then
    assert run_write(audience_writes.create(again), [AUDIENCE]) == (AUDIENCE, [])


def test_an_audience_that_has_ended_is_not_taken_for_the_same() -> None:
    # when
    result, _ = run_write(audience_writes.create(replace(AUDIENCE, id="aud_2")), [replace(AUDIENCE, ended=True)])
    # then
    assert result.id == "aud_2"


def test_an_audience_of_a_segment_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InvalidInput, match="segment 'seg_9' does not exist") as raised:
        run_write(audience_writes.create(replace(AUDIENCE, segment="seg_9")))
    assert (raised.value.code, raised.value.path) == ("SEGMENT_NOT_FOUND", ("segmentId",))


def test_there_is_a_limit() -> None:
    # given
    many = [replace(AUDIENCE, id=f"aud_{number}", external_id=str(number)) for number in range(500)]
    # then
    with pytest.raises(InvalidInput, match="500 audiences exist; 500 are allowed"):
        run_write(audience_writes.create(AUDIENCE), many)


@pytest.mark.parametrize("ended", [False, True])
def test_an_audience_ends_once(ended: bool) -> None:
    # when
    result, written = run_write(audience_writes.end("aud_1"), [replace(AUDIENCE, ended=ended)])
    # then
    assert result.ended
    assert len(written) == (0 if ended else 1)


def test_an_audience_that_does_not_exist_cannot_end() -> None:
    with pytest.raises(InvalidInput, match="audience 'aud_9' does not exist"):
        run_write(audience_writes.end("aud_9"), [AUDIENCE])


# --- sending


def test_what_is_being_sent_is_not_known_to_be_there_or_gone() -> None:
    # given
    addition, removal = delivery(key="a"), delivery(ABSENT, "1", key="b")
    # when
    current, (written,) = run_write(audience_writes.begin([addition, removal]), deliveries=[addition, removal])
    # then
    assert current == [addition, removal]
    assert [one.sent for one in written.deliveries] == [None, None]


def test_only_what_is_still_owed_as_it_was_read_is_sent() -> None:
    # given: one was settled, one has another state, one is gone
    read = [delivery(key=key) for key in "abcd"]
    stored = [replace(read[0], status=DONE), replace(read[1], wanted="2"), read[3]]
    # when
    current, _ = run_write(audience_writes.begin(read), deliveries=stored)
    # then
    assert current == [read[3]]


def test_what_was_begun_before_needs_no_write() -> None:
    # given
    again = delivery(sent=None)
    # then
    assert run_write(audience_writes.begin([again]), deliveries=[again]) == ([again], [])


@pytest.mark.parametrize(("status", "acknowledged"), [(Status.DONE, ["newsletter", "mail-tool"]), (Status.RETRY, [])])
def test_the_last_removal_of_an_erasure_acknowledges_it(status: Status, acknowledged: list[str]) -> None:
    # given
    removal = replace(delivery(ABSENT, None), customer="", erasure=ERASURE.id)
    # when
    _, (written,) = run_write(audience_writes.finish([Sent(removal, Outcome(status))], NOW), deliveries=[removal])
    # then
    assert [one.service for erasure in written.erasures for one in erasure.acknowledgements] == acknowledged
    assert [one.is_over for one in written.deliveries] == [bool(acknowledged)]


def test_an_erasure_of_which_another_removal_is_owed_is_not_acknowledged() -> None:
    # given
    first, second = (replace(delivery(ABSENT, None, key=key), erasure=ERASURE.id) for key in "ab")
    # when
    sent = [Sent(first, Outcome(Status.DONE))]
    _, (written,) = run_write(audience_writes.finish(sent, NOW), deliveries=[first, second])
    # then
    assert written.erasures == []


def test_the_removal_of_an_erasure_is_acknowledged_where_the_address_has_come_back() -> None:
    # given
    removal = replace(delivery(ABSENT, None), customer="new ann", erasure=ERASURE.id)
    # when
    _, (written,) = run_write(audience_writes.finish([Sent(removal, Outcome(Status.DONE))], NOW), deliveries=[removal])
    # then
    assert [one.service for erasure in written.erasures for one in erasure.acknowledgements] == [
        "newsletter",
        "mail-tool",
    ]
    assert [(one.wanted, one.customer, one.erasure) for one in written.deliveries] == [(UNDECIDED, "new ann", "")]


def test_an_addition_that_the_ledger_has_forgotten_meanwhile_is_removed() -> None:
    # given: while a process stood still, another one removed the address
    addition = delivery(sent=None)
    # when
    _, (written,) = run_write(audience_writes.finish([Sent(addition, Outcome(Status.DONE))], NOW))
    # then
    assert [(one.key, one.wanted, one.sent, one.status) for one in written.deliveries] == [
        (addition.key, ABSENT, None, OWED)
    ]


def test_a_removal_that_the_ledger_has_forgotten_meanwhile_is_nothing() -> None:
    removal = delivery(ABSENT, None)
    assert run_write(audience_writes.finish([Sent(removal, Outcome(Status.DONE))], NOW)) == (None, [])


# --- operators


def test_only_dead_deliveries_are_tried_again_or_ignored() -> None:
    # given
    dead, owed = delivery(status=DEAD, key="a"), delivery(key="b")
    # when
    again, _ = run_write(
        audience_writes.change([dead, owed], audience_writes.tried_again(NOW)), deliveries=[dead, owed]
    )
    ignored, _ = run_write(audience_writes.change([dead, owed], audience_writes.ignored(NOW)), deliveries=[dead, owed])
    # then
    assert [(one.key, one.status) for one in again] == [(dead.key, OWED)]
    assert [(one.key, one.status) for one in ignored] == [(dead.key, DONE)]


def test_an_audience_that_ends_owes_removals_of_what_was_sent_alone() -> None:
    # given
    sent, never = delivery("1", "1", DONE, "a"), delivery("1", ABSENT, key="b")
    # when
    changed, (written,) = run_write(
        audience_writes.change([sent, never], audience_writes.drained(NOW), {"drain": "b"}), deliveries=[sent, never]
    )
    # then
    assert [(one.is_removal, one.is_over) for one in changed] == [(True, False), (True, True)]
    assert written.values == {"drain": "b"}


def test_a_resync_owes_everything_again() -> None:
    # given
    sent, gone = delivery("1", "1", DONE, "a"), delivery(ABSENT, None, DEAD, "b")
    # when
    changed, _ = run_write(
        audience_writes.change([sent, gone], audience_writes.forgotten(NOW)), deliveries=[sent, gone]
    )
    # then
    assert [(one.status, one.sent) for one in changed] == [(OWED, None), (OWED, None)]
