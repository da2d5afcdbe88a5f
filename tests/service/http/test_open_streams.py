"""Event streams end with their caller's right, while they wait for an event and between two events."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from schema.execution.runner import ExecutionAnswer, Stage
from service.http.event_batches import EventBatch
from service.http.open_streams import OpenStreams
from tests.builders.runs import Run


class Source:
    """Answers that arrive when a test sends them."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[int | None] = asyncio.Queue()
        self.closed = False

    async def batches(self) -> AsyncGenerator[EventBatch, None]:
        """The answers, one at a time, until `None` is sent."""
        try:
            while (number := await self.queue.get()) is not None:
                yield EventBatch([ExecutionAnswer(Stage.EXECUTION, {"n": number})])
        finally:
            self.closed = True


def codes(batches: list[EventBatch]) -> list[object]:
    """The number of each answer, or the code of its error."""
    answers = [answer for batch in batches for answer in batch.answers]
    return [answer.errors[0].extensions["code"] if answer.errors else answer.data["n"] for answer in answers]


@pytest.mark.parametrize("waiting", [True, False])
def test_a_stream_ends_with_an_error_when_its_right_does(run: Run, waiting: bool) -> None:
    async def follow() -> None:
        # given
        streams, source, received = OpenStreams(), Source(), list[EventBatch]()
        right = [True]
        stream = streams.watched(source.batches(), lambda: right[0])
        source.queue.put_nowait(1)
        received.append(await anext(stream))
        task = asyncio.create_task(anext(stream)) if waiting else None
        await asyncio.sleep(0)
        # when
        streams.end_unauthorized()
        right[0] = False
        streams.end_unauthorized()
        streams.end_unauthorized()
        # then
        received.append(await task if task is not None else await anext(stream))
        assert codes(received) == [1, "UNAUTHENTICATED"]
        assert [batch async for batch in stream] == []
        assert source.closed
        assert not streams._streams
        current = asyncio.current_task()
        assert current is not None
        assert not current.cancelling()

    run(follow())


def test_a_stream_whose_right_holds_yields_everything(run: Run) -> None:
    async def follow() -> list[EventBatch]:
        streams, source = OpenStreams(), Source()
        for item in (1, 2, None):
            source.queue.put_nowait(item)
        return [batch async for batch in streams.watched(source.batches(), lambda: True)]

    assert codes(run(follow())) == [1, 2]


def test_a_stream_that_its_client_leaves_is_closed(run: Run) -> None:
    async def leave() -> None:
        # given
        streams, source = OpenStreams(), Source()
        stream = streams.watched(source.batches(), lambda: True)
        task = asyncio.create_task(anext(stream))
        await asyncio.sleep(0)
        # when
        task.cancel()
        # then
        with pytest.raises(asyncio.CancelledError):
            await task
        assert source.closed
        assert not streams._streams

    run(leave())
