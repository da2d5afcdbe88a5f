"""Whether two written names can be those of one person."""

from collections.abc import Sequence

from rapidfuzz.distance import OSA

from graph.domain.model.person_names.parts import NamePart, read_name
from graph.domain.model.person_names.short_forms import are_forms_of_one_name, initials_of, is_common
from graph.domain.model.person_names.spelling import plain_spelling

MIN_SIMILARITY = 0.75
"""Least similarity of a misspelled name: one typing error in four letters, two in eight.

A typing error replaces, adds or leaves out a letter, or transposes two. Measured on typing errors and on different
names of one sex and country: docs/reference/rules-toml.md, "Comparisons".
"""
UNSPACED_SCRIPTS = frozenset({"CJK", "HANGUL", "HIRAGANA", "KATAKANA"})
"""Scripts that write given and family names without a space."""
MAX_JOINED = 4
"""The most words that are written as one, as in Vanderberg."""
_SHORT_WORDS = frozenset("odlm")
"""Single letters that begin a family name: O Brien, D Artagnan."""


def can_be_one_person(a: str, b: str) -> bool:
    """Whether two names can be those of one person.

    All parts of the shorter name have a part of the longer one that fits, in any order. Names without a script in
    common cannot be compared, and fit.
    """
    first, second = read_name(a), read_name(b)
    if first.generation and second.generation and first.generation != second.generation:
        return False
    return all(
        _parts_fit(parts, second.parts[script], script)
        for script, parts in first.parts.items()
        if script in second.parts
    )


def _parts_fit(a: Sequence[NamePart], b: Sequence[NamePart], script: str) -> bool:
    if script in UNSPACED_SCRIPTS:
        first, second = "".join(part.text for part in a), "".join(part.text for part in b)
        return first in second or second in first
    if len(a) == 1 and len(b) == 1:
        return _fit(a[0], b[0])
    a, b = _joined_as_in(b, a), _joined_as_in(a, b)
    a, b = _without_particles(a), _without_particles(b)
    return _has_partners(a, b) if len(a) <= len(b) else _has_partners(b, a)


def _fit(a: NamePart, b: NamePart) -> bool:
    """Whether two parts can be one: the same, an initial, forms of one name, or a typing error."""
    if a.spelling == b.spelling or are_forms_of_one_name(a.spelling, b.spelling):
        return True
    if a.is_abbreviation and _abbreviates(a, b):
        return True
    if b.is_abbreviation and _abbreviates(b, a):
        return True
    # Two common names are two people, however similar they are.
    return not (is_common(a.spelling) and is_common(b.spelling)) and _is_similar(a.text, b.text)


def _is_similar(a: str, b: str) -> bool:
    return OSA.normalized_similarity(a, b, score_cutoff=MIN_SIMILARITY) >= MIN_SIMILARITY


def _abbreviates(short: NamePart, long: NamePart) -> bool:
    if long.text.startswith(short.text):
        return True
    return len(short.text) == 1 and not long.is_abbreviation and short.text in initials_of(long.spelling)


def _joined_as_in(other: Sequence[NamePart], parts: Sequence[NamePart]) -> Sequence[NamePart]:
    """Join words that another name writes as one: Ann Marie as in Annmarie."""
    words = [part for part in other if len(part.text) > 3]
    joined: list[NamePart] = []
    position = 0
    while position < len(parts):
        for count in range(min(MAX_JOINED, len(parts) - position), 1, -1):
            part = _as_one_word(parts[position : position + count], words)
            if part is not None:
                joined.append(part)
                position += count
                break
        else:
            joined.append(parts[position])
            position += 1
    return joined


def _as_one_word(parts: Sequence[NamePart], words: Sequence[NamePart]) -> NamePart | None:
    """Return the parts as one word if one of some words is that, with one typing error at most."""
    if any(len(part.text) == 1 and (part is parts[-1] or part.text not in _SHORT_WORDS) for part in parts):
        return None
    text = "".join(part.text for part in parts)
    for word in words:
        # The lengths differ nearly always.
        if abs(len(word.text) - len(text)) <= 2:
            spelling = plain_spelling(text)
            if spelling == word.spelling or OSA.distance(text, word.text, score_cutoff=1) <= 1:
                return NamePart(text, spelling)
    return None


def _without_particles(parts: Sequence[NamePart]) -> Sequence[NamePart]:
    return [part for part in parts if not part.is_particle] or parts


def _has_partners(short: Sequence[NamePart], long: Sequence[NamePart]) -> bool:
    """Whether every part of the shorter name has a part of its own in the longer one (augmenting paths)."""
    partner_of: dict[int, int] = {}

    def finds_partner(part: int, tried: set[int]) -> bool:
        for candidate in range(len(long)):
            if candidate not in tried and _fit(short[part], long[candidate]):
                tried.add(candidate)
                if candidate not in partner_of or finds_partner(partner_of[candidate], tried):
                    partner_of[candidate] = part
                    return True
        return False

    return all(finds_partner(part, set()) for part in range(len(short)))
