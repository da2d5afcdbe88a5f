"""Reports that mail servers send about emails (RFC 6522): of deliveries (RFC 3464) and of complaints (RFC 5965)."""

import contextlib
import re
from collections.abc import Iterator
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any

from graph.domain.model.errors import InvalidInput

MAX_REPORT_BYTES = 1_000_000
"""Length of a report. Servers cut the email that they return, and send no attachments back."""
MAX_MULTIPARTS = 20
"""Parts with parts of a report, with those of the email that it returns: each line is compared with all boundaries."""
MAX_PARTS = 2_000
"""Lines of a report that begin as a boundary does."""
_MULTIPART = re.compile(rb"(?i)multipart/")


def parse_report(body: bytes) -> list[dict[str, Any]]:
    """Return a record for each recipient that a report is about.

    It has the fields of the report in lower case with `_`, such as `action`, `status` and `diagnostic_code`, and beside
    them: `status_subject`, such as 5.1 of the status 5.1.1; `recipient`, the address that the email was sent to; `at`,
    the time of the last attempt, else of the report; `original`, the `message_id`, `subject` and `list_id` of the email
    that it is about. Raises `InvalidInput` if the body is no such report: answers of absent people are emails, too.
    """
    if len(body) > MAX_REPORT_BYTES:
        raise InvalidInput("INVALID_BODY", f"the body is longer than {MAX_REPORT_BYTES} bytes, and no delivery report")
    if len(_MULTIPART.findall(body)) > MAX_MULTIPARTS or body.count(b"\n--") > MAX_PARTS:
        raise InvalidInput("INVALID_BODY", "the body has more parts than a report of a delivery")
    try:
        return _records(body)
    except RecursionError:
        raise InvalidInput("INVALID_BODY", "the body has too many emails in emails") from None


def _records(body: bytes) -> list[dict[str, Any]]:
    # Not by `policy.default`: its parser of headers takes minutes for some, and fails with IndexError on others.
    message = message_from_bytes(body)
    part = next(
        (one for one in message.walk() if one.get_content_type() in ("message/delivery-status", _FEEDBACK)), None
    )
    if part is None:
        raise InvalidInput("INVALID_BODY", "the body is not a report of a delivery or a complaint (multipart/report)")
    about, *recipients = _blocks(part)
    if part.get_content_type() == _FEEDBACK:
        recipients = [{"recipient": _address(one)} for one in _all(part, "original-rcpt-to")]
    shared = about | {"original": _original(message)}
    records = [shared | one for one in recipients]
    for record in records:
        if status := record.get("status"):
            # Some servers write a comment behind it.
            record["status"] = status.split()[0]
            record["status_subject"] = record["status"].rpartition(".")[0]
        record.setdefault("recipient", _address(record.get("original_recipient") or record.get("final_recipient", "")))
        sent = (record.get("last_attempt_date"), record.get("arrival_date"), str(message.get("date", "")))
        record["at"] = next((time for time in map(_time, sent) if time), None)
    return records


_FEEDBACK = "message/feedback-report"


def _blocks(part: Message) -> list[dict[str, Any]]:
    """The groups of fields of a report: that of the whole, then one for each recipient."""
    payload = part.get_payload()
    blocks = payload if isinstance(payload, list) else [payload]
    return [_fields(block) for block in blocks if isinstance(block, Message) and block.items()] or [{}]


def _fields(block: Message) -> dict[str, Any]:
    return {name.lower().replace("-", "_"): _text(value) for name, value in block.items()}


def _text(value: Any) -> str:
    """A header in one line, with its encoded words as they are read."""
    # With a charset that does not exist, or bytes that are not of it, it stays as it was sent.
    with contextlib.suppress(HeaderParseError, LookupError, ValueError):
        value = make_header(decode_header(value))
    return " ".join(str(value).split())


def _all(part: Message, name: str) -> Iterator[str]:
    for block in part.get_payload():
        if isinstance(block, Message):
            yield from map(_text, block.get_all(name, ()))


def _address(value: str) -> str:
    """An address without its type: `rfc822; ann@example.com`."""
    kind, separator, address = value.partition(";")
    return (address if separator else kind).strip().strip("<>")


def _time(text: str | None) -> str | None:
    try:
        return parsedate_to_datetime(text).isoformat() if text else None
    except ValueError:
        return None


def _original(report: Message) -> dict[str, str]:
    """What identifies the email that a report is about, as far as it is returned."""
    for part in report.walk():
        kind = part.get_content_type()
        content = part.get_payload(decode=True) if kind == "text/rfc822-headers" else None
        returned: Message | None = None
        if isinstance(content, bytes):
            returned = message_from_bytes(content)
        if kind == "message/rfc822" and isinstance(whole := part.get_payload(0), Message):
            returned = whole
        if returned is None:
            continue
        names = ("message-id", "subject", "list-id")
        found = {name.replace("-", "_"): _text(returned[name]) for name in names if returned[name]}
        if "subject" in found:
            found["subject"] = found["subject"][:200]
        return found
    return {}
