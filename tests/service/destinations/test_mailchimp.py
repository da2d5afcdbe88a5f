"""What Mailchimp holds after updates, and what becomes of those that it refuses."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from service.config.destinations_file import Context
from service.destinations.adapter import DONE, Outcome, Status, Unavailable
from service.destinations.mailchimp import MailchimpAdapter, MailchimpSettings
from tests.builders.mailchimp_server import BUSY, KEY, LIST, THROTTLED, Mailchimp
from tests.builders.member_updates import by_status, is_each, people, problem, send, statuses, update
from tests.builders.vendor_servers import Reply, every

ANN = "ann@example.com"
TAGGED = f"{LIST}/VIP"


@pytest.fixture
def mailchimp() -> Iterator[Mailchimp]:
    with Mailchimp() as server:
        yield server


def adapter(server: Mailchimp, **more: Any) -> MailchimpAdapter:
    return MailchimpAdapter(settings(url=server.url, **more))


def settings(key: str = KEY, **more: Any) -> MailchimpSettings:
    return MailchimpSettings.model_construct(name="m", type="mailchimp", api_key=SecretStr(key), **more)


def test_a_member_is_added_with_its_fields(mailchimp: Mailchimp) -> None:
    # when
    outcomes = send(adapter(mailchimp), update(ANN, LIST, fields={"FNAME": "Ann", "VIP": True, "SIZE": None}))
    # then
    assert outcomes == [DONE]
    assert mailchimp.subscribed() == {ANN}
    member = mailchimp.member(ANN)
    assert member is not None
    assert member.merge_fields == {"FNAME": "Ann", "VIP": "true", "SIZE": ""}


def test_only_the_given_fields_are_changed(mailchimp: Mailchimp) -> None:
    # given
    send(adapter(mailchimp), update(ANN, LIST, fields={"FNAME": "Ann", "LNAME": "Lee"}))
    # when
    send(adapter(mailchimp), update(ANN, LIST, fields={"LNAME": "May"}))
    # then
    member = mailchimp.member(ANN)
    assert member is not None
    assert member.merge_fields == {"FNAME": "Ann", "LNAME": "May"}


def test_a_tag_that_a_member_has_is_not_sent_again(mailchimp: Mailchimp) -> None:
    # given
    send(adapter(mailchimp), update(ANN, TAGGED))
    mailchimp.received.clear()
    # when
    send(adapter(mailchimp), update(ANN, TAGGED, fields={"FNAME": "Ann"}))
    # then
    assert [request.method for request in mailchimp.received] == ["PUT"]
    assert mailchimp.subscribed(tag="VIP") == {ANN}


def test_a_removed_member_is_archived_and_can_come_back(mailchimp: Mailchimp) -> None:
    # given
    send(adapter(mailchimp), update(ANN, LIST))
    # when
    gone = [send(adapter(mailchimp), update(ANN, LIST, present=False)) for _ in range(2)]
    # then
    assert gone == [[DONE], [DONE]]
    assert mailchimp.subscribed() == set()
    # when
    send(adapter(mailchimp), update(ANN, LIST))
    # then
    assert mailchimp.subscribed() == {ANN}


def test_a_removed_member_of_a_tag_stays_in_the_list(mailchimp: Mailchimp) -> None:
    # given
    send(adapter(mailchimp), update(ANN, TAGGED), update(ANN, f"{LIST}/Camping & Sea"))
    assert mailchimp.subscribed(tag="VIP") == mailchimp.subscribed(tag="Camping & Sea") == {ANN}
    # when
    send(adapter(mailchimp), update(ANN, TAGGED, present=False))
    # then
    assert mailchimp.subscribed(tag="VIP") == set()
    assert mailchimp.subscribed(tag="Camping & Sea") == {ANN}


def test_an_unknown_member_is_gone_already(mailchimp: Mailchimp) -> None:
    unknown = [update(ANN, LIST, present=False), update(ANN, TAGGED, present=False), update(ANN, LIST, erased=True)]
    assert send(adapter(mailchimp), *unknown) == [DONE] * 3


def test_an_erased_member_is_deleted_for_good(mailchimp: Mailchimp) -> None:
    # given
    send(adapter(mailchimp), update(ANN, LIST, fields={"FNAME": "Ann"}))
    # when
    assert send(adapter(mailchimp), update(ANN, LIST, erased=True)) == [DONE]
    # then
    assert mailchimp.member(ANN) is None
    # when
    (outcome,) = send(adapter(mailchimp), update(ANN, LIST))
    # then
    assert outcome.status is Status.DEAD
    assert outcome.message.startswith("400 Forgotten Email Not Subscribed; … was permanently deleted")


def test_a_member_who_unsubscribed_at_mailchimp_stays_unsubscribed(mailchimp: Mailchimp) -> None:
    # given
    send(adapter(mailchimp), update(ANN, LIST))
    mailchimp.unsubscribe(ANN)
    # when
    (outcome,) = send(adapter(mailchimp), update(ANN, LIST))
    # then
    assert outcome == Outcome(Status.DEAD, "the member is unsubscribed at Mailchimp, and stays so")
    # when
    send(adapter(mailchimp), update(ANN, LIST, present=False))
    (outcome,) = send(adapter(mailchimp), update(ANN, LIST))
    # then
    assert mailchimp.subscribed() == set()
    assert outcome.status is Status.DEAD
    assert outcome.message.startswith("400 Member In Compliance State; … is in a compliance state")


def test_new_members_can_be_asked_to_confirm(mailchimp: Mailchimp) -> None:
    # when
    send(adapter(mailchimp, status_if_new="pending"), update(ANN, LIST))
    # then
    member = mailchimp.member(ANN)
    assert member is not None
    assert member.status == "pending"


def test_the_fields_that_are_wrong_are_named(mailchimp: Mailchimp) -> None:
    # given
    detail = "Your merge fields were invalid."
    errors = [{"field": "BIRTHDAY", "message": "Please enter a month (01-12) and a day (01-31)."}]
    wrong = {"title": "Invalid Resource", "status": 400, "detail": detail, "errors": errors}
    mailchimp.replies.append(Reply(400, wrong, {"Content-Type": "application/problem+json"}))
    # when
    (outcome,) = send(adapter(mailchimp), update(ANN, LIST, fields={"BIRTHDAY": "today"}))
    # then
    assert outcome.status is Status.DEAD
    assert outcome.message.endswith("BIRTHDAY: Please enter a month (01-12) and a day (01-31).")


def test_exactly_the_refused_are_dead_and_exactly_the_late_are_retried(mailchimp: Mailchimp) -> None:
    # given
    updates = people(50, LIST)
    mailchimp.refuses = lambda email: is_each(7, email)
    mailchimp.fault = every(5, BUSY)
    # when
    outcomes = send(adapter(mailchimp, concurrency=1), *updates)
    # then
    found = by_status(updates, outcomes)
    late = {u.value for u in updates if is_each(5, u.value)}
    assert found[Status.RETRY] == late
    assert found[Status.DEAD] == {u.value for u in updates if is_each(7, u.value)} - late
    assert found[Status.DONE] == mailchimp.subscribed()
    # when
    mailchimp.fault = lambda request: None
    again = [u for u in updates if u.value in late]
    send(adapter(mailchimp), *again)
    # then
    assert mailchimp.subscribed() == {u.value for u in updates if not is_each(7, u.value)}


@pytest.mark.parametrize(
    ("reply", "login"),
    [(BUSY, False), (Reply(503), False), (THROTTLED, False), (None, True)],
    ids=["busy", "503", "throttled", "login"],
)
def test_mailchimp_takes_nothing_now(mailchimp: Mailchimp, reply: Reply | None, login: bool) -> None:
    # given
    mailchimp.fault = lambda request: reply
    mailchimp.key = KEY if reply else "another-key-us21"
    # when
    with pytest.raises(Unavailable) as caught:
        send(adapter(mailchimp), *people(3, LIST))
    # then
    assert caught.value.login is login
    assert KEY not in caught.value.message


def test_a_slow_mailchimp_takes_nothing_now(mailchimp: Mailchimp) -> None:
    # given
    mailchimp.hold()
    # when, then
    with pytest.raises(Unavailable, match=r"no answer from 127\.0\.0\.1"):
        send(adapter(mailchimp, timeout_seconds=0.1), update(ANN, LIST))
    mailchimp.release()


@pytest.mark.parametrize("external_id", ["", "/VIP", "unknown"])
def test_an_audience_needs_a_list(mailchimp: Mailchimp, external_id: str) -> None:
    assert statuses(send(adapter(mailchimp), update(ANN, external_id))) == ["dead"]


def test_the_data_center_is_the_end_of_the_key() -> None:
    assert settings("0123456789-us7").base_url == "https://us7.api.mailchimp.com/3.0"
    assert settings("0123456789", server="us8").base_url == "https://us8.api.mailchimp.com/3.0"


def test_a_key_without_a_data_center_needs_one() -> None:
    with pytest.raises(ValidationError, match="server is missing"):
        MailchimpSettings.model_validate(
            {"name": "m", "type": "mailchimp", "api_key": "env:K"}, context=Context(Path(), {"K": "0123456789"})
        )


def test_the_key_is_checked_without_sending(mailchimp: Mailchimp) -> None:
    # when
    found = problem(adapter(mailchimp))
    mailchimp.key = "another-us21"
    # then
    assert found == ""
    assert "Your API key may be invalid" in problem(adapter(mailchimp))
    assert {request.path for request in mailchimp.received} == {"/ping"}


def test_an_address_without_the_version_of_the_api_is_found(mailchimp: Mailchimp) -> None:
    assert problem(MailchimpAdapter(settings(url=f"{mailchimp.url}/2.0"))).startswith("404")
