"""Ids of requests: those that a proxy or a client assigned, so that its logs match these, otherwise new ones."""

import re
import secrets

HEADER = b"x-request-id"
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""An id that is taken over. It is logged, so it must be short, and cannot be an email address or a full name."""
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}.*")
"""The header of W3C Trace Context; the first group is the id of the trace."""


def request_id(x_request_id: str, traceparent: str) -> str:
    """Return the id of a request: of `X-Request-Id` if it is valid, else the trace id of `traceparent`, else a new one.

    An id has 1 to 64 letters, digits, hyphens and underscores; any other is ignored.
    """
    if _ID.fullmatch(x_request_id):
        return x_request_id
    if traceparent and (trace := _TRACEPARENT.fullmatch(traceparent)) and trace[1] != "0" * 32:
        return trace[1]
    return secrets.token_hex(16)
