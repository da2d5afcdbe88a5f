"""Search by word with Neo4j's full-text index."""

from collections.abc import Sequence
from typing import Any

from neo4j import Record
from rapidfuzz.distance import OSA

from graph.domain.model.facts import stored_facts
from graph.domain.model.observations import Observation
from graph.domain.profile.search import (
    Hit,
    SearchField,
    errors_allowed,
    identifier_hit,
    prefixes_of,
)
from graph.stores.neo4j import cypher
from graph.stores.neo4j.connection import Connected

SEARCH = cypher.load("search")
MAX_CANDIDATES = 20_000
"""The number of texts from the index that are examined for their customers and fields."""


class Search(Connected):
    """The part of a `Store` that searches."""

    async def search(
        self, word: str, fields: Sequence[SearchField], within: Sequence[str] | None, first: int
    ) -> list[Hit]:
        values = {
            "fields": [field.value for field in fields],
            "within": within,
            "first": first,
            "max_candidates": MAX_CANDIDATES,
        }
        for lucene, fuzzy in ((exact(word), False), (similar(word), True)):
            if lucene is not None:
                records = await self._read(SEARCH["search"], lucene=lucene, **values)
                hits = [match for record in records if (match := hit(record, word, fuzzy)) is not None]
                if hits:
                    return hits
        return []

    async def identifiers_beginning_with(self, beginnings: Sequence[str], first: int) -> list[Hit]:
        records = await self._read(SEARCH["identifiers_beginning_with"], beginnings=list(beginnings), first=first)
        return [identifier_hit(record["customer"], record["key"], beginnings) for record in records]


def exact(word: str) -> str:
    """Return the Lucene query for a word: whole words rank above words that begin with it."""
    return " OR ".join([f"{word}^4", *(f"{prefix}*" for prefix in prefixes_of(word))])


def similar(word: str) -> str | None:
    """Return the Lucene query for similar words; `None` if no typing errors are allowed for this word."""
    allowed = errors_allowed(word)
    return f"{word}~{allowed}" if allowed else None


def hit(record: Record, word: str, fuzzy: bool) -> Hit | None:
    """Return a record as a hit; `None` if no word of the text is similar enough."""
    words: Sequence[str] = record["words"].split()
    errors = 0
    if fuzzy:
        # As in SQLite: a similar word begins with one of the first two letters.
        distances = [OSA.distance(word, candidate) for candidate in words if candidate[0] in word[:2]]
        errors = min(distances, default=len(word))
        if errors > errors_allowed(word):
            return None
    fact: Any = record["fact"]
    text = "" if fact is None else stored_facts(Observation.from_sent(*fact))
    return Hit(record["customer"], record["key"], SearchField(record["field"]), text, fuzzy or word in words, errors)
