"""Parse a line of NDJSON into an object, or say why it cannot be read."""

import json
from typing import Any

import orjson

from graph.domain.model.errors import Problem
from graph.domain.model.json_text import MAX_JSON_DEPTH

MAX_DEPTH = MAX_JSON_DEPTH + 3
"""Levels of objects and lists of a line. A record itself has three: its object, a list, and objects in the list."""
_TOO_DEEP = Problem("INVALID_LINE", f"is nested too deeply: more than {MAX_DEPTH} levels of objects and lists")
_BLANKS = b" \t\r\n"
_CONTAINERS = frozenset({dict, list})


def parse_object(content: bytes) -> dict[str, Any] | Problem:
    """Return the object of a line, or the problem with it: no JSON, no object, a key that occurs twice."""
    try:
        parsed = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        return Problem("INVALID_LINE", _reason(content, error))
    if type(parsed) is not dict:
        return Problem("INVALID_LINE", "is not a JSON object")
    # Few lines have as many brackets as levels are allowed.
    if content.count(b"{") + content.count(b"[") > MAX_DEPTH and _is_too_deep(parsed):
        return _TOO_DEEP
    # The parser keeps the last of several equal keys. They are found by counting what looks like a key in the text:
    # no key is missed, and a text with more matches than keys is parsed again by the slower parser that decides.
    if content.translate(None, _BLANKS).count(b'":') != _keys(parsed):
        doubled = _doubled_key(content)
        if doubled is not None:
            return Problem("INVALID_LINE", f"has the key {doubled[:60]!r} twice")
    return parsed


def _reason(content: bytes, error: orjson.JSONDecodeError) -> str:
    try:
        content.decode()
    except UnicodeDecodeError:
        return "is not UTF-8"
    if "infinity" in error.msg:
        return "holds a number that is too large"
    if "depth" in error.msg:
        return _TOO_DEEP.message
    return f"is not JSON: {error.msg} at column {error.colno}"


def _is_too_deep(parsed: dict[str, Any]) -> bool:
    level: list[Any] = [parsed]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for value in level
            for inner in (value.values() if type(value) is dict else value)
            if type(inner) in _CONTAINERS
        ]
    return bool(level)


def _keys(parsed: dict[str, Any]) -> int:
    """Return the number of keys of an object and of all objects in it."""
    count = len(parsed)
    waiting = [value for value in parsed.values() if type(value) in _CONTAINERS]
    while waiting:
        value = waiting.pop()
        if type(value) is dict:
            count += len(value)
            value = value.values()
        for inner in value:
            # Identifiers and lines of orders are objects in a list: they are counted here, without another round.
            if type(inner) is dict:
                count += len(inner)
                for innermost in inner.values():
                    if type(innermost) in _CONTAINERS:
                        waiting.append(innermost)
            elif type(inner) is list:
                waiting.append(inner)
    return count


def _doubled_key(content: bytes) -> str | None:
    doubled: list[str] = []

    def note(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, value in pairs:
            if name in values:
                doubled.append(name)
            values[name] = value
        return values

    json.loads(content, object_pairs_hook=note)
    return doubled[0] if doubled else None
