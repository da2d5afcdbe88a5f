"""What Brevo holds after updates, and what becomes of those that it refuses."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from service.destinations.adapter import DONE, Status, Unavailable
from service.destinations.brevo import BrevoAdapter, BrevoSettings
from tests.builders.brevo_server import BUSY, KEY, TOO_EARLY, Brevo
from tests.builders.member_updates import address, by_status, is_each, people, problem, send, statuses, update
from tests.builders.vendor_servers import Received, Reply, every

ANN, PHONE = "ann@example.com", "+4930901820"


@pytest.fixture
def brevo() -> Iterator[Brevo]:
    with Brevo(2, 3) as server:
        yield server


def adapter(server: Brevo, **more: Any) -> BrevoAdapter:
    secret = SecretStr(KEY)
    return BrevoAdapter(BrevoSettings.model_construct(name="b", type="brevo", api_key=secret, url=server.url, **more))


def test_contacts_are_added_with_their_attributes(brevo: Brevo) -> None:
    # when
    outcomes = send(
        adapter(brevo),
        update(ANN, "2", fields={"FIRSTNAME": "Ann", "SIZE": None, "VIP": True}),
        update(PHONE, "2", namespace="phone"),
    )
    # then
    assert outcomes == [DONE, DONE]
    assert brevo.reached(2) == {ANN, PHONE}
    contact = brevo.contact(ANN)
    assert contact is not None
    assert contact.attributes == {"FIRSTNAME": "Ann", "SIZE": "", "VIP": True}


def test_a_removed_contact_leaves_the_list_and_stays_a_contact(brevo: Brevo) -> None:
    # given
    both = [update(ANN, "2"), update(ANN, "3"), update(PHONE, "2", namespace="phone")]
    send(adapter(brevo), *both)
    # when
    left = [update(ANN, "2", present=False), update(PHONE, "2", namespace="phone", present=False)]
    # then
    assert send(adapter(brevo), *left) == [DONE, DONE]
    assert (brevo.reached(2), brevo.reached(3)) == (set(), {ANN})
    assert send(adapter(brevo), *left) == [DONE, DONE]


def test_many_are_removed_by_one_request(brevo: Brevo) -> None:
    # given
    send(adapter(brevo), *people(30, "2"))
    brevo.received.clear()
    # when
    outcomes = send(adapter(brevo), *people(32, "2", present=False))
    # then
    assert outcomes == [DONE] * 32
    assert brevo.reached(2) == set()
    assert len(brevo.received) == 1


def test_one_address_that_brevo_refuses_keeps_no_other_in_the_list(brevo: Brevo) -> None:
    # given
    send(adapter(brevo), *people(20, "2"))
    brevo.refuses = lambda email: email == address(9)
    # when
    updates = people(20, "2", present=False)
    outcomes = send(adapter(brevo), *updates)
    # then
    assert by_status(updates, outcomes)[Status.DEAD] == {address(9)}
    assert brevo.reached(2) == {address(9)}


def test_an_erased_contact_is_deleted(brevo: Brevo) -> None:
    # given
    send(adapter(brevo), update(ANN, "2"), update(PHONE, "2", namespace="phone"))
    # when
    erased = [update(ANN, erased=True), update(PHONE, namespace="phone", erased=True)]
    # then
    assert send(adapter(brevo), *erased) == [DONE, DONE]
    assert brevo.contacts == []
    assert send(adapter(brevo), *erased) == [DONE, DONE]


def test_a_blocklisted_contact_stays_so(brevo: Brevo) -> None:
    # given
    send(adapter(brevo), update(ANN, "2"))
    contact = brevo.contact(ANN)
    assert contact is not None
    contact.blacklisted = True
    # when
    send(adapter(brevo), update(ANN, "2", fields={"FIRSTNAME": "Ann"}))
    # then
    assert brevo.reached(2) == set()


def test_a_list_that_is_gone_has_nobody_left(brevo: Brevo) -> None:
    outcomes = send(adapter(brevo), update(ANN, "9", present=False), update(ANN, "9"))
    assert statuses(outcomes) == ["done", "dead"]


@pytest.mark.parametrize("external_id", ["", "list", "-2"])
def test_an_audience_needs_the_number_of_a_list(brevo: Brevo, external_id: str) -> None:
    assert statuses(send(adapter(brevo), update(ANN, external_id))) == ["dead"]
    assert brevo.received == []


def test_exactly_the_refused_are_dead_and_exactly_the_late_are_retried(brevo: Brevo) -> None:
    # given
    updates = people(50, "2")
    brevo.refuses = lambda email: is_each(7, email)
    brevo.fault = every(5, BUSY)
    # when
    outcomes = send(adapter(brevo, concurrency=1), *updates)
    # then
    found = by_status(updates, outcomes)
    late = {u.value for u in updates if is_each(5, u.value)}
    assert found[Status.RETRY] == late
    assert {o.retry_after for o in outcomes if o.status is Status.RETRY} == {7}
    assert found[Status.DEAD] == {u.value for u in updates if is_each(7, u.value)} - late
    assert found[Status.DONE] == brevo.reached(2)
    assert not any("example.com" in outcome.message for outcome in outcomes)


def test_removals_come_first_and_do_not_wait_for_additions(brevo: Brevo) -> None:
    # given
    send(adapter(brevo), update(ANN, "2"))

    def refuses_additions(request: Received) -> Reply | None:
        return TOO_EARLY if request.path == "/contacts" else None

    brevo.fault = refuses_additions
    # when
    outcomes = send(adapter(brevo), update("bob@example.com", "2"), update(ANN, "2", present=False))
    # then
    assert statuses(outcomes) == ["retry", "done"]
    assert brevo.reached(2) == set()


@pytest.mark.parametrize(("reply", "login"), [(BUSY, False), (Reply(500), False), (None, True)])
def test_brevo_takes_nothing_now(brevo: Brevo, reply: Reply | None, login: bool) -> None:
    # given
    brevo.fault = lambda request: reply
    brevo.key = KEY if reply else "another-key"
    # when
    with pytest.raises(Unavailable) as caught:
        send(adapter(brevo), *people(3, "2"), *people(2, "3", present=False))
    # then
    assert caught.value.login is login


def test_the_key_is_checked_without_sending(brevo: Brevo) -> None:
    # when
    found = problem(adapter(brevo))
    brevo.key = "another"
    # then
    assert found == ""
    assert "Key not found" in problem(adapter(brevo))
    assert {request.path for request in brevo.received} == {"/account"}
