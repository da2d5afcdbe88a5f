"""How deliveries follow what should hold and what destinations answer, by tables and by all interleavings."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from graph.domain.audiences import ledger
from graph.domain.audiences.targets import Target
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

NOW = 1_000_000
DONE, OWED, PENDING, DEAD = DeliveryStatus.DONE, DeliveryStatus.OWED, DeliveryStatus.PENDING, DeliveryStatus.DEAD
KEY = "email=ann@example.com"
AUDIENCES = {id: Audience(id, "mail-tool", "seg_1", "newsletter", "EMAIL", ("email",)) for id in ("aud_1", "aud_2")}


def delivery(wanted: str, sent: str | None, status: DeliveryStatus = OWED, **more: object) -> Delivery:
    """Ann's delivery, due since 7 µs unless nothing is to be done."""
    due_at = 7 if status in (OWED, PENDING) else None
    given = {"customer": "ann", "changed_at": 5, "due_at": due_at, **more}
    return Delivery("aud_1", "mail-tool", KEY, wanted=wanted, sent=sent, status=status, **given)


def target(state: str, key: str = KEY, audience: str = "aud_1") -> Target:
    return Target(audience, key, state)


# --- decisions


@pytest.mark.parametrize(
    ("before", "state", "status", "sent"),
    [
        (delivery("1", "1", DONE), "1", DONE, "1"),
        (delivery("1", "1", DONE), ABSENT, OWED, "1"),
        (delivery("1", "1", DONE), "2", OWED, "1"),
        (delivery(ABSENT, "1"), "1", DONE, "1"),
        (delivery(ABSENT, None), "1", OWED, None),
        (delivery("2", "1"), "1", DONE, "1"),
        (delivery("1", None), ABSENT, OWED, None),
        (delivery("1", ABSENT), ABSENT, DONE, ABSENT),
        (delivery("1", None, PENDING), ABSENT, OWED, None),
        (delivery("1", "1", PENDING), ABSENT, OWED, None),
        (delivery("1", None, DEAD), "1", DEAD, None),
        (delivery("1", None, DEAD), ABSENT, OWED, None),
        (delivery("1", None, DEAD), "2", OWED, None),
        (delivery(ABSENT, None, DEAD), ABSENT, DEAD, None),
        (delivery(ABSENT, None, DEAD), "1", OWED, None),
    ],
)
def test_a_decision_owes_what_the_destination_may_not_hold(
    before: Delivery, state: str, status: DeliveryStatus, sent: str | None
) -> None:
    # when
    after = ledger.with_wanted(before, state, "ann", NOW)
    # then
    assert (after.wanted, after.status, after.sent) == (state, status, sent)
    assert after.is_over == (status is DONE and state == ABSENT)
    if before.wanted == state:
        assert after == before
    else:
        assert (after.changed_at, after.due_at) == (NOW, NOW if status is OWED else None)


def test_what_changes_again_is_tried_at_once() -> None:
    # given: a delivery that was put off for long
    before = delivery("1", None, attempts=20, due_at=NOW * 1_000, answer="429")
    # when
    after = ledger.with_wanted(before, "2", "ann", NOW)
    # then
    assert (after.attempts, after.due_at, after.answer) == (0, NOW, "")


def test_a_new_target_is_owed() -> None:
    # when
    changes = ledger.plan("ann", [], [target("1")], AUDIENCES, NOW)
    # then
    assert changes.deliveries == [
        Delivery("aud_1", "mail-tool", KEY, "ann", "1", ABSENT, OWED, changed_at=NOW, due_at=NOW)
    ]


def test_nothing_changes_where_nothing_has_changed() -> None:
    # given
    held = [HeldDelivery(delivery("1", "1", DONE), "ann")]
    # when
    changes = ledger.plan("ann", held, [target("1")], AUDIENCES, NOW)
    # then
    assert (changes.deliveries, changes.others) == ([], set())


def test_what_is_no_target_is_removed_from_each_audience_alone() -> None:
    # given
    held = [
        HeldDelivery(delivery("1", "1", DONE), "ann"),
        HeldDelivery(replace(delivery("1", "1", DONE), audience="aud_2"), "ann"),
    ]
    # when
    changes = ledger.plan("ann", held, [target("1", audience="aud_2")], AUDIENCES, NOW)
    # then
    assert [(one.audience, one.wanted, one.status) for one in changes.deliveries] == [("aud_1", ABSENT, OWED)]


def test_an_address_that_nobody_holds_is_removed() -> None:
    # given
    held = [HeldDelivery(delivery("1", "1", DONE), "")]
    # when
    changes = ledger.plan("ann", held, [], AUDIENCES, NOW)
    # then
    assert [(one.customer, one.wanted) for one in changes.deliveries] == [("", ABSENT)]


def test_an_address_that_came_to_another_customer_waits_for_the_decision_about_that_one() -> None:
    # given
    held = [HeldDelivery(delivery("1", "1", DONE), "ben")]
    # when
    changes = ledger.plan("ann", held, [], AUDIENCES, NOW)
    # then
    assert changes.deliveries == [delivery("1", "1", DONE, customer="ben")]
    assert changes.others == {"ben"}


def test_an_address_is_taken_over_with_the_state_it_had() -> None:
    # given
    held = [HeldDelivery(delivery("1", "1", DONE), "ben")]
    # when
    changes = ledger.plan("ben", held, [target("1")], AUDIENCES, NOW)
    # then
    assert changes.deliveries == [delivery("1", "1", DONE, customer="ben")]


# --- answers


@pytest.mark.parametrize(
    ("wanted", "state", "answer", "status", "sent"),
    [
        ("1", "1", Status.DONE, DONE, "1"),
        ("1", "1", Status.PENDING, PENDING, None),
        ("1", "1", Status.RETRY, OWED, None),
        ("1", "1", Status.DEAD, DEAD, None),
        (ABSENT, ABSENT, Status.DONE, DONE, ABSENT),
        (ABSENT, ABSENT, Status.PENDING, PENDING, None),
        (ABSENT, ABSENT, Status.RETRY, OWED, None),
        (ABSENT, ABSENT, Status.DEAD, DEAD, None),
        # The wanted state has changed since this one was sent.
        (ABSENT, "1", Status.DONE, OWED, "1"),
        (ABSENT, "1", Status.PENDING, OWED, None),
        (ABSENT, "1", Status.RETRY, OWED, None),
        (ABSENT, "1", Status.DEAD, OWED, None),
        ("1", ABSENT, Status.DONE, OWED, ABSENT),
        ("1", ABSENT, Status.PENDING, OWED, None),
        ("1", ABSENT, Status.RETRY, OWED, None),
        ("1", ABSENT, Status.DEAD, OWED, None),
    ],
)
def test_an_answer_decides_what_is_owed(
    wanted: str, state: str, answer: Status, status: DeliveryStatus, sent: str | None
) -> None:
    # when
    after = ledger.after(delivery(wanted, None), state, Outcome(answer, "said", "ref"), NOW)
    # then
    assert (after.status, after.sent, after.wanted) == (status, sent, wanted)
    assert after.reference == "ref"
    assert (after.due_at is None) == (status in (DONE, DEAD))


@pytest.mark.parametrize("answer", [Status.DONE, Status.PENDING, Status.RETRY])
@pytest.mark.parametrize("sent", [ABSENT, "1"])
def test_an_answer_after_that_to_another_process_is_not_believed(answer: Status, sent: str) -> None:
    # given: the delivery was begun, so that only an answer to another process can have said what was sent
    stored = delivery("1", sent, DONE)
    # when
    after = ledger.after(stored, "1", Outcome(answer), NOW)
    # then
    assert (after.status, after.sent, after.due_at) == (OWED, None, NOW)


def test_an_addition_that_is_answered_after_another_process_removed_the_address_is_removed_again() -> None:
    # given
    added = delivery("1", None, erasure="era_1")
    # when
    after = ledger.after_removal(added, Outcome(Status.DONE), NOW)
    # then
    assert after == delivery(ABSENT, None, customer="", changed_at=NOW, due_at=NOW, erasure="era_1")
    assert ledger.after_removal(added, Outcome(Status.DEAD), NOW) is None
    assert ledger.after_removal(delivery(ABSENT, None), Outcome(Status.DONE), NOW) is None


def test_what_is_put_off_waits_longer_each_time_but_never_more_than_an_hour() -> None:
    assert [ledger.pause(attempts) for attempts in (1, 2, 3, 12, 13, 60, 10_000)] == [
        1,
        2,
        4,
        2_048,
        3_600,
        3_600,
        3_600,
    ]


def test_the_wait_that_a_destination_asks_for_is_kept() -> None:
    # when
    after = ledger.after(delivery("1", None), "1", Outcome(Status.RETRY, retry_after=90.5), NOW)
    # then
    assert after.due_at == NOW + 90_500_000


def test_an_addition_is_given_up_in_the_end_but_a_removal_never() -> None:
    # given
    last = ledger.MAX_ATTEMPTS - 1
    outcome = Outcome(Status.RETRY, "429")
    # when
    addition = ledger.after(delivery("1", None, attempts=last), "1", outcome, NOW)
    removal = ledger.after(delivery(ABSENT, None, attempts=last * 10), ABSENT, outcome, NOW)
    # then
    assert (addition.status, addition.due_at) == (DEAD, None)
    assert (removal.status, removal.due_at) == (OWED, NOW + ledger.LONGEST_PAUSE * ledger.SECOND)


def test_a_removal_that_an_operator_gives_up_is_over_and_an_addition_is_kept() -> None:
    assert ledger.ignored(delivery(ABSENT, None, DEAD), NOW).is_over
    kept = ledger.ignored(delivery("1", None, DEAD), NOW)
    assert (kept.status, kept.is_over, kept.is_settled) == (DONE, False, False)


@pytest.mark.parametrize("status", [OWED, DEAD])
def test_an_address_that_comes_back_is_added_after_the_removal_of_an_erasure(status: DeliveryStatus) -> None:
    # given
    erased = delivery(ABSENT, None, status, customer="", erasure="era_1")
    # when
    back = ledger.with_wanted(erased, "2", "new ann", NOW)
    # then
    assert back == replace(erased, customer="new ann")
    # when
    removed = ledger.after(back, ABSENT, Outcome(Status.DONE), NOW) if status is OWED else ledger.ignored(back, NOW)
    after = ledger.after_erasure(removed, NOW) if status is OWED else removed
    # then
    assert (after.wanted, after.sent, after.status, after.due_at) == (UNDECIDED, ABSENT, OWED, NOW)
    assert (after.customer, after.erasure, after.is_over) == ("new ann", "", False)
    assert ledger.with_wanted(after, ABSENT, "new ann", NOW).is_over


def test_what_is_sent_again_is_removed_if_a_removal_comes_first() -> None:
    # given
    again = ledger.unknown(delivery("1", "1", DONE), NOW)
    assert (again.status, again.sent, again.due_at) == (OWED, None, NOW)
    # when
    after = ledger.with_wanted(again, ABSENT, "ann", NOW)
    # then
    assert (after.status, after.is_over) == (OWED, False)


STATES = st.sampled_from([ABSENT, "1", "2"])


@given(sent=st.none() | STATES, wanted=STATES, status=st.sampled_from(DeliveryStatus), state=STATES)
def test_after_a_decision_and_an_answer_the_destination_holds_what_it_should(
    sent: str | None, wanted: str, status: DeliveryStatus, state: str
) -> None:
    # given
    held = [HeldDelivery(delivery(wanted, sent, status), "ann")]
    # when
    changes = ledger.plan("ann", held, [target(state)] if state else [], AUDIENCES, NOW)
    # then
    (after,) = changes.deliveries or [held[0].delivery]
    assert after.wanted == state
    if after.status is OWED:
        after = ledger.after(ledger.begun(after), after.wanted, Outcome(Status.DONE), NOW)
        assert after.is_settled
        assert after.status is DONE


# --- all interleavings


class Flight(Struct, frozen=True):
    """A state on its way. `arrived` is `True` once the destination has carried it out.

    A process that is `late` stood still until after its lease had ended: another one sends beside it. One that does not
    stand still ends what it sends before its lease ends.
    """

    delivery: Delivery
    arrived: bool = False
    late: bool = False
    beside: bool = False
    """Whether another process has sent the address while this one was on its way."""


class World(Struct, frozen=True):
    """What should hold, what the ledger says (`None`: nothing), what the destination holds, and what is on its way."""

    should: str = ABSENT
    ledger: Delivery | None = None
    held: str = ABSENT
    flights: tuple[Flight, ...] = ()


def stored(delivery: Delivery | None) -> Delivery | None:
    """A delivery as a store keeps it. Times and attempts are left out, so that there are not many worlds."""
    if delivery is None or delivery.is_over:
        return None
    due_at = None if delivery.due_at is None else 0
    return replace(delivery, attempts=0, changed_at=0, due_at=due_at, answer="", reference="")


def decided(world: World, should: str) -> World:
    held = [] if world.ledger is None else [HeldDelivery(world.ledger, "ann")]
    changes = ledger.plan("ann", held, [target(should)] if should else [], AUDIENCES, 0)
    changed = changes.deliveries[0] if changes.deliveries else world.ledger
    return replace(world, should=should, ledger=stored(changed))


def arrived(world: World, number: int) -> World:
    flight = world.flights[number]
    flights = list(world.flights)
    flights[number] = replace(flight, arrived=True)
    return replace(world, held=flight.delivery.wanted, flights=tuple(flights))


def answered(world: World, number: int, status: Status) -> World:
    flight = world.flights[number]
    outcome = Outcome(status)
    if world.ledger is None:
        after = ledger.after_removal(flight.delivery, outcome, 0)
    else:
        after = ledger.after(world.ledger, flight.delivery.wanted, outcome, 0)
    return replace(world, ledger=stored(after), flights=world.flights[:number] + world.flights[number + 1 :])


def next_worlds(world: World, late: bool) -> Iterator[tuple[str, World]]:
    """All that may happen next, with what it is called.

    What two processes send beside each other is taken, and both hear so: this is more than enough trouble at once.
    """
    for should in {ABSENT, "1", "2"} - {world.should}:
        yield f"should be {should!r}", decided(world, should)
    busy = [flight for flight in world.flights if not flight.late]
    owed = world.ledger is not None and world.ledger.status is OWED
    if owed and not busy and world.ledger is not None:
        begun = ledger.begun(world.ledger)
        flights = [replace(flight, beside=True) for flight in world.flights]
        yield "begin", replace(world, ledger=begun, flights=(*flights, Flight(begun, beside=bool(flights))))
    if late and len(world.flights) == 1 and busy:
        yield "lose the lease", replace(world, flights=(replace(busy[0], late=True),))
    for number, flight in enumerate(world.flights):
        others = world.flights[:number] + world.flights[number + 1 :]
        if not flight.arrived:
            yield f"arrive {number}", arrived(world, number)
        if flight.beside:
            if flight.arrived:
                yield f"DONE {number}", answered(world, number, Status.DONE)
        elif not flight.arrived:
            for status in (Status.RETRY, Status.DEAD):
                yield f"{status.name} {number}", answered(world, number, status)
            yield f"crash {number}", replace(world, flights=others)
        else:
            yield f"DONE {number}", answered(world, number, Status.DONE)
            # The answer is lost on its way, or with the process.
            yield f"RETRY {number}", answered(world, number, Status.RETRY)
            yield f"crash {number}", replace(world, flights=others)


def settled(world: World) -> World:
    """What becomes of a world in which nothing else happens, once operators have tried dead deliveries again."""
    while world.flights:
        world = world if world.flights[0].arrived else arrived(world, 0)
        world = answered(world, 0, Status.DONE)
    while world.ledger is not None and world.ledger.status is not DONE:
        begun = ledger.begun(world.ledger if world.ledger.status is OWED else ledger.unknown(world.ledger, 0))
        world = replace(world, ledger=begun, flights=(Flight(begun),))
        world = answered(arrived(world, 0), 0, Status.DONE)
    return world


@pytest.mark.parametrize("late", [False, True], ids=["one process at a time", "a process that stood still"])
def test_the_destination_holds_what_it_should_whatever_happens_in_between(late: bool) -> None:
    # given: all worlds that can be reached
    seen: dict[World, list[str]] = {World(): []}
    waiting = [World()]
    while waiting:
        world = waiting.pop(0)
        for what, after in next_worlds(world, late):
            if after not in seen:
                seen[after] = [*seen[world], what]
                waiting.append(after)
    assert len(seen) > 60
    # then
    for world, path in seen.items():
        end = settled(world)
        assert end.held == world.should, (path, world)
