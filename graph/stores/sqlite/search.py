"""Search by word with SQLite's full-text index. Typing errors are found by comparison with the words of the index."""

import sys
from collections.abc import Iterable, Sequence

from rapidfuzz import process
from rapidfuzz.distance import OSA

from graph.domain.model.facts import stored_facts
from graph.domain.model.json_text import compact
from graph.domain.model.observations import Observation
from graph.domain.profile.search import (
    Hit,
    SearchField,
    errors_allowed,
    identifier_hit,
    prefixes_of,
    text_of_identifier,
)
from graph.stores.sqlite import mapping
from graph.stores.sqlite.connection import Connected

MAX_SIMILAR_WORDS = 20
"""The number of words of the index that are searched for in place of a misspelled one."""


class Search(Connected):
    """The part of a `Store` that searches."""

    async def search(
        self, word: str, fields: Sequence[SearchField], within: Sequence[str] | None, first: int
    ) -> list[Hit]:
        return await self._read(search, word, fields, within, first)

    async def identifiers_beginning_with(self, beginnings: Sequence[str], first: int) -> list[Hit]:
        return await self._read(identifiers_beginning_with, beginnings, first)


def search(
    db: mapping.Connection, word: str, fields: Sequence[SearchField], within: Sequence[str] | None, first: int
) -> list[Hit]:
    """Return the texts that a word matches. The caller holds a transaction."""
    match = " OR ".join(f'"{prefix}"*' for prefix in prefixes_of(word))
    hits = _matching(db, match, word, fields, within, first, 0)
    if hits:
        return hits
    for similar, errors in _similar(db, word):
        hits += _matching(db, f'"{similar}"', similar, fields, within, first - len(hits), errors)
    return hits


def identifiers_beginning_with(db: mapping.Connection, beginnings: Sequence[str], first: int) -> list[Hit]:
    """Return identifiers of customers by the beginnings of their keys. The caller holds a transaction."""
    customers: dict[str, str] = {}
    for beginning in beginnings:
        customers.update(
            db.execute(
                """SELECT i.key, c.public_id FROM identifiers i JOIN customers c ON c.id = i.customer
                    WHERE i.key >= ? AND i.key < ? ORDER BY i.key LIMIT ?""",
                (beginning, beginning + chr(sys.maxunicode), first),
            )
        )
    return [identifier_hit(customer, key, beginnings) for key, customer in customers.items()]


def insert_identifier_texts(db: mapping.Connection, identifiers: Iterable[tuple[str, int]]) -> None:
    """Insert the texts of identifiers, given as (key, row id)."""
    db.executemany(
        "INSERT INTO search (words, identifier, observation, field) VALUES (?, ?, 0, 0)",
        ((words, row_id) for key, row_id in identifiers if (words := text_of_identifier(key))),
    )


def _matching(
    db: mapping.Connection,
    match: str,
    word: str,
    fields: Sequence[SearchField],
    within: Sequence[str] | None,
    first: int,
    errors: int,
) -> list[Hit]:
    """Return the texts that match, those with the whole word first, so that the limit drops the weaker ones."""
    rows = db.execute(
        """SELECT c.public_id, i.key, s.field, s.words, o.source, o.public_id, o.sent FROM search s
            JOIN identifiers i ON i.id = s.identifier JOIN customers c ON c.id = i.customer
            LEFT JOIN observations o ON o.id = s.observation
            WHERE search MATCH :match AND s.field IN (SELECT value FROM json_each(:fields))
            AND (:within IS NULL OR c.public_id IN (SELECT value FROM json_each(:within)))
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
            SearchField(field),
            "" if sent is None else stored_facts(Observation.from_sent(source, id, sent)),
            word in words.split(),
            errors,
        )
        for customer, key, field, words, source, id, sent in rows
    ]


def _similar(db: mapping.Connection, word: str) -> list[tuple[str, int]]:
    """Return words of the index within the allowed errors that share one of the first two letters, nearest first."""
    allowed = errors_allowed(word)
    if not allowed:
        return []
    candidates: set[str] = set()
    for letter in {word[0], word[1]}:
        rows = db.execute(
            "SELECT term FROM search_words WHERE term >= ? AND term < ? AND length(term) BETWEEN ? AND ?",
            (letter, chr(ord(letter) + 1), len(word) - allowed, len(word) + allowed),
        )
        candidates.update(term for (term,) in rows)
    matches = process.extract(
        word, sorted(candidates), scorer=OSA.distance, score_cutoff=allowed, limit=MAX_SIMILAR_WORDS, processor=None
    )
    return [(term, int(errors)) for term, errors, _ in matches]
