"""The values of guarded attributes that identifiers carry (docs/internals/resolution-rule.md, step 7).

Of each source the newest statement at an identifier counts. The values that an identifier carries are its value set;
a customer keeps how many of its identifiers carry each set, so that two customers can be compared without reading their
identifiers. A merge adds these counts.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import combinations

from msgspec import Struct
from msgspec.json import Decoder, decode

from graph.domain.model.claims import is_claimed
from graph.domain.model.comparison import fits
from graph.domain.model.composites import value_at
from graph.domain.model.json_text import compact
from graph.domain.model.observations import EvidenceStatement
from graph.domain.model.rules import Rules

MAX_VALUE_SETS = 20
"""Different value sets of one attribute in a customer up to which they are compared in pairs. A customer with more is
resolved again with everything around it, which is slower and has the same result."""

MAX_DESCRIBED = 5
"""Values of a set that a reason names."""
_SEPARATOR = "\n"
"""Joins the values of a set: values are cleaned, so they contain no line breaks."""


class StatedValue(Struct, frozen=True, gc=False, array_like=True):
    """What a source stated last of an attribute at an identifier: when (microseconds), in which observation, and the
    value; `None` if it took its value back."""

    seen_at: int
    id: str
    value: str | None


GuardedValues = Mapping[str, Mapping[str, StatedValue]]
"""What the sources stated of guarded attributes at one identifier: by attribute, then by source."""

ValueSet = str
"""Different values, sorted and joined by line breaks."""

ValueSets = Mapping[str, ValueSet]
"""The value set of each guarded attribute that an identifier carries."""

ValueSetCounts = Mapping[str, Mapping[ValueSet, int]]
"""The value sets of a customer's identifiers, by attribute, each with the number of identifiers that carry it."""

_decoder = Decoder(dict[str, dict[str, StatedValue]])


def to_json(values: GuardedValues) -> str:
    """Return the stored form of what was stated at an identifier."""
    return compact(values) if values else "{}"


def from_json(text: str | None) -> GuardedValues:
    """Parse the stored form."""
    return _decoder.decode(text) if text and text != "{}" else {}


def with_values_of(values: GuardedValues, statement: EvidenceStatement, rules: Rules) -> GuardedValues:
    """Return what was stated at the holder of a statement, with that statement; the same object if nothing changes.

    A claim changes nothing: whoever knows an address could separate it from its customer by a wrong birth date.
    """
    if is_claimed(statement.source):
        return values
    changed: dict[str, Mapping[str, StatedValue]] = {}
    facts = decode(statement.attributes)
    for guard in rules.guards:
        if guard.attribute.partition(".")[0] not in facts:
            continue
        stated = StatedValue(statement.seen_at, statement.id, value_at(facts, guard.attribute))
        of_sources = values.get(guard.attribute, {})
        current = of_sources.get(statement.source)
        if current is None or (stated.seen_at, stated.id) > (current.seen_at, current.id):
            changed[guard.attribute] = {**of_sources, statement.source: stated}
    return {**values, **changed} if changed else values


def guarded_values_of(statements: Iterable[EvidenceStatement], rules: Rules) -> dict[str, GuardedValues]:
    """Return what statements say of guarded attributes, by the identifier that they are attached to."""
    by_key: dict[str, GuardedValues] = {}
    for statement in statements if rules.guards else ():
        if statement.attributes:
            by_key[statement.holder] = with_values_of(by_key.get(statement.holder, {}), statement, rules)
    return by_key


def value_sets_of(values: GuardedValues) -> ValueSets:
    """Return the value sets of an identifier, of those attributes of which it carries a value."""
    if not values:
        return {}
    sets: dict[str, ValueSet] = {}
    for name, by_source in values.items():
        if len(by_source) == 1:  # as nearly always
            (stated,) = by_source.values()
            text = stated.value or ""
        else:
            text = value_set(stated.value for stated in by_source.values())
        if text:
            sets[name] = text
    return sets


def value_set(values: Iterable[str | None]) -> ValueSet:
    """Return the set of values; `None` is left out."""
    return _SEPARATOR.join(sorted({value for value in values if value is not None}))


def union(sets: Iterable[ValueSet]) -> ValueSet:
    """Return the set of all values of some sets."""
    return value_set(value for text in sets for value in text.split(_SEPARATOR) if value)


def described(values: ValueSet) -> str:
    """Return a set in words, at most `MAX_DESCRIBED` of its values."""
    listed = values.split(_SEPARATOR)
    more = f" and {len(listed) - MAX_DESCRIBED} more values" if len(listed) > MAX_DESCRIBED else ""
    return " or ".join(listed[:MAX_DESCRIBED]) + more


@lru_cache(maxsize=100_000)
def contradict(compare: str, a: ValueSet, b: ValueSet) -> bool:
    """Whether no value of one set fits any of the other; `compare` is the name of the comparison."""
    return not any(fits(compare, x, y) for x in a.split(_SEPARATOR) for y in b.split(_SEPARATOR))


def add(summands: Iterable[ValueSetCounts], sign: int = 1) -> ValueSetCounts:
    """Add counts of value sets to the first summand; with a `sign` of -1 subtract the others from it."""
    total: dict[str, dict[ValueSet, int]] = {}
    factor = 1
    for summand in summands:
        for attribute, counts in summand.items():
            of_attribute = total.setdefault(attribute, {})
            for text, count in counts.items():
                of_attribute[text] = of_attribute.get(text, 0) + factor * count
        factor = sign
    positive = {name: {text: count for text, count in counts.items() if count > 0} for name, counts in total.items()}
    return {name: counts for name, counts in positive.items() if counts}


def counted(sets: Iterable[ValueSets]) -> ValueSetCounts:
    """Count the value sets of identifiers."""
    counts: dict[str, dict[ValueSet, int]] = {}
    for by_attribute in sets:
        for attribute, text in by_attribute.items():
            of_attribute = counts.setdefault(attribute, {})
            of_attribute[text] = of_attribute.get(text, 0) + 1
    return counts


def is_consistent(counts: ValueSetCounts, rules: Rules) -> bool:
    """Whether no two value sets contradict each other; false if there are too many to compare (`MAX_VALUE_SETS`)."""
    for guard in rules.guards:
        sets = counts.get(guard.attribute, ())
        if len(sets) > 1 and (
            len(sets) > MAX_VALUE_SETS or any(contradict(guard.compare, a, b) for a, b in combinations(sets, 2))
        ):
            return False
    return True
