"""What HubSpot holds after updates, and what becomes of those that it refuses."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from service.destinations.adapter import DONE, MemberUpdate, Outcome, Status, Unavailable
from service.destinations.hubspot import HubspotAdapter, HubspotSettings
from tests.builders.hubspot_server import BUSY, TOKEN, Hubspot
from tests.builders.member_updates import address, by_status, is_each, people, send, statuses, update
from tests.builders.vendor_servers import Received, Reply, every

ANN, BOB = "ann@example.com", "bob@example.com"
LIST, OTHER, FLAG = "11", "12", "kith_vip"


@pytest.fixture
def hubspot() -> Iterator[Hubspot]:
    with Hubspot(LIST, OTHER) as server:
        yield server


def adapter(server: Hubspot, **more: Any) -> HubspotAdapter:
    more = {"name": "h", "type": "hubspot", "access_token": SecretStr(TOKEN), "url": server.url, **more}
    return HubspotAdapter(HubspotSettings.model_construct(**more))


def test_contacts_are_upserted_into_a_list(hubspot: Hubspot) -> None:
    # given
    known = hubspot.add(email=ANN, firstname="Ann", lastname="Lee")
    # when
    outcomes = send(adapter(hubspot), update(ANN, LIST, fields={"lastname": "May"}), update(BOB, LIST))
    # then
    assert statuses(outcomes) == ["done", "done"]
    assert outcomes[0].reference == known
    assert hubspot.members(LIST) == {ANN, BOB}
    assert hubspot.contact(ANN) == {"email": ANN, "firstname": "Ann", "lastname": "May"}


@pytest.mark.parametrize(
    ("version", "contacts", "lists"),
    [
        ("2026-03", "/crm/objects/2026-03/contacts", "/crm/lists/2026-03"),
        ("v3", "/crm/v3/objects/contacts", "/crm/v3/lists"),
    ],
)
def test_each_version_has_its_addresses(hubspot: Hubspot, version: str, contacts: str, lists: str) -> None:
    # when
    send(adapter(hubspot, api_version=version), update(ANN, LIST), update(BOB, erased=True))
    # then
    assert [request.path for request in hubspot.received] == [
        "/crm/v3/objects/contacts/gdpr-delete",
        f"{contacts}/batch/upsert",
        f"{lists}/{LIST}/memberships/add",
    ]


def test_values_are_written_as_hubspot_writes_them(hubspot: Hubspot) -> None:
    # when
    send(adapter(hubspot), update(ANN, fields={"kith_segment": ["a", "b"], "kith_vip": False, "firstname": None}))
    # then
    assert hubspot.contact(ANN) == {"email": ANN, "kith_segment": "a;b", "kith_vip": "false", "firstname": ""}


def test_a_contact_that_leaves_an_audience_stays_a_contact(hubspot: Hubspot) -> None:
    # given
    send(adapter(hubspot), update(ANN, LIST), update(ANN, OTHER), update(ANN, FLAG, fields={"firstname": "Ann"}))
    assert hubspot.contact(ANN) == {"email": ANN, "firstname": "Ann", "kith_vip": "true"}
    # when
    left = [update(ANN, LIST, present=False), update(ANN, FLAG, present=False)]
    # then
    assert send(adapter(hubspot), *left) == [DONE_AT_501, DONE_AT_501]
    assert (hubspot.members(LIST), hubspot.members(OTHER)) == (set(), {ANN})
    assert hubspot.contact(ANN) == {"email": ANN, "firstname": "Ann", "kith_vip": "false"}


DONE_AT_501 = Outcome(Status.DONE, reference="501")


def test_an_unknown_address_has_left_already_and_is_not_created(hubspot: Hubspot) -> None:
    # when
    outcomes = send(adapter(hubspot), update(ANN, LIST, present=False), update(BOB, FLAG, present=False))
    # then
    assert outcomes == [DONE, DONE]
    assert hubspot.contacts == {}


def test_a_contact_with_another_address_now_is_found_by_its_id(hubspot: Hubspot) -> None:
    # given
    (added,) = send(adapter(hubspot), update(ANN, LIST))
    hubspot.contacts[added.reference]["email"] = "ann.lee@example.com"
    # when
    send(adapter(hubspot), update(ANN, LIST, present=False, reference=added.reference))
    # then
    assert hubspot.members(LIST) == set()


def test_an_erased_contact_is_deleted_and_kept_out(hubspot: Hubspot) -> None:
    # given
    send(adapter(hubspot), update(ANN, LIST, fields={"firstname": "Ann"}))
    # when
    erased = [update(ANN, LIST, erased=True), update(ANN, OTHER, erased=True), update(BOB, erased=True)]
    # then
    assert send(adapter(hubspot), *erased) == [DONE, DONE, DONE]
    assert hubspot.contacts == {}
    assert hubspot.blocked == {ANN, BOB}
    assert statuses(send(adapter(hubspot), update(ANN, LIST))) == ["dead"]


@pytest.mark.parametrize("by", ["hs_object_id", "customer_number"])
def test_contacts_can_have_other_keys(hubspot: Hubspot, by: str) -> None:
    # given
    id = hubspot.add(email=ANN, customer_number="c-1")
    prefix, value = ("hub:", f"hub:{id}") if by == "hs_object_id" else ("", "c-1")
    open_ = {"keys": {"crm_id": by}, "id_prefix": prefix}

    def of(**more: Any) -> MemberUpdate:
        return update(value, LIST, namespace="crm_id", **more)

    # when
    send(adapter(hubspot, **open_), of(fields={"firstname": "Ann"}))
    # then
    assert (hubspot.members(LIST), hubspot.contacts[id]["firstname"]) == ({ANN}, "Ann")
    # when
    send(adapter(hubspot, **open_), of(present=False))
    # then
    assert hubspot.members(LIST) == set()
    # when
    send(adapter(hubspot, **open_), of(erased=True))
    # then
    assert hubspot.contacts == {}
    assert statuses(send(adapter(hubspot, **open_), of(erased=True), of(present=False))) == ["done", "done"]


def test_a_record_id_that_hubspot_does_not_have_is_refused(hubspot: Hubspot) -> None:
    unknown = update("999", FLAG, namespace="crm_id")
    (outcome,) = send(adapter(hubspot, keys={"crm_id": "hs_object_id"}), unknown)
    assert outcome == Outcome(Status.DEAD, "HubSpot has no contact with this Record ID", "999")


@pytest.mark.parametrize("is_multi_status", [True, False])
def test_exactly_the_refused_are_dead(hubspot: Hubspot, is_multi_status: bool) -> None:
    # given
    updates = people(100, LIST)
    hubspot.refuses = lambda key: is_each(7, key)
    hubspot.is_multi_status = is_multi_status
    # when
    outcomes = send(adapter(hubspot), *updates)
    # then
    found = by_status(updates, outcomes)
    assert found[Status.DEAD] == {u.value for u in updates if is_each(7, u.value)}
    assert found[Status.DONE] == hubspot.members(LIST) == {u.value for u in updates} - found[Status.DEAD]
    assert not any("example.com" in outcome.message for outcome in outcomes)


def test_a_property_that_hubspot_does_not_have_is_refused_at_once(hubspot: Hubspot) -> None:
    # when
    outcomes = send(adapter(hubspot), *people(30, fields={"shoe_size": 44}), *people(60)[30:])
    # then
    assert [o.status for o in outcomes] == [Status.DEAD] * 30 + [Status.DONE] * 30
    reason = 'shoe_size: Property "shoe_size" does not exist'
    assert outcomes[0].message == f"400: Property values were not valid: {reason}"
    assert len(hubspot.received) == 2


def test_errors_that_pass_are_retried(hubspot: Hubspot) -> None:
    # given
    error = {"status": "error", "category": "RATE_LIMITS", "message": "busy", "context": {"objectWriteTraceId": ["1"]}}
    result = {"id": "7", "objectWriteTraceId": "0", "properties": {}}
    hubspot.replies.append(Reply(207, {"status": "COMPLETE", "results": [result], "numErrors": 1, "errors": [error]}))
    # when
    outcomes = send(adapter(hubspot), update(ANN), update(BOB))
    # then
    assert statuses(outcomes) == ["done", "retry"]


def test_contacts_of_which_nothing_is_said_are_sent_again_one_by_one(hubspot: Hubspot) -> None:
    # given
    hubspot.replies.append(Reply(207, {"status": "COMPLETE", "results": [], "errors": [{"message": "something"}]}))
    # when
    outcomes = send(adapter(hubspot), *people(8, LIST))
    # then
    assert statuses(outcomes) == ["done"] * 8


def test_a_success_that_says_nothing_of_a_contact_is_none(hubspot: Hubspot) -> None:
    # given
    hubspot.replies.append(Reply(200, {"status": "COMPLETE", "results": []}))
    # when, then
    assert statuses(send(adapter(hubspot), update(ANN, LIST))) == ["retry"]


@pytest.mark.parametrize(("present", "status"), [(True, "dead"), (False, "done")])
def test_a_list_that_does_not_exist(hubspot: Hubspot, present: bool, status: str) -> None:
    # given
    hubspot.add(email=ANN)
    # when, then
    assert statuses(send(adapter(hubspot), update(ANN, "99", present=present))) == [status]


def test_what_was_done_before_hubspot_was_busy_is_done(hubspot: Hubspot) -> None:
    # given
    def fault(request: Received) -> Reply | None:
        return BUSY if request.path.endswith(f"/{OTHER}/memberships/add") else None

    hubspot.fault = fault
    # when
    outcomes = send(adapter(hubspot), update(ANN, LIST), update(ANN, OTHER))
    # then
    assert statuses(outcomes) == ["done", "retry"]
    assert outcomes[1].retry_after == 10
    assert hubspot.members(LIST) == {ANN}


def test_each_request_that_is_refused_for_now_is_sent_again_later(hubspot: Hubspot) -> None:
    # given
    hubspot.fault = every(5, BUSY)
    waiting = [*people(100, LIST), *people(100, OTHER), *people(100, FLAG)]
    # when
    while waiting:
        batch, waiting = waiting[:30], waiting[30:]
        try:
            outcomes = send(adapter(hubspot), *batch)
        except Unavailable:
            waiting += batch
        else:
            waiting += [u for u, o in zip(batch, outcomes, strict=True) if o.status is Status.RETRY]
    # then
    everyone = {address(number) for number in range(1, 101)}
    assert hubspot.members(LIST) == hubspot.members(OTHER) == everyone
    assert all(contact["kith_vip"] == "true" for contact in hubspot.contacts.values())


@pytest.mark.parametrize(("reply", "login"), [(BUSY, False), (Reply(502), False), (None, True)])
def test_hubspot_takes_nothing_now(hubspot: Hubspot, reply: Reply | None, login: bool) -> None:
    # given
    hubspot.fault = lambda request: reply
    hubspot.token = TOKEN if reply else "expired-token"
    # when
    with pytest.raises(Unavailable) as caught:
        send(adapter(hubspot), update(ANN, LIST), update(BOB, LIST, present=False), update(BOB, erased=True))
    # then
    assert caught.value.login is login
