"""The id of the visitor of a page with kith.js: a cookie that only the service sets and reads."""

import re
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

NAME = "kith_id"
MAX_AGE = 395 * 86_400
"""Seconds: 13 months from the first visit. A later visit does not prolong it."""
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def identified(content: Any, cookies: str, secure: bool) -> tuple[Any, str]:
    """Give the events of a batch from kith.js the id of their visitor.

    Takes the content of a body, the header `Cookie`, and whether page and collector are on https. Returns the content
    with `anonymousId` in its events, and the value of `Set-Cookie`; empty if the cookie stays as it is.

    `visitor` of the batch has the `id` that the page made for a visitor without a cookie. With `renew`, it replaces the
    cookie, as after a logout; with `forget`, these events are the last of the visitor, and the cookie ends.
    """
    visitor = content.get("visitor") if isinstance(content, dict) else None
    events = content.get("batch") if isinstance(content, dict) else None
    if not isinstance(visitor, dict) or not _is_id(visitor.get("id")) or not isinstance(events, list):
        return content, ""
    known = _stored(cookies)
    id = visitor["id"] if known is None or visitor.get("renew") is True else known
    batch = [{**event, "anonymousId": id} if isinstance(event, dict) else event for event in events]
    content = {**content, "batch": batch}
    if visitor.get("forget") is True:
        return content, "" if known is None else _header("", 0, secure)
    return content, "" if id == known else _header(id, MAX_AGE, secure)


def _is_id(value: object) -> bool:
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def _stored(cookies: str) -> str | None:
    """Return the id in the header `Cookie`; `None` if there is none."""
    try:
        parsed: Mapping[str, Any] = SimpleCookie(cookies)
    except CookieError:
        return None
    value = parsed[NAME].value if NAME in parsed else None
    return value if _is_id(value) else None


def _header(value: str, max_age: int, secure: bool) -> str:
    return f"{NAME}={value}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax{'; Secure' if secure else ''}"
