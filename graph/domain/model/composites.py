"""Composite keys: identifiers that consist of several attributes (docs/reference/rules-toml.md, "Composite keys").

The parts are folded one by one, so that "Smith | ANN" and "smith | Ann" are one key.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from graph.domain.model.folding import folded

SEPARATOR = "|"
_DATE = re.compile("([0-9]{4}) ([0-9]{2}) ([0-9]{2})")
"""The folded form of a date."""


def value_at(attributes: Mapping[str, Any], path: str) -> str | None:
    """Return the value of an attribute, or of a part of an address (`address.postal_code`); `None` without one."""
    name, _, part = path.partition(".")
    value = attributes.get(name)
    if part:
        value = value.get(part) if isinstance(value, dict) else None
    return value if isinstance(value, str) and value else None


def raw_values(attributes: str, parts_of: Mapping[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    """Return the composite identifiers that attributes (JSON text) name, not yet normalized.

    `parts_of` has the attributes of each composite namespace. A namespace is left out unless all its parts are stated.
    """
    stated = json.loads(attributes)
    values: list[tuple[str, str]] = []
    for namespace, paths in parts_of.items():
        parts = [part for path in paths if (part := value_at(stated, path)) is not None]
        if len(parts) == len(paths):
            values.append((namespace, SEPARATOR.join(part.replace(SEPARATOR, " ") for part in parts)))
    return values


def normalized_part(part: str) -> str:
    """Return the normalized form of a cleaned part of a composite value: folded, and a date as YYYY-MM-DD."""
    text = folded(part)
    return "-".join(date.groups()) if (date := _DATE.fullmatch(text)) else text
