"""Which id the events of a page with kith.js get, and what becomes of the cookie."""

import http.cookies
from typing import Any

import pytest

from service.http.visitor_cookie import MAX_AGE, identified

PAGE = "0b6b29f6-6f0b-4e5a-9a43-1f1f0c6f7a01"
"""The id that a page made."""
KNOWN = "7d8f5c2e-33f1-4b0e-8d2c-2f7f9d1e5b02"
"""The id in the cookie of an earlier visit."""


def batch(**visitor: Any) -> dict[str, Any]:
    return {"batch": [{"type": "page"}, {"type": "track"}], "visitor": {"id": PAGE, **visitor}}


def ids(content: Any) -> set[str | None]:
    return {event.get("anonymousId") for event in content["batch"]}


@pytest.mark.parametrize(
    ("visitor", "cookies", "id", "stored"),
    [
        ({}, "", PAGE, PAGE),
        ({}, f"a=b; kith_id={KNOWN}; c=d", KNOWN, None),
        ({}, f"kith_id={PAGE}", PAGE, None),
        # what others put there is nobody's id
        ({}, "kith_id=someone@example.com", PAGE, PAGE),
        ({}, "\x00;;==", PAGE, PAGE),
        # a logout
        ({"renew": True}, f"kith_id={KNOWN}", PAGE, PAGE),
        ({"renew": True}, f"kith_id={PAGE}", PAGE, None),
        ({"renew": "yes"}, f"kith_id={KNOWN}", KNOWN, None),
        # a withdrawal: the last events have the id that they are about
        ({"forget": True}, f"kith_id={KNOWN}", KNOWN, ""),
        ({"forget": True}, "", PAGE, None),
    ],
)
def test_the_cookie_is_the_id_unless_the_page_has_a_reason(
    visitor: dict[str, Any], cookies: str, id: str, stored: str | None
) -> None:
    # when
    content, header = identified(batch(**visitor), cookies, secure=False)
    # then
    assert ids(content) == {id}
    if stored is None:
        assert header == ""
    else:
        cookie = http.cookies.SimpleCookie(header)["kith_id"]
        assert cookie.value == stored
        assert cookie["max-age"] == str(MAX_AGE if stored else 0)


def test_pages_cannot_read_the_cookie_and_other_sites_do_not_send_it() -> None:
    _, header = identified(batch(), "", secure=True)
    assert header == f"kith_id={PAGE}; Path=/; Max-Age=34128000; HttpOnly; SameSite=Lax; Secure"


@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        {"batch": [{"type": "page", "anonymousId": "anon-1"}]},
        {"batch": [{"type": "page"}], "visitor": {"id": "short"}},
        {"batch": [{"type": "page"}], "visitor": {"id": 7}},
        {"batch": [{"type": "page"}], "visitor": PAGE},
        {"batch": "text", "visitor": {"id": PAGE}},
    ],
)
def test_what_does_not_come_from_the_script_stays_as_it_is(content: Any) -> None:
    assert identified(content, f"kith_id={KNOWN}", secure=False) == (content, "")


def test_events_that_are_no_objects_stay_for_the_mapping_to_refuse() -> None:
    content, _ = identified({"batch": [7, {"type": "page"}], "visitor": {"id": PAGE}}, "", secure=False)
    assert content["batch"] == [7, {"type": "page", "anonymousId": PAGE}]
