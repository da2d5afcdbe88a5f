"""Words in texts, found by SQLite's full-text index; typing errors by comparing with the words that the index holds."""

from collections.abc import Sequence

from rapidfuzz import process
from rapidfuzz.distance import OSA

from graph.domain.model.json_text import compact
from graph.domain.model.observations import Observation
from graph.domain.profile.search import Field, Hit, errors_allowed
from graph.stores.sqlite import mapping
from graph.stores.sqlite.connection import Connected

MOST_SIMILAR = 20
"""Words of the index that a misspelt one may mean."""


class Search(Connected):
    """The part of a `Store` that finds words."""

    async def find(self, word: str, fields: Sequence[Field], within: Sequence[str] | None, first: int) -> list[Hit]:
        return await self._read(find, word, fields, within, first)


def find(
    db: mapping.Connection, word: str, fields: Sequence[Field], within: Sequence[str] | None, first: int
) -> list[Hit]:
    """The texts that a word matches; the caller holds a transaction."""
    hits = _matching(db, f'"{word}"*', word, fields, within, first, 0)
    if hits:
        return hits
    for similar, errors in _similar(db, word):
        hits += _matching(db, f'"{similar}"', similar, fields, within, first - len(hits), errors)
    return hits


def _matching(
    db: mapping.Connection,
    match: str,
    word: str,
    fields: Sequence[Field],
    within: Sequence[str] | None,
    first: int,
    errors: int,
) -> list[Hit]:
    """The texts of one match, those that hold the whole word before others, so that a cut loses the lesser ones."""
    read = db.execute(
        """SELECT c.id, i.key, s.field, s.words, o.source, o.id, o.sent FROM search s
            JOIN identifiers i ON i.no = s.identifier JOIN customers c ON c.no = i.customer
            LEFT JOIN observations o ON o.no = s.observation
            WHERE search MATCH :match AND s.field IN (SELECT value FROM json_each(:fields))
            AND (:within IS NULL OR c.id IN (SELECT value FROM json_each(:within)))
            ORDER BY (' ' || s.words || ' ') NOT LIKE :whole LIMIT :first""",
        {
            "match": match,
            "fields": compact([field.value for field in fields]),
            "within": None if within is None else compact(within),
            "whole": f"% {word} %",
            "first": max(first, 0),
        },
    )
    return [
        Hit(
            customer,
            key,
            Field(field),
            "" if sent is None else Observation.from_sent(source, id, sent).facts,
            word in words.split(),
            errors,
        )
        for customer, key, field, words, source, id, sent in read
    ]


def _similar(db: mapping.Connection, word: str) -> list[tuple[str, int]]:
    """Words of the index within the errors allowed that share one of the first two letters, the nearest first."""
    allowed = errors_allowed(word)
    if not allowed:
        return []
    candidates: set[str] = set()
    for letter in {word[0], word[1]}:
        read = db.execute(
            "SELECT term FROM search_words WHERE term >= ? AND term < ? AND length(term) BETWEEN ? AND ?",
            (letter, chr(ord(letter) + 1), len(word) - allowed, len(word) + allowed),
        )
        candidates.update(term for (term,) in read)
    found = process.extract(
        word, sorted(candidates), scorer=OSA.distance, score_cutoff=allowed, limit=MOST_SIMILAR, processor=None
    )
    return [(term, int(errors)) for term, errors, _ in found]
