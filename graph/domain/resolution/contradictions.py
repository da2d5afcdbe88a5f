"""Contradictions: values of guarded attributes that cannot be those of one person, with who stated them since when.

Step 7 of docs/internals/resolution-rule.md decides with sets of values alone. Explanations say who stated them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations

from msgspec import Struct
from msgspec.structs import replace

from graph.domain.model.customers import Node
from graph.domain.model.dates import DAY, format_date
from graph.domain.model.guarded_values import ValueSet, contradict, guarded_values_of, union
from graph.domain.model.observations import EvidenceStatement
from graph.domain.model.rules import Rules
from graph.domain.model.sentences import MessageCode, Sentence
from graph.domain.model.store_values import EvidenceByKey, Region
from graph.domain.resolution.groups import Groups

LISTED_VALUES = 3
"""Values of one side that a sentence lists."""


class CarriedValue(Struct, frozen=True, gc=False):
    """A value that an identifier carries: `source` stated it last at `reported_at`, and without a break since `since`.

    Times are in microseconds.
    """

    key: str
    value: str
    source: str
    reported_at: int
    since: int


class Contradiction(Struct, frozen=True, gc=False):
    """The values of a guarded attribute on two sides of which none of the one fits any of the other.

    A side is one identifier, or several that *together* overrides join. Its values are sorted by identifier, value and
    source.
    """

    attribute: str
    a: tuple[CarriedValue, ...]
    b: tuple[CarriedValue, ...]

    @property
    def keys(self) -> frozenset[str]:
        """The identifiers that carry the values."""
        return frozenset(carried.key for carried in (*self.a, *self.b))

    @property
    def message(self) -> Sentence:
        """The contradiction in words."""
        a, b = _described(self.a), _described(self.b)
        return Sentence(MessageCode.CONTRADICTION, attribute=self.attribute, values_a=a, values_b=b)


class _Side(Struct, frozen=True, gc=False):
    """Identifiers that share their values, in order, with their customer and the values."""

    keys: tuple[str, ...]
    customer: Node | None
    values: ValueSet


def between(region: Region, a: str, b: str, rules: Rules) -> list[Contradiction]:
    """Return in what the customers of two keys contradict each other: the first contradiction of each guard.

    Identifiers that *together* overrides join share their values. Of several contradictions the one with the smallest
    keys is the first, as in the reasons of links; its side `a` is that of the customer of `a`.
    """
    customer, other = region.members[a].customer, region.members[b].customer
    keys = [key for key, member in region.members.items() if member.customer in (customer, other)]
    groups = Groups(keys, list(region.overrides.values()), rules)
    found: list[Contradiction] = []
    for attribute, *pair in _first_pairs(region, groups.all(), rules, lambda x, y: x.customer != y.customer):
        mine, others = pair if pair[0].customer == customer else reversed(pair)
        found.append(_contradiction(region, attribute, mine, others))
    return found


def within(region: Region, customer: Node | None, rules: Rules, first: Sequence[str] = ()) -> list[Contradiction]:
    """Return in what the identifiers of one customer contradict each other, whoever joined them.

    It is the first contradiction of each guard: if possible one of the keys in `first`, and of the smallest keys.
    """
    keys = [key for key, member in region.members.items() if member.customer == customer]
    pairs = _first_pairs(region, [frozenset({key}) for key in keys], rules, lambda x, y: True, first)
    return [_contradiction(region, attribute, x, y) for attribute, x, y in pairs]


def _first_pairs(
    region: Region,
    joined: Iterable[frozenset[str]],
    rules: Rules,
    may_contradict: Callable[[_Side, _Side], bool],
    first: Sequence[str] = (),
) -> Iterator[tuple[str, _Side, _Side]]:
    """Yield each guarded attribute with the first two sides that contradict each other; `joined` share their values."""
    joined = [keys for keys in joined if any(region.members[key].guarded_values for key in keys)]
    place = {key: at for at, key in enumerate(first)}
    for guard in rules.guards:
        sides = _sides(region, joined, guard.attribute, place)
        pairs = (
            (x, y)
            for x, y in combinations(sides, 2)
            if may_contradict(x, y) and contradict(guard.compare, x.values, y.values)
        )
        if (pair := next(pairs, None)) is not None:
            yield guard.attribute, *pair


def _sides(region: Region, joined: Iterable[frozenset[str]], attribute: str, place: Mapping[str, int]) -> list[_Side]:
    """Return the sides that carry values of an attribute, in order; of those of a customer with equal values the first.

    Keys in `place` come first.
    """
    sides: list[_Side] = []
    for keys in joined:
        sets = {key: region.members[key].value_sets.get(attribute, "") for key in keys}
        if carrying := tuple(sorted(key for key, text in sets.items() if text)):
            sides.append(_Side(carrying, region.members[carrying[0]].customer, union(sets.values())))
    sides.sort(key=lambda side: (place.get(side.keys[0], len(place)), side.keys[0]))
    different: dict[tuple[Node | None, ValueSet], _Side] = {}
    for side in sides:
        different.setdefault((side.customer, side.values), side)
    return list(different.values())


def _contradiction(region: Region, attribute: str, x: _Side, y: _Side) -> Contradiction:
    return Contradiction(
        attribute, _carried_values(region, x.keys, attribute), _carried_values(region, y.keys, attribute)
    )


def _carried_values(region: Region, keys: Iterable[str], attribute: str) -> tuple[CarriedValue, ...]:
    values = [
        CarriedValue(key, stated.value, source, stated.seen_at, stated.seen_at)
        for key in keys
        for source, stated in region.members[key].guarded_values[attribute].items()
        if stated.value is not None
    ]
    return tuple(sorted(values, key=lambda carried: (carried.key, carried.value, carried.source)))


# --- since when


def dated(contradictions: Iterable[Contradiction], stated: EvidenceByKey, rules: Rules) -> list[Contradiction]:
    """Return contradictions with the time since when each source states its value without a break.

    `stated` are all valid statements of attributes at the identifiers.
    """
    return [
        replace(
            contradiction,
            a=_dated(contradiction.a, contradiction.attribute, stated, rules),
            b=_dated(contradiction.b, contradiction.attribute, stated, rules),
        )
        for contradiction in contradictions
    ]


def _dated(
    values: Iterable[CarriedValue], attribute: str, stated: EvidenceByKey, rules: Rules
) -> tuple[CarriedValue, ...]:
    return tuple(replace(carried, since=_since(carried, attribute, stated, rules)) for carried in values)


def _since(carried: CarriedValue, attribute: str, stated: EvidenceByKey, rules: Rules) -> int:
    statements = [statement for statement in stated.get(carried.key, {}).values() if statement.source == carried.source]
    since = carried.reported_at
    for statement in sorted(statements, key=lambda statement: (statement.seen_at, statement.id), reverse=True):
        says, value = _said(statement, attribute, carried.key, rules)
        if says and value != carried.value:
            break
        if says:
            since = statement.seen_at
    return since


def _said(statement: EvidenceStatement, attribute: str, key: str, rules: Rules) -> tuple[bool, str | None]:
    """Return whether a statement says anything of an attribute, and the value."""
    by_source = guarded_values_of([statement], rules).get(key, {}).get(attribute, {})
    said = by_source.get(statement.source)
    return said is not None, None if said is None else said.value


# --- in words


def in_words(contradictions: Iterable[Contradiction]) -> str:
    """Return contradictions in words."""
    return "; ".join(contradiction.message for contradiction in contradictions)


def _described(values: Sequence[CarriedValue]) -> str:
    """Return the values of a side: by identifier, then by value, with the sources of each."""
    sources: dict[str, dict[str, list[str]]] = {}
    for carried in values[:LISTED_VALUES]:
        said = f"{carried.source}, since {format_date(carried.since // DAY)}"
        sources.setdefault(carried.key, {}).setdefault(carried.value, []).append(said)
    texts = [_described_key(key, by_value) for key, by_value in sources.items()]
    hidden = len(values) - LISTED_VALUES
    return " or ".join(texts) + (f" or {hidden} more" if hidden > 0 else "")


def _described_key(key: str, by_value: Mapping[str, Sequence[str]]) -> str:
    if len(by_value) == 1:
        ((value, said),) = by_value.items()
        return f"{value} at {key} ({'; '.join(said)})"
    return " or ".join(f"{value} ({'; '.join(said)})" for value, said in by_value.items()) + f" at {key}"
