"""What the Data Manager API says of failures: which members a request was refused for, and how many records failed."""

import re
from collections.abc import Mapping
from typing import Any

from service.destinations.answer_texts import hidden
from service.destinations.http import Answer

_MEMBER = re.compile(r"audience_?members(?:\.audience_?members)?\[(\d+)\]\.?", re.IGNORECASE)
_RETRYABLE = frozenset({"PROCESSING_ERROR_REASON_INTERNAL_ERROR", "PROCESSING_ERROR_REASON_UNSPECIFIED"})
"""Reasons that have nothing to do with the records."""


def refused_members(answer: Answer) -> dict[int, str]:
    """Return the members that a request was refused for, by their place in it, with what is wrong.

    If one member is not valid, none is processed, and `BadRequest` names the fields:
    https://developers.google.com/data-manager/api/devguides/concepts/understand-errors
    """
    found: dict[int, str] = {}
    for detail in _details(answer):
        for violation in _list(detail.get("fieldViolations")):
            if match := _MEMBER.search(str(violation.get("field", ""))):
                what = violation.get("reason") or violation.get("description") or "refused"
                field = str(violation.get("field", ""))[match.end() :]
                found.setdefault(int(match[1]), hidden(f"{field}: {what}" if field else str(what)))
    return found


def refusal(answer: Answer) -> str:
    """Return why a request was refused as a whole: Google's reason and sentence."""
    reasons = [str(detail["reason"]) for detail in _details(answer) if detail.get("reason")]
    return ": ".join([*reasons[:1], answer.message()])


def failed_records(status: Mapping[str, Any]) -> tuple[str, bool]:
    """Return how many records failed and why, and whether sending them again may help."""
    error = status.get("errorInfo")
    counts = _list(error.get("errorCounts")) if isinstance(error, dict) else []
    reasons = [str(count.get("reason", "")) for count in counts]
    parts = [
        f"{count.get('recordCount', '?')} {reason.removeprefix('PROCESSING_ERROR_REASON_')}"
        for count, reason in zip(counts, reasons, strict=True)
    ]
    return hidden(", ".join(parts) or "without a reason"), not counts or set(reasons) <= _RETRYABLE


def _details(answer: Answer) -> list[dict[str, Any]]:
    body = answer.json()
    error = body.get("error") if isinstance(body, dict) else None
    return _list(error.get("details")) if isinstance(error, dict) else []


def _list(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
