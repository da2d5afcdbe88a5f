"""Searching for customers by words."""

from collections.abc import Sequence

from graph.domain.profile.pages import Page
from graph.domain.profile.search import MOST_HITS, Field, Found, Hit, Place, best, words_of
from graph.ports import CustomerStore


async def search(
    store: CustomerStore, text: str, fields: Sequence[Field], after: Place | None, first: int
) -> Page[Found]:
    """A page of the customers that match all words of a text, the best first; `after` is the last place seen."""
    hits: dict[str, list[Hit]] = {}
    within: list[str] | None = None
    for word in words_of(text):
        hits[word] = await store.find(word, fields, within, MOST_HITS)
        within = list(dict.fromkeys(hit.customer for hit in hits[word]))
        if not within:
            return Page([], False)
    return best(hits, after, first)
