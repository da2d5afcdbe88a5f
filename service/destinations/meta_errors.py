"""What Meta's Graph API says of failures: whether to wait, to renew the login, or to give up; and invalid entries.

https://developers.facebook.com/docs/marketing-api/error-reference and
https://developers.facebook.com/docs/graph-api/overview/rate-limiting.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from service.destinations.adapter import Unavailable
from service.destinations.answer_texts import MAX_RETRY_AFTER, hidden
from service.destinations.http import Answer

LOGIN_STATUSES = frozenset({401, 403})
"""Statuses that Meta also uses for rate limits: the code of the error decides."""
_LOGIN = frozenset({102, 190})
"""Access tokens that have expired or were revoked."""
_FORBIDDEN = frozenset({3, 10, *range(200, 300)})
"""Permissions that are missing, perhaps for one audience only."""
_BUSY = frozenset({1, 2, 4, 17, 32, 341, 368, 613, *range(80_000, 80_015)})
"""Failures on Meta's side, rate limits, and accounts that are blocked for some time."""
_BLOCKED_AUDIENCE = 1713230
"""The subcode of audiences that take no members until their owner has answered Meta's objection."""
_ENTRY = re.compile(r"[0-9a-f]{64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class AudienceBlocked(Exception):
    """Meta takes no changes of an audience until somebody has done something. The message says what."""


def check(answer: Answer) -> str:
    """Return why Meta refused a request for good, or an empty text if it did not.

    Raises `Unavailable` if the same request may be taken later, and `AudienceBlocked`.
    """
    if answer.is_success:
        return ""
    error = _error(answer)
    code, subcode = _number(error.get("code")), _number(error.get("error_subcode"))
    said = hidden(str(error.get("error_user_msg") or error.get("message") or ""))
    message = f"{answer.status}, error {code}{f'/{subcode}' if subcode else ''}: {said}" if error else answer.message()
    if code in _BUSY or error.get("is_transient") is True:
        raise Unavailable(message, _wait(answer))
    if code in _LOGIN or (answer.status in LOGIN_STATUSES and not error):
        raise Unavailable(message, login=True)
    if code in _FORBIDDEN or subcode == _BLOCKED_AUDIENCE:
        raise AudienceBlocked(message)
    return message


def invalid_entries(answer: Answer) -> tuple[int, set[str]]:
    """Return how many entries Meta found invalid, and the hashes and advertising ids in its samples of them."""
    body = answer.json()
    if not isinstance(body, dict):
        return 0, set()
    samples = json.dumps(body.get("invalid_entry_samples", ""))
    return _number(body.get("num_invalid_entries")), set(_ENTRY.findall(samples))


def _error(answer: Answer) -> Mapping[str, Any]:
    try:
        body = json.loads(answer.body)
    except ValueError:
        return {}
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, dict) else {}


def _number(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return 0


def _wait(answer: Answer) -> float | None:
    """Return the seconds until the account may send again: the header has minutes for each limit."""
    try:
        usage = json.loads(answer.headers.get("x-business-use-case-usage", "{}"))
        minutes = max(
            float(limit.get("estimated_time_to_regain_access", 0)) for limits in usage.values() for limit in limits
        )
    except (ValueError, AttributeError, TypeError):
        minutes = 0
    return min(minutes * 60, MAX_RETRY_AFTER) if minutes > 0 else answer.retry_after
