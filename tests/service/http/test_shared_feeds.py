"""Followers that share the feed get what each would get alone: every event after their position, once and in order."""

import asyncio
import random
from collections.abc import AsyncGenerator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.domain.access.roles import DEVELOPER
from graph.domain.access.viewer import Viewer
from graph.queries.subscriptions import FeedPlace, FeedRevision
from schema.execution.runner import ExecutionAnswer, Stage, unauthorized
from service.http import shared_feeds
from service.http.shared_feeds import Follower, Same, SharedFeeds, rights
from tests.builders.runs import Run, until

VIEWER = rights(Viewer("app", DEVELOPER.name, DEVELOPER.scopes, DEVELOPER.reach))


class Feed:
    """A feed of numbers, of which every third does not match. It counts the answers that are made."""

    def __init__(self) -> None:
        self.newest = 0
        self.made = 0
        self.open = 0
        self.grown = asyncio.Event()
        self.failing = False
        self.revision = FeedRevision()
        self.feeds = SharedFeeds(lambda: self.revision)

    def grow(self, count: int) -> None:
        self.newest += count
        self.grown.set()

    async def answers(self, viewer: Viewer, place: FeedPlace) -> AsyncGenerator[ExecutionAnswer, None]:
        self.open += 1
        number = place.number
        try:
            while True:
                while number < self.newest:
                    number += 1
                    if number % 3:
                        place.number = number
                        self.made += 1
                        yield ExecutionAnswer(Stage.EXECUTION, {"n": number})
                    place.left = number
                    if number % 25 == 0:
                        await asyncio.sleep(0)
                if self.failing:
                    yield unauthorized()
                    return
                self.grown.clear()
                await self.grown.wait()
        finally:
            self.open -= 1

    def follow(self, position: int, question: str = "q") -> tuple[Follower, AsyncGenerator[list[int], None]]:
        follower = Follower(position)

        async def numbers() -> AsyncGenerator[list[int], None]:
            async for batch in self.feeds.follow((question,), VIEWER, follower, self.answers):
                yield [] if batch.failed else [int(body[13:-2]) - 0 for body in map(_text, batch.bodies)]

        return follower, numbers()


def _text(body: bytes) -> str:
    return body.decode().replace('{"data":{"n":', " " * 13)


def matching(after: int, newest: int) -> list[int]:
    return [number for number in range(after + 1, newest + 1) if number % 3]


async def collect(source: AsyncGenerator[list[int], None], received: list[int], pauses: random.Random | None) -> None:
    async for numbers in source:
        received += numbers
        for _ in range(0 if pauses is None else pauses.randint(0, 6)):
            await asyncio.sleep(0)


STEPS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 2), st.booleans()), min_size=1, max_size=6)


@settings(max_examples=20, deadline=None)
@given(STEPS, st.integers(0, 2**32), st.sampled_from([100, 65_536]))
def test_followers_get_what_they_would_get_alone(
    run: Run, steps: list[tuple[int, int, bool]], seed: int, sent_at_once: int
) -> None:
    """Whatever their positions and pauses, however little is kept, and whenever what is kept must be forgotten."""

    async def attempt() -> None:
        # given
        feed, choices = Feed(), random.Random(seed)
        tasks: list[asyncio.Task[None]] = []
        received: list[tuple[int, list[int]]] = []
        # when
        for grown, joining, forgets in steps:
            feed.grow(grown)
            for _ in range(joining):
                position = choices.randint(0, feed.newest)
                _, source = feed.follow(position)
                received.append((position, []))
                tasks.append(asyncio.create_task(collect(source, received[-1][1], random.Random(choices.random()))))
            if forgets:
                feed.revision = FeedRevision(feed.revision.withheld + 1)
            for _ in range(choices.randint(1, 20)):
                await asyncio.sleep(0)
        feed.failing = True
        feed.grow(1)
        async with asyncio.timeout(30):
            await asyncio.gather(*tasks)
        # then
        for position, numbers in received:
            assert numbers == matching(position, feed.newest)
        await until(lambda: not feed.open)
        assert not feed.feeds._readings

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(shared_feeds, "LINGER_SECONDS", 0)
        patched.setattr(shared_feeds, "AHEAD", 10)
        patched.setattr(shared_feeds, "MAX_BATCH_BYTES", sent_at_once)
        patched.setattr(shared_feeds, "MAX_KEPT_BYTES", 4 * sent_at_once)
        run(attempt())


def test_followers_at_one_position_share_every_event(run: Run) -> None:
    async def attempt() -> None:
        feed = Feed()
        followers = [feed.follow(0) for _ in range(50)]
        received: list[list[int]] = [[] for _ in followers]
        tasks = [
            asyncio.create_task(collect(source, numbers, None))
            for (_, source), numbers in zip(followers, received, strict=True)
        ]
        # when
        for grown in range(300, 1_501, 300):
            feed.grow(300)
            await until(lambda grown=grown: received == [matching(0, grown)] * 50)
        # then
        assert feed.made == 1000
        # and what matches nobody does not count as missed
        feed.grow(3)
        await until(lambda: {follower.number for follower, _ in followers} == {1503})
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert not feed.feeds._readings

    run(attempt())


def test_one_that_falls_behind_what_is_kept_delays_nobody_and_shares_again(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_feeds, "MAX_BATCH_BYTES", 100)
    monkeypatch.setattr(shared_feeds, "MAX_KEPT_BYTES", 500)

    async def attempt() -> None:
        # given
        feed = Feed()
        _, slow = feed.follow(0)
        _, fast = feed.follow(0)
        fast_numbers: list[int] = []
        task = asyncio.create_task(collect(fast, fast_numbers, None))
        feed.grow(3)
        received = await anext(slow)
        # when
        for _ in range(10):
            feed.grow(300)
            # then
            await until(lambda: fast_numbers == matching(0, feed.newest))
        while received[-1] < matching(0, feed.newest)[-1]:
            received += await anext(slow)
        assert received == matching(0, feed.newest)
        assert len(next(iter(feed.feeds._readings.values()))) <= 2
        # and
        behind = asyncio.create_task(anext(slow))
        feed.grow(3)
        received += await behind
        while len(received) < 2_002:
            received += await anext(slow)
        await until(lambda: received == fast_numbers)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await slow.aclose()
        await until(lambda: not feed.open)

    run(attempt())


def test_a_batch_is_bounded_and_what_is_kept_too(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_feeds, "MAX_BATCH_BYTES", 100)
    monkeypatch.setattr(shared_feeds, "MAX_KEPT_BYTES", 1_000)

    async def attempt() -> None:
        feed = Feed()
        _, source = feed.follow(0)
        feed.grow(3_000)
        received: list[int] = []
        while len(received) < 2_000:
            batch = await anext(source)
            assert len(batch) <= 100 // len('{"data":{"n":1}}')
            received += batch
            ((reading,),) = feed.feeds._readings.values()
            assert reading._bytes <= 1_000
        assert received == matching(0, 3_000)
        await source.aclose()

    run(attempt())


def test_what_is_kept_is_forgotten_when_somebody_is_erased(run: Run) -> None:
    async def attempt() -> None:
        feed = Feed()
        _, source = feed.follow(0)
        feed.grow(30)
        await anext(source)
        ((reading,),) = feed.feeds._readings.values()
        assert reading._bodies
        feed.feeds.forget()
        assert not reading._bodies
        assert not reading._batches
        await source.aclose()

    run(attempt())


def test_other_questions_and_other_rights_do_not_share(run: Run) -> None:
    async def attempt() -> None:
        feed = Feed()
        rules = [[1], [1]]
        questions = [("q",), ("r",), (Same(rules[0]),), (Same(rules[1]),)]
        viewers = [VIEWER, Viewer("app", "ops", VIEWER.scopes, VIEWER.reach)]
        sources = [
            feed.feeds.follow(question, viewer, Follower(0), feed.answers)
            for question in questions
            for viewer in viewers
        ]
        feed.grow(1)
        for source in sources:
            await anext(source)
        assert feed.made == len(sources)
        for source in sources:
            await source.aclose()

    run(attempt())


def test_names_and_reasons_are_no_rights() -> None:
    a = Viewer("a", "ops", VIEWER.scopes, VIEWER.reach, reason="order 7", client="till")
    assert rights(a) == rights(Viewer("b", "ops", VIEWER.scopes, VIEWER.reach))
    assert rights(a) != rights(Viewer("a", "ops", VIEWER.scopes, VIEWER.reach, purpose="marketing"))
