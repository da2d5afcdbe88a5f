"""What Salesforce holds after updates, and what becomes of those that it refuses."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from service.destinations.adapter import DONE, Outcome, Status, Unavailable
from service.destinations.salesforce import SalesforceAdapter
from service.destinations.salesforce_api import SalesforceSettings
from tests.builders.member_updates import by_status, is_each, people, problem, send, statuses, update
from tests.builders.salesforce_server import CAMPAIGN, CLIENT, LIMIT, SECRET, Salesforce
from tests.builders.vendor_servers import Received, Reply, every

ANN, BOB = "ann@example.com", "bob@example.com"
FLAG = "Kith_VIP__c"
BY_EMAIL = {"email": "Kith_Email__c"}


@pytest.fixture
def salesforce() -> Iterator[Salesforce]:
    with Salesforce() as server:
        yield server


def adapter(server: Salesforce, **more: Any) -> SalesforceAdapter:
    login = {"client_id": CLIENT, "client_secret": SecretStr(SECRET), "url": server.url}
    more = {"name": "s", "type": "salesforce", "keys": BY_EMAIL, **login, **more}
    return SalesforceAdapter(SalesforceSettings.model_construct(**more))


def test_records_are_upserted_with_their_fields(salesforce: Salesforce) -> None:
    # given
    known = salesforce.add(Kith_Email__c=ANN, FirstName="Ann", LastName="Lee")
    # when
    outcomes = send(
        adapter(salesforce),
        update(ANN, FLAG, fields={"LastName": "May", "Kith_Segment__c": ["a", "b"]}),
        update(BOB, fields={"LastName": None}),
    )
    # then
    assert statuses(outcomes) == ["done", "done"]
    assert outcomes[0].reference == known
    ann = {"FirstName": "Ann", "LastName": "May", "Kith_Segment__c": "a;b", FLAG: True}
    assert salesforce.contact(ANN) == {"type": "Contact", "Kith_Email__c": ANN, **ann}
    assert salesforce.contact(BOB) == {"type": "Contact", "Kith_Email__c": BOB, "LastName": None}


def test_a_record_that_leaves_an_audience_stays(salesforce: Salesforce) -> None:
    # given
    send(adapter(salesforce), update(ANN, FLAG, fields={"LastName": "Lee"}), update(ANN, CAMPAIGN))
    assert salesforce.members() == {ANN}
    # when
    left = [update(ANN, FLAG, present=False), update(ANN, CAMPAIGN, present=False), update(ANN, present=False)]
    # then
    assert statuses(send(adapter(salesforce), *left)) == ["done"] * 3
    assert salesforce.members() == set()
    assert salesforce.contact(ANN) == {"type": "Contact", "Kith_Email__c": ANN, "LastName": "Lee", FLAG: False}
    assert statuses(send(adapter(salesforce), *left)) == ["done"] * 3


def test_an_unknown_address_has_left_already_and_is_not_created(salesforce: Salesforce) -> None:
    # when
    outcomes = send(adapter(salesforce), update(ANN, FLAG, present=False), update(BOB, CAMPAIGN, present=False))
    # then
    assert outcomes == [DONE, DONE]
    assert salesforce.records == {}


def test_a_member_of_a_campaign_is_added_once(salesforce: Salesforce) -> None:
    # when
    outcomes = [send(adapter(salesforce), update(ANN, CAMPAIGN), update(BOB, CAMPAIGN)) for _ in range(2)]
    # then
    assert [statuses(part) for part in outcomes] == [["done", "done"]] * 2
    assert salesforce.members() == {ANN, BOB}


def test_all_records_of_an_address_are_erased(salesforce: Salesforce) -> None:
    # given
    for name in ("Ann", "A."):
        salesforce.add(Email=ANN, FirstName=name)
    by_address = {"keys": {"email": "Email"}}
    # when
    erased = [update(ANN, erased=True), update(BOB, erased=True)]
    # then
    assert send(adapter(salesforce, **by_address), *erased) == [DONE_AT, DONE]
    assert salesforce.records == {}
    assert salesforce.bin == {}
    assert send(adapter(salesforce, **by_address), *erased) == [DONE, DONE]


DONE_AT = Outcome(Status.DONE, reference="003xx0000000001AAA")


def test_an_erased_record_with_another_address_now_is_found_by_its_id(salesforce: Salesforce) -> None:
    # given
    (added,) = send(adapter(salesforce), update(ANN))
    salesforce.records[added.reference]["Kith_Email__c"] = "ann.lee@example.com"
    # when
    send(adapter(salesforce), update(ANN, erased=True, reference=added.reference))
    # then
    assert salesforce.records == {}


def test_the_recycle_bin_is_left_alone_if_that_is_set(salesforce: Salesforce) -> None:
    # given
    id = salesforce.add(Kith_Email__c=ANN)
    # when
    send(adapter(salesforce, empty_recycle_bin=False), update(ANN, erased=True))
    # then
    assert set(salesforce.bin) == {id}


def test_a_record_that_the_recycle_bin_keeps_is_dead(salesforce: Salesforce) -> None:
    # given
    salesforce.add(Kith_Email__c=ANN)
    salesforce.bin_keeps = True
    # when
    (outcome,) = send(adapter(salesforce), update(ANN, erased=True))
    # then
    assert outcome.status is Status.DEAD
    assert outcome.message == "deleted, but the recycle bin keeps it: INSUFFICIENT_ACCESS: not in your bin"


def test_a_recycle_bin_that_cannot_be_emptied_now_is_emptied_later(salesforce: Salesforce) -> None:
    # given
    id = salesforce.add(Kith_Email__c=ANN)
    salesforce.bin_fault = "SERVER_UNAVAILABLE: try again"
    # when
    (outcome,) = send(adapter(salesforce), update(ANN, erased=True))
    # then
    reason = "emptying the recycle bin: 500: SERVER_UNAVAILABLE: try again"
    assert outcome == Outcome(Status.RETRY, reason, reference=id)
    # when
    salesforce.bin_fault = ""
    outcomes = send(adapter(salesforce), update(ANN, erased=True, reference=outcome.reference))
    # then
    assert statuses(outcomes) == ["done"]
    assert salesforce.bin == {}


def test_a_record_that_cannot_be_deleted_is_dead(salesforce: Salesforce) -> None:
    # given
    first, second = salesforce.add(Kith_Email__c=ANN), salesforce.add(Kith_Email__c=ANN)
    failure = {"statusCode": "DELETE_FAILED", "message": f"Your attempt to delete {ANN} could not be completed"}
    results = [
        {"success": False, "errors": [{"statusCode": "ENTITY_IS_DELETED", "message": "entity is deleted"}]},
        {"success": False, "errors": [failure]},
    ]
    salesforce.fault = lambda request: Reply(200, results) if request.method == "DELETE" else None
    # when
    (outcome,) = send(adapter(salesforce), update(ANN, erased=True))
    # then
    assert outcome.status is Status.DEAD
    assert outcome.message == "DELETE_FAILED: Your attempt to delete … could not be completed"
    assert {first, second} <= set(salesforce.records)


def test_records_can_be_found_by_their_id(salesforce: Salesforce) -> None:
    # given
    id = salesforce.add(Kith_Email__c=ANN)
    by_id = {"keys": {"crm_id": "Id"}, "id_prefix": "sf:"}
    of = {"namespace": "crm_id"}
    # when
    outcomes = send(
        adapter(salesforce, **by_id),
        update(f"sf:{id}", CAMPAIGN, fields={"LastName": "Lee"}, **of),
        update("sf:003xx0000000999AAA", FLAG, **of),
        update("sf:003xx0000000999AAA", FLAG, present=False, **of),
    )
    # then
    assert statuses(outcomes) == ["done", "dead", "done"]
    assert outcomes[1].message == "Salesforce has no Contact with this Id"
    assert salesforce.members() == {ANN}
    # when
    send(adapter(salesforce, **by_id), update(f"sf:{id}", erased=True, **of))
    # then
    assert salesforce.records == {}


def test_exactly_the_refused_are_dead_and_exactly_the_locked_are_retried(salesforce: Salesforce) -> None:
    # given
    updates = people(250, CAMPAIGN)
    salesforce.refuses = lambda key: is_each(7, key)
    salesforce.errors = {u.value: "UNABLE_TO_LOCK_ROW" for u in updates if is_each(5, u.value)}
    # when
    outcomes = [*send(adapter(salesforce), *updates[:200]), *send(adapter(salesforce), *updates[200:])]
    # then
    found = by_status(updates, outcomes)
    assert found[Status.DEAD] == {u.value for u in updates if is_each(7, u.value)}
    assert found[Status.RETRY] == set(salesforce.errors) - found[Status.DEAD]
    assert found[Status.DONE] == salesforce.members()
    assert not any("example.com" in outcome.message for outcome in outcomes)


def test_a_value_that_cannot_be_read_keeps_no_other_record_out(salesforce: Salesforce) -> None:
    # given
    updates = [update(u.value, fields={FLAG: "yes" if is_each(40, u.value) else True}) for u in people(100)]
    # when
    outcomes = send(adapter(salesforce), *updates)
    # then
    assert by_status(updates, outcomes)[Status.DEAD] == {u.value for u in updates if is_each(40, u.value)}
    assert len(salesforce.records) == 98


def test_a_field_that_salesforce_does_not_have_is_refused_at_once(salesforce: Salesforce) -> None:
    # when
    outcomes = send(adapter(salesforce), update(BOB), *people(50, fields={"Shoe_Size__c": 44}))
    # then
    assert statuses(outcomes) == ["done", *["dead"] * 50]
    assert len(salesforce.received) == 3  # the login, the refused request, the rest of it


def test_what_was_done_before_salesforce_was_busy_is_done(salesforce: Salesforce) -> None:
    # given
    def fault(request: Received) -> Reply | None:
        return LIMIT if request.method == "POST" and "sobjects" in request.path else None

    salesforce.fault = fault
    # when
    outcomes = send(adapter(salesforce), update(ANN, FLAG), update(BOB, CAMPAIGN))
    # then
    assert statuses(outcomes) == ["done", "retry"]


def test_each_request_that_is_refused_for_now_is_sent_again_later(salesforce: Salesforce) -> None:
    # given
    salesforce.fault = every(5, Reply(503, [{"errorCode": "SERVER_UNAVAILABLE", "message": "try again"}]))
    waiting = [*people(100, CAMPAIGN), *people(100, FLAG)]
    # when
    while waiting:
        batch, waiting = waiting[:30], waiting[30:]
        try:
            outcomes = send(adapter(salesforce), *batch)
        except Unavailable:
            waiting += batch
        else:
            waiting += [u for u, o in zip(batch, outcomes, strict=True) if o.status is Status.RETRY]
    # then
    assert salesforce.members() == {u.value for u in people(100)}


@pytest.mark.parametrize("login", [True, False])
def test_salesforce_takes_nothing_now(salesforce: Salesforce, login: bool) -> None:
    # given
    salesforce.logins_refused = login
    salesforce.fault = lambda request: None if login or "oauth2" in request.path else LIMIT
    # when
    with pytest.raises(Unavailable) as caught:
        send(adapter(salesforce), update(ANN, FLAG), update(BOB, FLAG, present=False), update(BOB, erased=True))
    # then
    assert caught.value.login is login
    assert SECRET not in caught.value.message


def test_the_login_is_checked_without_sending(salesforce: Salesforce) -> None:
    assert problem(adapter(salesforce)) == ""
    assert problem(adapter(salesforce, client_secret=SecretStr("another"))).startswith("login: ")
    assert {request.path for request in salesforce.received} == {"/services/oauth2/token"}
