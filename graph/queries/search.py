"""Searching for customers by words."""

from collections.abc import Sequence

from graph.domain.profile.search import MOST_HITS, Field, Found, Hit, best, words_of
from graph.ports import Store


async def search(store: Store, text: str, fields: Sequence[Field], first: int) -> list[Found]:
    """The customers that match all words of a text, the best first."""
    hits: dict[str, list[Hit]] = {}
    within: list[str] | None = None
    for word in words_of(text):
        hits[word] = await store.find(word, fields, within, MOST_HITS)
        within = list(dict.fromkeys(hit.customer for hit in hits[word]))
        if not within:
            return []
    return best(hits, first)
