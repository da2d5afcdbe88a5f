"""Removes from the history the names of what is not stored any longer, in small steps while requests are served."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from graph.commands.expire import Names, remove_names
from graph.commands.retries import with_retries
from graph.ports import HistoryStore, RetentionStore, WriteStore

PAGE_SIZE = 500
"""Entries that are read at a time, and changed in one transaction."""


class CleanedStore(WriteStore, HistoryStore, RetentionStore, Protocol):
    """Writes, the history, and whether what it names is stored."""


async def clean_history(store: CleanedStore, on_page: Callable[[], Awaitable[object]] | None = None) -> None:
    """Remove the names of identifiers and observations that are gone from all entries; `on_page` is called after each.

    An erasure and a run of retention find most of them by the customers that they touch. What is named at others, such
    as in the reason of a link that was suspended, is found here.
    """
    after = 0
    while entries := await store.changes(after, PAGE_SIZE):
        names = await asyncio.to_thread(Names.of, entries)
        if not await store.are_stored(names.keys, names.observations):
            await with_retries(lambda position=after: store.write(lambda: remove_names(position, PAGE_SIZE)))  # type: ignore[misc]
        after = entries[-1].number
        if on_page is not None:
            await on_page()
