"""Comparisons of the values of guarded attributes: whether two values can be those of one person.

Each is symmetric, and a value fits itself. docs/reference/rules-toml.md describes them.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from graph.domain.model.folding import folded
from graph.domain.model.person_names.matching import can_be_one_person

Comparison = Callable[[str, str], bool]

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def exact(a: str, b: str) -> bool:
    """Whether two texts are equal, whatever their case, accents, spaces and punctuation."""
    return a == b or _compact(a) == _compact(b)


def date(a: str, b: str) -> bool:
    """Whether two dates (YYYY-MM-DD) are equal, differ by one typing error, or have day and month swapped.

    A typing error is one digit replaced or two adjacent digits transposed. Other texts are compared as by `exact`.
    """
    if a == b:
        return True
    if not (_DATE.fullmatch(a) and _DATE.fullmatch(b)):
        return exact(a, b)
    year, month, day = a.split("-")
    return b == f"{year}-{day}-{month}" or _differ_by_one_error(f"{year}{month}{day}", b.replace("-", ""))


def name(a: str, b: str) -> bool:
    """Whether two names can be those of one person: given names, family names or both, in any order."""
    return a == b or can_be_one_person(a, b)


COMPARISONS: Mapping[str, Comparison] = {"exact": exact, "date": date, "name": name}
"""The comparisons by name."""


@lru_cache(maxsize=100_000)
def fits(compare: str, a: str, b: str) -> bool:
    """Whether two values of an attribute can be those of one person; `compare` is the name of its comparison."""
    return COMPARISONS[compare](a, b)


def _compact(text: str) -> str:
    """Return the letters and digits of a text; a text without any stays as it is."""
    return folded(text).replace(" ", "") or text


def _differ_by_one_error(a: str, b: str) -> bool:
    """Whether two texts of one length differ in one character, or by two adjacent characters transposed."""
    different = [position for position, (x, y) in enumerate(zip(a, b, strict=True)) if x != y]
    if len(different) <= 1:
        return True
    first, *others = different
    return others == [first + 1] and a[first : first + 2] == b[first + 1] + b[first]
