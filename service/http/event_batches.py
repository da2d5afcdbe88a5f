"""Answers of a stream that are sent at once. They are encoded once, whoever they are sent to."""

from collections.abc import Sequence

import orjson

from schema.execution.runner import ExecutionAnswer
from service.http import responses

TEXT_FRAME = 0x81
"""The first byte of a whole message of text (RFC 6455, section 5.2)."""
MAX_SHORT, MAX_MEDIUM = 125, 65_535
"""Longest messages whose length is one byte, and two bytes after the mark 126; of others it is eight after 127."""
_NEXT = b"event: next\ndata: "
_END = b"\n\n"


class EventBatch:
    """Answers in the order of their events. Either all of them were executed, or there is one."""

    __slots__ = ("_around_ids", "_bodies", "answers", "failed", "position")

    def __init__(
        self, answers: Sequence[ExecutionAnswer], bodies: Sequence[bytes] | None = None, position: int = 0
    ) -> None:
        self.answers, self._bodies = answers, bodies
        self.failed = [answer for answer in answers if answer.errors]
        """Those with errors."""
        self.position = position
        """The number of the entry of the feed that the last one shows; 0 if that is not known."""
        self._around_ids: dict[int, list[bytes]] = {}

    @property
    def executed(self) -> bool:
        """Whether execution began."""
        return self.answers[0].executed

    @property
    def bodies(self) -> Sequence[bytes]:
        """The answers as JSON."""
        if self._bodies is None:
            self._bodies = [responses.encoded_body(answer) for answer in self.answers]
        return self._bodies

    def server_sent(self) -> bytes:
        """Return the answers as server-sent events."""
        return _NEXT + (_END + _NEXT).join(self.bodies) + _END

    def websocket_frames(self, id: str) -> bytes:
        """Return the answers as WebSocket frames, each with a `next` message of the operation with an id.

        The length in a frame's head depends on the length of the id alone, so all other bytes are made once.
        """
        text = orjson.dumps(id)[1:-1]
        parts = self._around_ids.get(len(text))
        if parts is None:
            parts = self._around_ids[len(text)] = _around_ids(self.bodies, len(text))
        return text.join(parts)


def _around_ids(bodies: Sequence[bytes], length: int) -> list[bytes]:
    """Return what comes before, between and after the ids of this length in the frames of some bodies."""
    parts: list[bytes] = []
    end = b""
    for body in bodies:
        before, after = b'{"id":"', b'","type":"next","payload":' + body + b"}"
        parts.append(end + _head(len(before) + length + len(after)) + before)
        end = after
    parts.append(end)
    return parts


def _head(length: int) -> bytes:
    if length <= MAX_SHORT:
        return bytes((TEXT_FRAME, length))
    if length <= MAX_MEDIUM:
        return bytes((TEXT_FRAME, 126)) + length.to_bytes(2, "big")
    return bytes((TEXT_FRAME, 127)) + length.to_bytes(8, "big")
