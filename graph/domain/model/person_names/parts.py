"""The parts of a written name: given and family names in any order, initials, and the generation (Jr, Sr, III)."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import islice

from msgspec import Struct

from graph.domain.model.folding import folded
from graph.domain.model.person_names.short_forms import is_common
from graph.domain.model.person_names.spelling import plain_spelling

_TITLES = """
mr mister mrs ms miss mx sir dame lady dr prof professor doctor rev reverend herr frau fräulein frl dhr heer mevr
mevrouw meneer mw drs ir pan pani panna mgr inż dipl mag monsieur madame mme mlle señor señora sra srta signor signora
sig
"""
TITLES = frozenset(folded(title) for title in _TITLES.split())
"""Words before a name that are not part of it, folded."""
_DEGREES = "phd md mba msc bsc llm llb esq med phil jur rer nat habil hc ing oec pol theol"
DEGREES = frozenset(_DEGREES.split())
"""Words that are not part of a name after a title, or at its end."""
_PARTICLES = "van von vom zu zum zur der den de ter ten del della du dos auf"
PARTICLES = frozenset(_PARTICLES.split())
"""Words of a family name that may be left out, as in Beethoven."""
_GENERATIONS: Mapping[str, int] = {
    **{"sr": 1, "senior": 1, "i": 1, "jr": 2, "junior": 2, "ii": 2, "2nd": 2, "iii": 3, "3rd": 3, "iv": 4, "4th": 4},
}
_DOTTED_GENERATIONS: Mapping[str, int] = {"sen": 1, "jun": 2}
"""Sen and Jun are names of people, too, unless a period follows."""
_WORD = re.compile(r"([^\s,;:/()\[\]{}\"“”„«»&+_.‐-―-]+)(\.?)")
_VOWEL = re.compile("[aeiouy]")
LATIN = "LATIN"
MAX_PARTS = 40
"""The parts of a name that are compared; the time to compare two names grows with the cube of their number."""


class NamePart(Struct, frozen=True, gc=False):
    """A word of a name, folded, and its plain spelling; an abbreviation is an initial or ends with a period."""

    text: str
    spelling: str
    is_abbreviation: bool = False

    @property
    def is_particle(self) -> bool:
        """Whether it is a word that may be left out, such as `van`."""
        return self.text in PARTICLES


class PersonName(Struct, frozen=True):
    """A written name: its parts by script, and its generation; 0 if none is stated, 1 for Sr, 2 for Jr and II."""

    parts: Mapping[str, tuple[NamePart, ...]]
    generation: int = 0


@lru_cache(maxsize=50_000)
def read_name(text: str) -> PersonName:
    """Return the parts of a written name, without titles."""
    words = [(word, bool(period)) for raw, period in _WORD.findall(text) for word in folded(raw).split() if word]
    words, generation = _without_generation(_without_titles(words))
    parts: dict[str, list[NamePart]] = {}
    all_parts = (part for word, is_dotted in words for part in _parts_of(word, is_dotted))
    for part in islice(all_parts, MAX_PARTS):
        parts.setdefault(_script_of(part.text), []).append(part)
    return PersonName({script: tuple(found) for script, found in parts.items()}, generation)


def _without_titles(words: list[tuple[str, bool]]) -> list[tuple[str, bool]]:
    kept: list[tuple[str, bool]] = []
    after_title = False
    for word, is_dotted in words:
        after_title = word in TITLES or (after_title and word in DEGREES)
        if not after_title:
            kept.append((word, is_dotted))
    while len(kept) > 1 and kept[-1][0] in DEGREES:
        kept.pop()
    return kept


def _without_generation(words: list[tuple[str, bool]]) -> tuple[list[tuple[str, bool]], int]:
    """Separate the generation: `Jr` or `II` in any place but the first, and `I` at the end."""
    kept = words[:1]
    generation = 0
    for position, (word, is_dotted) in enumerate(words[1:], 2):
        found = _GENERATIONS.get(word, 0) or (_DOTTED_GENERATIONS.get(word, 0) if is_dotted else 0)
        is_initial = word == "i" and (is_dotted or position < len(words))
        if found and not is_initial:
            generation = found
        else:
            kept.append((word, is_dotted))
    return kept, generation


def _parts_of(word: str, is_dotted: bool) -> Iterator[NamePart]:
    spelling = plain_spelling(word)
    if len(word) == 2 and word.isascii() and word.isalpha() and not _VOWEL.search(word) and not is_common(spelling):
        # JP is Jean-Pierre.
        for letter in word:
            yield NamePart(letter, letter, True)
    else:
        yield NamePart(word, spelling, is_dotted or len(word) == 1)


def _script_of(word: str) -> str:
    return LATIN if word.isascii() else unicodedata.name(word[0], LATIN).partition(" ")[0]
