"""Segments: named groups of customers, by a rule of conditions that is kept as it was sent."""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, TypeVar

from msgspec import Struct

from graph.domain.model.errors import InvalidInput, Problem
from graph.domain.model.json_text import ordered
from graph.domain.model.rules import Rules
from graph.domain.model.validation import check_text
from graph.domain.profile.attributes import ADDRESS_PARTS
from graph.domain.profile.catalog import AttributeType, Catalogue
from graph.domain.profile.consents import Channel, Decision, check_purpose
from graph.domain.profile.engagement import Churn
from graph.domain.profile.journey import Phase
from graph.domain.profile.pages import MAX_PAGE
from graph.domain.profile.rfm import RfmSegment
from graph.domain.segments.conditions import (
    All,
    AttributeIs,
    ConsentIs,
    Criterion,
    Did,
    Holds,
    IsKnown,
    Not,
    Ordered,
    OutsideIs,
    leaves,
)
from graph.domain.segments.metric_conditions import ChurnIs, Metric, MetricIs, PhaseIs, RfmIs

MOST_SEGMENTS = 200
MOST_DEPTH = 8
MOST_CONDITIONS = 50
MOST_VALUES = 100
LONGEST_WINDOW = 3_650
"""Days."""

Path = tuple[str | int, ...]
Values = Mapping[str, Any]
E = TypeVar("E", bound=Enum)


def rule_text(values: Values) -> str:
    """A rule as text: the same rule always reads the same."""
    return ordered(values)


def parse(values: object, catalogue: Catalogue, rules: Rules, path: Path = ("rule",)) -> Criterion:
    """The condition that a rule says; raises `InvalidInput` that names the field and the value."""
    found = _parse(values, _Context(catalogue, rules), path, 1)
    count = len(leaves(found))
    if count > MOST_CONDITIONS:
        raise InvalidInput("BAD_RULE", f"the rule holds {count} conditions; {MOST_CONDITIONS} are allowed", path)
    return found


class _Context(Struct, frozen=True, gc=False):
    catalogue: Catalogue
    rules: Rules


def _parse(values: object, context: _Context, path: Path, depth: int) -> Criterion:
    if depth > MOST_DEPTH:
        raise InvalidInput("BAD_RULE", f"the rule is deeper than {MOST_DEPTH} levels", path)
    if not isinstance(values, Mapping) or len(values) != 1:
        known = ", ".join(["all", "any", "not", *_LEAVES])
        raise InvalidInput("BAD_RULE", f"a rule holds exactly one of {known}", path)
    ((kind, inner),) = values.items()
    path = (*path, kind)
    if kind == "not":
        return Not(_parse(inner, context, path, depth + 1))
    if kind in ("all", "any"):
        if not isinstance(inner, Sequence) or isinstance(inner, str) or not inner:
            raise InvalidInput("BAD_RULE", f"{kind} needs at least one rule", path)
        if len(inner) > MOST_CONDITIONS:
            raise InvalidInput("BAD_RULE", f"{kind} holds {len(inner)} rules; {MOST_CONDITIONS} are allowed", path)
        parts = tuple(_parse(one, context, (*path, place), depth + 1) for place, one in enumerate(inner))
        return All(parts, len(parts) if kind == "all" else 1)
    reader = _LEAVES.get(kind)
    if reader is None:
        raise InvalidInput("BAD_RULE", f"{kind[:60]!r} is no condition; known are {', '.join(_LEAVES)}", path)
    return reader(inner, context, path)


def _refuse(problem: Problem | None, path: Path) -> None:
    if problem is not None:
        raise InvalidInput(problem.code, problem.message, (*path, *problem.path[-1:]))


def _texts(values: Values, name: str, path: Path, longest: int = 200) -> tuple[str, ...] | None:
    """A list of texts, `None` where it is left out."""
    found = values.get(name)
    if found is None:
        return None
    if not 1 <= len(found) <= MOST_VALUES:
        message = f"{name} holds {len(found)} values; 1 to {MOST_VALUES} are allowed"
        raise InvalidInput("BAD_COUNT", message, (*path, name))
    for one in found:
        _refuse(check_text(name, one, longest), path)
    return tuple(dict.fromkeys(found))


def _text(values: Values, name: str, path: Path) -> str:
    found = values.get(name)
    if found is not None:
        _refuse(check_text(name, found, 200), path)
    return found or ""


def _whole(values: Values, name: str, path: Path, least: int, most: int) -> int | None:
    found = values.get(name)
    if found is not None and not least <= found <= most:
        raise InvalidInput("BAD_VALUE", f"{name} is {found}; {least} to {most} are allowed", (*path, name))
    return found


def _enums(kind: type[E], names: Sequence[str], path: Path) -> tuple[E, ...]:
    if not names:
        raise InvalidInput("BAD_COUNT", "at least one value is needed", path)
    try:
        return tuple(kind[name] for name in dict.fromkeys(names))
    except KeyError as error:
        raise InvalidInput("BAD_VALUE", f"{str(error)[:60]} is none of {', '.join(kind.__members__)}", path) from None


def _attribute(values: Values, context: _Context, path: Path) -> Criterion:
    name, dot, part = values["name"].partition(".")
    attribute = context.catalogue.attributes.get(name)
    if attribute is None:
        raise InvalidInput("UNKNOWN_ATTRIBUTE", context.catalogue.unknown(name), (*path, "name"))
    if (attribute.type is AttributeType.ADDRESS) != (part in ADDRESS_PARTS) or (dot and not part):
        message = (
            f"name is {values['name'][:60]!r}: of an address a part is named, such as address.city, of others none"
        )
        raise InvalidInput("BAD_VALUE", message, (*path, "name"))
    asked = [one for one in values if one != "name"]
    if not asked:
        raise InvalidInput("BAD_RULE", f"nothing is asked of {name}", path)
    dated = [one for one in ("yearsAtLeast", "yearsAtMost", "anniversaryWithin") if one in asked]
    if dated and attribute.type is not AttributeType.DATE:
        raise InvalidInput("BAD_VALUE", f"{dated[0]} is asked of {name}, which is no date", (*path, dated[0]))
    return AttributeIs(
        name,
        part,
        values.get("present"),
        tuple(one.casefold() for one in _texts(values, "in", path, 500) or ()),
        _text(values, "contains", path).casefold(),
        _text(values, "atLeast", path),
        _text(values, "atMost", path),
        _whole(values, "yearsAtLeast", path, 0, 200),
        _whole(values, "yearsAtMost", path, 0, 200),
        _whole(values, "anniversaryWithin", path, 0, 365),
    )


def _metric(values: Values, context: _Context, path: Path) -> Criterion:
    (metric,) = _enums(Metric, [values["name"]], (*path, "name"))
    low, high = values.get("atLeast"), values.get("atMost")
    if low is None and high is None:
        raise InvalidInput("BAD_RULE", "atLeast or atMost is needed", path)
    for name, number in (("atLeast", low), ("atMost", high)):
        if number is not None and not abs(number) < 1e15:
            raise InvalidInput("BAD_VALUE", f"{name} is {number}; numbers below 10^15 are allowed", (*path, name))
    return MetricIs(metric, low, high, _text(values, "currency", path))


def _interaction(values: Values, context: _Context, path: Path) -> Criterion:
    return Did(
        _texts(values, "types", path),
        _texts(values, "channels", path),
        _text(values, "campaign", path) or None,
        _text(values, "sku", path) or None,
        _whole(values, "days", path, 1, LONGEST_WINDOW),
        _whole(values, "atLeast", path, 1, MAX_PAGE) or 1,
    )


def _order(values: Values, context: _Context, path: Path) -> Criterion:
    skus, categories, brands = (
        frozenset(_texts(values, name, path) or ()) for name in ("skus", "categories", "brands")
    )
    days = _whole(values, "days", path, 1, LONGEST_WINDOW)
    return Ordered(skus, categories, brands, days, _whole(values, "atLeast", path, 1, MAX_PAGE) or 1)


def _consent(values: Values, context: _Context, path: Path) -> Criterion:
    _refuse(check_purpose(values["purpose"], context.catalogue), path)
    name = values.get("channel")
    channel = None if name is None else _enums(Channel, [name], (*path, "channel"))[0]
    return ConsentIs(values["purpose"], channel, _enums(Decision, values["decisions"], (*path, "decisions")))


def _outside(values: Values, context: _Context, path: Path) -> Criterion:
    _refuse(check_text("segment", values["segment"], 200), path)
    return OutsideIs(values["segment"], _text(values, "source", path))


def _holds(namespace: str, context: _Context, path: Path) -> Criterion:
    if namespace not in context.rules.by_name:
        raise InvalidInput("UNKNOWN_NAMESPACE", context.rules.unknown(namespace), path)
    return Holds(namespace)


_LEAVES: Mapping[str, Callable[[Any, _Context, Path], Criterion]] = {
    "attribute": _attribute,
    "metric": _metric,
    "rfm": lambda names, _, path: RfmIs(_enums(RfmSegment, names, path)),
    "phase": lambda names, _, path: PhaseIs(_enums(Phase, names, path)),
    "churn": lambda names, _, path: ChurnIs(_enums(Churn, names, path)),
    "interaction": _interaction,
    "order": _order,
    "consent": _consent,
    "outsideSegment": _outside,
    "namespace": _holds,
    "known": lambda known, _, path: IsKnown(bool(known)),
}
