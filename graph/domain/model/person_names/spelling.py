"""The plain spelling of a name: the same for spellings that sound alike, as Stephan and Stefan, Meyer and Maier."""

import re
from functools import lru_cache

_REPLACEMENTS = (
    # Vowels, and j: ä is written ae, too, and an accent may be lost. After ie, so that Jens is not Ins.
    *(("ae", "a"), ("oe", "o"), ("ue", "u"), ("ou", "u"), ("y", "i"), ("ie", "i"), ("j", "i"), ("ai", "ei")),
    # Consonants, longest first.
    *(("sch", "s"), ("sh", "s"), ("sz", "s"), ("ph", "f"), ("ck", "k"), ("ch", "k"), ("qu", "k"), ("dt", "t")),
    *(("x", "ks"), ("z", "s"), ("w", "v")),
)
_FINAL_EY = re.compile("e[yi]$")
_SOFT_C = re.compile("c(?=[ei])")
_MUTE_H = re.compile(r"(?<=[^aeiou])h|(?<=.)h(?![aeiou])")
_DOUBLED = re.compile(r"(.)\1+")


@lru_cache(maxsize=50_000)
def plain_spelling(word: str) -> str:
    """Return the plain spelling of a folded word; it stays as it is if it has other letters than a to z."""
    if len(word) < 2 or not word.isascii():
        return word
    word = _FINAL_EY.sub("i", word)
    for sequence, replacement in _REPLACEMENTS:
        word = word.replace(sequence, replacement)
    word = _SOFT_C.sub("s", word).replace("c", "k")
    return _DOUBLED.sub(r"\1", _MUTE_H.sub("", word))
