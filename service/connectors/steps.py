"""Named steps of mappings: each turns a value of a record into another, and raises `ValueError` if it cannot."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson

from service.connectors.amounts import amount
from service.connectors.user_agents import browser_of, device_type_of, system_of

Step = Callable[[Any], Any]

_NOT_NAME = re.compile(r"[^a-z0-9]+")
_LOWER_THEN_UPPER = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NOT_AMOUNT = re.compile(r"[^0-9.,+-]")
_MAX_NAME = 60
_MAX_READ = 300
"""Characters that become a name: it is remembered."""


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return format(Decimal(repr(value)), "f").removesuffix(".0")
    raise ValueError("is a list or an object; a text is required")


@lru_cache(maxsize=10_000)
def _snake(value: str) -> str:
    words = _NOT_NAME.sub("_", _LOWER_THEN_UPPER.sub("_", value).lower()).strip("_")
    if not words:
        raise ValueError("has no letter and no digit")
    return (words if words[0].isalpha() else f"event_{words}")[:_MAX_NAME].rstrip("_")


def _money(value: Any) -> str:
    """An amount with a decimal point: of two separators the last one is the decimal point."""
    digits = _NOT_AMOUNT.sub("", _text(value))
    comma, point = digits.rfind(","), digits.rfind(".")
    if comma >= 0 and point >= 0:
        digits = digits.replace("." if comma > point else ",", "")
    if digits.count(",") == 1:
        digits = digits.replace(",", ".")
    try:
        return format(amount(digits), "f")
    except ValueError:
        raise ValueError("is not an amount of money") from None


def _cents(value: Any) -> str:
    try:
        return format(amount(_text(value)) / 100, "f")
    except ValueError:
        raise ValueError("is not a number of cents") from None


def _epoch(value: Any, unit: int) -> str:
    try:
        microseconds = int(amount(_text(value)) * 1_000_000 / unit)
        return datetime.fromtimestamp(microseconds // 1_000_000, ZoneInfo("UTC")).strftime("%Y-%m-%dT%H:%M:%S") + (
            f".{microseconds % 1_000_000:06d}Z"
        )
    except (OverflowError, OSError, ValueError):
        raise ValueError("is not a time since 1970") from None


def _first(value: Any) -> Any:
    return (value[0] if value else None) if isinstance(value, list) else value


def _last(value: Any) -> Any:
    return (value[-1] if value else None) if isinstance(value, list) else value


def _boolean(value: Any) -> bool:
    text = _text(value).strip().lower()
    if text in ("true", "yes", "1", "y", "on", "t"):
        return True
    if text in ("false", "no", "0", "n", "off", "f", ""):
        return False
    raise ValueError("is not one of true, false, yes, no, 1, 0")


def _json(value: Any) -> Any:
    try:
        return orjson.loads(value) if isinstance(value, str) else value
    except orjson.JSONDecodeError:
        raise ValueError("is not JSON") from None


def _number(value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    number = amount(_text(value).strip())
    return int(number) if number == number.to_integral_value() else float(number)


def _of_text(function: Callable[[str], str | None]) -> Step:
    return lambda value: function(_text(value))


_STEPS: Mapping[str, Step] = {
    "trim": _of_text(str.strip),
    "lower": _of_text(str.lower),
    "upper": _of_text(str.upper),
    "digits": _of_text(lambda value: re.sub(r"\D", "", value)),
    "snake": _of_text(lambda value: _snake(value[:_MAX_READ])),
    "text": _text,
    "number": _number,
    "boolean": _boolean,
    "money": _money,
    "cents": _cents,
    "seconds": lambda value: _epoch(value, 1),
    "millis": lambda value: _epoch(value, 1_000),
    "first": _first,
    "last": _last,
    "json": _json,
    "browser": _of_text(browser_of),
    "os": _of_text(system_of),
    "device_type": _of_text(device_type_of),
}


def _local(zone: str) -> Step:
    try:
        info = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"{zone!r} is not a time zone such as Europe/Berlin") from None

    def step(value: Any) -> str:
        text = _text(value).strip()
        try:
            time = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError("is not a time in ISO 8601") from None
        return (time if time.tzinfo is not None else time.replace(tzinfo=info)).isoformat()

    return step


def _date(format: str) -> Step:
    def step(value: Any) -> str:
        try:
            time = datetime.strptime(_text(value).strip(), format)
        except ValueError:
            raise ValueError(f"is not a date of the form {format}") from None
        if not re.search(r"%[HIcXf]", format):
            return time.date().isoformat()
        return time.isoformat()

    return step


def _split(separator: str) -> Step:
    if not separator:
        raise ValueError("needs a separator, such as split:,")
    return lambda value: (
        value if isinstance(value, list) else [part.strip() for part in _text(value).split(separator) if part.strip()]
    )


def _join(separator: str) -> Step:
    return lambda value: separator.join(map(_text, value)) if isinstance(value, list) else value


def _before(separator: str) -> Step:
    return lambda value: _text(value).partition(separator)[0]


def _after(separator: str) -> Step:
    """What is behind the last separator; the whole value without one."""
    return lambda value: _text(value).rpartition(separator)[2]


def _distance(value: Any, wanted: str) -> int:
    return 0 if value == wanted else 1 if value is None else 2


def _localized(argument: str) -> Step:
    """The data of the entry of a locale, else of one without a locale, else of any; `LOCALE/SCOPE` chooses a scope too.

    Of options whose labels came with them, the labels in the locale.
    """
    locale, _, scope = argument.partition("/")

    def distance(entry: Mapping[str, Any]) -> tuple[int, int]:
        return _distance(entry.get("locale"), locale), _distance(entry.get("scope"), scope) if scope else 0

    def step(value: Any) -> Any:
        if not isinstance(value, list):
            return value
        entries = [entry for entry in value if isinstance(entry, dict)]
        if not entries:
            return None
        # Nearly all values have one entry.
        entry = entries[0] if len(entries) == 1 else min(entries, key=distance)
        return _labeled(entry.get("data"), entry.get("linked_data"), locale)

    return step


def _labeled(data: Any, options: Any, locale: str) -> Any:
    """Data in which codes of options are replaced by their labels; `options` are those of one code or by code."""
    if not isinstance(options, dict):
        return data
    if isinstance(data, list):
        return [_labeled(code, options.get(code), locale) for code in data]
    labels = options.get("labels")
    return (labels.get(locale) or data) if isinstance(labels, dict) else data


def _at(value: Any, names: Sequence[str]) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _where(condition: str) -> Step:
    """The first entry of a list whose member has a value: `where:currency=EUR`, `where:field.ref=email`."""
    name, equals, wanted = condition.partition("=")
    if not name or not equals:
        raise ValueError("needs a name and a value, such as where:currency=EUR")
    names = name.split(".")

    def step(value: Any) -> Any:
        entries = value if isinstance(value, list) else [value]
        return next((one for one in entries if isinstance(one, dict) and str(_at(one, names)) == wanted), None)

    return step


def _member(name: str) -> Step:
    """A member of an object, also of one in it: `member:choice.label`."""
    names = name.split(".")
    if not all(names):
        raise ValueError("needs a name, such as member:value")
    return lambda value: _at(value, names)


def _parameter(name: str) -> Step:
    """The value of a parameter in a URL, or in the part of one behind the question mark."""

    def step(value: Any) -> str | None:
        text = _text(value)
        if name not in text:
            return None
        found = parse_qs(text.partition("?")[2] or text)
        return found[name][0] if name in found else None

    return step


_WITH_ARGUMENT: Mapping[str, Callable[[str], Step]] = {
    "local": _local,
    "date": _date,
    "split": _split,
    "join": _join,
    "before": _before,
    "after": _after,
    "localized": _localized,
    "where": _where,
    "member": _member,
    "parameter": _parameter,
}
STEP_NAMES = (*_STEPS, *(f"{name}:…" for name in _WITH_ARGUMENT))
"""The names of all steps, as messages list them."""


def step(name: str) -> Step:
    """Return a step by its name. Raises `ValueError` that lists the names if there is none."""
    if (plain := _STEPS.get(name)) is not None:
        return plain
    kind, colon, argument = name.partition(":")
    if colon and (make := _WITH_ARGUMENT.get(kind)) is not None:
        return make(argument)
    raise ValueError(f"{name!r} is not a step; there are {', '.join(STEP_NAMES)}")
