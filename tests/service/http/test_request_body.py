"""The headers of a request, and its body, whole or not at all."""

from typing import Any

import pytest
from cross_web import HTTPException
from starlette.requests import ClientDisconnect, Request

from service.http.request_body import Heads, body_of
from tests.builders.runs import Run


def part(body: bytes, more: bool = False) -> dict[str, Any]:
    """A message that holds a part of a body."""
    return {"type": "http.request", "body": body, "more_body": more}


class Wire:
    """Messages that come one after the other, and a header that tells the length."""

    def __init__(self, *messages: dict[str, Any], length: bytes | None = None) -> None:
        self.messages = list(messages)
        self._headers = [] if length is None else [(b"host", b"kith"), (b"content-length", length)]

    async def receive(self) -> dict[str, Any]:
        """The next message."""
        return self.messages.pop(0)

    async def body(self, most: int) -> bytes:
        """What is read of it."""
        scope = {"type": "http", "headers": self._headers}
        return await body_of(Request(scope, self.receive), Heads(scope), most)


def test_a_body_that_comes_at_once(run: Run) -> None:
    assert run(Wire(part(b"{}"), length=b"2").body(2)) == b"{}"


def test_a_body_that_comes_in_parts(run: Run) -> None:
    assert run(Wire(part(b"ab", True), part(b"", True), part(b"c")).body(3)) == b"abc"


def test_no_body(run: Run) -> None:
    assert run(Wire({"type": "http.request"}).body(3)) == b""


def test_a_body_that_says_it_is_too_long_is_not_read(run: Run) -> None:
    # Given
    wire = Wire(part(b"abcd"), length=b"4")
    # When, then
    with pytest.raises(HTTPException, match="larger than 3 bytes"):
        run(wire.body(3))
    assert wire.messages


def test_a_body_that_proves_too_long_is_not_read_further(run: Run) -> None:
    # Given
    wire = Wire(part(b"ab", True), part(b"cd", True), part(b"ef"), length=b"many")
    # When, then
    with pytest.raises(HTTPException, match="larger than 3 bytes"):
        run(wire.body(3))
    assert len(wire.messages) == 1


def test_a_client_that_leaves_before_its_body_has_come(run: Run) -> None:
    with pytest.raises(ClientDisconnect):
        run(Wire(part(b"ab", True), {"type": "http.disconnect"}).body(3))


def test_a_header_is_found_by_its_name_and_the_first_of_several_counts() -> None:
    heads = Heads({"headers": [(b"accept", b"a/b"), (b"host", b"k\xe9"), (b"accept", b"c/d")]})
    assert [heads.get(name) for name in (b"accept", b"host", b"authorization")] == ["a/b", "k\xe9", ""]
