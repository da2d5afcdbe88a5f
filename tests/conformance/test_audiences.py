"""Destinations hold exactly what the graph says they should, after any sequence of writes, failures and crashes."""

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from graph.commands.audience_writes import Sent
from graph.domain.model.audiences import REMOVED, DeliveryStatus, HeldDelivery, Outcome, Status
from graph.domain.model.errors import InvalidInput
from graph.domain.model.store_values import Writes
from graph.ports import ReadDeliveries, Store, Work, Write
from service.destinations.adapter import MemberUpdate
from tests.builders.audiences import NAME, Activation, ListDestination
from tests.builders.clients import order, seen
from tests.builders.erasing import LIFT_SUPPRESSION, by, erase
from tests.builders.operations import decide, interaction, record, remove_override, set_override, state
from tests.builders.restrictions import lift, restricted
from tests.builders.runs import Run
from tests.builders.stores import Fresh
from tests.builders.strategies import SETTINGS

ANN, BEN = "email=ann@example.com", "email=ben@example.com"
MONDAY, TUESDAY, FRIDAY = "2026-02-02T00:00:00Z", "2026-02-03T00:00:00Z", "2026-02-06T00:00:00Z"


@pytest.fixture
def shop(store: Store, run: Run) -> Activation:
    """Ann and Ben, who agreed to newsletters."""
    shop = Activation(store, run)
    for number, key in enumerate((ANN, BEN)):
        shop.client.link(seen(key, f"crm_id=c-{number}", source="crm"))
        decide(shop.client, key, decision="GIVEN", at=MONDAY)
    return shop


@pytest.fixture
def known(shop: Activation) -> str:
    """The audience of all known customers, which the destination holds."""
    audience = shop.audience(shop.segment("known", known=True))
    shop.settle()
    assert shop.destination.addresses(audience) == {ANN, BEN}
    return audience


def statuses(shop: Activation) -> dict[str, int]:
    (destination,) = shop.run(shop.client.graph.audiences.statuses())
    return {status.value: count for status in DeliveryStatus if (count := destination.count(status))}


def test_a_withdrawn_consent_is_a_removal(shop: Activation, known: str) -> None:
    decide(shop.client, ANN, decision="WITHDRAWN", at=TUESDAY)
    shop.settle()
    assert shop.destination.addresses(known) == {BEN}
    assert statuses(shop) == {}


def test_a_decision_that_arrives_late_and_is_older_changes_nothing(shop: Activation, known: str) -> None:
    # given
    sent = len(shop.destination.updates)
    # when
    decide(shop.client, ANN, decision="WITHDRAWN", at="2026-01-01T00:00:00Z")
    shop.settle()
    # then
    assert shop.destination.addresses(known) == {ANN, BEN}
    assert len(shop.destination.updates) == sent


def test_an_address_that_refuses_emails_is_removed(shop: Activation, known: str) -> None:
    record(shop.client, interaction("email_bounced", ANN, at=TUESDAY))
    shop.settle()
    assert shop.destination.addresses(known) == {BEN}


def test_a_merge_of_two_members_sends_nothing(shop: Activation, known: str) -> None:
    # given
    sent = len(shop.destination.updates)
    # when
    set_override(shop.client, "keepTogether", ANN, BEN, actor="sue")
    shop.settle()
    # then
    assert shop.destination.addresses(known) == {ANN, BEN}
    assert len(shop.destination.updates) == sent


def test_a_restriction_removes_and_lifting_it_adds_again(shop: Activation, known: str) -> None:
    id = restricted(shop.client, ANN)
    shop.settle()
    assert shop.destination.addresses(known) == {BEN}
    lift(shop.client, id)
    shop.settle()
    assert shop.destination.addresses(known) == {ANN, BEN}


def test_an_erasure_owes_the_removal_and_is_acknowledged_by_the_destination(shop: Activation, known: str) -> None:
    # given
    shop.destination.is_down = True
    record_of = erase(shop.client, by=by(ANN))
    shop.evaluate()
    shop.send()
    assert record_of["acknowledgements"] == []
    assert shop.destination.addresses(known) == {ANN, BEN}
    assert statuses(shop) == {"owed": 1}
    # when
    shop.destination.is_down = False
    shop.settle()
    # then
    assert shop.destination.addresses(known) == {BEN}
    assert shop.destination.updates[-1].erased
    stored = shop.run(shop.client.graph.erasures.get(record_of["id"]))
    assert [acknowledgement.service for acknowledgement in stored.acknowledgements] == [NAME]
    assert shop.run(shop.store.deliveries_naming([ANN])) == []


def test_an_address_that_comes_back_is_added_after_the_removal_of_its_erasure(shop: Activation, known: str) -> None:
    # given: Ann is erased and signs up again, while the destination is down
    shop.destination.is_down = True
    record_of = erase(shop.client, by=by(ANN))
    sent = len(shop.destination.updates)
    shop.client.ask(LIFT_SUPPRESSION, {"input": by(ANN)})
    later = "2026-03-01T00:05:00Z"
    shop.client.link(seen(ANN, "crm_id=c-9", at=later, source="crm"))
    decide(shop.client, ANN, decision="GIVEN", at=later)
    shop.evaluate()
    shop.send()
    # when
    shop.destination.is_down = False
    shop.settle()
    # then
    updates = [
        (update.present, update.erased)
        for update in shop.destination.updates[sent:]
        if update.value == "ann@example.com"
    ]
    assert updates == [(False, True), (True, False)]
    assert shop.destination.addresses(known) == {ANN, BEN}
    stored = shop.run(shop.client.graph.erasures.get(record_of["id"]))
    assert [acknowledgement.service for acknowledgement in stored.acknowledgements] == [NAME]


def test_an_erasure_reaches_a_destination_that_the_address_was_removed_from(shop: Activation, known: str) -> None:
    # given: an archived contact, which the destination keeps
    decide(shop.client, ANN, decision="WITHDRAWN", at=TUESDAY)
    shop.settle()
    assert [(update.value, update.erased) for update in shop.destination.updates[-1:]] == [("ann@example.com", False)]
    # when
    record_of = erase(shop.client, by=by(ANN))
    shop.settle()
    # then
    assert [(update.value, update.erased) for update in shop.destination.updates[-1:]] == [("ann@example.com", True)]
    assert shop.run(shop.store.deliveries_naming([ANN])) == []
    stored = shop.run(shop.client.graph.erasures.get(record_of["id"]))
    assert [acknowledgement.service for acknowledgement in stored.acknowledgements] == [NAME]


def test_an_erasure_while_the_address_is_being_removed_is_sent_too(shop: Activation, known: str) -> None:
    # given: the answer to the removal comes after the erasure
    decide(shop.client, ANN, decision="WITHDRAWN", at=TUESDAY)
    shop.evaluate()

    def answer(update: MemberUpdate) -> Outcome:
        assert not update.present
        return Outcome(Status.DONE)

    shop.destination.answer = answer
    ledger = shop.client.graph.ledger
    begun = shop.run(ledger.begin(shop.run(ledger.due(NAME, 10))))
    erase(shop.client, by=by(ANN))
    # when
    shop.run(ledger.finish([Sent(delivery, Outcome(Status.DONE)) for delivery, _ in begun]))
    shop.settle()
    # then
    assert [(update.value, update.erased) for update in shop.destination.updates[-1:]] == [("ann@example.com", True)]


def test_an_erasure_takes_an_address_that_others_share_from_lists_only(shop: Activation, known: str) -> None:
    # given: a destination that deletes an address for good does not take it again
    shop.run(shop.store.write(lambda: shared_delivery(known)))
    # when
    erase(shop.client, by=by(ANN))
    shop.settle()
    # then
    erased = {update.value: update.erased for update in shop.destination.updates if not update.present}
    assert erased == {"ann@example.com": True, "office@example.com": False}


def shared_delivery(audience: str) -> Work[None]:
    """A delivery of an address that was decided for Ann, who does not hold it alone."""
    held: list[HeldDelivery] = yield ReadDeliveries(places=[(audience, ANN)])
    delivery = replace(held[0].delivery, key="email=office@example.com")
    yield Write(Writes(deliveries=[delivery]))


def test_what_was_removed_is_forgotten_with_its_audience(shop: Activation, known: str) -> None:
    # given
    decide(shop.client, ANN, decision="WITHDRAWN", at=TUESDAY)
    shop.settle()
    assert [one.sent for one in shop.run(shop.store.deliveries_naming([ANN]))] == [REMOVED]
    # when
    shop.run(shop.client.graph.audiences.end(known))
    shop.settle()
    shop.settle()
    # then
    assert shop.run(shop.store.deliveries_naming([ANN])) == []
    assert shop.run(shop.client.graph.audiences.all()) == []


def test_an_erased_address_that_was_never_sent_leaves_nothing(shop: Activation, known: str) -> None:
    # given
    shop.destination.is_down = True
    shop.client.link(seen("email=cid@example.com", "crm_id=c-9", source="crm"))
    decide(shop.client, "email=cid@example.com", decision="GIVEN", at=MONDAY)
    shop.evaluate()
    assert statuses(shop) == {"owed": 1}
    # when
    erase(shop.client, by=by("email=cid@example.com"))
    # then
    assert statuses(shop) == {}


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_crash_while_sending_is_followed_by_a_removal_if_one_is_due(
    shop: Activation, known: str, moment: str
) -> None:
    # given: the process ends while it adds Cid, and nobody knows whether the destination has him
    cid = "email=cid@example.com"
    shop.client.link(seen(cid, "crm_id=c-9", source="crm"))
    decide(shop.client, cid, decision="GIVEN", at=MONDAY)
    shop.evaluate()
    shop.destination.cut_off = moment
    shop.destination.is_down = False
    with pytest.raises(asyncio.CancelledError):
        shop.run(shop.sender.step())
    # when
    decide(shop.client, cid, decision="WITHDRAWN", at=TUESDAY)
    shop.settle()
    # then
    assert shop.destination.addresses(known) == {ANN, BEN}
    assert not shop.destination.updates[-1].present


def test_what_was_decided_for_good_is_dead_until_it_is_tried_again(shop: Activation) -> None:
    # given
    shop.destination.answer = lambda update: (
        Outcome(Status.DEAD, "400: forgotten email") if update.value == "ann@example.com" else Outcome(Status.DONE)
    )
    audience = shop.audience(shop.segment("known", known=True))
    shop.settle()
    assert shop.destination.addresses(audience) == {BEN}
    assert statuses(shop) == {"dead": 1}
    dead = shop.run(shop.client.graph.audiences.dead(NAME, None, None, 10))
    assert [(one.key, one.answer) for one in dead.items] == [(ANN, "400: forgotten email")]
    # when
    shop.destination.answer = lambda _: Outcome(Status.DONE)
    assert shop.run(shop.client.graph.audiences.retry_dead(NAME)) == 1
    shop.settle()
    # then
    assert shop.destination.addresses(audience) == {ANN, BEN}


def test_only_what_failed_is_sent_again(shop: Activation) -> None:
    # given: the destination puts Ann off twice
    left = [Outcome(Status.RETRY, "429"), Outcome(Status.RETRY, "429")]
    shop.destination.answer = lambda update: (
        left.pop() if left and update.value == "ann@example.com" else Outcome(Status.DONE)
    )
    # when
    shop.audience(shop.segment("known", known=True))
    shop.settle()
    # then
    assert [update.value for update in shop.destination.updates].count("ann@example.com") == 3
    assert [update.value for update in shop.destination.updates].count("ben@example.com") == 1


def test_what_is_pending_is_asked_about(shop: Activation) -> None:
    # given
    answers = [Outcome(Status.PENDING, reference="request 1"), Outcome(Status.DONE)]
    shop.destination.answer = lambda update: Outcome(Status.PENDING, reference=f"request of {update.value}")
    asked: list[str] = []

    def answer(update: Any) -> Outcome:
        asked.append(update.reference)
        return answers.pop(0) if len(asked) < 3 else Outcome(Status.DONE)

    shop.destination.answer_to_poll = answer
    # when
    shop.audience(shop.segment("known", known=True))
    shop.settle()
    # then
    assert "request of ann@example.com" in asked
    assert statuses(shop) == {}


def test_a_paused_destination_is_owed_what_happens_meanwhile(shop: Activation, known: str) -> None:
    # given
    shop.run(shop.client.graph.audiences.pause(NAME))
    decide(shop.client, ANN, decision="WITHDRAWN", at=TUESDAY)
    shop.evaluate()
    # when
    assert shop.run(shop.sender._round()) > 0
    # then
    assert shop.destination.addresses(known) == {ANN, BEN}
    assert statuses(shop) == {"owed": 1}
    # when
    shop.run(shop.client.graph.audiences.resume(NAME))
    shop.run(shop.sender._round())
    # then
    assert shop.destination.addresses(known) == {BEN}


def test_a_resync_sends_everything_again(shop: Activation, known: str) -> None:
    # given: somebody emptied the list
    shop.destination.held.clear()
    # when
    shop.run(shop.client.graph.audiences.resync(NAME))
    shop.settle()
    # then
    assert shop.destination.addresses(known) == {ANN, BEN}
    (status,) = shop.run(shop.client.graph.audiences.statuses())
    assert not status.resyncing


def test_an_audience_that_ends_empties_the_list_and_is_gone(shop: Activation, known: str) -> None:
    shop.run(shop.client.graph.audiences.end(known))
    shop.settle()
    shop.settle()
    assert shop.destination.held == {}
    assert shop.run(shop.client.graph.audiences.all()) == []


def test_a_list_at_a_destination_belongs_to_one_audience(shop: Activation) -> None:
    # given
    segment = shop.segment("known", known=True)
    first = shop.audience(segment, external_id="list-7")
    # when
    with pytest.raises(InvalidInput, match=f"externalId: audience {first} has the list list-7 of {NAME}"):
        shop.audience(segment, external_id="list-7", channel="EMAIL", ttl_days=9)
    # then
    assert shop.audience(segment, external_id="list-7") == first
    assert shop.audience(segment, external_id="list-8") != first


def test_a_deleted_segment_empties_the_list(shop: Activation, known: str) -> None:
    (segment,) = shop.run(shop.client.graph.segments.all())
    shop.run(shop.client.graph.segments.delete(segment.id, "sue"))
    shop.settle()
    assert shop.destination.held == {}


def test_fields_are_sent_and_sent_again_when_they_change(shop: Activation) -> None:
    # given
    audience = shop.audience(shop.segment("known", known=True), fields={"ORDERS": "order_count"})
    shop.settle()
    assert shop.destination.held[audience, ANN] == {"ORDERS": 0}
    # when
    shop.client.record(order("o-1", ANN, placedAt=MONDAY, reportedAt=MONDAY))
    shop.settle()
    # then
    assert shop.destination.held[audience, ANN] == {"ORDERS": 1}


def test_an_audience_with_an_expiry_is_sent_again_before_it_ends(shop: Activation) -> None:
    # given
    audience = shop.audience(shop.segment("known", known=True), ttl_days=30)
    shop.settle()
    first = {update.value: update.expires_at for update in shop.destination.updates}
    # when
    shop.clock.add(16)
    shop.settle()
    # then
    again = {update.value: update.expires_at for update in shop.destination.updates}
    assert again.keys() == {"ann@example.com", "ben@example.com"}
    assert all(again[name] > first[name] > shop.clock.now() for name in again)
    assert shop.destination.addresses(audience) == {ANN, BEN}


PEOPLE = range(4)
EMAILS = [f"email=p{number}@example.com" for number in range(5)]


def operations() -> st.SearchStrategy[tuple[Any, ...]]:
    person, email = st.sampled_from(PEOPLE), st.sampled_from(EMAILS)
    return st.one_of(
        st.tuples(st.just("link"), person, email),
        st.tuples(st.just("decide"), email, st.sampled_from(["GIVEN", "GIVEN", "WITHDRAWN"])),
        st.tuples(st.just("name"), person, st.sampled_from(["de", "en"])),
        st.tuples(st.just("together"), email, email),
        st.tuples(st.just("apart"), email, email),
        st.tuples(st.just("undo")),
        st.tuples(st.just("bounce"), email),
        st.tuples(st.just("restrict"), email),
        st.tuples(st.just("lift")),
        st.tuples(st.just("erase"), email),
        st.tuples(st.just("audience"), st.booleans()),
        st.tuples(st.just("end")),
        st.tuples(st.just("evaluate")),
        st.tuples(st.just("send")),
        st.tuples(st.just("down"), st.booleans()),
        st.tuples(st.just("cut off"), st.sampled_from(["before", "after"])),
    )


class Story:
    """Carries out operations, in any order that makes sense."""

    def __init__(self, store: Store, run: Run) -> None:
        self.shop = Activation(store, run, ListDestination())
        self.client = self.shop.client
        self.known = self.shop.segment("known", known=True)
        self.german = self.shop.segment("german", attribute={"name": "language", "in": ["de"]})
        self.audiences: dict[str, str] = {}
        self.overrides: list[str] = []
        self.restrictions: list[str] = []
        self.step = 0

    def at(self) -> str:
        return f"2026-02-{1 + self.step // 1440:02}T{self.step // 60 % 24:02}:{self.step % 60:02}:00Z"

    def do(self, operation: tuple[Any, ...]) -> None:
        self.step += 1
        match operation:
            case ("link", person, email):
                self.client.link(seen(f"crm_id=c-{person}", email, source="crm", at=self.at()))
            case ("decide", email, decision):
                decide(self.client, email, decision=decision, at=self.at())
            case ("name", person, language):
                state(self.client, f"crm_id=c-{person}", at=self.at(), language=language)
            case ("together" | "apart" as kind, a, b) if a != b:
                name = "keepTogether" if kind == "together" else "keepApart"
                payload = set_override(self.client, name, a, b, actor="sue")
                if payload["override"]:
                    self.overrides.append(payload["override"]["id"])
            case ("undo",) if self.overrides:
                remove_override(self.client, self.overrides.pop())
            case ("bounce", email):
                record(self.client, interaction("email_bounced", email, at=self.at()))
            case ("restrict", email) if self.client.customer(email) is not None:
                self.restrictions.append(restricted(self.client, email))
            case ("lift",) if self.restrictions:
                lift(self.client, self.restrictions.pop())
            case ("erase", email) if self.client.customer(email) is not None:
                erase(self.client, f"r{self.step}", by=by(email))
            case ("audience", german):
                segment = self.german if german else self.known
                self.audiences[self.shop.audience(segment)] = segment
            case ("end",) if self.audiences:
                id, _ = self.audiences.popitem()
                self.shop.run(self.client.graph.audiences.end(id))
            case ("evaluate",):
                self.shop.evaluate()
            case ("send",):
                self.shop.send()
            case ("down", is_down):
                self.shop.destination.is_down = is_down
            case ("cut off", moment):
                self.shop.destination.cut_off = moment

    def expected(self) -> dict[str, set[str]]:
        """What the destination should hold, as the API shows it."""
        held: dict[str, set[str]] = {id: set() for id in self.audiences}
        for email in EMAILS:
            customer = self.client.customer(
                email,
                """segments { segment { id } }
                contactableAddresses(purpose: "newsletter", channel: EMAIL) { namespace value }""",
            )
            if customer is None:
                continue
            segments = {membership["segment"]["id"] for membership in customer["segments"]}
            addresses = {f"{one['namespace']}={one['value']}" for one in customer["contactableAddresses"]}
            for id, segment in self.audiences.items():
                if segment in segments:
                    held[id] |= addresses
        return held


def check(story: Story, sequence: list[tuple[Any, ...]]) -> None:
    for operation in sequence:
        story.do(operation)
    story.shop.destination.is_down = False
    story.shop.settle()
    story.shop.settle()
    destination = story.shop.destination
    held = {id: destination.addresses(id) for id, _ in destination.held} | {
        id: destination.addresses(id) for id in story.audiences
    }
    assert held == story.expected(), sequence
    assert statuses(story.shop) == {}


@settings(SETTINGS, max_examples=25)
@given(data=st.data())
def test_the_destination_holds_what_it_should_after_any_sequence(data: st.DataObject, fresh: Fresh, run: Run) -> None:
    story = Story(fresh(), run)
    check(story, data.draw(st.lists(operations(), min_size=5, max_size=25)))
