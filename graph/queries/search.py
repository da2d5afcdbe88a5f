"""Search for customers by words, and by the beginning of an identifier."""

from collections.abc import Sequence

from graph.domain.model.errors import InvalidInput
from graph.domain.model.rules import Rules
from graph.domain.profile.pages import Page
from graph.domain.profile.search import (
    MAX_BEGINNING_HITS,
    MAX_HITS,
    Hit,
    SearchField,
    SearchPosition,
    SearchResult,
    beginnings_of,
    check_length,
    rank,
    words_of,
)
from graph.ports import CustomerStore


async def search(
    store: CustomerStore,
    rules: Rules,
    text: str,
    fields: Sequence[SearchField],
    after: SearchPosition | None,
    first: int,
) -> Page[SearchResult]:
    """Return a page of the customers that match all words of a text, or with an identifier that begins with the text.

    The best match comes first; `after` is the last position seen. Raises `InvalidInput` for a text of no words or too
    many words that no identifier begins with.
    """
    text = text.strip()
    check_length(text)
    begun: list[Hit] = []
    if SearchField.IDENTIFIERS in fields and (beginnings := beginnings_of(text, rules)):
        begun = await store.identifiers_beginning_with(beginnings, MAX_BEGINNING_HITS)
    try:
        words = words_of(text)
    except InvalidInput:
        if not begun:
            raise
        return rank({text: begun}, after, first)
    hits: dict[str, list[Hit]] = {word: [] for word in words}
    within: list[str] | None = None
    for word in words:
        hits[word] = await store.search(word, fields, within, MAX_HITS)
        within = list(dict.fromkeys(hit.customer for hit in hits[word]))
        if not within:
            hits = {word: [] for word in words}
            break
    # An identifier that begins with the text matches every word of it.
    return rank({word: [*begun, *found] for word, found in hits.items()}, after, first)
