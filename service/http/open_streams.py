"""Event streams that end when their caller's key or token does, even if no event arrives."""

import asyncio
from asyncio import CancelledError
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

from schema.execution.runner import unauthorized
from service.http.event_batches import EventBatch


class _OpenStream:
    """An open stream. `task` is set while it waits for an answer."""

    __slots__ = ("ended", "holds", "task")

    def __init__(self, holds: Callable[[], bool]) -> None:
        self.holds, self.ended = holds, False
        self.task: asyncio.Task[Any] | None = None


class OpenStreams:
    """The streams that are open."""

    def __init__(self) -> None:
        self._streams: set[_OpenStream] = set()

    async def watched(
        self, answers: AsyncGenerator[EventBatch, None], holds: Callable[[], bool]
    ) -> AsyncGenerator[EventBatch, None]:
        """Yield the answers of a stream, and an error as the last one when its caller's right no longer `holds`."""
        stream = _OpenStream(holds)
        self._streams.add(stream)
        try:
            async with aclosing(answers):
                while not stream.ended:
                    stream.task = asyncio.current_task()
                    try:
                        answer = await anext(answers)
                    except StopAsyncIteration:
                        return
                    except CancelledError:
                        # If the task was canceled by another caller too, that cancellation continues.
                        if not stream.ended or (stream.task is not None and stream.task.uncancel()):
                            raise
                        break
                    finally:
                        stream.task = None
                    yield answer
            yield EventBatch([unauthorized()])
        finally:
            self._streams.discard(stream)

    def end_unauthorized(self) -> None:
        """End the streams whose callers' rights no longer hold."""
        for stream in list(self._streams):
            if not stream.ended and not stream.holds():
                stream.ended = True
                if stream.task is not None:
                    stream.task.cancel()
