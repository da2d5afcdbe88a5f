"""Bookmarks as a text for callers."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.domain.model.errors import InvalidInput
from schema.execution.bookmarks import MAX_BOOKMARKS, MAX_LENGTH, decoded, encoded

BOOKMARKS = st.frozensets(st.from_regex(r"FB:[A-Za-z0-9+/=]{1,80}", fullmatch=True), min_size=1, max_size=20)


@given(BOOKMARKS)
def test_callers_send_back_what_they_got(bookmarks: frozenset[str]) -> None:
    text = encoded(bookmarks)
    assert decoded(text) == bookmarks
    assert text.isascii()
    # Nothing has to be escaped in JSON, in a header or in a URL.
    assert not set(text) & set('+/"\\ \n')


def test_there_is_no_text_without_bookmarks() -> None:
    assert encoded(()) == ""


def sent(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (7, "must be a string, not int"),
        (["FB:a"], "must be a string, not list"),
        ("A" * (MAX_LENGTH + 1), f"has {MAX_LENGTH + 1} characters; {MAX_LENGTH} are allowed"),
        ("FB:not base64", "is none that this service has given out"),
        ("é", "is none that this service has given out"),
        ("QQ", "is none that this service has given out"),
        (sent("FB:a\n\nFB:b"), "is none that this service has given out"),
        (sent("é"), "is none that this service has given out"),
        (sent("\n".join(map(str, range(MAX_BOOKMARKS + 1)))), "is none that this service has given out"),
    ],
)
def test_anything_else_is_refused(value: object, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        decoded(value)
    assert caught.value.code == "INVALID_BOOKMARK"
    assert caught.value.message == f"the bookmark {message}"
