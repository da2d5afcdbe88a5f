"""What a request consists of: its headers, and its body as far as it may be long."""

from cross_web import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Scope


class Heads:
    """The headers of a request by their names in lower case; of several of a name the first counts.

    Starlette goes through all of them for each that is asked for.
    """

    __slots__ = ("_values",)

    def __init__(self, scope: Scope) -> None:
        self._values: dict[bytes, bytes] = dict(reversed(scope["headers"]))

    def get(self, name: bytes) -> str:
        """The value of a header, empty where there is none."""
        return self._values.get(name, b"").decode("latin-1")


async def body_of(request: Request, heads: Heads, most: int) -> bytes:
    """The whole body.

    Refused with 413 over `most` bytes: before it is read where its length is told, else as soon as it gets there.
    Raises `ClientDisconnect` where the client leaves first.
    """
    length = heads.get(b"content-length")
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
