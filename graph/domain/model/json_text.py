"""Values as JSON text, written the same way every time, for storing and comparing, and the JSON that sources may send.

Stores may hold JSON from before the limits existed: `parse_stored` and `readable` result in values that every parser
reads.
"""

import json
import re
from collections.abc import Callable, Set
from math import isfinite
from typing import Any

from msgspec.json import Encoder, format

from graph.domain.model.errors import Problem
from graph.domain.model.identifiers import FORBIDDEN_CHARACTERS, MASK

MAX_JSON_VALUES = 50_000
"""More than fit into any field: they are not looked at one by one, which would take seconds."""
MAX_JSON_DEPTH = 32
"""Levels of objects and lists inside one another that a source may send."""
MIN_NUMBER, MAX_NUMBER = -(2**63), 2**64 - 1
"""The numbers that a source may send: those of 64 bits, with or without a sign."""
_MAX_STORED_DEPTH = 100
"""Levels up to which stored JSON is read as it is: parsers and encoders have limits of their own."""

ordered: Callable[[Any], str] = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode
"""Encode without spaces, the keys of objects sorted."""
_encode = Encoder().encode


def compact(value: Any) -> str:
    """Encode without spaces, the keys of objects in the given order."""
    return _encode(value).decode()


def spaced(value: Any) -> bytes:
    """Encode as `json.dumps` does, with spaces and in ASCII; stored digests are made of it. No floats."""
    try:
        encoded = format(_encode(value), indent=0)
        # `json.dumps` escapes DEL and everything beyond ASCII; the encoder does not.
        if encoded.isascii() and b"\x7f" not in encoded:
            return encoded
    except UnicodeEncodeError:
        pass  # `json.dumps` escapes half a surrogate pair; the encoder rejects it.
    return json.dumps(value).encode()


def check_json(value: object, name: str) -> Problem | None:
    """Return the problem of a JSON value that a source sent, if any; messages call it `name`.

    It may have `MAX_JSON_DEPTH` levels of `MAX_JSON_VALUES` names and values, finite numbers of 64 bits, and texts that
    a store can hold.
    """
    level: list[object] = [value]
    depth = 0
    while level:
        depth += 1
        inner: list[object] = []
        for item in level:
            if isinstance(item, dict | list):
                if depth > MAX_JSON_DEPTH:
                    message = f"{name} has more than {MAX_JSON_DEPTH} levels of objects and lists inside one another"
                    return Problem("INVALID_VALUE", message, (name,))
                inner += item
                if isinstance(item, dict):
                    inner += item.values()
                if len(inner) > MAX_JSON_VALUES:
                    return Problem("INVALID_LENGTH", f"{name} has more than {MAX_JSON_VALUES} values", (name,))
            elif problem := _check_leaf(item, name):
                return problem
        level = inner
    return None


def _check_leaf(value: object, name: str) -> Problem | None:
    if isinstance(value, str) and FORBIDDEN_CHARACTERS.search(value):
        message = f"{name} contains a character that is not allowed: {ascii(value)[:80]}"
        return Problem("INVALID_CHARACTER", message, (name,))
    if isinstance(value, int | float) and not _is_allowed_number(value):
        message = f"{name} contains the number {_shown(value)}; 64 bits are allowed, -2^63 to 2^64 - 1"
        return Problem("INVALID_VALUE", message, (name,))
    if not isinstance(value, str | int | float | None):
        return Problem("INVALID_VALUE", f"{name} contains what is not JSON: {type(value).__name__}", (name,))
    return None


def _is_allowed_number(number: float) -> bool:
    if isinstance(number, int):
        return MIN_NUMBER <= number <= MAX_NUMBER
    # Parsers read a longer whole number as the nearest float, which may be a bound itself.
    return MIN_NUMBER < number < MAX_NUMBER


def _shown(number: float) -> str:
    # Python limits the digits of the numbers that it formats.
    return "of over 1,000 digits" if isinstance(number, int) and abs(number) >= 10**1000 else str(number)[:60]


def parse_stored(text: str) -> Any:
    """Parse JSON that a store holds. Parts below `_MAX_STORED_DEPTH` levels are returned as their JSON text."""
    if text.count("[") + text.count("{") > _MAX_STORED_DEPTH:
        text = _deep_parts_as_text(text)
    return json.loads(text)


_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]')
"""A text, which may contain brackets, or a bracket."""


def _deep_parts_as_text(text: str) -> str:
    parts: list[str] = []
    depth = copied = 0
    for token in _TOKEN.finditer(text):
        if token[0] in ("[", "{"):
            depth += 1
            if depth == _MAX_STORED_DEPTH + 1:
                parts.append(text[copied : token.start()])
                copied = token.start()
        elif token[0] in ("]", "}"):
            depth -= 1
            if depth == _MAX_STORED_DEPTH:
                parts.append(json.dumps(text[copied : token.end()]))
                copied = token.end()
    return "".join((*parts, text[copied:]))


def readable(value: Any) -> Any:
    """Return a stored JSON value as one that every JSON parser reads.

    A whole number beyond 64 bits becomes a float, a number that is not finite its text, and half of a surrogate pair
    the replacement character. Raises `TypeError` if the value is not JSON.
    """
    return value if check_json(value, "") is None else _readable(value)


def _readable(value: Any) -> Any:
    if isinstance(value, dict):
        return {_readable(name): _readable(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_readable(inner) for inner in value]
    if isinstance(value, str):
        return _SURROGATES.sub("\ufffd", value)
    if isinstance(value, int) and not MIN_NUMBER <= value <= MAX_NUMBER:
        try:
            return float(value)
        except OverflowError:
            return str(value)
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    if not isinstance(value, str | int | float | None):
        raise TypeError(f"{type(value).__name__} is not JSON")
    return value


_SURROGATES = re.compile("[\ud800-\udfff]")


def without_texts(value: Any, folded: Set[str]) -> Any:
    """Return a JSON value with a mask in place of each text that is one of some texts, which are case-folded."""
    match value:
        case str():
            return MASK if value.strip().casefold() in folded else value
        case list():
            return [without_texts(item, folded) for item in value]
        case dict():
            return {name: without_texts(item, folded) for name, item in value.items()}
        case _:
            return value
