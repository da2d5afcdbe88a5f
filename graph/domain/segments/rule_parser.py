"""Parses the rule of a segment, which is stored as it was sent, into conditions."""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, TypeVar

from msgspec import Struct

from graph.domain.model.categories import category_paths
from graph.domain.model.errors import InvalidInput, Problem
from graph.domain.model.json_text import ordered
from graph.domain.model.products import MAX_ATTRIBUTE_LENGTH, MAX_ATTRIBUTE_NAME_LENGTH, MAX_CATEGORY_LENGTH
from graph.domain.model.rules import Rules
from graph.domain.model.validation import check_text
from graph.domain.profile import property_filters
from graph.domain.profile.catalog import ADDRESS_PARTS, AttributeType, Catalog
from graph.domain.profile.consents import EVERY_CHANNEL, Decision, check_channel, check_purpose
from graph.domain.profile.deliverability import address_page, email_event_page
from graph.domain.profile.engagement import ChurnRisk
from graph.domain.profile.journey import JourneyStage
from graph.domain.profile.pages import MAX_PAGE
from graph.domain.profile.rfm import RfmGroup
from graph.domain.segments.conditions import (
    AttributeCondition,
    CombinedCondition,
    Condition,
    ConsentCondition,
    ContactableCondition,
    ExternalSegmentCondition,
    InteractionCondition,
    KnownCondition,
    NamespaceCondition,
    NotCondition,
    OrderCondition,
    ProductAttributeCondition,
    leaf_conditions,
)
from graph.domain.segments.metric_conditions import (
    ChurnRiskCondition,
    JourneyStageCondition,
    Metric,
    MetricCondition,
    RfmGroupCondition,
)

MAX_SEGMENTS = 200
MAX_DEPTH = 8
MAX_CONDITIONS = 50
MAX_VALUES = 100
MAX_WINDOW_DAYS = 3_650

Path = tuple[str | int, ...]
Values = Mapping[str, Any]
E = TypeVar("E", bound=Enum)


def rule_text(values: Values) -> str:
    """The stored text of a rule; equal rules have equal texts."""
    return ordered(values)


def canonical_text(values: Values) -> str:
    """The same text for rules that differ in form only: in the order or repetition of parts, or in nesting."""
    return ordered(_canonical(values))


def _canonical(value: Any) -> Any:
    match value:
        case {"not": {"not": rule, **inner}, **outer} if not inner and not outer:
            return _canonical(rule)
        case {"all": [*_] as parts, **more} | {"any": [*_] as parts, **more} if not more:
            kind = "all" if "all" in value else "any"
            canonical = [_canonical(part) for part in parts]
            flat = [inner for part in canonical for inner in (part[kind] if [*part] == [kind] else [part])]
            distinct = _distinct(flat)
            return distinct[0] if len(distinct) == 1 else {kind: distinct}
        case {}:
            return {name: _canonical(part) for name, part in value.items()}
        case [*_]:
            return _distinct(value)
    return value


def _distinct(values: Sequence[Any]) -> list[Any]:
    """Values in the order of their texts, each once."""
    by_text = {ordered({"value": value}): value for value in values}
    return [by_text[text] for text in sorted(by_text)]


def parse(values: object, catalog: Catalog, rules: Rules, path: Path = ("rule",)) -> Condition:
    """The condition of a rule; raises `InvalidInput` with the path of the invalid field."""
    condition = _parse(values, _Context(catalog, rules), path, 1)
    count = len(leaf_conditions(condition))
    if count > MAX_CONDITIONS:
        raise InvalidInput(
            "INVALID_SEGMENT_RULE", f"the rule holds {count} conditions; {MAX_CONDITIONS} are allowed", path
        )
    return condition


class _Context(Struct, frozen=True, gc=False):
    catalog: Catalog
    rules: Rules


def _parse(values: object, context: _Context, path: Path, depth: int) -> Condition:
    if depth > MAX_DEPTH:
        raise InvalidInput("INVALID_SEGMENT_RULE", f"the rule is deeper than {MAX_DEPTH} levels", path)
    if not isinstance(values, Mapping) or len(values) != 1:
        known = ", ".join(["all", "any", "not", *_CONDITION_PARSERS])
        raise InvalidInput("INVALID_SEGMENT_RULE", f"a rule needs exactly one of {known}", path)
    ((kind, inner),) = values.items()
    path = (*path, kind)
    if kind == "not":
        return NotCondition(_parse(inner, context, path, depth + 1))
    if kind in ("all", "any"):
        if not isinstance(inner, Sequence) or isinstance(inner, str) or not inner:
            raise InvalidInput("INVALID_SEGMENT_RULE", f"{kind} needs at least one rule", path)
        if len(inner) > MAX_CONDITIONS:
            raise InvalidInput(
                "INVALID_SEGMENT_RULE", f"{kind} holds {len(inner)} rules; {MAX_CONDITIONS} are allowed", path
            )
        parts = tuple(_parse(part, context, (*path, index), depth + 1) for index, part in enumerate(inner))
        return CombinedCondition(parts, len(parts) if kind == "all" else 1)
    parser = _CONDITION_PARSERS.get(kind)
    if parser is None:
        message = f"{kind[:60]!r} is not a condition; known are {', '.join(_CONDITION_PARSERS)}"
        raise InvalidInput("INVALID_SEGMENT_RULE", message, path)
    return parser(inner, context, path)


def _raise_if(problem: Problem | None, path: Path) -> None:
    if problem is not None:
        raise InvalidInput(problem.code, problem.message, (*path, *problem.path[-1:]))


def _texts(values: Values, name: str, path: Path, max_length: int = 200) -> tuple[str, ...] | None:
    """The texts of a list without duplicates; `None` if it is left out."""
    texts = values.get(name)
    if texts is None:
        return None
    if not 1 <= len(texts) <= MAX_VALUES:
        message = f"{name} holds {len(texts)} values; 1 to {MAX_VALUES} are allowed"
        raise InvalidInput("INVALID_COUNT", message, (*path, name))
    for text in texts:
        _raise_if(check_text(name, text, max_length), path)
    return tuple(dict.fromkeys(texts))


def _text(values: Values, name: str, path: Path) -> str:
    text = values.get(name)
    if text is not None:
        _raise_if(check_text(name, text, 200), path)
    return text or ""


def _integer(values: Values, name: str, path: Path, minimum: int, maximum: int) -> int | None:
    number = values.get(name)
    if number is not None and not minimum <= number <= maximum:
        raise InvalidInput("INVALID_VALUE", f"{name} is {number}; {minimum} to {maximum} are allowed", (*path, name))
    return number


def _enums(kind: type[E], names: Sequence[str], path: Path) -> tuple[E, ...]:
    if not names:
        raise InvalidInput("INVALID_COUNT", f"{path[-1]} needs at least one value", path)
    try:
        return tuple(kind[name] for name in dict.fromkeys(names))
    except KeyError as error:
        message = f"{str(error)[:60]} is not allowed; allowed are {', '.join(kind.__members__)}"
        raise InvalidInput("INVALID_VALUE", message, path) from None


_DATE_CRITERIA = ("minYears", "maxYears", "anniversaryWithinDays")


def _attribute(values: Values, context: _Context, path: Path) -> Condition:
    name, dot, part = values["name"].partition(".")
    attribute = context.catalog.attributes.get(name)
    if attribute is None:
        raise InvalidInput("UNKNOWN_ATTRIBUTE", context.catalog.unknown(name), (*path, "name"))
    if (attribute.type is AttributeType.ADDRESS) != (part in ADDRESS_PARTS) or (dot and not part):
        message = f"name is {values['name'][:60]!r}; addresses need a part, such as address.city, and others have none"
        raise InvalidInput("INVALID_VALUE", message, (*path, "name"))
    criteria = values.keys() - {"name"}
    if not criteria:
        raise InvalidInput("INVALID_SEGMENT_RULE", f"the condition on {name} needs at least one criterion", path)
    date_criteria = [criterion for criterion in _DATE_CRITERIA if criterion in criteria]
    if date_criteria and attribute.type is not AttributeType.DATE:
        message = f"{date_criteria[0]} requires a date, and {name} is not a date"
        raise InvalidInput("INVALID_VALUE", message, (*path, date_criteria[0]))
    return AttributeCondition(
        name,
        part,
        values.get("exists"),
        tuple(text.casefold() for text in _texts(values, "in", path, 500) or ()),
        _text(values, "contains", path).casefold(),
        _text(values, "min", path),
        _text(values, "max", path),
        _integer(values, "minYears", path, 0, 200),
        _integer(values, "maxYears", path, 0, 200),
        _integer(values, "anniversaryWithinDays", path, 0, 365),
    )


def _metric(values: Values, context: _Context, path: Path) -> Condition:
    (metric,) = _enums(Metric, [values["name"]], (*path, "name"))
    low, high = values.get("min"), values.get("max")
    if low is None and high is None:
        raise InvalidInput("INVALID_SEGMENT_RULE", "min or max is required", path)
    for name, number in (("min", low), ("max", high)):
        if number is not None and not abs(number) < 1e15:
            raise InvalidInput("INVALID_VALUE", f"{name} is {number}; numbers below 10^15 are allowed", (*path, name))
    return MetricCondition(metric, low, high, _text(values, "currency", path))


def _interaction(values: Values, context: _Context, path: Path) -> Condition:
    return InteractionCondition(
        _texts(values, "types", path),
        _texts(values, "channels", path),
        _text(values, "campaign", path) or None,
        _text(values, "sku", path) or None,
        _integer(values, "withinDays", path, 1, MAX_WINDOW_DAYS),
        _integer(values, "minCount", path, 1, MAX_PAGE) or 1,
        property_filters.parse(values.get("properties"), (*path, "properties")),
    )


def _order(values: Values, context: _Context, path: Path) -> Condition:
    categories = category_paths(_texts(values, "categories", path, MAX_CATEGORY_LENGTH) or ())
    return OrderCondition(
        frozenset(_texts(values, "skus", path) or ()),
        frozenset(categories),
        frozenset(_texts(values, "brands", path) or ()),
        _integer(values, "withinDays", path, 1, MAX_WINDOW_DAYS),
        _integer(values, "minCount", path, 1, MAX_PAGE) or 1,
        _product_attributes(values.get("productAttributes") or (), (*path, "productAttributes")),
    )


def _product_attributes(conditions: Sequence[Values], path: Path) -> tuple[ProductAttributeCondition, ...]:
    if len(conditions) > MAX_CONDITIONS:
        message = f"productAttributes holds {len(conditions)} conditions; {MAX_CONDITIONS} are allowed"
        raise InvalidInput("INVALID_COUNT", message, path)
    parsed: list[ProductAttributeCondition] = []
    for index, values in enumerate(conditions):
        inner = (*path, index)
        _raise_if(check_text("name", values["name"], MAX_ATTRIBUTE_NAME_LENGTH), inner)
        texts = _texts(values, "values", inner, MAX_ATTRIBUTE_LENGTH) or ()
        parsed.append(ProductAttributeCondition(values["name"], frozenset(text.casefold() for text in texts)))
    return tuple(parsed)


def _consent(values: Values, context: _Context, path: Path) -> Condition:
    _raise_if(check_purpose(values["purpose"], context.catalog.purposes), path)
    channel = values.get("channel")
    if channel is None:
        channel = EVERY_CHANNEL
    else:
        _raise_if(check_channel(channel, context.catalog.channels), path)
    return ConsentCondition(values["purpose"], channel, _enums(Decision, values["decisions"], (*path, "decisions")))


def _contactable(values: Values, context: _Context, path: Path) -> Condition:
    _raise_if(check_purpose(values["purpose"], context.catalog.purposes), path)
    _raise_if(check_channel(values["channel"], context.catalog.channels), path)
    addresses = address_page(context.catalog, values["channel"])
    return ContactableCondition(values["purpose"], values["channel"], addresses, email_event_page(context.catalog))


def _external_segment(values: Values, context: _Context, path: Path) -> Condition:
    _raise_if(check_text("segment", values["segment"], 200), path)
    return ExternalSegmentCondition(values["segment"], _text(values, "source", path))


def _has_namespace(namespace: str, context: _Context, path: Path) -> Condition:
    if namespace not in context.rules.by_name:
        raise InvalidInput("UNKNOWN_NAMESPACE", context.rules.unknown(namespace), path)
    return NamespaceCondition(namespace)


_CONDITION_PARSERS: Mapping[str, Callable[[Any, _Context, Path], Condition]] = {
    "attribute": _attribute,
    "metric": _metric,
    "rfmGroup": lambda names, _, path: RfmGroupCondition(_enums(RfmGroup, names, path)),
    "journeyStage": lambda names, _, path: JourneyStageCondition(_enums(JourneyStage, names, path)),
    "churnRisk": lambda names, _, path: ChurnRiskCondition(_enums(ChurnRisk, names, path)),
    "interaction": _interaction,
    "order": _order,
    "consent": _consent,
    "contactable": _contactable,
    "externalSegment": _external_segment,
    "hasNamespace": _has_namespace,
    "known": lambda known, _, path: KnownCondition(bool(known)),
}
