"""The body of a request, as far as it may be long."""

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope


class TooLongError(Exception):
    """A body over the limit."""


async def body_of(scope: Scope, receive: Receive, most: int) -> bytes:
    """The whole body, before anything is answered.

    Raises `TooLongError` over `most` bytes: before it is read where its length is told, else as soon as it gets there;
    `ClientDisconnect` where the client leaves first.
    """
    length = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
    if length.isdigit() and int(length) > most:
        raise TooLongError
    message = await receive()
    parts = [_part(message)]
    read = len(parts[0])
    while message.get("more_body") and read <= most:
        message = await receive()
        parts.append(_part(message))
        read += len(parts[-1])
    if read > most:
        raise TooLongError
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _part(message: Message) -> bytes:
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    part: bytes = message.get("body", b"")
    return part
