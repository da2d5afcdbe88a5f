"""Attributes of people: statements about them, and the values that the profile shows (precedence)."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field

from graph.domain.model.claims import is_claimed
from graph.domain.model.cleaning import clean_value
from graph.domain.model.errors import Problem
from graph.domain.model.facts import Fact, FactKind
from graph.domain.model.json_text import ordered
from graph.domain.model.observations import Observation, Party
from graph.domain.model.validation import check_language, check_text
from graph.domain.profile.catalog import ADDRESS_PARTS, AttributeDefinition, AttributeType, Catalog, Precedence

MAX_ATTRIBUTES = 50
"""The attributes of a statement."""
MAX_ATTRIBUTE_LENGTH = 500
EARLIEST_DATE = "1850-01-01"
"""An older date means that the source has lost it: nobody who was born before is alive."""
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_NUMBER = re.compile(r"-?\d{1,18}([.]\d{1,6})?")

Value = str | Mapping[str, str]
"""A text, or the parts of an address."""


def check_value(attribute: AttributeDefinition, value: Value, today: str) -> Problem | None:
    """What is wrong with a value, which is cleaned before it is stored; `today` as YYYY-MM-DD."""
    name = attribute.name
    if isinstance(value, str) == (attribute.type is AttributeType.ADDRESS):
        expected = "an address" if isinstance(value, str) else "a text"
        return Problem("INVALID_VALUE", f"{name} must be {expected}", (name,))
    if not isinstance(value, str):
        return _check_address(name, value)
    text = _cleaned(name, value)
    if isinstance(text, Problem):
        return text
    return check_text(name, text, MAX_ATTRIBUTE_LENGTH) or _check_type(attribute, text, today)


def _cleaned(name: str, value: str) -> str | Problem:
    if len(value) > MAX_ATTRIBUTE_LENGTH:  # Checked first: cleaning takes time that grows with the length.
        message = f"{name} has {len(value)} characters; 1 to {MAX_ATTRIBUTE_LENGTH} are allowed"
        return Problem("INVALID_LENGTH", message, (name,))
    try:
        return clean_value(value, is_identifier=False)
    except ValueError as error:
        return Problem("INVALID_VALUE", f"{name} is {value[:60]!r}, which {error}", (name,))


def _check_type(attribute: AttributeDefinition, value: str, today: str) -> Problem | None:
    name = attribute.name
    match attribute.type:
        case AttributeType.DATE:
            return _check_date(name, value, today)
        case AttributeType.LANGUAGE:
            return check_language(name, value)
        case AttributeType.NUMBER if not _NUMBER.fullmatch(value):
            return Problem("INVALID_VALUE", f"{name} is {value[:60]!r}; a number is required, such as 12.5", (name,))
        case AttributeType.BOOLEAN if value not in ("true", "false"):
            return Problem("INVALID_VALUE", f"{name} is {value[:60]!r}; true or false is required", (name,))
    return None


def _check_address(name: str, value: Mapping[str, str]) -> Problem | None:
    if unknown := next((part for part in value if part not in ADDRESS_PARTS), None):
        message = f"{name}.{unknown[:60]} is not a part of an address; allowed are {', '.join(ADDRESS_PARTS)}"
        return Problem("INVALID_VALUE", message, (name, unknown[:60]))
    is_empty = True
    for part, raw in value.items():
        text = _cleaned(f"{name}.{part}", raw)
        problem = text if isinstance(text, Problem) else None
        if isinstance(text, str) and text:
            is_empty = False
            problem = check_text(f"{name}.{part}", text, MAX_ATTRIBUTE_LENGTH)
        if problem:
            return Problem(problem.code, problem.message, (name, part))
    if is_empty:
        return Problem("INVALID_VALUE", f"{name} is empty: one of {', '.join(ADDRESS_PARTS)} is required", (name,))
    return None


def _check_date(name: str, value: str, today: str) -> Problem | None:
    match = _DATE.fullmatch(value)
    year, month, day = (int(part) for part in match.groups()) if match else (0, 0, 0)
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if not (1 <= month <= 12 and 1 <= day <= _DAYS[month - 1] and (leap or (month, day) != (2, 29)) and year > 0):
        message = f"{name} is {value[:60]!r}; a date is required, such as 1980-05-31"
        return Problem("INVALID_TIMESTAMP", message, (name,))
    if value < EARLIEST_DATE:
        message = f"{name} is {value}, before {EARLIEST_DATE}: the source has lost the date"
        return Problem("TIMESTAMP_TOO_OLD", message, (name,))
    if value > today:
        return Problem("TIMESTAMP_IN_FUTURE", f"{name} is {value}, after today", (name,))
    return None


class AttributesStatement(Struct, frozen=True, gc=False):
    """A source's statement about a person; a value of `None` withdraws the value that it stated before."""

    source: str
    identifiers: tuple[tuple[str, str], ...]
    values: Mapping[str, Value | None]
    id: str = ""
    party: Party = Party.FIRST_PARTY
    reported_at: int | None = None
    paths: Mapping[str, tuple[str | int, ...]] = field(default_factory=dict)
    """The path of each value in the input, by the name of its attribute."""

    def observation(self) -> Observation:
        """The statement as an observation."""
        facts = ordered(self.values)
        kind = FactKind.ATTRIBUTES.value
        return Observation(self.source, self.identifiers, self.id, self.party, self.reported_at, facts=facts, kind=kind)


def check_attributes(statement: AttributesStatement, catalog: Catalog, today: str) -> Problem | None:
    """What is wrong with the values of a statement."""
    if not 1 <= len(statement.values) <= MAX_ATTRIBUTES:
        message = f"the statement holds {len(statement.values)} attributes; 1 to {MAX_ATTRIBUTES} are allowed"
        return Problem("INVALID_COUNT", message, ("attributes",))
    for name, value in statement.values.items():
        attribute = catalog.attributes.get(name)
        if attribute is None:
            path = statement.paths.get(name, (name[:60],))
            return Problem("UNKNOWN_ATTRIBUTE", catalog.unknown(name), path)
        if value is not None and (problem := check_value(attribute, value, today)):
            return Problem(problem.code, problem.message, (*statement.paths.get(name, (name,)), *problem.path[1:]))
    return None


class ReportedValue(Struct, frozen=True, gc=False):
    """A value with the source that stated it, when (microseconds), and the id of the observation that states it."""

    value: Value
    source: str
    party: Party
    reported_at: int
    observation_id: str


class ProfileAttribute(Struct, frozen=True, gc=False):
    """What the profile shows of an attribute: a single value, or all of them under `ALL`; and the alternatives."""

    chosen: tuple[ReportedValue, ...]
    alternatives: tuple[ReportedValue, ...]


def profile(facts: Iterable[Fact], catalog: Catalog) -> dict[str, ProfileAttribute]:
    """The chosen values of all attributes that have one.

    Of a source, its newest statement at each identifier that carries its statements is in effect. The precedence
    `OLDEST` considers all values that were ever stated and not withdrawn. What is only claimed comes last.
    """
    newest_first: dict[str, list[tuple[Fact, Value | None]]] = {}
    for fact in sorted(facts, key=lambda fact: fact.recency):
        for name, value in json.loads(fact.facts).items():
            newest_first.setdefault(name, []).append((fact, value))
    result: dict[str, ProfileAttribute] = {}
    for name, attribute in catalog.attributes.items():
        chosen = _choose(attribute, newest_first.get(name, ()))
        if chosen is not None:
            result[name] = chosen
    return result


def _choose(
    attribute: AttributeDefinition, newest_first: Sequence[tuple[Fact, Value | None]]
) -> ProfileAttribute | None:
    current: dict[tuple[str, str], ReportedValue | None] = {}
    not_withdrawn: list[ReportedValue] = []
    for fact, value in newest_first:
        holder = (fact.source, fact.key)
        is_withdrawn = holder in current and current[holder] is None
        reported = None if value is None else ReportedValue(value, fact.source, fact.party, fact.at, fact.id)
        current.setdefault(holder, reported)
        if reported is not None and not is_withdrawn:
            not_withdrawn.append(reported)
    values = [reported for reported in current.values() if reported is not None]
    if not values:
        return None
    candidates = _unclaimed(values) or values
    match attribute.precedence:
        case Precedence.NEWEST:
            chosen = candidates[0]
        case Precedence.OLDEST:
            chosen = (_unclaimed(not_withdrawn) or not_withdrawn)[-1]
        case Precedence.MOST_FREQUENT:
            counts: dict[str, int] = {}
            for reported in candidates:
                counts[_comparison_text(reported.value)] = counts.get(_comparison_text(reported.value), 0) + 1
            chosen = max(candidates, key=lambda reported: counts[_comparison_text(reported.value)])
        case Precedence.SOURCE_PRIORITY:
            ranks = {source: rank for rank, source in enumerate(attribute.sources)}
            chosen = min(candidates, key=lambda reported: ranks.get(reported.source, len(ranks)))
        case Precedence.ALL:
            return ProfileAttribute(_distinct(values), ())
    text = _comparison_text(chosen.value)
    alternatives = (reported for reported in _distinct(values) if _comparison_text(reported.value) != text)
    return ProfileAttribute((chosen,), tuple(alternatives))


def _unclaimed(values: Iterable[ReportedValue]) -> list[ReportedValue]:
    """The values that are more than claims: a claim is shown only if nothing else is stated."""
    return [reported for reported in values if not is_claimed(reported.source)]


def _comparison_text(value: Value) -> str:
    """A text that is equal for values that differ only in case and whitespace."""
    return " ".join(json.dumps(value, sort_keys=True, ensure_ascii=False).casefold().split())


def _distinct(values: Iterable[ReportedValue]) -> tuple[ReportedValue, ...]:
    by_text: dict[str, ReportedValue] = {}
    for reported in values:
        by_text.setdefault(_comparison_text(reported.value), reported)
    return tuple(by_text.values())
