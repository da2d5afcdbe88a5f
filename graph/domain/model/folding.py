"""The folded form of a text: what stays the same if somebody types it in capitals, without accents or with hyphens.

Search has a folding of its own (`graph/domain/profile/search.py`): its words are stored in the index of every store,
and an apostrophe separates them, so that both halves of O'Brien are found.
"""

import re
import unicodedata

_APOSTROPHES = dict.fromkeys("'`´‘’‛ʹʻʼʾʿ＇′")
_WITHOUT_APOSTROPHES = str.maketrans(_APOSTROPHES)
_LETTERS = str.maketrans(
    {
        **_APOSTROPHES,
        **{"ł": "l", "ø": "o", "æ": "ae", "œ": "oe", "đ": "d", "ð": "d", "þ": "th", "ħ": "h", "ı": "i"},
        **{"ŧ": "t", "ŋ": "n", "ĸ": "k", "ƶ": "z", "ə": "e", "ς": "σ"},
    }
)
"""Letters that Unicode does not decompose into a plain letter and an accent, and apostrophes that it decomposes."""
_ACCENTS = re.compile("[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670]")
"""Accents of the Latin, Greek and Cyrillic scripts, and the vowel points of Hebrew and Arabic.

Marks of other scripts make other letters: without them か is not が.
"""
_ASCII_WORD = re.compile("[a-z0-9]+")


def folded(text: str) -> str:
    """The folded form: letters and digits in lower case and without accents, as words with single spaces.

    Apostrophes are left out (O'Brien is `obrien`); other characters separate words. Folding twice changes nothing.
    """
    text = text.translate(_WITHOUT_APOSTROPHES)
    if text.isascii():
        return " ".join(_ASCII_WORD.findall(text.lower()))
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold()).translate(_LETTERS)
    composed = unicodedata.normalize("NFC", _ACCENTS.sub("", plain))
    return " ".join("".join(char if _is_part_of_word(char) else " " for char in composed).split())


def _is_part_of_word(char: str) -> bool:
    return char.isalnum() or unicodedata.category(char)[0] == "M"
