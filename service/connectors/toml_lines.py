"""Finds the line of a key in a TOML text: the parser of the standard library does not tell it."""

import re
from collections.abc import Sequence

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*((?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+))*)\s*=""")
_PART = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([^.\s]+))\s*\.?""")


def line_of(text: str, keys: Sequence[str | int]) -> int:
    """Return the number of the line that comes nearest to a key, 0 if none does. Numbers in `keys` count tables."""
    best, best_depth = 0, 0
    here: list[str | int] = []
    counts: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            names = _parts(header[2])
            here = _located(names, header[1] == "[[", counts)
            found: list[str | int] = here
        elif key := _KEY.match(line):
            found = [*here, *_parts(key[1])]
        else:
            continue
        depth = _common(found, keys)
        if depth > best_depth and depth == len(found):
            best, best_depth = number, depth
    return best


def _located(names: Sequence[str], is_array: bool, counts: dict[str, int]) -> list[str | int]:
    path: list[str | int] = []
    for position, name in enumerate(names):
        path.append(name)
        key = ".".join(map(str, path))
        if is_array and position == len(names) - 1:
            counts[key] = counts.get(key, -1) + 1
        if key in counts:
            path.append(counts[key])
    return path


def _parts(text: str) -> list[str]:
    return [match[1] or match[2] or match[3] or "" for match in _PART.finditer(text) if match[0].strip()]


def _common(found: Sequence[str | int], keys: Sequence[str | int]) -> int:
    depth = 0
    for a, b in zip(found, keys, strict=False):
        if a != b:
            break
        depth += 1
    return depth
