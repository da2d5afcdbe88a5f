"""Webhooks of Mailchimp Marketing: forms, a secret in the URL, and a check of the address before the first delivery."""

from pathlib import Path
from urllib.parse import parse_qsl, urlencode

from tests.builders.mapped_sources import SECRET, Door, door, sample, statements, values
from tests.builders.runs import Run

EVENTS = ("subscribe", "profile", "upemail", "cleaned", "unsubscribe", "campaign")
KEY = f"?key={SECRET}"
CUSTOMER = """
  identifiers(first: 10) { nodes { namespace value } }
  consents { identifier { value } purpose decision history { decision } }
  engagement { interactionCounts { type count } }
"""


def form(event: str) -> bytes:
    return sample(f"mail/mailchimp-{event}.form")


def deliver(to: Door) -> list[str]:
    """What becomes of each event, in order."""
    answers = [to.take(form(event), KEY) for event in EVENTS]
    return [next(name for name in ("accepted", "duplicate", "ignored") if answer[name]) for answer in answers]


def test_what_becomes_of_each_event() -> None:
    # when
    made = {event: statements("mailchimp", form(event))[0] for event in EVENTS}
    # then
    assert [kind for kind, _ in made["subscribe"]] == ["interaction", "consent", "observation", "attributes"]
    consent, seen, attributes = (fields for _, fields in made["subscribe"][1:])
    assert (consent["purpose"], consent["decision"], consent["channel"]) == ("newsletter", "given", "EMAIL")
    assert consent["decidedAt"] == "2026-03-01T10:00:00+00:00"
    assert (values(seen, "email"), values(seen, "phone")) == (["ann@example.com"], ["+49 176 5550101"])
    assert attributes["attributes"] == {
        "given_name": "Ann", "family_name": "Lee", "interests": "Tea, Coffee",
        "address": {"street": "Ring 1", "city": "Köln", "postal_code": "50667", "country": "DE"},
    }  # fmt: skip
    assert [kind for kind, _ in made["profile"]] == ["observation", "attributes"]
    (kind, moved), (_, left) = made["upemail"]
    assert (kind, values(moved, "email")) == ("observation", ["ann@example.com", "ann.leigh@example.com"])
    assert (values(left, "email"), left["decision"]) == (["ann@example.com"], "withdrawn")
    assert [fields["type"] for _, fields in made["cleaned"]] == ["email_bounced"]
    assert [fields["type"] for _, fields in made["unsubscribe"]] == ["unsubscribed"]
    assert made["campaign"] == []


def test_a_complaint_is_told_from_a_bounce() -> None:
    for event in ("cleaned", "unsubscribe"):
        fields = dict(parse_qsl(form(event).decode())) | {"data[reason]": "abuse"}
        ((_, made),) = statements("mailchimp", urlencode(fields).encode())[:1][0]
        assert made["type"] == "email_complained"


def test_deliveries_are_stored_and_repeated_ones_change_nothing(run: Run, tmp_path: Path) -> None:
    with door("mailchimp", run, tmp_path) as to:
        # when
        assert deliver(to) == ["accepted"] * 5 + ["ignored"]
        before = to.client.customer("email=ann.leigh@example.com", CUSTOMER)
        assert deliver(to) == ["duplicate"] * 5 + ["ignored"]
        # then: the old and the new address are those of one person, and neither is used any more
        assert to.client.customer("email=ann@example.com", CUSTOMER) == before
        found = {(node["namespace"], node["value"]) for node in before["identifiers"]["nodes"]}
        assert found == {
            ("email", "ann@example.com"), ("email", "ann.leigh@example.com"), ("phone", "+491765550101"),
        }  # fmt: skip
        decisions = {(one["identifier"]["value"], one["purpose"]): one["decision"] for one in before["consents"]}
        assert decisions[("ann.leigh@example.com", "newsletter")] == "WITHDRAWN"
        assert decisions[("ann@example.com", "newsletter")] == "WITHDRAWN"
        gone = to.client.customer("email=gone@example.com", CUSTOMER)["engagement"]["interactionCounts"]
        assert gone == [{"type": "email_bounced", "count": 1}]


def test_the_address_answers_the_check_and_takes_nothing_without_the_key(run: Run, tmp_path: Path) -> None:
    with door("mailchimp", run, tmp_path) as to:
        assert to.get(KEY).status_code == 200
        assert to.send(form("subscribe")).status_code == 401
        assert to.send(form("subscribe"), "?key=another").status_code == 401
        assert to.client.customer("email=ann@example.com") is None
