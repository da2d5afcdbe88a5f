"""Readers of the fields of a record: each returns the value of a field, or says what is required of it.

Records come from JSON, from cells of tables and from both mixed, so numbers may be texts and texts may be numbers.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import orjson
from rapidfuzz.distance import OSA

from graph.domain.model.categories import category_paths
from graph.domain.model.errors import Problem
from graph.domain.model.json_text import compact
from graph.domain.model.money import Money
from graph.domain.model.orders import OrderLine
from graph.domain.model.phone_numbers import region_of
from graph.domain.model.products import stated_attributes
from graph.domain.model.rules import with_country
from service.ingest.json_objects import parse_object

MAX_EXACT = 2**53
"""The largest whole number that programs which compute with doubles keep exactly."""
LIST_SEPARATOR = "|"
"""Separates the values of a list in a text."""

_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_MAX_DECIMAL_LENGTH = 40
_BOOLEANS = {
    **dict.fromkeys(("true", "yes", "1", "y", "t", "on"), True),
    **dict.fromkeys(("false", "no", "0", "n", "f", "off"), False),
}


REQUIRED = "is required"


class Required(ValueError):
    """What is required of a value, for the end of a sentence: `must be a text`."""


class FieldError(ValueError):
    """A field that cannot be used. `path` leads to it; the message names it and says what is required.

    `name` is what the message calls the field, if that is not its path.
    """

    def __init__(self, path: tuple[str | int, ...], required: str, value: Any = ..., name: str = "") -> None:
        shown = "" if value is ... else f", not {shown_value(value)}"
        colon = "" if required == REQUIRED else ":"
        super().__init__(f"{name or '.'.join(map(str, path))}{colon} {required}{shown}")
        self.path = path


def shown_value(value: Any) -> str:
    """Return a value as messages show it, at most 60 characters of it."""
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    return orjson.dumps(value, default=str).decode()[:60]


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name from which another name differs by a slip of the keyboard, or "" if there is none.

    Up to three letters may be any word, up to seven may have one slip, and more may have two.
    """
    allowed = 0 if len(name) <= 3 else 1 if len(name) <= 7 else 2
    distances = [(OSA.distance(name.lower(), other.lower()), other) for other in known]
    distance, similar = min(distances, default=(allowed + 1, ""))
    return similar if distance <= allowed else ""


def unknown(name: str, of: str, known: Iterable[str]) -> str:
    """Return the message that a field is not known."""
    similar = nearest(name, known)
    return f"is not a field of {of}" + (f"; did you mean {similar}?" if similar else f"; known are {', '.join(known)}")


def text(value: Any) -> str:
    """Read a text; a whole number is its digits."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        if value != value or value % 1:
            raise Required("must be a text")
        if abs(value) > MAX_EXACT:
            raise Required("must be a text, because a number of this size is rounded by many programs")
        return str(int(value))
    raise Required("must be a text")


def decimal(value: Any) -> Decimal:
    """Read a number that is kept exactly."""
    if isinstance(value, str):
        digits = value.strip()
        if len(digits) <= _MAX_DECIMAL_LENGTH and _DECIMAL.fullmatch(digits):
            return Decimal(digits)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if -(2**63) < value < 2**63:
            # The shortest notation of a float is the text that was sent.
            return Decimal(repr(value))
        raise Required("must be a number within 64 bits")
    raise Required("must be a number such as 12.50")


def number(value: Any) -> float:
    """Read a number that may be rounded."""
    return float(decimal(value))


def boolean(value: Any) -> bool:
    """Read true or false."""
    result = _BOOLEANS.get(str(value).strip().lower())
    if result is None:
        raise Required("must be one of true, false, 1, 0, yes, no")
    return result


def one_of(values: Mapping[str, Any], others: Mapping[str, Any] = MappingProxyType({})) -> Callable[[Any], Any]:
    """Return a reader of names, in any case, that returns the value of a name. `others` are not listed in messages."""
    folded = {name.casefold(): value for name, value in (*values.items(), *others.items())}
    names = ", ".join(values)

    def read(value: Any) -> Any:
        name = value.strip().casefold() if isinstance(value, str) else None
        if name not in folded:
            raise Required(f"must be one of {names}")
        return folded[name]

    return read


@lru_cache(maxsize=1_000)
def _country(value: str) -> str:
    code = value.strip().upper()
    try:
        _ = code and region_of(code)
    except ValueError:
        raise Required("must be a country code of ISO 3166 such as CH, or a calling code such as +41") from None
    return code


def country(value: Any) -> str:
    """Read a country: a code of ISO 3166, or a calling code."""
    if not isinstance(value, str):
        raise Required("must be a text")
    return _country(value)


def properties(value: Any) -> Mapping[str, Any]:
    """Read an object of any content; from a cell of a table, as JSON."""
    if isinstance(value, str):
        parsed = parse_object(value.encode(errors="surrogatepass"))
        if isinstance(parsed, Problem):
            is_doubled = "twice" in parsed.message
            raise Required(
                f"must be a JSON object; this one {parsed.message}" if is_doubled else "must be a JSON object"
            )
        return parsed
    if not isinstance(value, Mapping):
        raise Required("must be an object")
    return value


def evidence(value: Any) -> str:
    """Read what proves a decision: a text, or an object or a list, which is kept as JSON."""
    return compact(value) if isinstance(value, Mapping | list) else text(value)


def texts(name: str) -> Callable[[Any], tuple[str, ...]]:
    """Return a reader of a list of texts, or of one text with `|` between them. Repeated texts are left out.

    `name` is that of the field.
    """

    def read(value: Any) -> tuple[str, ...]:
        if isinstance(value, str):
            return tuple(dict.fromkeys(part.strip() for part in value.split(LIST_SEPARATOR) if part.strip()))
        if not isinstance(value, list | tuple):
            raise Required("must be a list of texts")
        return tuple(dict.fromkeys(_in_list(name, position, text, part) for position, part in enumerate(value)))

    return read


_read_categories = texts("categories")


def categories(value: Any) -> tuple[str, ...]:
    """Read the paths of categories, as a list or as one text with `|` between them."""
    return category_paths(_read_categories(value))


_MONEY = "must be an amount and a currency, such as 12.50 EUR"
_MONEY_FIELDS = ("amount", "currency")


def money(name: str) -> Callable[[Any], Money]:
    """Return a reader of an amount of money: `12.50 EUR`, or an object. `name` is that of the field."""

    def read(value: Any) -> Money:
        parts: list[Any] = value.split() if isinstance(value, str) else []
        if isinstance(value, Mapping):
            for field in value:
                if field not in _MONEY_FIELDS:
                    raise FieldError((name, field), unknown(field, "an amount of money", _MONEY_FIELDS))
            parts = [value.get(field) for field in _MONEY_FIELDS]
        if len(parts) != len(_MONEY_FIELDS) or None in parts:
            raise Required(_MONEY)
        amount, currency = parts
        try:
            return Money(text(currency).upper(), decimal(amount))
        except ValueError:
            raise Required(_MONEY) from None

    return read


def product_attributes(value: Any) -> dict[str, Any]:
    """Read the attributes of a product: texts, numbers, truth values and lists of texts, without those of no value."""
    if not isinstance(value, Mapping):
        raise Required("must be an object")
    read: dict[str, Any] = {}
    for name, item in stated_attributes(value).items():
        if not isinstance(item, str | int | float | tuple):
            required = "must be a text, a number, true, false or a list of texts"
            raise FieldError(("attributes", name), required, item)
        if isinstance(item, tuple):
            try:
                item = tuple(map(text, item))
            except ValueError:
                raise FieldError(("attributes", name), "must be a list of texts") from None
        read[name] = item
    return read


def identifiers(value: Any) -> tuple[tuple[str, str], ...]:
    """Read a list of identifiers as pairs of namespace and raw value.

    A value that is missing or null is an empty text, which the rules drop, so that it costs itself alone.
    """
    if not isinstance(value, list | tuple):
        raise Required("must be a list of identifiers")
    pairs: list[tuple[str, str]] = []
    for position, item in enumerate(value):
        if type(item) is dict and len(item) == 2:
            namespace, raw = item.get("namespace"), item.get("value")
            if type(namespace) is str and type(raw) is str:
                pairs.append((namespace, raw))
                continue
        pairs.append(_identifier(item, position))
    return tuple(pairs)


_IDENTIFIER_FIELDS = ("namespace", "value", "country")


def _identifier(item: Any, position: int) -> tuple[str, str]:
    fields = _fields(item, "identifiers", position, "an identifier", _IDENTIFIER_FIELDS, ("namespace",))
    namespace = _in_list("identifiers", position, text, fields["namespace"], "namespace")
    raw = _in_list("identifiers", position, text, fields.get("value", ""), "value")
    code = _in_list("identifiers", position, country, fields.get("country", ""), "country")
    return namespace, with_country(raw, code)


_LINE_READERS: Mapping[str, Callable[[Any], Any]] = {"sku": text, "quantity": decimal, "total": decimal, "name": text}


def order_lines(value: Any) -> tuple[OrderLine, ...]:
    """Read the lines of an order."""
    if not isinstance(value, list | tuple):
        raise Required("must be a list of lines")
    lines: list[OrderLine] = []
    for position, item in enumerate(value):
        fields = _fields(item, "lines", position, "a line", _LINE_READERS, ("sku", "quantity", "total"))
        for name, part in fields.items():
            try:
                fields[name] = _LINE_READERS[name](part)
            except ValueError as error:
                raise FieldError(("lines", position, name), str(error), part) from None
        lines.append(OrderLine(**fields))
    return tuple(lines)


def attributes(value: Any) -> dict[str, str | dict[str, str] | None]:
    """Read the values of attributes: texts, the parts of an address, or null to withdraw a value."""
    if not isinstance(value, Mapping):
        raise Required("must be an object")
    read: dict[str, str | dict[str, str] | None] = {}
    for name, item in value.items():
        try:
            if isinstance(item, Mapping):
                read[name] = {part: plain_text(inner) for part, inner in item.items() if inner is not None}
            else:
                read[name] = None if item is None else plain_text(item)
        except ValueError as error:
            raise FieldError(("attributes", name), str(error), item) from None
    return read


def plain_text(value: Any) -> str:
    """Read a text, a number or a truth value as a text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        digits = format(decimal(value), "f")
        return digits.removesuffix(".0")
    return text(value)


def _fields(
    item: Any, name: str, position: int, of: str, known: Iterable[str], required: Sequence[str]
) -> dict[str, Any]:
    """Return the fields of an object in a list that are not null."""
    if not isinstance(item, Mapping):
        raise FieldError((name, position), "must be an object", item)
    fields: dict[str, Any] = {}
    for field, value in item.items():
        if field not in known:
            raise FieldError((name, position, field), unknown(field, of, known))
        if value is not None:
            fields[field] = value
    for field in required:
        if field not in fields:
            raise FieldError((name, position, field), REQUIRED)
    return fields


def _in_list(name: str, position: int, read: Callable[[Any], Any], value: Any, field: str = "") -> Any:
    try:
        return read(value)
    except ValueError as error:
        path = (name, position, field) if field else (name, position)
        raise FieldError(path, str(error), value) from None
