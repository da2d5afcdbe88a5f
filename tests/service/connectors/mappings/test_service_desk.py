"""Tickets of Zendesk and calls of a telephone system in the view of the customer."""

import base64
import json
import time
from pathlib import Path

from tests.builders.mail_senders import hmac_sha256
from tests.builders.mapped_sources import SECRET, Door, door, sample, statements, values
from tests.builders.runs import Run

CUSTOMER = """
  identifiers(first: 10) { nodes { namespace value } }
  timeline(first: 10, kinds: [INTERACTION]) { nodes { ... on Interaction { type occurredAt channel text properties } } }
"""


def signed(body: bytes) -> dict[str, str]:
    """The headers of Zendesk: HMAC of a date and the body."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    signature = base64.b64encode(hmac_sha256(SECRET.encode(), now.encode() + body)).decode()
    return {"x_zendesk_webhook_signature": signature, "x_zendesk_webhook_signature_timestamp": now}


def ticket(to: Door, body: bytes) -> dict[str, int]:
    return to.take(body, **signed(body))


def test_a_line_of_the_export_is_an_opening_a_solution_and_a_rating() -> None:
    # when
    solved, open = (statements("zendesk", line) for line in sample("desk/zendesk.ndjson").splitlines())
    # then
    assert [(kind, fields.get("type")) for kind, fields in solved[0]] == [
        ("interaction", "ticket"), ("interaction", "ticket_closed"), ("interaction", "satisfaction_rated"),
        ("attributes", None),
    ]  # fmt: skip
    opened, closed, rated, person = (fields for _, fields in solved[0])
    assert (opened["id"], opened["occurredAt"]) == ("ticket-35436", "2026-03-01T17:18:10Z")
    assert opened["properties"] == {"ticket_id": "35436", "subject": "Where is my parcel?"}
    assert closed["occurredAt"] == "2026-03-02T08:30:00Z"
    assert (rated["properties"]["rating"], rated["text"]) == (1, "Quick answer!")
    assert values(opened, "crm_id") == ["C-1"]
    assert person["attributes"] == {"name": "Ann Lee", "language": "de"}
    assert [fields.get("type") for _, fields in open[0]] == ["ticket", None]


def test_webhooks_of_triggers_tell_the_story_of_a_ticket(run: Run, tmp_path: Path) -> None:
    with door("zendesk", run, tmp_path) as to:
        bodies = [sample(f"desk/zendesk-{event}.json") for event in ("rated", "created", "solved")]
        # when: in any order, and twice
        for body in (*bodies, *bodies):
            ticket(to, body)
        # then
        timeline = to.client.customer("email=cora@example.com", CUSTOMER)["timeline"]["nodes"]
        assert [one["type"] for one in timeline] == ["satisfaction_rated", "ticket_closed", "ticket"]
        assert timeline[0]["text"] == "Took long"
        assert timeline[0]["properties"] == {"ticket_id": "35438", "satisfaction": "bad", "rating": 0}
        assert timeline[2]["channel"] == "web form"
        assert to.send(bodies[1]).status_code == 401
        assert to.send(bodies[1] + b" ", **signed(bodies[1])).status_code == 401


def test_a_ticket_that_is_opened_and_solved_again_is_closed_twice(run: Run, tmp_path: Path) -> None:
    with door("zendesk", run, tmp_path) as to:
        # given
        solved = json.loads(sample("desk/zendesk-solved.json"))
        later = json.dumps(solved | {"updated_at": "2026-03-08T12:00:00Z"}).encode()
        # when
        ticket(to, json.dumps(solved).encode())
        ticket(to, later)
        # then
        timeline = to.client.customer("email=cora@example.com", CUSTOMER)["timeline"]["nodes"]
        assert [one["type"] for one in timeline] == ["ticket_closed", "ticket_closed"]


def test_calls_belong_to_the_number_and_repeated_files_change_nothing(run: Run, tmp_path: Path) -> None:
    with door("calls", run, tmp_path) as to:
        proof = {"authorization": f"Bearer {SECRET}"}
        # when
        first = to.take(sample("desk/calls.csv"), **proof)
        again = to.take(sample("desk/calls.csv"), **proof)
        # then
        assert (first["accepted"], again["accepted"], again["duplicate"]) == (3, 0, 3)
        (call,) = to.client.customer("phone=+491765550101", CUSTOMER)["timeline"]["nodes"]
        assert (call["type"], call["channel"], call["occurredAt"]) == ("call", "phone", "2026-03-01T08:15:00Z")
        assert call["text"] == "Parcel was at the neighbor"
        assert call["properties"] == {
            "direction": "inbound", "duration_seconds": 184, "waiting_seconds": 22, "agent": "Kim", "queue": "orders",
            "outcome": "resolved", "topic": "delivery",
        }  # fmt: skip
        # then a number that was withheld links nobody
        customer = to.client.customer("crm_id=C-1", CUSTOMER)
        assert [node["namespace"] for node in customer["identifiers"]["nodes"]] == ["crm_id"]


def test_a_direction_that_is_not_known_is_refused(run: Run, tmp_path: Path) -> None:
    with door("calls", run, tmp_path) as to:
        body = sample("desk/calls.csv").replace(b",out,", b",sideways,")
        answer = to.send(body, authorization=f"Bearer {SECRET}").json()
        assert (answer["accepted"], answer["refused"]) == (2, 1)
        assert "direction: 'sideways' is not one of in, inbound" in answer["problems"][0]["message"]
