"""What SendGrid, Brevo, Postmark, Mailgun and Resend report becomes the same interactions and withdrawals."""

import json
from pathlib import Path
from typing import Any

import pytest

from graph.domain.model.times import parse_time
from tests.builders.mail_senders import SENDERS, Signer, bodies
from tests.builders.mapped_sources import door, sample, statements, values
from tests.builders.runs import Run

CUSTOMER = """
  engagement { interactionCounts { type count } }
  consents { purpose channel decision }
  undeliverableAddresses { identifier { value } since }
  timeline(first: 50) { nodes { ... on Interaction { type campaign channel occurredAt properties } } }
"""


def of(sender: str, address: str) -> list[str]:
    """The types of what is reported about an address, by time."""
    records = statements(sender, sample(f"mail/{sender}.json"))
    made = [fields for record in records for kind, fields in record if kind == "interaction"]
    found = [fields for fields in made if address in values(fields, "email")[0]]
    return [
        fields["type"] for fields in sorted(found, key=lambda fields: parse_time(fields["occurredAt"]).microseconds)
    ]


@pytest.mark.parametrize("sender", SENDERS)
def test_the_same_events_of_all_senders_are_the_same_interactions(sender: str) -> None:
    ann = of(sender, "ann@example.com")
    assert [type for type in dict.fromkeys(ann) if type != "email_deferred"][-3:] == [
        "email_delivered", "email_opened", "email_link_clicked",
    ]  # fmt: skip
    assert of(sender, "gone@example.com")[0] == "email_bounced"
    assert set(of(sender, "full@example.com")) <= {"email_soft_bounced", "email_deferred"}
    assert of(sender, "bob@example.com")[-1] == "email_complained"
    assert of(sender, "cora@example.com")[0] == "unsubscribed"


@pytest.mark.parametrize("sender", SENDERS)
def test_deliveries_are_stored_and_repeated_ones_change_nothing(sender: str, run: Run, tmp_path: Path) -> None:
    # given
    signer = Signer(sender, tmp_path)
    with door(sender, run, tmp_path, signer.secret) as to:
        # when
        first = [to.take(body, **headers) for body, headers in signer.requests()]
        before = to.client.customer("email=ann@example.com", CUSTOMER)
        again = [to.take(body, **headers) for body, headers in signer.requests()]
        # then
        assert sum(answer["accepted"] + answer["ignored"] for answer in first) == len(bodies(sender))
        assert sum(answer["accepted"] for answer in again) == 0
        assert to.client.customer("email=ann@example.com", CUSTOMER) == before
        counts = {one["type"]: one["count"] for one in before["engagement"]["interactionCounts"]}
        assert counts["email_delivered"] == counts["email_link_clicked"] == 1


@pytest.mark.parametrize("sender", SENDERS)
def test_unsubscribing_and_complaints_withdraw_consent(sender: str, run: Run, tmp_path: Path) -> None:
    # given
    signer = Signer(sender, tmp_path)
    with door(sender, run, tmp_path, signer.secret) as to:
        # when
        for body, headers in signer.requests():
            to.take(body, **headers)
        # then
        for name in ("bob", "cora"):
            consents = to.client.customer(f"email={name}@example.com", CUSTOMER)["consents"]
            assert {one["purpose"]: one["decision"] for one in consents if one["channel"] == "EMAIL"} == {
                "newsletter": "WITHDRAWN", "personalized_offers": "WITHDRAWN",
            }, name  # fmt: skip


@pytest.mark.parametrize("sender", SENDERS)
def test_a_hard_bounce_ends_the_use_of_an_address_and_a_soft_one_does_not(
    sender: str, run: Run, tmp_path: Path
) -> None:
    # given
    signer = Signer(sender, tmp_path)
    with door(sender, run, tmp_path, signer.secret) as to:
        # when
        for body, headers in signer.requests():
            to.take(body, **headers)
        # then
        (gone,) = to.client.customer("email=gone@example.com", CUSTOMER)["undeliverableAddresses"]
        assert gone["identifier"]["value"] == "gone@example.com"
        assert gone["since"].startswith("2026-03-01T10:00:03")
        for name in ("full", "ann"):
            assert to.client.customer(f"email={name}@example.com", CUSTOMER)["undeliverableAddresses"] == []


@pytest.mark.parametrize("sender", SENDERS)
def test_a_request_without_proof_is_refused(sender: str, run: Run, tmp_path: Path) -> None:
    # given
    signer = Signer(sender, tmp_path)
    with door(sender, run, tmp_path, signer.secret) as to:
        # when
        response = to.send(json.dumps(bodies(sender)[0]).encode())
        # then
        assert response.status_code == 401
        assert to.client.customer("email=ann@example.com") is None


def test_a_signature_of_mailgun_for_another_token_is_refused(run: Run, tmp_path: Path) -> None:
    # given
    signer = Signer("mailgun", tmp_path)
    body, _ = signer.signed(bodies("mailgun")[0])
    content: dict[str, Any] = json.loads(body)
    with door("mailgun", run, tmp_path, signer.secret) as to:
        # when
        content["signature"]["token"] = "another"
        # then
        assert to.send(json.dumps(content).encode()).status_code == 401


@pytest.mark.parametrize("seconds", [-40_000, 40_000])
def test_a_signature_of_mailgun_expires(seconds: int, run: Run, tmp_path: Path) -> None:
    # given
    signer = Signer("mailgun", tmp_path)
    body, _ = signer.signed(bodies("mailgun")[0], seconds=seconds)
    with door("mailgun", run, tmp_path, signer.secret) as to:
        # when, then
        assert to.send(body).status_code == 401


def test_an_email_of_resend_to_several_people_is_about_none_of_them() -> None:
    # given
    (record,) = (body for body in bodies("resend") if body["data"].get("subject") == "To several")
    # when, then
    assert statements("resend", json.dumps(record).encode()) == [[]]


def test_an_event_that_is_not_known_is_refused_with_its_name(run: Run, tmp_path: Path) -> None:
    # given
    signer = Signer("brevo", tmp_path)
    body, headers = signer.signed({"event": "teleported", "email": "ann@example.com", "ts_epoch": 1772359200000})
    with door("brevo", run, tmp_path) as to:
        # when
        answer = to.send(body, **headers).json()
        # then
        assert answer["refused"] == 1
        assert "event: 'teleported' is not one of request, sent, delivered" in answer["problems"][0]["message"]


def test_what_belongs_to_an_open_is_kept_with_it(run: Run, tmp_path: Path) -> None:
    # given
    signer = Signer("sendgrid", tmp_path)
    with door("sendgrid", run, tmp_path, signer.secret) as to:
        # when
        for body, headers in signer.requests():
            to.take(body, **headers)
        # then
        timeline = to.client.customer("email=ann@example.com", CUSTOMER)["timeline"]["nodes"]
        (opened,) = (one for one in timeline if one.get("type") == "email_opened")
        assert opened["campaign"] == "spring"
        assert opened["channel"] == "email"
        assert opened["properties"] == {
            "message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
            "machine_open": False, "browser": "Firefox", "os": "Windows", "device_type": "desktop",
        }  # fmt: skip
