"""Reports of mail servers: an address that does not exist is no longer used, one that is full is."""

import smtplib
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.builders.mail_servers import bounce_of, refusing_server
from tests.builders.mapped_sources import SECRET, door, sample, statements, values
from tests.builders.runs import Run

CUSTOMER = """
  engagement { interactionCounts { type count } }
  consents { purpose decision }
  undeliverableAddresses { identifier { value } }
  timeline(first: 5, kinds: [INTERACTION]) { nodes { ... on Interaction { type occurredAt properties } } }
"""


def types(report: str) -> dict[str, list[str]]:
    """The types of interactions of a report by address."""
    made = statements("dsn", sample(f"mail/reports/{report}.eml"))
    found = [fields for record in made for _, fields in record]
    return {values(one, "email")[0]: one["type"] for one in found}


def test_a_status_says_whether_an_address_is_bad_for_good() -> None:
    assert types("postfix") == {"Gone@example.com": "email_bounced", "full@example.com": "email_soft_bounced"}
    assert types("exchange") == {
        "hugo@example.com": "email_bounced", "ida@example.com": "email_soft_bounced",
        "jo@example.com": "email_deferred",
    }  # fmt: skip
    assert types("complaint") == {"bob@example.com": "email_complained"}


@pytest.mark.parametrize(
    ("status", "type"),
    [
        ("5.0.0", "email_bounced"), ("5.1.2", "email_bounced"), ("5.1.10", "email_bounced"), ("5.2.1", "email_bounced"),
        ("5.4.4", "email_bounced"), ("5.5.0", "email_bounced"), ("5.1.8", "email_soft_bounced"),
        ("5.2.2", "email_soft_bounced"), ("5.2.3", "email_soft_bounced"), ("5.3.4", "email_soft_bounced"),
        ("5.7.26", "email_soft_bounced"), ("4.4.7", "email_soft_bounced"),
    ],
)  # fmt: skip
def test_what_a_failed_delivery_means_by_its_status(status: str, type: str) -> None:
    # given
    report = sample("mail/reports/postfix.eml").replace(b"Status: 5.1.1", f"Status: {status}".encode())
    # when
    ((_, made),), *_ = statements("dsn", report)
    # then
    assert made["type"] == type


def test_reports_are_posted_as_the_mail_server_has_them(run: Run, tmp_path: Path) -> None:
    # given
    with door("dsn", run, tmp_path) as to:
        proof = {"authorization": f"Bearer {SECRET}"}
        # when
        reports = [sample(f"mail/reports/{name}.eml") for name in ("postfix", "exchange", "complaint")]
        first = [to.take(report, **proof) for report in reports]
        again = [to.take(report, **proof) for report in reports]
        # then
        assert [answer["accepted"] for answer in first] == [2, 3, 1]
        assert [answer["ignored"] for answer in first] == [0, 1, 0]
        assert [answer["accepted"] for answer in again] == [0, 0, 0]
        gone = to.client.customer("email=gone@example.com", CUSTOMER)
        assert gone["timeline"]["nodes"] == [
            {
                "type": "email_bounced",
                "occurredAt": "2026-03-01T10:00:00Z",
                "properties": {
                    "status": "5.1.1",
                    "reason": "smtp; 550 5.1.1 <gone@example.com>: Recipient address rejected: User unknown in virtual "
                    "mailbox table",
                    "mail_server": "dns; mx.example.com",
                    "message_id": "<spring-1@shop.example>",
                    "subject": "Spring is here",
                },
            }
        ]
        bob = to.client.customer("email=bob@example.com", CUSTOMER)
        assert {one["decision"] for one in bob["consents"]} == {"WITHDRAWN"}
        assert to.send(reports[0]).status_code == 401
        assert to.send(b"Subject: Out of office\n\nBack on Monday", **proof).status_code == 400


def test_a_real_server_refuses_and_its_answer_ends_the_use_of_the_address(run: Run, tmp_path: Path) -> None:
    # given: an SMTP server that knows nobody
    email = EmailMessage()
    email["From"], email["To"], email["Subject"] = "news@shop.example", "gone@example.com", "Spring is here"
    email["Message-ID"] = "<spring-3@shop.example>"
    email.set_content("Kettles!")
    with (
        refusing_server() as port,
        smtplib.SMTP("127.0.0.1", port) as smtp,
        pytest.raises(smtplib.SMTPRecipientsRefused) as refused,
    ):
        smtp.send_message(email)
    # when
    report = bounce_of(email, refused.value)
    with door("dsn", run, tmp_path) as to:
        to.take(report, authorization=f"Bearer {SECRET}")
        # then
        gone = to.client.customer("email=gone@example.com", CUSTOMER)
        assert gone["undeliverableAddresses"] == [{"identifier": {"value": "gone@example.com"}}]
        (node,) = gone["timeline"]["nodes"]
        assert node["type"] == "email_bounced"
        assert node["properties"]["reason"] == "smtp; 550 5.1.1 gone@example.com: no such mailbox"
