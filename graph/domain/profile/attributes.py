"""Attributes of people: the statements made of each, and which of them the profile shows (precedence)."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field

from graph.domain.model.errors import Problem
from graph.domain.model.facts import FactKind, Told
from graph.domain.model.json_text import ordered
from graph.domain.model.observations import Observation, Tier
from graph.domain.model.validation import check_text
from graph.domain.profile.catalog import Attribute, AttributeType, Catalogue, Precedence

MOST_ATTRIBUTES = 50
"""Attributes of one statement."""
LONGEST = 500
ADDRESS_PARTS = ("street", "postcode", "city", "country")
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
# BCP 47: language, perhaps script, region and more, such as de, pt-BR, zh-Hant-TW.
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,4}")
_NUMBER = re.compile(r"-?\d{1,18}([.]\d{1,6})?")

Value = str | Mapping[str, str]
"""A text, or the parts of an address."""


def check_value(attribute: Attribute, value: Value, today: str) -> Problem | None:
    """What is wrong with a value; `today` as YYYY-MM-DD."""
    name = attribute.name
    if isinstance(value, str) == (attribute.type is AttributeType.ADDRESS):
        return Problem("BAD_VALUE", f"{name} is {'an address' if isinstance(value, str) else 'a text'}", (name,))
    if not isinstance(value, str):
        return _check_address(name, value)
    if problem := check_text(name, value, LONGEST):
        return problem
    match attribute.type:
        case AttributeType.DATE:
            return _check_date(name, value, today)
        case AttributeType.LANGUAGE if not _LANGUAGE.fullmatch(value):
            return Problem(
                "BAD_VALUE", f"{name} is {value[:60]!r}; a language of BCP 47 is needed, such as de", (name,)
            )
        case AttributeType.NUMBER if not _NUMBER.fullmatch(value):
            return Problem("BAD_VALUE", f"{name} is {value[:60]!r}; a number is needed, such as 12.5", (name,))
        case AttributeType.BOOLEAN if value not in ("true", "false"):
            return Problem("BAD_VALUE", f"{name} is {value[:60]!r}; true or false is needed", (name,))
    return None


def _check_address(name: str, value: Mapping[str, str]) -> Problem | None:
    if unknown := next((part for part in value if part not in ADDRESS_PARTS), None):
        message = f"{name}.{unknown[:60]} is no part of an address; known are {', '.join(ADDRESS_PARTS)}"
        return Problem("BAD_VALUE", message, (name, unknown[:60]))
    if not any(value.values()):
        return Problem("BAD_VALUE", f"{name} is empty: one of {', '.join(ADDRESS_PARTS)} is needed", (name,))
    for part in ADDRESS_PARTS:
        text = value.get(part, "")
        if text and (problem := check_text(f"{name}.{part}", text, LONGEST)):
            return Problem(problem.code, problem.message, (name, part))
    return None


def _check_date(name: str, value: str, today: str) -> Problem | None:
    found = _DATE.fullmatch(value)
    year, month, day = (int(part) for part in found.groups()) if found else (0, 0, 0)
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if not (1 <= month <= 12 and 1 <= day <= _DAYS[month - 1] and (leap or (month, day) != (2, 29)) and year > 0):
        return Problem("BAD_DATE", f"{name} is {value[:60]!r}; a date is needed, such as 1980-05-31", (name,))
    if value > today:
        return Problem("IN_THE_FUTURE", f"{name} is {value}, after today", (name,))
    return None


class AttributesStatement(Struct, frozen=True, gc=False):
    """What a source says of a person; a value of `None` takes back what it said before."""

    source: str
    identifiers: tuple[tuple[str, str], ...]
    values: Mapping[str, Value | None]
    id: str = ""
    party: Tier = Tier.FIRST
    stated_at: int | None = None
    paths: Mapping[str, tuple[str | int, ...]] = field(default_factory=dict)
    """Where each value stands in what was sent, by the name of its attribute."""

    def observation(self) -> Observation:
        """The observation that the statement is."""
        facts = ordered(self.values)
        kind = FactKind.ATTRIBUTES.value
        return Observation(self.source, self.identifiers, self.id, self.party, self.stated_at, facts=facts, kind=kind)


def check_statement(statement: AttributesStatement, catalogue: Catalogue, today: str) -> Problem | None:
    """What is wrong with the values of a statement."""
    if not 1 <= len(statement.values) <= MOST_ATTRIBUTES:
        message = f"the statement holds {len(statement.values)} attributes; 1 to {MOST_ATTRIBUTES} are allowed"
        return Problem("BAD_COUNT", message, ("attributes",))
    for name, value in statement.values.items():
        attribute = catalogue.attributes.get(name)
        if attribute is None:
            path = statement.paths.get(name, (name[:60],))
            return Problem("UNKNOWN_ATTRIBUTE", catalogue.unknown(name), path)
        if value is not None and (problem := check_value(attribute, value, today)):
            return Problem(problem.code, problem.message, (*statement.paths.get(name, (name,)), *problem.path[1:]))
    return None


class Stated(Struct, frozen=True, gc=False):
    """A value with who stated it, and when (microseconds)."""

    value: Value
    source: str
    tier: Tier
    at: int


class Chosen(Struct, frozen=True, gc=False):
    """What the profile shows of an attribute: one value, or all of them under `UNION`; and what else is stated."""

    shown: tuple[Stated, ...]
    alternatives: tuple[Stated, ...]


def profile(told: Iterable[Told], catalogue: Catalogue) -> dict[str, Chosen]:
    """The chosen values of all attributes of which anything is stated.

    What counts of a source is its newest word on each of the identifiers that carry its statements; the oldest
    precedence looks at all that was ever stated and not taken back.
    """
    stated: dict[str, list[tuple[Told, Value | None]]] = {}
    for one in sorted(told, key=lambda one: one.recency):
        for name, value in json.loads(one.facts).items():
            stated.setdefault(name, []).append((one, value))
    found: dict[str, Chosen] = {}
    for name, attribute in catalogue.attributes.items():
        chosen = _choose(attribute, stated.get(name, ()))
        if chosen is not None:
            found[name] = chosen
    return found


def _choose(attribute: Attribute, newest_first: Sequence[tuple[Told, Value | None]]) -> Chosen | None:
    current: dict[tuple[str, str], Stated | None] = {}
    ever: list[Stated] = []
    for told, value in newest_first:
        holder = (told.source, told.key)
        taken_back = holder in current and current[holder] is None
        one = None if value is None else Stated(value, told.source, told.tier, told.at)
        current.setdefault(holder, one)
        if one is not None and not taken_back:
            ever.append(one)
    values = [one for one in current.values() if one is not None]
    if not values:
        return None
    match attribute.precedence:
        case Precedence.NEWEST:
            first = values[0]
        case Precedence.OLDEST:
            first = ever[-1]
        case Precedence.MOST_FREQUENT:
            counts: dict[str, int] = {}
            for one in values:
                counts[_same(one.value)] = counts.get(_same(one.value), 0) + 1
            first = max(values, key=lambda one: counts[_same(one.value)])
        case Precedence.SOURCES:
            order = {source: rank for rank, source in enumerate(attribute.sources)}
            first = min(values, key=lambda one: order.get(one.source, len(order)))
        case Precedence.UNION:
            return Chosen(_distinct(values), ())
    others = [one for one in _distinct(values) if _same(one.value) != _same(first.value)]
    return Chosen((first,), tuple(others))


def _same(value: Value) -> str:
    """What two values have in common that say the same."""
    return " ".join(json.dumps(value, sort_keys=True, ensure_ascii=False).casefold().split())


def _distinct(values: Iterable[Stated]) -> tuple[Stated, ...]:
    found: dict[str, Stated] = {}
    for one in values:
        found.setdefault(_same(one.value), one)
    return tuple(found.values())
