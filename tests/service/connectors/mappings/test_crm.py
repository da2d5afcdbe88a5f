"""CRM systems through the door: contacts, merges, deals and tickets are in the view of the customer."""

import itertools
import json
import time
from pathlib import Path

import pytest

from graph.ports import Store
from tests.builders.runs import Run
from tests.builders.systems import ADDRESS, customer, deliver, sample, signed, taking

SALESFORCE = ("Contact", "Lead", "Opportunity", "Case")
ANN = "003Ab00000X1aAAIAR"


@pytest.mark.parametrize("order", [SALESFORCE, SALESFORCE[::-1]])
def test_an_export_of_salesforce_is_one_view(store: Store, run: Run, tmp_path: Path, order: tuple[str, ...]) -> None:
    # given
    client = taking(store, run, tmp_path, "salesforce")
    # when
    answers = [deliver(client, run, "salesforce", sample(f"salesforce-{name}.csv")) for name in order]
    # then
    assert [answer["refused"] for answer in answers] == [0, 0, 0, 0]
    found = customer(client, "email", "ann.lee@example.com")
    # the record that was merged and the lead that was converted are the contact
    assert found["identifiers"]["crm_id"] == sorted([ANN, "003Ab00000X1aBBIAR", "00QAb00000L1aAAIAR"])
    assert found["identifiers"]["email"] == ["ann.lee@example.com", "ann@lee.example.com"]
    assert found["attributes"]["family_name"] == "Lee"
    assert found["city"] == "Berlin"
    assert found["interactions"] == ["call", "deal_stage_changed", "lead_created", "ticket", "ticket_closed"]
    assert customer(client, "email", "ben@example.com")["consent"] == "WITHDRAWN"
    # when: the same export again
    again = [deliver(client, run, "salesforce", sample(f"salesforce-{name}.csv")) for name in order]
    # then
    assert [answer["refused"] for answer in again] == [0, 0, 0, 0]
    assert customer(client, "crm_id", ANN) == found


def test_webhooks_of_hubspot_are_signed_with_method_address_and_time(store: Store, run: Run, tmp_path: Path) -> None:
    # given
    client = taking(store, run, tmp_path, "hubspot")
    body, now = sample("hubspot-webhooks.json"), str(time.time_ns() // 1_000_000)
    signature = signed("POST", f"{ADDRESS}hubspot", body, now)
    # when
    answer = deliver(client, run, "hubspot", body, x_hubspot_signature_v3=signature, x_hubspot_request_timestamp=now)
    # then
    assert (answer["accepted"], answer["ignored"], answer["refused"]) == (5, 2, 0)
    found = customer(client, "email", "ann.lee@example.com")
    assert found["identifiers"]["crm_id"] == ["512", "513", "514"]
    assert found["attributes"]["given_name"] == "Ann"
    # when: an hour old
    old = str(int(now) - 3_600_000)
    forged = run(
        client.http.post(
            "/in/hubspot",
            content=body,
            headers={
                "x-hubspot-signature-v3": signed("POST", f"{ADDRESS}hubspot", body, old),
                "x-hubspot-request-timestamp": old,
            },
        )
    )
    # then
    assert forged.status_code == 401


def test_objects_of_hubspot_are_one_view(store: Store, run: Run, tmp_path: Path) -> None:
    # given
    client = taking(store, run, tmp_path, "hubspot")
    body, now = sample("hubspot-objects.json"), str(time.time_ns() // 1_000_000)
    signature = signed("POST", f"{ADDRESS}hubspot", body, now)
    # when
    for _ in range(2):
        answer = deliver(
            client, run, "hubspot", body, x_hubspot_signature_v3=signature, x_hubspot_request_timestamp=now
        )
        assert answer["refused"] == 0
    # then
    found = customer(client, "crm_id", "512")
    assert found["identifiers"]["crm_id"] == ["498", "499", "512"]
    assert found["identifiers"]["email"] == ["al@example.com", "ann.lee@example.com", "ann@lee.example.com"]
    assert found["interactions"] == ["call", "deal_stage_changed", "lead_created", "ticket", "ticket_closed"]
    assert customer(client, "crm_id", "600")["interactions"] == ["deal_stage_changed"]


def test_exports_of_hubspot_are_one_view_and_blank_cells_leave_what_was_known(
    store: Store, run: Run, tmp_path: Path
) -> None:
    # given
    kinds = ("contacts", "deals", "tickets")
    client = taking(store, run, tmp_path, *(f"hubspot-{kind}" for kind in kinds))
    # when: the second row of the contacts has a newer family name and blanks
    for _, kind in itertools.product(range(2), kinds):
        assert deliver(client, run, f"hubspot-{kind}", sample(f"hubspot-{kind}.csv"))["refused"] == 0
    # then
    found = customer(client, "crm_id", "512")
    assert found["attributes"]["given_name"] == "Ann"
    assert found["attributes"]["family_name"] == "Meier"
    assert found["city"] == "Berlin"
    assert found["identifiers"]["crm_id"] == ["498", "499", "512"]
    assert found["interactions"] == ["deal_stage_changed", "lead_created", "ticket", "ticket", "ticket_closed"]
    # when: an older export arrives late
    header = b"Record ID,Last Name,Last Modified Date\n"
    deliver(client, run, "hubspot-contacts", header + b"512,Smith,2026-02-01 10:00\n")
    # then
    assert customer(client, "crm_id", "512")["attributes"]["family_name"] == "Meier"


def test_tables_of_any_crm_are_one_view(store: Store, run: Run, tmp_path: Path) -> None:
    # given
    kinds = ("deals", "tickets", "contacts")
    client = taking(store, run, tmp_path, *(f"crm-{kind}" for kind in kinds))
    # when
    for _, kind in itertools.product(range(2), kinds):
        assert deliver(client, run, f"crm-{kind}", sample(f"crm-{kind}.csv"))["refused"] == 0
    # then
    found = customer(client, "loyalty_card", "LC-4711")
    assert found["identifiers"]["crm_id"] == ["C-1", "C-2"]
    assert found["attributes"]["interests"] == "kitchens"
    assert found["consent"] == "GIVEN"
    expected = ["call", "deal_stage_changed", "deal_stage_changed", "lead_created", "ticket", "ticket_closed"]
    assert found["interactions"] == expected
    query = """{customer(by: {identifier: {namespace: "crm_id", value: "C-1"}}) {
      timeline(first: 9, kinds: [INTERACTION]) {nodes {... on Interaction {type occurredAt properties}}}}}"""
    nodes = client.ask(query)["customer"]["timeline"]["nodes"]
    (won, *_) = [json.loads(json.dumps(one["properties"])) for one in nodes if one["type"] == "deal_stage_changed"]
    assert won == {"deal_id": "D-1", "deal_name": "Kitchen", "stage": "won", "amount": 4100, "currency": "EUR"}
