"""django-anymail reads the same events of email senders as the mappings do: type, address, time and id."""

import json
import subprocess
from collections.abc import Mapping
from typing import Any

import pytest

from graph.domain.model.times import parse_time
from tests.builders.mail_senders import SENDERS, bodies
from tests.builders.mail_servers import mail_tool
from tests.builders.mapped_sources import statements, values

TYPES = {
    "email_sent": {"queued", "sent"},
    "email_delivered": {"delivered"},
    "email_deferred": {"deferred"},
    "email_bounced": {"bounced"},
    "email_soft_bounced": {"bounced"},
    "email_dropped": {"rejected", "failed"},
    "email_opened": {"opened"},
    "email_link_clicked": {"clicked"},
    "email_complained": {"complained"},
    "unsubscribed": {"unsubscribed"},
    "subscribed": {"subscribed"},
}
"""The types of interactions, and how anymail calls them: it makes no difference between hard and soft bounces."""
HEADERS = {"svix-id": "msg_1"}


def read_by_anymail(sender: str) -> list[list[dict[str, Any]]]:
    """What anymail reads of each body of a sample."""
    lines = [json.dumps({"sender": sender, "body": json.dumps(body), "headers": HEADERS}) for body in requests(sender)]
    done = subprocess.run(mail_tool("read_events"), input="\n".join(lines), capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def requests(sender: str) -> list[Any]:
    """The bodies of the requests of a sample: SendGrid sends lists."""
    return [[body] for body in bodies(sender)] if sender == "sendgrid" else list(bodies(sender))


def compared(made: Mapping[str, Any], event: Mapping[str, Any]) -> None:
    """Compare an interaction with an event of anymail."""
    assert event["type"] in TYPES[made["type"]]
    assert event["email"] in values(made, "email")[0]
    if event["at"] is not None:
        assert parse_time(made["occurredAt"]).microseconds == parse_time(event["at"]).microseconds


@pytest.mark.parametrize("sender", SENDERS)
def test_anymail_reads_the_same(sender: str) -> None:
    # given
    events = read_by_anymail(sender)
    # when
    made = [statements(sender, json.dumps(body).encode(), **HEADERS) for body in requests(sender)]
    # then
    assert len(made) == len(events)
    ids = 0
    for (record,), (event,) in zip(made, events, strict=True):
        interaction = next((fields for kind, fields in record if kind == "interaction"), None)
        if interaction is None or event["type"] == "unknown":
            # What is ignored: answers of absent people, emails to several people. Contacts are not known to anymail.
            assert event["type"] in ("autoresponded", "delivered", "unknown"), event
            continue
        compared(interaction, event)
        if event["id"] is not None and sender != "mailgun":
            # Of Mailgun, anymail takes the token of the signature, since ids are unique for a day only.
            assert interaction["id"] == event["id"]
            ids += 1
    assert ids == {"sendgrid": 12, "brevo": 0, "postmark": 4, "mailgun": 0, "resend": 8}[sender]
