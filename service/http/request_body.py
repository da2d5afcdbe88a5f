"""Reads a request's headers, and its body up to a maximum size."""

from cross_web import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Scope

from graph.runtime.timeouts import SharedTimeout

MAX_LENGTH_DIGITS = 18
"""Maximum number of digits of a `Content-Length` that are read; longer ones exceed every limit."""


class Headers:
    """The headers of a request by lower-case name. The first of several with the same name counts.

    A dictionary, because Starlette searches all headers on each access.
    """

    __slots__ = ("_values",)

    def __init__(self, scope: Scope) -> None:
        self._values: dict[bytes, bytes] = dict(reversed(scope["headers"]))

    def get(self, name: bytes) -> str:
        """Return the value of a header; empty if it is missing."""
        return self._values.get(name, b"").decode("latin-1")


def client_address(scope: Scope) -> str:
    """Return the address of a client, that before the proxy if the proxy is trusted; empty if it has none."""
    client = scope.get("client")
    return client[0] if client else ""


def stated_text(header: str) -> str:
    """Return the text of a header that people write: most clients send UTF-8, older ones Latin-1."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeDecodeError:
        return header


def declared_length(headers: Headers) -> int:
    """Return the length of the body by `Content-Length`, 0 without a valid one."""
    length = headers.get(b"content-length")
    if not length.isdecimal():
        return 0
    # Python refuses to read very long numbers.
    return int(length) if len(length) <= MAX_LENGTH_DIGITS else 10**MAX_LENGTH_DIGITS


async def read_body(request: Request, headers: Headers, max_bytes: int, limit: SharedTimeout) -> bytes:
    """Read the whole body.

    A body of more than `max_bytes` bytes is rejected with 413: before it is read if `Content-Length` says so, otherwise
    as soon as the limit is exceeded. A body that does not arrive within the time limit is rejected with 408. Raises
    `ClientDisconnect` if the client disconnects first.
    """
    if declared_length(headers) > max_bytes:
        raise _body_too_large(max_bytes)
    try:
        with limit.scope():
            return await _read(request, max_bytes)
    except TimeoutError:
        raise HTTPException(408, "the body did not arrive in time") from None


async def _read(request: Request, max_bytes: int) -> bytes:
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await request.receive()
        parts.append(_part(message))
        size += len(parts[-1])
        if size > max_bytes:
            raise _body_too_large(max_bytes)
        more = message.get("more_body", False)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _part(message: Message) -> bytes:
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    part: bytes = message.get("body", b"")
    return part


def _body_too_large(max_bytes: int) -> HTTPException:
    return HTTPException(413, f"the body is larger than {max_bytes} bytes")
