"""What Kith needs of a message broker, whichever it is, and the loop that consumes its messages.

A batch is acknowledged only once all of its messages are stored, as what they say or as refused. So a message comes at
least once, and a repeat is a duplicate for the graph.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from msgspec import Struct

from graph.domain.model.errors import TemporaryFailure

log = logging.getLogger("kith.brokers")

MAX_BATCH = 500
"""Maximum number of messages in a batch."""
BATCH_BYTES = 16_000_000
"""About how many bytes of messages are held at the same time."""
MIN_PAUSE, MAX_PAUSE = 0.5, 30.0
"""Seconds between two attempts to store a batch, which double."""
ACKNOWLEDGE_SECONDS = 10
"""How long acknowledging may take after the consumer was asked to stop."""

T = TypeVar("T")


class Message(Struct, frozen=True):
    """One message. `value` is `None` if it only says that its key was deleted."""

    value: bytes | None
    time: int
    """When the broker got it, or its producer sent it, in microseconds: the same at each delivery."""
    headers: Mapping[str, str] = {}
    """By name in lower case."""
    beside: Mapping[str, str] = {}
    """What else mappings may read beside its records, by name: its key and topic, or its subject."""
    position: str = ""
    """Where the broker has it, such as `events/3@1204`: topic, partition and offset."""


class Subscription(Protocol):
    """A place in a topic or stream that the broker keeps for a group of consumers."""

    async def receive(self) -> Sequence[Message]:
        """Return the next messages, none if there are none for about a second.

        Waits as long as the broker does not answer. Raises `BrokerUnavailable` if it will not by itself, for example
        because of a missing right.
        """
        ...

    async def acknowledge(self) -> bool:
        """Acknowledge the messages that were received last. Return whether that succeeded; if not, they come again."""
        ...

    async def close(self) -> None:
        """Leave. What was not acknowledged comes again, here or elsewhere."""
        ...


Handle = Callable[[Sequence[Message]], Awaitable[None]]
"""Stores what messages say, or that they are refused. Raises `TemporaryFailure` if neither is possible now."""


async def consume(subscription: Subscription, handle: Handle, stop: asyncio.Event) -> None:
    """Consume messages until `stop` is set; then the batch in flight is stored and acknowledged, if it can be."""
    while not stop.is_set():
        messages = await unless(stop, subscription.receive())
        if not messages:
            continue
        if not await _is_stored(messages, handle, stop):
            # Nothing may be acknowledged from here on: brokers take that for all that came before, too.
            return
        if await unless(stop, subscription.acknowledge(), ACKNOWLEDGE_SECONDS) is None:
            log.warning("%d messages are stored, but not acknowledged; they come again", len(messages))


async def _is_stored(messages: Sequence[Message], handle: Handle, stop: asyncio.Event) -> bool:
    """Store a batch, however often that fails for a time. Return whether it is stored: not if `stop` came before."""
    pause = MIN_PAUSE
    while True:
        try:
            await handle(messages)
        except TemporaryFailure as error:
            # The batch may have been stored; storing it again is idempotent.
            log.warning("%d messages wait, because they cannot be stored now: %s", len(messages), error.message)
            await unless(stop, asyncio.sleep(min(max(pause, error.retry_after), MAX_PAUSE)))
            if stop.is_set():
                log.warning("%d messages are neither stored nor acknowledged; they come again", len(messages))
                return False
            pause = min(2 * pause, MAX_PAUSE)
        else:
            return True


async def unless(stop: asyncio.Event, work: Coroutine[Any, Any, T], grace: float = 0) -> T | None:
    """Return the result of work; `None` if `stop` was set and the work did not end within `grace` seconds of that."""
    working, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            await asyncio.wait((working,), timeout=grace)
        return working.result() if working.done() else None
    finally:
        for task in (working, stopping):
            task.cancel()
        await asyncio.gather(working, stopping, return_exceptions=True)
