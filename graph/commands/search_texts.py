"""The searchable texts of stored identifiers, replaced after an upgrade that searches in another way."""

from typing import Protocol

from graph.domain.profile import search
from graph.ports import RepairStore, WriteStore

SEARCH_TEXTS_KEY = "search_texts"
"""The name under which a store keeps the `VERSION` of the texts of its identifiers."""


class SearchTextStore(RepairStore, WriteStore, Protocol):
    """What is needed to replace texts."""


async def update_search_texts(store: SearchTextStore) -> None:
    """Replace the texts of all identifiers if an earlier version of Kith wrote them. It is safe to run this again."""
    if await store.get_value(SEARCH_TEXTS_KEY) == search.VERSION:
        return
    await store.rewrite_words()
    await store.put_value(SEARCH_TEXTS_KEY, search.VERSION)
