"""Search for customers by words."""

from collections.abc import Sequence

from graph.domain.profile.pages import Page
from graph.domain.profile.search import MAX_HITS, Hit, SearchField, SearchPosition, SearchResult, rank, words_of
from graph.ports import CustomerStore


async def search(
    store: CustomerStore, text: str, fields: Sequence[SearchField], after: SearchPosition | None, first: int
) -> Page[SearchResult]:
    """Return a page of the customers that match all words of a text, best first; `after` is the last place seen."""
    hits: dict[str, list[Hit]] = {}
    within: list[str] | None = None
    for word in words_of(text):
        hits[word] = await store.search(word, fields, within, MAX_HITS)
        within = list(dict.fromkeys(hit.customer for hit in hits[word]))
        if not within:
            return Page([], False)
    return rank(hits, after, first)
