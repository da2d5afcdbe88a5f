"""Custom audiences at Meta, a fake of which keeps rows as Meta does."""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from service.destinations.adapter import MemberUpdate, Status, Unavailable
from service.destinations.customer_match import sha256
from tests.builders.ad_platforms import BUYERS, VISITORS, MetaAudiences, meta_error, update
from tests.builders.runs import Run
from tests.builders.senders import Sender, statuses
from tests.builders.vendor_libraries import library
from tests.builders.vendor_servers import Reply, every

DEVICE = "38400000-8cf0-11bd-b23e-10b96e40000d"
FIELDS = {"FN": "Ann", "COUNTRY": "DE"}

Open = Callable[..., Sender]


@pytest.fixture
def meta() -> Iterator[MetaAudiences]:
    with MetaAudiences() as server:
        yield server


@pytest.fixture
def opened(meta: MetaAudiences, run: Run) -> Iterator[Open]:
    """Opens destinations that send to the fake."""
    senders: list[Sender] = []

    def open(**settings: Any) -> Sender:
        secrets = {"META_TOKEN": meta.token, "META_APP": "app-secret"}
        given = {"access_token": "env:META_TOKEN", "url": meta.url, **settings}
        senders.append(Sender(run, "meta-custom-audiences", secrets=secrets, **given))
        return senders[-1]

    yield open
    for sender in senders:
        sender.close()


@pytest.fixture
def sender(opened: Open) -> Sender:
    return opened()


def test_members_are_added_and_removed(meta: MetaAudiences, sender: Sender) -> None:
    # when
    added = sender.send(
        update("Ann.Lee+x@Gmail.com"),
        update("+4930901820", namespace="phone"),
        update(sha256("bob@example.com"), namespace="hashed_email"),
    )
    # then
    ids = [sha256("ann.lee+x@gmail.com"), sha256("4930901820"), sha256("bob@example.com")]
    assert statuses(added) == [Status.DONE] * 3
    assert [outcome.reference for outcome in added] == ids
    assert meta.held() == set(ids)
    # when
    (removed,) = sender.send(update("Ann.Lee+x@Gmail.com", present=False, reference=ids[0]))
    # then
    assert (removed.status, removed.reference) == (Status.DONE, "")
    assert meta.held() == set(ids[1:])


def test_a_repeated_update_changes_nothing(meta: MetaAudiences, sender: Sender) -> None:
    # when
    for _ in range(2):
        sender.send(update("ann@example.com", fields=FIELDS))
    # then
    assert len(meta.rows[BUYERS.external_id]) == 1
    # when
    for _ in range(2):
        assert statuses(sender.send(update("ann@example.com", present=False))) == [Status.DONE]
    # then
    assert meta.held() == set()


def test_a_row_has_the_hashed_fields_and_an_id_to_remove_it_by(meta: MetaAudiences, sender: Sender) -> None:
    # when
    sender.send(update("ann@example.com", fields={**FIELDS, "CT": ""}), update("+4930901820", namespace="phone"))
    # then
    assert meta.payloads == [
        {
            "schema": ["EXTERN_ID", "EMAIL", "PHONE", "FN", "COUNTRY"],
            "is_raw": True,
            "data": [
                [sha256("ann@example.com"), sha256("ann@example.com"), "", sha256("ann"), sha256("de")],
                [sha256("4930901820"), "", sha256("4930901820"), "", ""],
            ],
        }
    ]
    assert library("read_requests", [{"kind": "meta", "body": meta.payloads[0]}]) == meta.payloads


def test_metas_client_and_ours_leave_the_same_rows(meta: MetaAudiences, sender: Sender) -> None:
    """The client is the measure of the fake: it finds its addresses, and sends what ours sends."""
    # given
    id = sha256("ann@example.com")
    what = {"vendor": "meta", "url": meta.url, "token": meta.token, "audience": "1001"}
    rows = {"schema": ["EXTERN_ID", "EMAIL", "FN", "COUNTRY"], "rows": [[id, " Ann@Example.com ", "Ann", "DE"]]}
    # when
    library("send", [{**what, **rows, "remove": False}])
    theirs = dict(meta.rows[BUYERS.external_id])
    sender.send(update("ann@example.com", fields=FIELDS))
    # then
    assert meta.rows[BUYERS.external_id] == theirs
    assert meta.payloads[0] == meta.payloads[1]
    assert meta.received[0].path == meta.received[1].path
    # when
    library("send", [{**what, "schema": ["EXTERN_ID", "EMAIL"], "rows": [[id, "ann@example.com"]], "remove": True}])
    sender.send(update("ann@example.com", present=False))
    # then
    assert meta.held() == set()
    assert meta.payloads[2] == meta.payloads[3]
    assert [request.method for request in meta.received] == ["POST", "POST", "DELETE", "DELETE"]


def test_nothing_personal_leaves_without_being_hashed(meta: MetaAudiences, sender: Sender) -> None:
    # when
    fields = {"FN": "Ann", "LN": "Lee", "ZIP": "10115", "DOB": "1990-05-07"}
    sender.send(update("ann@example.com", fields=fields), update("+4930901820", namespace="phone"))
    # then
    body = meta.received[0].body.decode().lower()
    for value in ("ann", "lee", "10115", "1990", "30901820", "example.com", "customer-1"):
        assert value not in body


def test_an_advertising_id_is_sent_as_it_is(meta: MetaAudiences, opened: Open) -> None:
    # when
    opened(namespaces={"device": "advertising_id"}).send(update(DEVICE.upper(), namespace="device"))
    # then
    assert meta.payloads[0]["schema"] == ["EXTERN_ID", "MADID"]
    assert meta.payloads[0]["data"] == [[sha256(DEVICE), DEVICE]]


def test_members_may_be_marked_for_limited_data_use(meta: MetaAudiences, opened: Open) -> None:
    # when
    opened(limited_data_use=True).send(update("ann@example.com"))
    # then
    assert meta.payloads[0]["schema"] == ["EXTERN_ID", "EMAIL", "DATA_PROCESSING_OPTIONS"]
    assert meta.payloads[0]["data"][0][2] == ["LDU"]


def test_a_proof_of_the_app_goes_with_each_request(meta: MetaAudiences, opened: Open) -> None:
    # when
    opened(app_secret="env:META_APP", api_version="v26.0").send(update("ann@example.com"))
    # then
    (request,) = meta.received
    assert request.path == "/v26.0/1001/users"
    proof = hmac.new(b"app-secret", meta.token.encode(), hashlib.sha256).hexdigest()
    assert request.form["appsecret_proof"] == proof


def test_each_audience_has_requests_of_its_own_and_removals_come_first(meta: MetaAudiences, sender: Sender) -> None:
    # when
    sender.send(
        update("ann@example.com"),
        update("ann@example.com", audience=VISITORS),
        update("bob@example.com", present=False),
        update("eve@example.com"),
    )
    # then
    sent = [(request.method, request.path) for request in meta.received]
    assert sent == [("DELETE", "/v25.0/1001/users"), ("POST", "/v25.0/1001/users"), ("POST", "/v25.0/1002/users")]


def test_an_erased_person_is_removed_from_all_audiences_of_the_account(
    meta: MetaAudiences, sender: Sender, opened: Open
) -> None:
    # given
    sender.send(update("ann@example.com"), update("ann@example.com", audience=VISITORS), update("bob@example.com"))
    # when
    erased = update("ann@example.com", present=False, erased=True)
    (outcome,) = opened(ad_account="77").send(erased)
    # then
    assert outcome.status is Status.DONE
    assert (meta.held(), meta.held(VISITORS)) == ({sha256("bob@example.com")}, set())
    # when the account is not known, the audience is what Kith knows
    sender.send(update("bob@example.com", present=False, erased=True))
    # then
    assert meta.held() == set()


def test_a_member_whose_value_is_gone_is_removed_by_its_reference(meta: MetaAudiences, sender: Sender) -> None:
    # given
    (held,) = sender.send(update("ann@example.com"))
    # when
    (outcome,) = sender.send(update("", present=False, reference=held.reference))
    # then
    assert outcome.status is Status.DONE
    assert meta.held() == set()
    # when nothing was ever sent
    assert statuses(sender.send(update("", present=False))) == [Status.DONE]


def test_invalid_entries_that_meta_names_are_dead(meta: MetaAudiences, sender: Sender) -> None:
    # given every seventh is invalid
    people = [update(f"p{number}@example.com") for number in range(1, 22)]
    meta.invalid = {sha256(person.value) for person in people[6::7]}
    # when
    outcomes = sender.send(*people)
    # then
    assert statuses(outcomes) == [Status.DEAD if number % 7 == 0 else Status.DONE for number in range(1, 22)]
    assert outcomes[6].message == "an invalid entry"
    assert meta.held() == {sha256(person.value) for person in people} - meta.invalid


def test_invalid_entries_that_meta_does_not_name_are_told(meta: MetaAudiences, sender: Sender) -> None:
    # given
    meta.invalid, meta.samples = {sha256("a@example.com"), sha256("b@example.com")}, 1
    # when
    outcomes = sender.send(*(update(f"{name}@example.com") for name in "abc"))
    # then
    assert statuses(outcomes) == [Status.DEAD, Status.DONE, Status.DONE]
    assert outcomes[1].message == "2 of 3 entries of its request were invalid; Meta does not name all of them"
    # when all are invalid, no sample is needed
    meta.samples = 0
    assert statuses(sender.send(update("a@example.com"))) == [Status.DEAD]


def test_a_field_that_an_invalid_entry_shares_with_others_does_not_make_them_dead(
    meta: MetaAudiences, sender: Sender
) -> None:
    # given
    meta.invalid = {sha256("a@example.com")}
    # when
    outcomes = sender.send(*(update(f"{name}@example.com", fields=FIELDS) for name in "ab"))
    # then
    assert statuses(outcomes) == [Status.DEAD, Status.DONE]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (update("no-at"), "email is not an email address"),
        (update("C-1", namespace="crm_id"), "crm_id is not in the `namespaces` of the destination"),
        (
            update("ann@example.com", audience=msgspec.structs.replace(BUYERS, external_id="x")),
            "the external id 'x' is not the number of the custom audience at Meta",
        ),
        (
            update("ann@example.com", fields={"name": "Ann"}),
            "'name' is not a field that Meta matches; these are "
            "FN, LN, FI, CT, ST, ZIP, COUNTRY, GEN, DOBY, DOBM, DOBD, DOB",
        ),
    ],
)
def test_what_meta_would_not_take_is_dead_and_the_others_are_sent(
    sender: Sender, wrong: MemberUpdate, message: str
) -> None:
    # when
    outcomes = sender.send(wrong, update("bob@example.com"))
    # then
    assert statuses(outcomes) == [Status.DEAD, Status.DONE]
    assert outcomes[0].message == message


@pytest.mark.parametrize(
    ("answer", "login", "wait", "message"),
    [
        (meta_error(17, "User request limit reached"), False, None, "400, error 17: User request limit reached"),
        (
            meta_error(
                80003,
                "There have been too many calls",
                x_business_use_case_usage=json.dumps(
                    {"77": [{"type": "custom_audience", "estimated_time_to_regain_access": 5}]}
                ),
            ),
            False,
            300,
            "400, error 80003: There have been too many calls",
        ),
        (meta_error(4, "Application request limit reached", status=403), False, None, "403, error 4"),
        (meta_error(2, "Service temporarily unavailable"), False, None, "400, error 2"),
        (meta_error(190, "The session has expired", 463), True, None, "400, error 190/463: The session has expired"),
        (Reply(401, b"no"), True, None, "401 Unauthorized"),
        (Reply(502, b"<html>"), False, None, "502 Bad Gateway"),
    ],
)
def test_a_meta_that_takes_nothing_now_is_unavailable(
    meta: MetaAudiences, sender: Sender, answer: Reply, login: bool, wait: float | None, message: str
) -> None:
    # given
    meta.replies = [answer]
    # when
    with pytest.raises(Unavailable) as raised:
        sender.send(update("ann@example.com"))
    # then
    assert (raised.value.login, raised.value.retry_after) == (login, wait)
    assert raised.value.message.startswith(message)
    # when it takes requests again
    assert statuses(sender.send(update("ann@example.com"))) == [Status.DONE]


def test_a_busy_meta_gets_every_member_in_the_end(meta: MetaAudiences, sender: Sender) -> None:
    # given
    meta.fault = every(5, meta_error(17, "User request limit reached"))
    # when
    for number in range(12):
        try:
            sender.send(update(f"p{number}@example.com"))
        except Unavailable:
            sender.send(update(f"p{number}@example.com"))
    # then
    assert meta.held() == {sha256(f"p{number}@example.com") for number in range(12)}


def test_an_audience_that_does_not_exist_is_a_refusal_that_keeps_what_is_known(
    meta: MetaAudiences, sender: Sender
) -> None:
    # given
    meta.replies = [meta_error(100, "Object with ID '1001' does not exist", 33)]
    # when
    (outcome,) = sender.send(update("ann@example.com", reference="abc"))
    # then
    assert (outcome.status, outcome.reference) == (Status.DEAD, "abc")
    assert outcome.message == "400, error 100/33: Object with ID '1001' does not exist"


@pytest.mark.parametrize(
    "error",
    [meta_error(100, "Invalid parameter", 1713230), meta_error(200, "Permissions error", status=403)],
    ids=["blocked", "forbidden"],
)
def test_an_audience_that_meta_does_not_let_change_waits_and_others_do_not(
    meta: MetaAudiences, sender: Sender, error: Reply
) -> None:
    # given
    meta.replies = [error]
    # when
    outcomes = sender.send(update("ann@example.com"), update("ann@example.com", audience=VISITORS))
    # then
    assert statuses(outcomes) == [Status.RETRY, Status.DONE]
    assert outcomes[0].retry_after == 3600


def test_nothing_of_meta_is_pending(sender: Sender) -> None:
    assert statuses(sender.poll(update("ann@example.com"))) == [Status.RETRY]


def test_settings_do_not_show_the_token(sender: Sender, meta: MetaAudiences) -> None:
    assert meta.token not in repr(sender.settings)
