"""Reports of mail servers are read with the standard library."""

import contextlib

import pytest

from graph.domain.model.errors import InvalidInput
from service.connectors.delivery_reports import MAX_REPORT_BYTES, parse_report
from tests.builders.mapped_sources import sample


def test_a_report_has_a_record_for_each_recipient() -> None:
    # when
    gone, full = parse_report(sample("mail/reports/postfix.eml"))
    # then: the address that was sent to, not the one that it was forwarded to
    assert (gone["recipient"], full["recipient"]) == ("Gone@example.com", "full@example.com")
    assert gone["final_recipient"] == "rfc822; gone@example.com"
    assert (gone["action"], gone["status"], gone["status_subject"]) == ("failed", "5.1.1", "5.1")
    assert gone["diagnostic_code"] == (
        "smtp; 550 5.1.1 <gone@example.com>: Recipient address rejected: User unknown in virtual mailbox table"
    )
    assert gone["at"] == "2026-03-01T10:00:00+00:00"
    assert gone["reporting_mta"] == full["reporting_mta"] == "dns; mail.shop.example"
    assert gone["original"] == {
        "message_id": "<spring-1@shop.example>", "subject": "Spring is here",
        "list_id": "Shop news <news.shop.example>",
    }  # fmt: skip


def test_a_report_may_return_headers_only_and_comment_its_status() -> None:
    # when
    records = {one["recipient"]: one for one in parse_report(sample("mail/reports/exchange.eml"))}
    # then
    assert records["ida@example.com"]["status"] == "5.7.1"
    assert records["hugo@example.com"]["original"]["message_id"] == "<spring-1@shop.example>"
    assert records["jo@example.com"]["at"] == "2026-03-01T14:00:08+00:00"


def test_a_complaint_is_about_the_recipients_that_it_names() -> None:
    # given
    two = sample("mail/reports/complaint.eml").replace(
        b"Original-Rcpt-To: <bob@example.com>\n",
        b"Original-Rcpt-To: <bob@example.com>\nOriginal-Rcpt-To: bea@example.com\n",
    )
    # when, then
    assert [(one["recipient"], one["feedback_type"]) for one in parse_report(two)] == [
        ("bob@example.com", "abuse"), ("bea@example.com", "abuse"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "not a report of a delivery"),
        (b"{}", "not a report of a delivery"),
        (b"Subject: Out of office\n\nBack on Monday", "not a report of a delivery"),
        (b"Content-Type: multipart/report; boundary=x\n\n--x--", "not a report of a delivery"),
        (b"x" * (MAX_REPORT_BYTES + 1), "longer than 1000000 bytes"),
        # Parsers of email take minutes for these, or give up with errors of their own.
        (b"Content-Type: text/plain; " + b"(" * 900_000, "not a report of a delivery"),
        (b"Content-Type: text/plain" + b";a=1" * 200_000, "not a report of a delivery"),
        # Which of the two depends on how deep Python recurses.
        (b"Content-Type: message/rfc822\n\n" * 3_000, "too many emails in emails|not a report of a delivery"),
        (b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\n" * 100_000, "more parts than a report"),
        (b"Content-Type: multipart/mixed; boundary=b\n\n--b\n" * 300, "more parts than a report"),
    ],
)
def test_what_is_no_report_is_an_error(body: bytes, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        parse_report(body)


def test_a_report_that_is_cut_or_garbled_raises_nothing_else() -> None:
    whole = sample("mail/reports/postfix.eml")
    for length in range(0, len(whole), 7):
        for body in (whole[:length], whole[:length] + b"\xff\x00\n" + whole[length:]):
            with contextlib.suppress(InvalidInput):
                parse_report(body)


@pytest.mark.parametrize(
    "id", [b"<", b"<" * 100_000, b"(", b"=?x?q?=?=", b"=?utf-8?b?=?=", b"=?utf-8?q?=ff?=", b"\xff"]
)
def test_the_headers_of_the_email_that_is_returned_may_be_anything(id: bytes) -> None:
    # given
    garbled = sample("mail/reports/exchange.eml").replace(b"<spring-1@shop.example>", id)
    # then
    assert {one["recipient"] for one in parse_report(garbled)} >= {"ida@example.com", "hugo@example.com"}
