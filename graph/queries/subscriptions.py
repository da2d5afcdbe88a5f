"""Subscriptions: the feed as it grows, and customers as they change.

One task per process looks for changes, immediately after a write of the process itself and at an interval for writes of
other processes. Nothing is queued for a subscriber: it holds a position in the feed, or the last state of a customer,
and reads what follows when it is ready. So a slow subscriber delays only itself.
"""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextvars import Context
from typing import Protocol

from msgspec import Struct

from graph.domain.model.changes import ChangeKind, Entry
from graph.domain.model.errors import KithError, ShuttingDown
from graph.domain.profile.pages import CustomerRef, Selection
from graph.ports import CustomerHistoryStore
from graph.queries.history import entry_at, feed, without_gaps
from graph.runtime.scheduling import FairQueue

BUFFER_SIZE = 1_000
"""Newest entries of the feed kept in memory for subscribers that are up to date; others read the store."""
PAGE_SIZE = 100
MIN_PAUSE_SECONDS = 0.05
"""Minimum seconds between two polls, so that subscribers do not slow down an import."""
STATES_BATCH = 100
"""Customers of one read of their states."""
ENTRIES_PER_TURN = 25
"""Entries that one subscriber receives before other tasks run: hundreds would delay interactive requests."""

WITHHOLDING = frozenset({ChangeKind.CUSTOMER_ERASED, ChangeKind.RESTRICTED, ChangeKind.DATA_EXPIRED})
"""Kinds of changes after which earlier entries of the feed may show less to everybody."""

CustomerState = tuple[str, int] | None
"""The id and version of a customer; `None` if there is no customer."""


class FeedPlace(Struct, eq=False):
    """How far the feed is read: the number of the entry that is shown now, or was last, and of the last one left."""

    number: int
    left: int = 0


class Position(Protocol):
    """How far a subscriber has received the feed."""

    @property
    def number(self) -> int:
        """The number of the last entry that it has received, or that does not concern it."""
        ...


class FeedRevision(Struct, frozen=True):
    """Differs from an earlier one if what earlier entries show may have become less since.

    `consents` counts for viewers to whom consents decide what is shown.
    """

    withheld: int = 0
    consents: int = 0


class ChangeBroadcaster:
    """Looks for changes while there are subscribers. `seconds` is the polling interval for other processes' writes."""

    def __init__(self, store: CustomerHistoryStore, seconds: float = 1.0) -> None:
        self._store, self.seconds = store, seconds
        self._queue = FairQueue()
        self._wake = asyncio.Event()
        self._polled = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None
        self._subscribers = 0
        self._closed = False
        self._entries: deque[Entry] = deque(maxlen=BUFFER_SIZE)
        self._newest = 0
        self._watched: Counter[CustomerRef] = Counter()
        self._states: dict[CustomerRef, CustomerState] = {}
        self._places: set[Position] = set()
        """How far each subscriber of the feed has received it."""
        self.revision = FeedRevision()
        """What has become of earlier entries, as far as is known."""

    @property
    def subscribers(self) -> int:
        """The number of subscribers."""
        return self._subscribers

    @property
    def position(self) -> int | None:
        """The number of the newest entry that was seen; `None` while there are no subscribers."""
        return self._newest if self._subscribers and self._newest else None

    @property
    def max_lag(self) -> int:
        """How many seen entries the slowest subscriber of the feed has not received."""
        return max((self._newest - place.number for place in self._places if self._newest), default=0)

    def notify(self) -> None:
        """Look for changes now: something was written in this process."""
        self._wake.set()

    def forget(self) -> None:
        """Empty the buffer: entries of the history have changed. Subscribers read them from the store."""
        self._entries.clear()
        self._revise(withheld=True, consents=False)
        self.notify()

    async def place_after(self, after: int | None) -> int | None:
        """Return the number of the newest entry for `None`, else `after` if there is such an entry, else `None`."""
        if after is None:
            return await self._store.newest_change()
        is_known = 0 <= after <= (self.position or 0) or await entry_at(self._store, after) is not None
        return after if is_known else None

    @contextlib.contextmanager
    def follower(self, place: Position) -> Iterator[None]:
        """Count a subscriber that receives what `changes` yields to another. Raises `ShuttingDown`."""
        with self._subscribed():
            self._places.add(place)
            try:
                yield
            finally:
                self._places.discard(place)

    async def changes(self, after: int | None, for_followers: bool = False) -> AsyncGenerator[Entry, None]:
        """Yield all entries of the feed after the number `after`, then new ones as they come, without gaps.

        With `None` only new ones are yielded. Reads `for_followers` are not counted: their subscribers are, by
        `follower`. Raises `InvalidInput` if there is no entry with the number `after`, and `ShuttingDown` once the
        broadcaster is closed.
        """
        place = FeedPlace(0)
        with contextlib.nullcontext() if for_followers else self.follower(place):
            position = await self._store.newest_change() if after is None else after
            checked = after is None
            while True:
                self._require_open()
                place.number = position
                entries = self._buffered(position)
                if entries is None:
                    # `feed` checks that the position exists. A position that was reached by reading does.
                    entries = (
                        await self._read(position) if checked else (await feed(self._store, position, PAGE_SIZE))[0]
                    )
                    checked = True
                for index, entry in enumerate(entries):
                    if index % ENTRIES_PER_TURN == 0:
                        await self._queue.wait_turn()
                    yield entry
                    position = entry.number
                if not entries:
                    await self._wait_for_entries(position)

    async def _read(self, position: int) -> list[Entry]:
        return without_gaps(await self._store.changes(position, PAGE_SIZE), position)

    def _buffered(self, position: int) -> list[Entry] | None:
        """Return the buffered entries after a position, `None` if the buffer does not reach back that far."""
        if not self._entries or not self._entries[0].number <= position + 1:
            return None
        return [entry for entry in self._entries if entry.number > position][:PAGE_SIZE]

    async def customer(self, ref: CustomerRef) -> AsyncGenerator[CustomerState, None]:
        """Yield the state of a customer now and after each change; quick successions may be yielded as one.

        Raises `ShuttingDown` once the broadcaster is closed.
        """
        with self._subscribed():
            self._watched[ref] += 1
            try:
                (state,) = await self._read_states([ref])
                # The state that an earlier poll left for other subscribers may be older.
                self._states[ref] = state
                yield state
                while True:
                    await self._wait_for_change(ref, state)
                    state = self._states.get(ref, state)
                    yield state
            finally:
                self._watched[ref] -= 1
                if not self._watched[ref]:
                    del self._watched[ref]
                    self._states.pop(ref, None)

    async def _wait_for_entries(self, position: int) -> None:
        async with self._polled:
            await self._polled.wait_for(lambda: self._newest > position or self._closed)

    async def _wait_for_change(self, ref: CustomerRef, state: CustomerState) -> None:
        async with self._polled:
            await self._polled.wait_for(lambda: self._states.get(ref, state) != state or self._closed)
        self._require_open()

    def _require_open(self) -> None:
        if self._closed:
            raise ShuttingDown("the service is shutting down: subscribe again from the last cursor")

    @contextlib.contextmanager
    def _subscribed(self) -> Iterator[None]:
        self._require_open()
        self._subscribers += 1
        if self._task is None or self._task.done():
            # In a context of its own: it polls for all subscribers, not for the first.
            self._task = asyncio.create_task(self._poll(), context=Context())
        try:
            yield
        finally:
            self._subscribers -= 1
            if not self._subscribers and self._task is not None:
                self._task.cancel()
                self._task = None
                self._entries.clear()
                self._newest = 0

    async def _poll(self) -> None:
        while True:
            self._wake.clear()
            # If the database is unavailable, readers get the error, and the next poll tries again.
            with contextlib.suppress(KithError):
                await self._poll_once()
            async with self._polled:
                self._polled.notify_all()
            await asyncio.sleep(MIN_PAUSE_SECONDS)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.seconds):
                    await self._wake.wait()

    async def _poll_once(self) -> None:
        if not self._newest:
            self._newest = await self._store.newest_change()
        while entries := without_gaps(await self._store.changes(self._newest, BUFFER_SIZE), self._newest):
            self._entries.extend(entries)
            self._newest = entries[-1].number
            kinds = {entry.change.kind for entry in entries}
            self._revise(not kinds.isdisjoint(WITHHOLDING), ChangeKind.CONSENT_CHANGED in kinds)
        watched = list(self._watched)
        for start in range(0, len(watched), STATES_BATCH):
            batch = watched[start : start + STATES_BATCH]
            for ref, state in zip(batch, await self._read_states(batch), strict=True):
                if ref in self._watched:
                    self._states[ref] = state

    def _revise(self, withheld: bool, consents: bool) -> None:
        revision = self.revision
        self.revision = FeedRevision(revision.withheld + withheld, revision.consents + consents)

    async def _read_states(self, refs: Sequence[CustomerRef]) -> list[CustomerState]:
        views = await self._store.customers(refs, Selection())
        return [None if view is None else (view.customer.id, view.customer.version) for view in views]

    async def close(self) -> None:
        """Stop looking for changes, and end all subscriptions with `ShuttingDown`."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
        async with self._polled:
            self._polled.notify_all()
