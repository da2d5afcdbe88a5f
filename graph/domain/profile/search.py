"""Search for customers by words in any order, which may be misspelled, and by the beginning of an identifier.

The texts of identifiers and facts are searched, folded to plain words. Stores find the texts that a word matches (as a
whole word, as a prefix, or with a typing error) and the identifiers that begin with a text; this module decides which
customers match, and their order.
"""

import json
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import IntEnum

import phonenumbers
from msgspec import Struct

from graph.domain.model.cleaning import clean_value
from graph.domain.model.errors import InvalidInput
from graph.domain.model.facts import FactKind
from graph.domain.model.identifiers import MAX_VALUE_LENGTH, Identifier
from graph.domain.model.json_text import parse_stored
from graph.domain.model.rules import Rules
from graph.domain.profile.pages import Page, page_after

MAX_SEARCH_LENGTH = MAX_VALUE_LENGTH
"""The maximum number of characters of a search: each identifier can be searched for."""
MIN_BEGINNING = 3
"""The minimum number of characters of a search that finds identifiers by their beginning."""
MAX_BEGINNING_HITS = 100
"""The maximum number of identifiers of a namespace that a beginning may match; further ones are left out."""
MIN_PHONE_ENDING = 4
"""The minimum number of digits by which a phone number is found from its end."""
VERSION = "2"
"""Changes whenever `text_of_identifier` gives another text for the same key: then stores replace their texts."""
MAX_WORDS = 8
MAX_HITS = 1_000
"""The most texts that a word may match; further texts are left out, so a frequent word needs a rarer one with it."""
UNSEARCHED_NAMESPACES = frozenset({"cookie", "device", "ip", "payment_token"})
"""Namespaces with values that nobody types: they are found by their beginning only, and their words are not stored."""
_TWO_NUMBERS = re.compile(r"(?<!\S)\d+ \d+(?!\S)")
_PARTS = re.compile(r"\d+|[^\W\d]+")
_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")
_E164 = re.compile(r"\+[1-9][0-9]{4,}")
_ASCII_WORD = re.compile("[a-z0-9]+")
_SEPARATORS = str.maketrans(dict.fromkeys("+-/().", " "))
_ENDING = "ending"
"""The beginning of the word that holds the digits of a phone number in reverse, so that its end is found by prefix."""


class SearchField(IntEnum):
    """The part of a customer that contains a text."""

    IDENTIFIERS = 0
    ATTRIBUTES = 1
    INTERACTIONS = 2


class Hit(Struct, frozen=True, gc=False):
    """A text that a word matches, with its customer and identifier.

    `text` is empty for an identifier, else the facts of an observation. `errors` is the number of typing errors between
    the search word and the matched word; `whole` is true if they match as whole words.
    """

    customer: str
    key: str
    field: SearchField
    text: str
    whole: bool
    errors: int = 0


class SearchMatch(Struct, frozen=True, gc=False):
    """What a word matches: the name of an attribute, a namespace or `text`, and the value."""

    field: str
    value: str


def identifier_hit(customer: str, key: str, beginnings: Collection[str]) -> Hit:
    """Return the hit of an identifier whose key begins with one of `beginnings`."""
    return Hit(customer, key, SearchField.IDENTIFIERS, "", key in beginnings)


SearchPosition = tuple[int, int, str]
"""The rank of a matching customer: the number of typing errors, the number of prefix matches, id; smaller is better."""


class SearchResult(Struct, frozen=True, gc=False):
    """A customer that matches all words, with the matches."""

    customer: str
    matches: tuple[SearchMatch, ...]
    position: SearchPosition


def fold(text: str) -> list[str]:
    """The plain words of a text: lower-case letters without accents, and digits."""
    if text.isascii():
        return _ASCII_WORD.findall(text.lower())
    plain = unicodedata.normalize("NFKD", text.casefold())
    chars = (char if char.isalnum() else " " for char in plain if not unicodedata.combining(char))
    return "".join(chars).split()


def check_length(search: str) -> None:
    """Raise `InvalidInput` if a search is empty or has too many characters."""
    if not 1 <= len(search) <= MAX_SEARCH_LENGTH:
        message = f"text has {len(search)} characters; 1 to {MAX_SEARCH_LENGTH} are allowed"
        raise InvalidInput("INVALID_LENGTH", message, ("text",))


def words_of(search: str) -> list[str]:
    """The words of a search, longest first; consecutive numbers are one word, as in a phone number.

    Raises `InvalidInput` if there are no words or too many words.
    """
    words = list(dict.fromkeys(_joined(fold(search.translate(_SEPARATORS) if _is_number(search) else search))))
    if not words:
        raise InvalidInput("INVALID_LENGTH", f"text {search[:60]!r} contains no words", ("text",))
    if len(words) > MAX_WORDS:
        raise InvalidInput("INVALID_COUNT", f"text contains {len(words)} words; {MAX_WORDS} are allowed", ("text",))
    # The longest word is probably the rarest.
    return sorted(words, key=lambda word: (-len(word), word))


def _joined(words: Sequence[str]) -> list[str]:
    """Return words with consecutive numbers as one word."""
    joined: list[str] = []
    for before, word in zip(("", *words), words, strict=False):
        if word.isdigit() and before.isdigit():
            joined[-1] += word
        else:
            joined.append(word)
    return joined


def _is_number(text: str) -> bool:
    return text.translate(_SEPARATORS).replace(" ", "").isdigit()


def errors_allowed(word: str) -> int:
    """The number of typing errors that a word may have: none in short words and numbers."""
    if any(char.isdigit() for char in word) or len(word) < 4:
        return 0
    return 1 if len(word) < 8 else 2


def text_of_identifier(key: str) -> str:
    """The searchable text of an identifier; empty for `UNSEARCHED_NAMESPACES`."""
    namespace, value = Identifier.from_key(key)
    if namespace in UNSEARCHED_NAMESPACES:
        return ""
    plain = fold(value)
    together = " ".join(plain)
    # A card number may be spoken, and stored, with or without the separators between letters and digits.
    words = [*plain, *_PARTS.findall(together)]
    if _TWO_NUMBERS.search(together):
        words += _joined(plain)
    if namespace == "phone":
        words += _phone_forms(value)
        words.append(_ENDING + "".join(filter(str.isdigit, reversed(value))))
    return " ".join(dict.fromkeys(words))


def prefixes_of(word: str) -> list[str]:
    """The beginnings of stored words by which a word is found: the word, and for digits the end of a phone number."""
    if len(word) >= MIN_PHONE_ENDING and word.isascii() and word.isdigit():
        return [word, _ENDING + word[::-1]]
    return [word]


def beginnings_of(search: str, rules: Rules) -> list[str]:
    """The beginnings of the keys of identifiers whose values begin with the text of a search, as they may be stored.

    A beginning cannot be normalized as a whole value is (it is not an email address), so it is tried in both cases,
    with and without punctuation.
    """
    text = clean_value(search)
    if len(text) < MIN_BEGINNING:
        return []
    plain = _NOT_ALPHANUMERIC.sub("", text)
    texts = dict.fromkeys((text, *(change(form) for form in (text, plain) for change in (str.lower, str.upper)), plain))
    beginnings: dict[str, None] = {}
    for namespace in rules.names:
        values = [form for form in texts if len(form) >= MIN_BEGINNING]
        if isinstance(value := rules.normalize_value(namespace, text), str):
            values.append(value)
        beginnings.update(dict.fromkeys(Identifier(namespace, value).key for value in values))
    return list(beginnings)


def _phone_forms(value: str) -> list[str]:
    """The forms in which people write a phone number.

    The first digits of a number in E.164 identify its country: no country code is a prefix of another.
    """
    for length in range(1, 4) if _E164.fullmatch(value) else ():
        code, national = value[1 : 1 + length], value[1 + length :]
        if int(code) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            return _dialed_forms(code, national)
    try:
        number = phonenumbers.parse(value)
    except phonenumbers.NumberParseException:
        return []
    return _dialed_forms(str(number.country_code), phonenumbers.national_significant_number(number))


def _dialed_forms(code: str, national: str) -> list[str]:
    return [national, f"0{national}", f"00{code}{national}"]


def text_of_facts(kind: str, facts: str) -> str:
    """The searchable text of a fact; empty for kinds without text."""
    return " ".join(dict.fromkeys(word for match in _texts(kind, facts) for word in fold(match.value)))


def _texts(kind: str, facts: str) -> list[SearchMatch]:
    if kind == FactKind.ATTRIBUTES.value:
        matches: list[SearchMatch] = []
        for name, value in json.loads(facts).items():
            if isinstance(value, str):
                matches.append(SearchMatch(name, value))
            elif isinstance(value, Mapping):
                matches += [SearchMatch(f"{name}.{part}", text) for part, text in value.items()]
        return matches
    if kind == FactKind.INTERACTION.value and (text := parse_stored(facts).get("text")):
        return [SearchMatch("text", text)]
    return []


def rank(hits: Mapping[str, Sequence[Hit]], after: SearchPosition | None, first: int) -> Page[SearchResult]:
    """The customers that match every word, best first: fewest typing errors, most whole words, then by id.

    `hits` are by word; `after` is the position of the last customer on the previous page.
    """
    best_hits: dict[str, dict[str, Hit]] = {}
    for word, hits_of_word in hits.items():
        for hit in hits_of_word:
            by_word = best_hits.setdefault(hit.customer, {})
            if word not in by_word or _quality(hit) < _quality(by_word[word]):
                by_word[word] = hit
    complete = {customer: by_word for customer, by_word in best_hits.items() if len(by_word) == len(hits)}
    ranked = sorted((*_sum(by_word.values()), customer) for customer, by_word in complete.items())
    page = page_after(ranked, lambda position: position, after, first)
    results = [SearchResult(position[2], _matches_of(complete[position[2]]), position) for position in page.items]
    return Page(results, page.has_more)


def _quality(hit: Hit) -> tuple[int, bool, int, str, str]:
    return hit.errors, not hit.whole, hit.field, hit.key, hit.text


def _sum(hits: Iterable[Hit]) -> tuple[int, int]:
    hits = list(hits)
    return sum(hit.errors for hit in hits), sum(not hit.whole for hit in hits)


def _matches_of(by_word: Mapping[str, Hit]) -> tuple[SearchMatch, ...]:
    matches: dict[SearchMatch, None] = {}
    for word, hit in by_word.items():
        if hit.field is SearchField.IDENTIFIERS:
            namespace, value = Identifier.from_key(hit.key)
            matches[SearchMatch(namespace, value)] = None
            continue
        kind = FactKind.ATTRIBUTES if hit.field is SearchField.ATTRIBUTES else FactKind.INTERACTION
        # Of the texts of the fact, the one that contains the word, or the most similar word.
        matches[min(_texts(kind.value, hit.text), key=lambda match: _distance(word, match.value))] = None
    return tuple(matches)


def _distance(word: str, text: str) -> int:
    """The distance of a text from a word: 0 if it contains the word, 1 as a prefix, else more by differing letters."""
    words = fold(text)
    if word in words:
        return 0
    if any(text_word.startswith(word) for text_word in words):
        return 1
    return 2 + min((_letters_differing(word, text_word) for text_word in words), default=len(word))


def _letters_differing(a: str, b: str) -> int:
    return len(set(a) ^ set(b)) + abs(len(a) - len(b))
