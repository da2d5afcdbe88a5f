"""Searching for customers by what a person at a desk knows of them: words, in any order, perhaps misspelt.

What is searched are the texts of identifiers and of facts, folded to plain words. Stores find the texts that a word
matches (whole, as a beginning, or but for a typing error); which customers match all words, and which come first, is
decided here.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum

import phonenumbers
from msgspec import Struct

from graph.domain.model.errors import InvalidInput
from graph.domain.model.facts import FactKind
from graph.domain.model.identifiers import Identifier
from graph.domain.profile.pages import Page

LONGEST = 200
"""Characters of a search."""
MOST_WORDS = 8
MOST_HITS = 1_000
"""Texts that one word may match; further ones are left out, so a rarer word should stand beside it."""
NOT_SEARCHED = frozenset({"cookie", "device", "ip", "payment_token"})
"""Namespaces whose values nobody types."""
_PARTS = re.compile(r"\d+|[^\W\d]+")
_E164 = re.compile(r"\+[1-9][0-9]{4,}")
_ASCII_WORD = re.compile("[a-z0-9]+")
_SEPARATORS = str.maketrans(dict.fromkeys("+-/().", " "))


class Field(IntEnum):
    """Where a text stands."""

    IDENTIFIER = 0
    ATTRIBUTES = 1
    INTERACTION = 2


class Hit(Struct, frozen=True, gc=False):
    """A text that a word matches: at which customer and identifier, and how well.

    `text` is what the store keeps of it: nothing for an identifier, the facts of an observation. `errors` are the
    typing errors between the word and what it matches; `whole` tells that it matches a whole word.
    """

    customer: str
    key: str
    field: Field
    text: str
    whole: bool
    errors: int = 0


class Matched(Struct, frozen=True, gc=False):
    """What a word found: the name of an attribute, a namespace or `text`, and the value."""

    field: str
    value: str


Place = tuple[int, int, str]
"""Where a customer ranks among those that match: typing errors, beginnings of words, id; smaller is better."""


class Found(Struct, frozen=True, gc=False):
    """A customer that matches all words, with what each found."""

    customer: str
    matched: tuple[Matched, ...]
    place: Place


def fold(text: str) -> list[str]:
    """The plain words of a text: small letters without accents, and digits."""
    if text.isascii():
        return _ASCII_WORD.findall(text.lower())
    plain = unicodedata.normalize("NFKD", text.casefold())
    kept = (char if char.isalnum() else " " for char in plain if not unicodedata.combining(char))
    return "".join(kept).split()


def words_of(search: str) -> list[str]:
    """The words that are searched for; numbers that stand beside each other are one, as in a phone number.

    Raises where there is none, or too much.
    """
    if not 1 <= len(search) <= LONGEST:
        message = f"text has {len(search)} characters; 1 to {LONGEST} are allowed"
        raise InvalidInput("BAD_LENGTH", message, ("text",))
    words: list[str] = []
    number = False
    for part in search.translate(_SEPARATORS).split() if _is_number(search) else search.split():
        for word in fold(part):
            if word.isdigit() and number:
                words[-1] += word
            else:
                words.append(word)
            number = word.isdigit()
    words = list(dict.fromkeys(words))
    if not words:
        raise InvalidInput("BAD_LENGTH", f"text {search[:60]!r} holds no word", ("text",))
    if len(words) > MOST_WORDS:
        raise InvalidInput("BAD_COUNT", f"text holds {len(words)} words; {MOST_WORDS} are allowed", ("text",))
    # The longest is likely the rarest.
    return sorted(words, key=lambda word: (-len(word), word))


def _is_number(text: str) -> bool:
    return text.translate(_SEPARATORS).replace(" ", "").isdigit()


def errors_allowed(word: str) -> int:
    """How many typing errors a word may hold: none in short ones and in numbers."""
    if any(char.isdigit() for char in word) or len(word) < 4:
        return 0
    return 1 if len(word) < 8 else 2


def text_of_identifier(key: str) -> str:
    """What is searched of an identifier; empty where nobody types such values."""
    namespace, value = Identifier.from_key(key)
    if namespace in NOT_SEARCHED:
        return ""
    words = fold(value)
    # A card may be read out, and stored, with or without what separates letters from digits.
    words += [part for word in words for part in _PARTS.findall(word)]
    if namespace == "phone":
        words += _ways_to_dial(value)
    return " ".join(dict.fromkeys(words))


def _ways_to_dial(value: str) -> list[str]:
    """How people give a number.

    One that is kept in E.164 tells its country by its first digits: no country's code begins with that of another.
    """
    for length in range(1, 4) if _E164.fullmatch(value) else ():
        code, national = value[1 : 1 + length], value[1 + length :]
        if int(code) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            return _dialled(code, national)
    try:
        number = phonenumbers.parse(value)
    except phonenumbers.NumberParseException:
        return []
    return _dialled(str(number.country_code), phonenumbers.national_significant_number(number))


def _dialled(code: str, national: str) -> list[str]:
    return [national, f"0{national}", f"00{code}{national}"]


def text_of_facts(kind: str, facts: str) -> str:
    """What is searched of a fact; empty where it holds no words of anyone."""
    return " ".join(dict.fromkeys(word for one in _texts(kind, facts) for word in fold(one.value)))


def _texts(kind: str, facts: str) -> list[Matched]:
    if kind == FactKind.ATTRIBUTES.value:
        found: list[Matched] = []
        for name, value in json.loads(facts).items():
            if isinstance(value, str):
                found.append(Matched(name, value))
            elif isinstance(value, Mapping):
                found += [Matched(f"{name}.{part}", text) for part, text in value.items()]
        return found
    if kind == FactKind.INTERACTION.value and (text := json.loads(facts).get("text")):
        return [Matched("text", text)]
    return []


def best(hits: Mapping[str, Sequence[Hit]], after: Place | None, first: int) -> Page[Found]:
    """The customers that match every word, the best first: fewest typing errors, most whole words, then by id.

    `after` is the place of the last one seen.
    """
    theirs: dict[str, dict[str, Hit]] = {}
    for word, found in hits.items():
        for hit in found:
            mine = theirs.setdefault(hit.customer, {})
            if word not in mine or _quality(hit) < _quality(mine[word]):
                mine[word] = hit
    whole = {customer: mine for customer, mine in theirs.items() if len(mine) == len(hits)}
    ranked = sorted((*_sum(found.values()), customer) for customer, found in whole.items())
    behind = [place for place in ranked if after is None or place > after]
    return Page([Found(place[2], _matched(whole[place[2]]), place) for place in behind[:first]], len(behind) > first)


def _quality(hit: Hit) -> tuple[int, bool, int, str, str]:
    return hit.errors, not hit.whole, hit.field, hit.key, hit.text


def _sum(hits: Iterable[Hit]) -> tuple[int, int]:
    hits = list(hits)
    return sum(hit.errors for hit in hits), sum(not hit.whole for hit in hits)


def _matched(mine: Mapping[str, Hit]) -> tuple[Matched, ...]:
    found: dict[Matched, None] = {}
    for word, hit in mine.items():
        if hit.field is Field.IDENTIFIER:
            namespace, value = Identifier.from_key(hit.key)
            found[Matched(namespace, value)] = None
            continue
        kind = FactKind.ATTRIBUTES if hit.field is Field.ATTRIBUTES else FactKind.INTERACTION
        texts = _texts(kind.value, hit.text)
        # The text of the fact that holds the word, or what comes nearest to it.
        found[min(texts, key=lambda one: _distance(word, one.value))] = None
    return tuple(found)


def _distance(word: str, text: str) -> int:
    """How far a text is from holding a word: 0 as a whole word, 1 as a beginning, more for letters that differ."""
    words = fold(text)
    if word in words:
        return 0
    if any(one.startswith(word) for one in words):
        return 1
    return 2 + min((_missing(word, one) for one in words), default=len(word))


def _missing(a: str, b: str) -> int:
    return len(set(a) ^ set(b)) + abs(len(a) - len(b))
