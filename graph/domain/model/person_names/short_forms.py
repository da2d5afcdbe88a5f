"""Short forms and pet forms of given names: which names can be forms of one name, and which are given names at all.

A line of a table is a name in its full forms, and after a colon its short forms. A full form fits every form of its
line. Two short forms fit if they begin with one letter: Liz and Lizzie can be one Elizabeth, Liz and Betty are sisters.
The tables are read when the first name is compared.
"""

from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from itertools import chain

from msgspec import Struct

from graph.domain.model.folding import folded
from graph.domain.model.person_names import common_names, dutch, english, german, other_languages, polish
from graph.domain.model.person_names.spelling import plain_spelling

LANGUAGES = (german, english, dutch, polish, other_languages)
"""The modules with a table."""
_NO_LINES: frozenset[int] = frozenset()


class _Tables(Struct, frozen=True):
    """By plain spelling: the lines in which a name is a full form, those in which it is any form, and the initials of
    all forms of these lines; and the common given names."""

    full_in: Mapping[str, frozenset[int]]
    in_lines: Mapping[str, frozenset[int]]
    initials: Mapping[str, str]
    common: frozenset[str]


def words_of(text: str) -> list[str]:
    """Return the folded words of a part of a table."""
    return folded(text).split()


@cache
def _tables() -> _Tables:
    full_in: defaultdict[str, set[int]] = defaultdict(set)
    in_lines: defaultdict[str, set[int]] = defaultdict(set)
    initials: defaultdict[str, set[str]] = defaultdict(set)
    lines = chain.from_iterable(language.TABLE.strip().splitlines() for language in LANGUAGES)
    for number, line in enumerate(lines):
        full, _, _ = line.partition(":")
        words = words_of(line)
        letters = {word[0] for word in words}
        for form in map(plain_spelling, words):
            in_lines[form].add(number)
            initials[form] |= letters
        for form in map(plain_spelling, words_of(full)):
            full_in[form].add(number)
    return _Tables(
        {form: frozenset(numbers) for form, numbers in full_in.items()},
        {form: frozenset(numbers) for form, numbers in in_lines.items()},
        {form: "".join(sorted(letters)) for form, letters in initials.items()},
        frozenset((*in_lines, *map(plain_spelling, words_of(common_names.TABLE)))),
    )


def are_forms_of_one_name(a: str, b: str) -> bool:
    """Whether two given names, in plain spelling, can be forms of one name."""
    tables = _tables()
    lines_of_a, lines_of_b = tables.in_lines.get(a, _NO_LINES), tables.in_lines.get(b, _NO_LINES)
    shared = lines_of_a & lines_of_b
    if not shared or a[0] == b[0]:
        return bool(shared)
    return not (
        shared.isdisjoint(tables.full_in.get(a, _NO_LINES)) and shared.isdisjoint(tables.full_in.get(b, _NO_LINES))
    )


def initials_of(spelling: str) -> str:
    """Return the initials of all forms of a given name in plain spelling; empty if it is in no table."""
    return _tables().initials.get(spelling, "")


def is_common(spelling: str) -> bool:
    """Whether a word in plain spelling is a common given name."""
    return spelling in _tables().common
