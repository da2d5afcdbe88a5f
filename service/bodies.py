"""The body of a request, as far as it may be long."""

from cross_web import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message


async def body_of(request: Request, most: int) -> bytes:
    """The whole body.

    Refused with 413 over `most` bytes: before it is read where its length is told, else as soon as it gets there.
    Raises `ClientDisconnect` where the client leaves first.
    """
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > most:
        raise _too_long(most)
    parts: list[bytes] = []
    read, more = 0, True
    while more:
        message = await request.receive()
        parts.append(_part(message))
        read += len(parts[-1])
        if read > most:
            raise _too_long(most)
        more = message.get("more_body", False)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _part(message: Message) -> bytes:
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    part: bytes = message.get("body", b"")
    return part


def _too_long(most: int) -> HTTPException:
    return HTTPException(413, f"the body is larger than {most} bytes")
