"""Conditions on the properties of an interaction, as segments and timelines use them.

A property is a text, a number, true or false, or a list of these, of which any may match. Null, an empty text and an
empty list are no value: SDKs send them for what they do not know. What is in objects is not compared.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any

from msgspec import MsgspecError, Struct
from msgspec.json import Decoder

from graph.domain.model.errors import InvalidInput, Problem
from graph.domain.model.json_text import parse_stored
from graph.domain.model.validation import check_text

MAX_FILTERS = 10
"""Conditions on properties that one condition on interactions may hold."""
MAX_VALUES = 100
MAX_TEXT_LENGTH = 500
MAX_NUMBER = 1e15
_CRITERIA = ("exists", "in", "contains", "min", "max")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.$ -]+")
"""Names that every JSON encoder writes as they are."""

Values = Mapping[str, Any]
Path = tuple[str | int, ...]


class PropertyFilter(Struct, frozen=True, gc=False):
    """A property that must meet all given criteria. `values` and `contains` are case-folded.

    Numbers, and texts that are a number, are compared with `min` and `max`; numbers are one of `values` if one of these
    says the same number. Only texts contain a text. `exists` is whether the property has a value.
    """

    name: str
    exists: bool = True
    values: tuple[str, ...] = ()
    contains: str = ""
    min: float | None = None
    max: float | None = None

    @property
    def text_of_name(self) -> str:
        """The text that the JSON of every matching interaction contains; empty if there is none."""
        return self.name if self.exists and _PLAIN_NAME.fullmatch(self.name) else ""

    def matches(self, properties: Mapping[str, Any]) -> bool:
        """Return whether the properties of an interaction meet the criteria."""
        value = properties.get(self.name)
        values = [item for item in (value if isinstance(value, list) else [value]) if item is not None and item != ""]
        return any(map(self._meets, values)) if self.exists else not values

    def _meets(self, value: Any) -> bool:
        if isinstance(value, Mapping | list):
            return not (self.values or self.contains or self.min is not None or self.max is not None)
        number = _number(value)
        if self.min is not None and (number is None or number < self.min):
            return False
        if self.max is not None and (number is None or number > self.max):
            return False
        text = str(value).casefold()
        if self.contains and not (isinstance(value, str) and self.contains in text):
            return False
        if not self.values or text in self.values:
            return True
        # A text such as 01067 is not the number 1067.
        return number is not None and not isinstance(value, str) and number in map(_number, self.values)


def _number(value: Any) -> int | float | None:
    """Return the number that a value is or that its text says; `None` for others."""
    if isinstance(value, str):
        text = value.strip()
        value = float(text) if len(text) <= 40 and _NUMBER.fullmatch(text) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if isinstance(value, int) or isfinite(value) else None


class _Stored(Struct, gc=False):
    properties: dict[str, Any] = {}


_decode = Decoder(_Stored).decode
"""Reads nothing but the properties, much faster than all parts of many interactions could be read."""


def matches_all(filters: Iterable[PropertyFilter], facts: str) -> bool:
    """Return whether the properties of an interaction, given as the text of its fact, meet all of some filters."""
    try:
        properties = _decode(facts).properties
    except (MsgspecError, RecursionError, UnicodeError):
        properties = parse_stored(facts).get("properties", {})  # what an earlier version accepted
    return all(condition.matches(properties) for condition in filters)


def texts_of_names(filters: Iterable[PropertyFilter]) -> list[str]:
    """Return texts that the JSON of every interaction with matching properties contains: stores skip all others."""
    return [text for condition in filters if (text := condition.text_of_name)]


def parse(conditions: Sequence[Values] | None, path: Path) -> tuple[PropertyFilter, ...]:
    """Return filters of conditions as clients send them; raises `InvalidInput` with the path of the invalid field."""
    if conditions is None:
        return ()
    if not 1 <= len(conditions) <= MAX_FILTERS:
        message = f"{path[-1]} holds {len(conditions)} conditions; 1 to {MAX_FILTERS} are allowed"
        raise InvalidInput("INVALID_COUNT", message, path)
    return tuple(dict.fromkeys(_filter(values, (*path, index)) for index, values in enumerate(conditions)))


def _filter(values: Values, path: Path) -> PropertyFilter:
    name = values["name"]
    _raise_if(check_text("name", name, 200), path)
    given = [criterion for criterion in _CRITERIA if values.get(criterion) is not None]
    if not given:
        message = f"the condition on the property {name[:60]!r} needs at least one of {', '.join(_CRITERIA)}"
        raise InvalidInput("INVALID_VALUE", message, path)
    exists = values.get("exists")
    if exists is False and len(given) > 1:
        message = f"exists is false, so {given[1]} can never match; leave one of them out"
        raise InvalidInput("INVALID_VALUE", message, (*path, given[1]))
    chosen = values.get("in")
    if chosen is not None and not 1 <= len(chosen) <= MAX_VALUES:
        message = f"in holds {len(chosen)} values; 1 to {MAX_VALUES} are allowed"
        raise InvalidInput("INVALID_COUNT", message, (*path, "in"))
    for text in chosen or ():
        _raise_if(check_text("in", text, MAX_TEXT_LENGTH), path)
    contains = values.get("contains")
    if contains is not None:
        _raise_if(check_text("contains", contains, MAX_TEXT_LENGTH), path)
    low, high = (_bound(values, bound, path) for bound in ("min", "max"))
    texts = tuple(dict.fromkeys(text.casefold() for text in chosen or ()))
    return PropertyFilter(name, exists is not False, texts, (contains or "").casefold(), low, high)


def _bound(values: Values, name: str, path: Path) -> float | None:
    number: float | None = values.get(name)
    if number is not None and not abs(number) < MAX_NUMBER:
        raise InvalidInput("INVALID_VALUE", f"{name} is {number}; numbers below 10^15 are allowed", (*path, name))
    return number


def _raise_if(problem: Problem | None, path: Path) -> None:
    if problem is not None:
        raise InvalidInput(problem.code, problem.message, (*path, *problem.path))
