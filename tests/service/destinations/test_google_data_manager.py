"""Audiences at Google's Data Manager API, a fake of which keeps members as Google does."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from graph.domain.model.errors import InvalidInput
from service.destinations.adapter import CheckedAdapter, MemberUpdate, Status, Unavailable
from service.destinations.customer_match import google_address, google_email, google_phone, sha256
from tests.builders.ad_platforms import BUYERS, VISITORS, GoogleDataManager, update
from tests.builders.runs import Run
from tests.builders.senders import Sender, statuses
from tests.builders.vendor_libraries import library
from tests.builders.vendor_servers import Reply, every

ADDRESS = {"givenName": "Ann", "familyName": "Lee", "regionCode": "DE", "postalCode": "10115"}
MOVED = {**ADDRESS, "postalCode": "20095"}
DEVICE = "38400000-8cf0-11bd-b23e-10b96e40000d"

Open = Callable[..., Sender]


@pytest.fixture
def google() -> Iterator[GoogleDataManager]:
    with GoogleDataManager() as server:
        yield server


@pytest.fixture
def opened(google: GoogleDataManager, tmp_path: Path, run: Run) -> Iterator[Open]:
    """Opens destinations that send to the fake."""
    senders: list[Sender] = []

    def open(**settings: Any) -> Sender:
        credentials = f"file:{google.key_file(tmp_path).name}"
        given = {"credentials": credentials, "operating_account": "1234567890", "url": google.url}
        given |= {"customer_match_terms_accepted": True}
        senders.append(Sender(run, "google-data-manager", tmp_path, **{**given, **settings}))
        return senders[-1]

    yield open
    for sender in senders:
        sender.close()


@pytest.fixture
def sender(opened: Open) -> Sender:
    return opened()


def email(value: str) -> str:
    return sha256(google_email(value))


def test_members_are_added_and_removed(google: GoogleDataManager, sender: Sender) -> None:
    # when
    added = sender.settle(update("ann@example.com"), update("+4930901820", namespace="phone"))
    # then
    assert statuses(added) == [Status.DONE, Status.DONE]
    assert google.held() == {email("ann@example.com"), sha256(google_phone("+4930901820"))}
    # when
    removed = sender.settle(update("ann@example.com", present=False))
    # then
    assert statuses(removed) == [Status.DONE]
    assert removed[0].reference == ""
    assert google.held() == {sha256(google_phone("+4930901820"))}


def test_what_google_has_taken_is_pending_until_it_is_processed(google: GoogleDataManager, sender: Sender) -> None:
    # given
    ann = update("ann@example.com")
    # when
    (sent,) = sender.send(ann)
    (asked,) = sender.poll(ann)
    # then
    assert sent.status is asked.status is Status.PENDING
    assert (sent.reference, sent.retry_after) == (asked.reference, asked.retry_after)
    assert sent.retry_after == 1800
    assert google.held() == set()
    # when
    (done,) = sender.poll(ann)
    # then
    assert done.status is Status.DONE
    assert google.held() == {email("ann@example.com")}


def test_a_reference_has_no_personal_value(sender: Sender) -> None:
    # when
    outcomes = sender.settle(update("ann@example.com", fields=ADDRESS))
    # then
    assert "ann" not in outcomes[0].reference.lower()
    assert "lee" not in outcomes[0].reference.lower()
    assert json.loads(outcomes[0].reference)["id"] == email("ann@example.com")


def test_a_request_is_what_googles_library_reads(google: GoogleDataManager, opened: Open) -> None:
    # given
    sender = opened(login_account="42", namespaces={"email": "email", "device": "advertising_id"})
    # when
    sender.send(update("ann@example.com", fields=ADDRESS), update(DEVICE, namespace="device"))
    sender.send(update("ann@example.com", present=False))
    # then
    kinds = [operation for operation, _ in google.bodies]
    assert kinds == ["ingest", "ingest", "remove"]
    read = library("read_requests", [{"kind": kind, "body": body} for kind, body in google.bodies])
    assert read == [body for _, body in google.bodies]
    assert read[0] == {
        "destinations": [
            {
                "operatingAccount": {"accountType": "GOOGLE_ADS", "accountId": "1234567890"},
                "loginAccount": {"accountType": "GOOGLE_ADS", "accountId": "42"},
                "productDestinationId": "1001",
            }
        ],
        "audienceMembers": [
            {
                "userData": {
                    "userIdentifiers": [
                        {"emailAddress": email("ann@example.com")},
                        {
                            "address": {
                                "givenName": sha256("ann"),
                                "familyName": sha256("lee"),
                                "regionCode": "DE",
                                "postalCode": "10115",
                            }
                        },
                    ]
                }
            }
        ],
        "consent": {"adUserData": "CONSENT_GRANTED", "adPersonalization": "CONSENT_GRANTED"},
        "encoding": "HEX",
        "termsOfService": {"customerMatchTermsOfServiceStatus": "ACCEPTED"},
    }
    assert read[1]["audienceMembers"] == [{"mobileData": {"mobileIds": [DEVICE]}}]


def test_googles_client_and_ours_leave_the_same_members(
    google: GoogleDataManager, sender: Sender, tmp_path: Path
) -> None:
    """The client is the measure of the fake: it finds its addresses, logs in, and sends what ours sends."""
    # given
    google.rounds = 0
    emails = ["Ann.Lee+x@Gmail.com", "ben@example.com"]
    what = {"key_file": str(google.key_file(tmp_path)), "account": "1234567890", "audience": "1001", "emails": emails}
    # when
    requests = library("send", [{"vendor": "google", "url": google.url, "remove": False, **what}])
    google._status(requests[0])
    theirs = google.held()
    sender.settle(*(update(mail) for mail in emails))
    # then
    assert google.held() == theirs == {email("annlee@gmail.com"), email("ben@example.com")}
    read = library("read_requests", [{"kind": kind, "body": body} for kind, body in google.bodies])
    assert read[0] == read[1]
    # when
    (request,) = library("send", [{"vendor": "google", "url": google.url, "remove": True, **what}])
    google._status(request)
    # then
    assert google.held() == set()


def test_answers_of_the_fake_are_what_googles_library_reads(google: GoogleDataManager, sender: Sender) -> None:
    # given a status that has failed records
    google.rounds = 0
    google.is_failing = lambda member: email("bob@example.com") in member
    sender.send(update("ann@example.com"), update("bob@example.com"))
    body = google._status("request-1").body
    # then
    (read,) = library("read_requests", [{"kind": "status", "body": body}])
    assert read == body
    assert read["requestStatusPerDestination"][0]["requestStatus"] == "PARTIAL_SUCCESS"


@pytest.mark.parametrize(
    ("settings", "purpose", "consent"),
    [
        ({}, "newsletter", {"adUserData": "CONSENT_GRANTED", "adPersonalization": "CONSENT_GRANTED"}),
        (
            {"ad_user_data_purposes": ["measurement", "advertising"], "ad_personalization_purposes": ["advertising"]},
            "measurement",
            {"adUserData": "CONSENT_GRANTED", "adPersonalization": "CONSENT_DENIED"},
        ),
        ({}, None, {}),
    ],
)
def test_consent_follows_from_the_purpose_of_the_audience(
    google: GoogleDataManager, opened: Open, settings: dict[str, Any], purpose: str | None, consent: dict[str, str]
) -> None:
    # when
    audience = msgspec.structs.replace(BUYERS, purpose=purpose or "service", is_consented=purpose is not None)
    opened(**settings).send(update("ann@example.com", audience=audience))
    # then
    assert google.bodies[0][1]["consent"] == consent


def test_a_member_is_removed_by_each_address_that_was_sent(google: GoogleDataManager, sender: Sender) -> None:
    # given a member who moved, whom Google may have found by any address
    sender.settle(update("ann@example.com", fields=ADDRESS))
    sender.settle(update("ann@example.com", fields=MOVED))
    # when
    sender.send(update("ann@example.com", present=False, fields={}))
    # then
    (_, body) = google.bodies[-1]
    identifiers = body["audienceMembers"][0]["userData"]["userIdentifiers"]
    assert identifiers == [
        {"emailAddress": email("ann@example.com")},
        {"address": google_address(ADDRESS)},
        {"address": google_address(MOVED)},
    ]


def test_a_member_whose_value_is_gone_is_removed_by_its_reference(google: GoogleDataManager, sender: Sender) -> None:
    # given
    (held,) = sender.settle(update("ann@example.com"))
    # when
    sender.references[BUYERS.id, "email", ""] = held.reference
    (outcome,) = sender.settle(update("", present=False, erased=True))
    # then
    assert outcome.status is Status.DONE
    assert google.held() == set()


def test_the_removal_of_what_was_never_sent_is_done(google: GoogleDataManager, sender: Sender) -> None:
    # when
    outcomes = sender.send(update("not an address", present=False))
    # then
    assert statuses(outcomes) == [Status.DONE]
    assert google.received == []


def test_each_audience_has_requests_of_its_own_and_removals_come_first(
    google: GoogleDataManager, sender: Sender
) -> None:
    # when
    outcomes = sender.send(
        update("ann@example.com"),
        update("bob@example.com", present=False),
        update("ann@example.com", audience=VISITORS),
        update("eve@example.com"),
    )
    # then
    assert statuses(outcomes) == [Status.PENDING] * 4
    sent = [
        (operation, body["destinations"][0]["productDestinationId"], len(body["audienceMembers"]))
        for operation, body in google.bodies
    ]
    assert sent == [("remove", "1001", 1), ("ingest", "1001", 2), ("ingest", "1002", 1)]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (update("no-at"), "email is not an email address"),
        (update("030 901820", namespace="phone"), "phone is not a phone number in the form E.164, such as +4930901820"),
        (update("C-1", namespace="crm_id"), "crm_id is not in the `namespaces` of the destination"),
        (
            update("ann@example.com", audience=msgspec.structs.replace(BUYERS, external_id="")),
            "the audience has no external id: the number of the audience at Google",
        ),
        (
            update("ann@example.com", fields={"FN": "Ann"}),
            "'FN' is not a field that Google matches; these are givenName, familyName, regionCode, postalCode",
        ),
    ],
)
def test_what_google_would_not_take_is_dead_and_the_others_are_sent(
    google: GoogleDataManager, sender: Sender, wrong: MemberUpdate, message: str
) -> None:
    # when
    outcomes = sender.send(wrong, update("bob@example.com"))
    # then
    assert statuses(outcomes) == [Status.DEAD, Status.PENDING]
    assert outcomes[0].message == message
    assert len(google.bodies) == 1


def test_a_request_with_invalid_members_is_sent_again_without_them(google: GoogleDataManager, sender: Sender) -> None:
    """Google takes a request as a whole or not at all, and names the fields that are wrong."""
    # given
    people = [update(f"p{number}@example.com") for number in range(1, 15)]
    google.invalid = {email(person.value) for person in people[6::7]}
    # when
    outcomes = sender.send(*people)
    # then every seventh is dead
    expected = [Status.DEAD if number % 7 == 0 else Status.RETRY for number in range(1, 15)]
    assert statuses(outcomes) == expected
    assert outcomes[6].message == "user_data.user_identifiers[0]: INVALID_SHA256_FORMAT"
    assert outcomes[0].retry_after == 0
    assert google.bodies == []
    # when
    rest = [person for person, status in zip(people, expected, strict=True) if status is Status.RETRY]
    settled = sender.settle(*rest)
    # then
    assert statuses(settled) == [Status.DONE] * 12
    assert google.held() == {email(person.value) for person in rest}


def test_records_that_fail_in_processing_are_counted_and_not_named(google: GoogleDataManager, sender: Sender) -> None:
    # given
    google.is_failing = lambda member: email("bob@example.com") in member
    # when
    outcomes = sender.settle(update("ann@example.com"), update("bob@example.com"))
    # then
    assert statuses(outcomes) == [Status.DONE, Status.DONE]
    assert outcomes[0].message == "some of its request failed, Google does not say which: 1 INVALID_FORMAT"


def test_a_removal_that_failed_for_some_is_sent_again_for_all(google: GoogleDataManager, sender: Sender) -> None:
    # given
    sender.settle(update("ann@example.com"), update("bob@example.com"))
    google.is_failing = lambda member: email("bob@example.com") in member
    gone = [update("ann@example.com", present=False), update("bob@example.com", present=False)]
    # when
    outcomes = sender.settle(*gone)
    # then nobody who said no stays in the audience unseen
    assert statuses(outcomes) == [Status.RETRY, Status.RETRY]
    assert google.held() == {email("bob@example.com")}
    # when
    google.is_failing = lambda member: False
    assert statuses(sender.settle(*gone)) == [Status.DONE, Status.DONE]
    assert google.held() == set()


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("PROCESSING_ERROR_REASON_NO_CONSENT", Status.DEAD),
        ("PROCESSING_ERROR_REASON_INTERNAL_ERROR", Status.RETRY),
    ],
)
def test_a_request_of_which_all_failed(google: GoogleDataManager, sender: Sender, reason: str, status: Status) -> None:
    # given
    google.is_failing, google.reason = lambda member: True, reason
    # when
    (outcome,) = sender.settle(update("ann@example.com"))
    # then
    assert outcome.status is status
    assert outcome.message == f"all failed: 1 {reason.removeprefix('PROCESSING_ERROR_REASON_')}"


def test_a_request_that_google_has_forgotten_is_sent_again(google: GoogleDataManager, sender: Sender) -> None:
    # given
    sender.send(update("ann@example.com"))
    google.requests.clear()
    # when
    (outcome,) = sender.poll(update("ann@example.com"))
    # then
    assert outcome.status is Status.RETRY
    assert outcome.message.startswith("INVALID_REQUEST_ID: 400")


def test_a_busy_google_is_unavailable_and_every_member_arrives_in_the_end(
    google: GoogleDataManager, sender: Sender
) -> None:
    # given every fifth request is one too many
    google.rounds = 0
    busy = Reply(429, {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}, {"Retry-After": "30"})
    google.fault = every(5, busy, lambda request: request.path.startswith("/v1/"))
    waits = []
    for number in range(12):
        person = update(f"p{number}@example.com")
        for step in (sender.send, sender.poll):
            try:
                step(person)
            except Unavailable as error:
                waits.append(error.retry_after)
                step(person)
    # then
    assert set(waits) == {30}
    assert google.held() == {email(f"p{number}@example.com") for number in range(12)}


def test_after_the_first_request_the_rest_of_a_batch_is_to_be_sent_again(
    google: GoogleDataManager, sender: Sender
) -> None:
    # given
    google.fault = every(2, Reply(503, {}), lambda request: request.path.startswith("/v1/"))
    # when
    outcomes = sender.send(update("ann@example.com"), update("ann@example.com", audience=VISITORS))
    # then
    assert statuses(outcomes) == [Status.PENDING, Status.RETRY]
    assert outcomes[1].message == "503 Service Unavailable"


def test_what_was_not_asked_about_is_still_pending(google: GoogleDataManager, sender: Sender) -> None:
    # given two requests
    people = [update("ann@example.com"), update("ann@example.com", audience=VISITORS)]
    sender.send(*people)
    google.rounds = 0
    google.replies = [google._status("request-1"), Reply(503, {})]
    # when
    outcomes = sender.poll(*people)
    # then
    assert statuses(outcomes) == [Status.DONE, Status.PENDING]
    assert statuses(sender.poll(people[1])) == [Status.DONE]


def test_a_token_is_kept_and_renewed_when_google_refuses_it(google: GoogleDataManager, sender: Sender) -> None:
    # when
    first = sender.send(update("p1@example.com"))
    google.expire_tokens()
    with pytest.raises(Unavailable) as raised:
        sender.send(update("p2@example.com"))
    second = sender.send(update("p2@example.com"))
    # then
    assert statuses(first + second) == [Status.PENDING, Status.PENDING]
    assert raised.value.login
    assert raised.value.message == "401 Unauthorized: Request had invalid authentication credentials."
    assert [request.path for request in google.received].count("/token") == 2


def test_a_revoked_key_is_an_expired_login(google: GoogleDataManager, sender: Sender) -> None:
    # given
    google.replies = [Reply(400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."})]
    # when
    with pytest.raises(Unavailable) as raised:
        sender.send(update("ann@example.com"))
    # then
    assert raised.value.login
    assert raised.value.message == "no access token: 400 Bad Request: Invalid JWT Signature."


def test_an_audience_that_does_not_exist_is_a_refusal(google: GoogleDataManager, sender: Sender) -> None:
    # given
    error = {
        "code": 400,
        "message": "The audience does not exist.",
        "status": "INVALID_ARGUMENT",
        "details": [{"reason": "INVALID_USER_LIST_ID"}],
    }
    sender.send(update("warm@example.com"))
    google.fault = lambda request: Reply(400, {"error": error}) if request.path.startswith("/v1/") else None
    # when
    (outcome,) = sender.send(update("ann@example.com"))
    # then
    assert outcome.status is Status.DEAD
    assert outcome.message == "INVALID_USER_LIST_ID: 400 Bad Request: The audience does not exist."


def test_validated_members_are_not_held(google: GoogleDataManager, opened: Open) -> None:
    # when
    (outcome,) = opened(validate_only=True).settle(update("ann@example.com"))
    # then
    assert (outcome.status, outcome.message) == (Status.DONE, "validated only")
    assert google.bodies[0][1]["validateOnly"] is True
    assert google.held() == set()


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("no JSON at all", "they are not a JSON object"),
        ("[1, 2, 3, 4]", "they are not a JSON object"),
        ('{"client_email": "k@x.example"}', "private_key is missing; save a key of type JSON again"),
        (
            '{"client_email": "k@x.example", "private_key": "secret", "token_uri": "https://x.example"}',
            "private_key cannot be read",
        ),
    ],
)
def test_credentials_that_cannot_be_used_are_an_error_without_the_secret(
    opened: Open, tmp_path: Path, key: str, message: str
) -> None:
    # given
    (tmp_path / "other.json").write_text(key)
    # when
    with pytest.raises(InvalidInput, match="destination google-data-manager: credentials: ") as raised:
        opened(credentials="file:other.json")
    # then
    assert str(raised.value).endswith(message)


def test_settings_do_not_show_the_key(sender: Sender, google: GoogleDataManager, tmp_path: Path) -> None:
    key = json.loads(google.key_file(tmp_path).read_text())["private_key"]
    assert key[40:80] not in repr(sender.settings)
    assert key[40:80] not in repr(vars(sender.adapter)["_settings"])


def test_a_key_that_sends_its_signature_in_the_clear_is_an_error(
    google: GoogleDataManager, opened: Open, tmp_path: Path
) -> None:
    # given
    key = json.loads(google.key_file(tmp_path).read_text())
    (tmp_path / "other.json").write_text(json.dumps({**key, "token_uri": "http://elsewhere.example/token"}))
    # then
    with pytest.raises(InvalidInput, match=r"token_uri: .*https://"):
        opened(credentials="file:other.json")
    opened(credentials="file:other.json", allow_http=True)


def test_the_login_is_checked_without_sending(google: GoogleDataManager, opened: Open, run: Run) -> None:
    # given
    adapter = opened().adapter
    assert isinstance(adapter, CheckedAdapter)
    # when
    run(adapter.check())
    # then
    assert {request.path for request in google.received} == {"/token"}
    # when
    google.fault = lambda request: Reply(400, {"error": "invalid_grant"})
    other = opened().adapter
    assert isinstance(other, CheckedAdapter)
    with pytest.raises(Unavailable, match="no access token: "):
        run(other.check())
