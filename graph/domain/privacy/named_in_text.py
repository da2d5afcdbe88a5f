"""The identifiers that a text may name, when nobody knows which of its words are identifiers.

A record that no mapping could read is such a text: JSON, a row of CSV, or what somebody sent by mistake.
"""

import json
import re
from collections.abc import Iterator
from urllib.parse import unquote_plus

from graph.domain.model.identifiers import MAX_VALUE_LENGTH
from graph.domain.model.normalization import EMAIL, PHONE
from graph.domain.model.rules import NamespaceRule, Rules
from graph.domain.resolution.erased import key_of

MIN_WORD_LENGTH = 4
"""Characters of a word that can name somebody: shorter numbers and codes are in every record."""
MIN_PHONE_DIGITS = 6
_JSON_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')
_BLANK = re.compile(r"""[\s,;|"'<>()\[\]{}]+""")
_PART = re.compile(r"[=&?:/#]+")
_PHONE_NUMBER = re.compile(r"\+?\(?\d[\d ()./-]{4,30}\d")


def keys_in_text(text: str, rules: Rules, source: str) -> dict[str, tuple[str, str]]:
    """Return the identifiers that a text of a source may name, by key, as namespaces and values.

    A word may be of any namespace whose rules accept it.
    """
    named: dict[str, tuple[str, str]] = {}
    for word in words_of(text):
        named.update(keys_of_word(word, rules, source))
    return named


def keys_of_word(word: str, rules: Rules, source: str) -> dict[str, tuple[str, str]]:
    """Return the identifiers that a word of a source may be, by key, as namespaces and values."""
    return {
        key: (rule.name, word)
        for rule in rules.namespaces
        if _may_be_of(word, rule) and (key := key_of(rule.name, word, rules, source)) is not None
    }


def words_of(text: str) -> set[str]:
    """Return what may be a value in a text: whole texts of JSON, words, parts of addresses of pages, phone numbers."""
    words: set[str] = set()
    for piece in _pieces(text):
        words.add(piece.strip())
        words.update(found[0] for found in _PHONE_NUMBER.finditer(piece))
        for word in _BLANK.split(piece):
            words.add(word)
            words.update(_PART.split(word))
    return {word for word in words if MIN_WORD_LENGTH <= len(word) <= MAX_VALUE_LENGTH}


def _pieces(text: str) -> Iterator[str]:
    """Yield a text, the texts of JSON in it, and both as they are behind the encoding of page addresses."""
    for piece in (text, *map(_decoded, _JSON_TEXT.findall(text))):
        yield piece
        if "%" in piece or "+" in piece:
            yield unquote_plus(piece)


def _decoded(inner: str) -> str:
    if "\\" not in inner:
        return inner
    try:
        decoded = json.loads(f'"{inner}"', strict=False)
    except ValueError:
        return inner
    return decoded if isinstance(decoded, str) else inner


def _may_be_of(word: str, rule: NamespaceRule) -> bool:
    """Whether a word may be an identifier of a namespace, as far as that is seen without normalizing it."""
    if EMAIL in rule.normalize:
        return "@" in word
    if any(step.startswith(PHONE) for step in rule.normalize):
        return sum(map(str.isdigit, word)) >= MIN_PHONE_DIGITS
    return True
