"""The headers of a request, and its body, read completely or not at all."""

import asyncio
from typing import Any

import pytest
from cross_web import HTTPException
from starlette.requests import ClientDisconnect, Request

from graph.runtime.timeouts import SharedTimeout
from service.http.request_body import Headers, declared_length, read_body
from tests.builders.runs import Run


def part(body: bytes, more: bool = False) -> dict[str, Any]:
    """A message that contains a part of a body."""
    return {"type": "http.request", "body": body, "more_body": more}


class Wire:
    """Successive messages of a request, and its `Content-Length` header."""

    def __init__(self, *messages: dict[str, Any], length: bytes | None = None) -> None:
        self.messages = list(messages)
        self._headers = [] if length is None else [(b"host", b"kith"), (b"content-length", length)]

    async def receive(self) -> dict[str, Any]:
        """Return the next message."""
        return self.messages.pop(0)

    async def body(self, max_bytes: int) -> bytes:
        """Read the body."""
        scope = {"type": "http", "headers": self._headers}
        return await read_body(Request(scope, self.receive), Headers(scope), max_bytes, SharedTimeout(0.05))


def test_a_body_in_one_message(run: Run) -> None:
    assert run(Wire(part(b"{}"), length=b"2").body(2)) == b"{}"


def test_a_body_in_several_messages(run: Run) -> None:
    assert run(Wire(part(b"ab", True), part(b"", True), part(b"c")).body(3)) == b"abc"


def test_no_body(run: Run) -> None:
    assert run(Wire({"type": "http.request"}).body(3)) == b""


def test_a_body_with_a_content_length_over_the_limit_is_not_read(run: Run) -> None:
    # given
    wire = Wire(part(b"abcd"), length=b"4")
    # when, then
    with pytest.raises(HTTPException, match="larger than 3 bytes"):
        run(wire.body(3))
    assert wire.messages


def test_reading_stops_when_a_body_exceeds_the_limit(run: Run) -> None:
    # given
    wire = Wire(part(b"ab", True), part(b"cd", True), part(b"ef"), length=b"many")
    # when, then
    with pytest.raises(HTTPException, match="larger than 3 bytes"):
        run(wire.body(3))
    assert len(wire.messages) == 1


def test_a_client_that_disconnects_before_the_end_of_its_body(run: Run) -> None:
    with pytest.raises(ClientDisconnect):
        run(Wire(part(b"ab", True), {"type": "http.disconnect"}).body(3))


def test_headers_are_read_by_name_and_the_first_of_several_counts() -> None:
    headers = Headers({"headers": [(b"accept", b"a/b"), (b"host", b"k\xe9"), (b"accept", b"c/d")]})
    assert [headers.get(name) for name in (b"accept", b"host", b"authorization")] == ["a/b", "k\xe9", ""]


def test_a_body_that_does_not_arrive_is_rejected(run: Run) -> None:
    class Silent(Wire):
        """A client that sends a part, and nothing more."""

        async def receive(self) -> dict[str, Any]:
            return await super().receive() if self.messages else await asyncio.Future()

    # when, then
    with pytest.raises(HTTPException, match="did not arrive in time") as raised:
        run(Silent(part(b"ab", True), length=b"3").body(3))
    assert raised.value.status_code == 408


@pytest.mark.parametrize("length", [b"9" * 19, b"9" * 5000])
def test_a_content_length_of_any_size_is_compared(run: Run, length: bytes) -> None:
    with pytest.raises(HTTPException, match="larger than 3 bytes"):
        run(Wire(part(b"ab"), length=length).body(3))


@pytest.mark.parametrize(
    ("length", "declared"), [(b"12", 12), (b"0012", 12), (b"", 0), (b"-1", 0), (b"many", 0), (b"9" * 5000, 10**18)]
)
def test_the_declared_length_is_a_number(length: bytes, declared: int) -> None:
    assert declared_length(Headers({"headers": [(b"content-length", length)]})) == declared
