"""Retries of background work while the database is unavailable."""

import asyncio
from collections.abc import Awaitable, Callable

from graph.domain.model.errors import RulesChanged, TemporaryFailure
from graph.ports import T

FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 0.5, 10.0


async def with_retries(operation: Callable[[], Awaitable[T]], stops_if_rules_change: bool = False) -> T:
    """Run an operation of the store; retry it after temporary failures, with pauses of 0.5 to 10 seconds."""
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            return await operation()
        except TemporaryFailure as error:
            if stops_if_rules_change and isinstance(error, RulesChanged):
                raise
            await asyncio.sleep(pause)
            pause = min(pause * 2, MAX_PAUSE_SECONDS)
