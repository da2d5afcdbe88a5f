"""Following the graph: the feed as it grows, and customers as they change.

One task a process looks for what is new, at once after a write of its own and every so often for those of others.
Nothing is queued for a subscriber: it holds a place in the feed, or what it last saw of a customer, and takes what
comes next when it is ready. So one that reads slowly costs nothing but its own delay.
"""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import AsyncGenerator, Iterator, Sequence

from graph.domain.model.changes import Entry
from graph.domain.model.errors import KithError
from graph.domain.profile.pages import Asked, Selection
from graph.ports import CustomerHistoryStore
from graph.queries.history import feed, whole
from graph.runtime.scheduling import Turnstile

KEPT = 1_000
"""Entries of the feed that are kept for those who follow closely; others read the store."""
PAGE = 100
SHORTEST_PAUSE = 0.05
"""Seconds between two looks however fast writes come, so that an import is not slowed down by those who watch it."""
STATES_AT_ONCE = 100
ENTRIES_A_TURN = 25
"""Entries that one subscriber is told before others go on: hundreds of them would keep a till waiting."""

State = tuple[str, int] | None
"""A customer's id and version; `None` where there is none."""


class Follower:
    """Looks for news while anyone follows. `seconds` is how often it looks for those of other processes."""

    def __init__(self, store: CustomerHistoryStore, seconds: float = 1.0) -> None:
        self._store, self.seconds = store, seconds
        self._turnstile = Turnstile()
        self._news = asyncio.Event()
        self._looked = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None
        self._followers = 0
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self._no = 0
        self._watched: Counter[Asked] = Counter()
        self._states: dict[Asked, State] = {}

    def nudge(self) -> None:
        """Something was written in this process."""
        self._news.set()

    async def changes(self, after: int | None) -> AsyncGenerator[Entry, None]:
        """All entries of the feed behind one, then each as it comes, without gaps; from now on for `None`.

        Raises where there is no such entry.
        """
        with self._following():
            place = await self._store.newest_change() if after is None else after
            checked = after is None
            while True:
                found = self._kept(place)
                if found is None:
                    # `feed` tells whether the place exists; one that was reached by reading does.
                    found = (await feed(self._store, place, PAGE))[0] if not checked else await self._read(place)
                    checked = True
                for number, entry in enumerate(found):
                    if number % ENTRIES_A_TURN == 0:
                        await self._turnstile.through()
                    yield entry
                    place = entry.no
                if not found:
                    await self._until_behind(place)

    async def _read(self, place: int) -> list[Entry]:
        return whole(await self._store.changes(place, PAGE), place)

    def _kept(self, place: int) -> list[Entry] | None:
        """What is kept behind a place; `None` where that reaches too far back."""
        if not self._entries or not self._entries[0].no <= place + 1:
            return None
        return [entry for entry in self._entries if entry.no > place][:PAGE]

    async def customer(self, asked: Asked) -> AsyncGenerator[State, None]:
        """What a customer is now, and again each time it has changed; changes in quick succession may come as one."""
        with self._following():
            self._watched[asked] += 1
            try:
                (seen,) = await self._read_states([asked])
                # What an earlier look left for others may be older than this.
                self._states[asked] = seen
                yield seen
                while True:
                    await self._until_other(asked, seen)
                    seen = self._states.get(asked, seen)
                    yield seen
            finally:
                self._watched[asked] -= 1
                if not self._watched[asked]:
                    del self._watched[asked]
                    self._states.pop(asked, None)

    async def _until_behind(self, place: int) -> None:
        async with self._looked:
            await self._looked.wait_for(lambda: self._no > place)

    async def _until_other(self, asked: Asked, seen: State) -> None:
        async with self._looked:
            await self._looked.wait_for(lambda: self._states.get(asked, seen) != seen)

    @contextlib.contextmanager
    def _following(self) -> Iterator[None]:
        self._followers += 1
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look())
        try:
            yield
        finally:
            self._followers -= 1
            if not self._followers and self._task is not None:
                self._task.cancel()
                self._task = None
                self._entries.clear()
                self._no = 0

    async def _look(self) -> None:
        while True:
            self._news.clear()
            # Where the database is away, whoever reads is told so; this goes on when it is back.
            with contextlib.suppress(KithError):
                await self._look_once()
            async with self._looked:
                self._looked.notify_all()
            await asyncio.sleep(SHORTEST_PAUSE)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.seconds):
                    await self._news.wait()

    async def _look_once(self) -> None:
        if not self._no:
            self._no = await self._store.newest_change()
        while found := whole(await self._store.changes(self._no, KEPT), self._no):
            self._entries.extend(found)
            self._no = found[-1].no
        watched = list(self._watched)
        for start in range(0, len(watched), STATES_AT_ONCE):
            some = watched[start : start + STATES_AT_ONCE]
            for asked, state in zip(some, await self._read_states(some), strict=True):
                if asked in self._watched:
                    self._states[asked] = state

    async def _read_states(self, asked: Sequence[Asked]) -> list[State]:
        views = await self._store.customers(asked, Selection())
        return [None if view is None else (view.customer.id, view.customer.version) for view in views]

    def close(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
