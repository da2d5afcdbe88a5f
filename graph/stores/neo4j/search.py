"""Words in texts, found by Neo4j's full-text index."""

from collections.abc import Sequence
from typing import Any

from neo4j import Record
from rapidfuzz.distance import OSA

from graph.domain.model.observations import Observation
from graph.domain.profile.search import Field, Hit, errors_allowed
from graph.stores.neo4j import cypher
from graph.stores.neo4j.connection import Connected

SEARCH = cypher.load("search")
MOST_LOOKED_AT = 20_000
"""Texts that the index may bring before they are held against customers and fields."""


class Search(Connected):
    """The part of a `Store` that finds words."""

    async def find(self, word: str, fields: Sequence[Field], within: Sequence[str] | None, first: int) -> list[Hit]:
        values = {"fields": [field.value for field in fields], "within": within, "first": first, "most": MOST_LOOKED_AT}
        for lucene, misspelt in ((exact(word), False), (similar(word), True)):
            if lucene is not None:
                found = await self._read(SEARCH["find"], lucene=lucene, **values)
                hits = [one for record in found if (one := hit(record, word, misspelt)) is not None]
                if hits:
                    return hits
        return []


def exact(word: str) -> str:
    """What Lucene is asked for: the word, better than what only begins with it."""
    return f"{word}^4 OR {word}*"


def similar(word: str) -> str | None:
    """What Lucene is asked for where nothing matches; `None` where no typing errors are allowed."""
    allowed = errors_allowed(word)
    return f"{word}~{allowed}" if allowed else None


def hit(record: Record, word: str, misspelt: bool) -> Hit | None:
    """A record as a hit; `None` where the text holds nothing near enough."""
    words: Sequence[str] = record["words"].split()
    errors = 0
    if misspelt:
        # As in SQLite: a typing error leaves one of the first two letters at the beginning.
        near = [OSA.distance(word, one) for one in words if one[0] in word[:2]]
        errors = min(near, default=len(word))
        if errors > errors_allowed(word):
            return None
    told: Any = record["told"]
    text = "" if told is None else Observation.from_sent(*told).facts
    return Hit(record["customer"], record["key"], Field(record["field"]), text, misspelt or word in words, errors)
