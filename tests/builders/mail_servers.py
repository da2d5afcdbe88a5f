"""A real SMTP server, and the report that a mail server makes of its answer."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_string
from email.message import EmailMessage
from email.mime.base import MIMEBase
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from pathlib import Path
from smtplib import SMTPRecipientsRefused

import pytest

from tools.neo4j.guard import guard, release

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-mail" / "bin" / "python"


def mail_tool(name: str) -> list[str]:
    """The command of a tool of `tools/mail`; without its environment, the test is skipped, in CI it fails."""
    if not PYTHON.exists():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("an environment is missing: `make mail-tools`")
    return [str(PYTHON), str(ROOT / "tools" / "mail" / f"{name}.py")]


@contextmanager
def refusing_server() -> Iterator[int]:
    """The port of an SMTP server that has no mailboxes."""
    server = subprocess.Popen(mail_tool("refusing_server"), stdout=subprocess.PIPE, text=True)
    watched = guard(server.pid)
    try:
        assert server.stdout is not None
        yield int(server.stdout.readline())
    finally:
        server.kill()
        server.communicate()
        release(watched)


def bounce_of(email: EmailMessage, refused: SMTPRecipientsRefused) -> bytes:
    """The report of a mail server to the sender of an email that was refused (RFC 3464)."""
    report = MIMEMultipart("report", **{"report-type": "delivery-status"})
    report["From"], report["To"] = "MAILER-DAEMON@shop.example", "bounces@shop.example"
    report["Date"] = "Sun, 01 Mar 2026 10:00:05 +0000"
    report.attach(MIMEText("The email below was not delivered."))
    status = MIMEBase("message", "delivery-status")
    blocks = ["Reporting-MTA: dns; mail.shop.example"]
    for recipient, (code, answer) in refused.recipients.items():
        enhanced = answer.decode().split()[0]
        blocks.append(
            f"Final-Recipient: rfc822; {recipient}\nAction: {'failed' if code >= 500 else 'delayed'}\n"
            f"Status: {enhanced}\nDiagnostic-Code: smtp; {code} {answer.decode()}"
        )
    for block in blocks:
        status.attach(message_from_string(block))
    report.attach(status)
    report.attach(MIMEMessage(email))
    return report.as_bytes()
