"""Values of fields as texts, and which parts of them are about the person."""

from collections.abc import Iterable, Mapping
from typing import Any


def text(value: Any, separator: str = ", ") -> str:
    """Return a value as most vendors take it; `None` is empty, and the parts of an address are in one line."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return ", ".join(filter(None, map(text, value.values())))
    return separator.join(map(text, value)) if isinstance(value, list | tuple) else str(value)


def flat(value: Any, separator: str = ", ") -> Any:
    """Return a value for vendors that take numbers and truth values as such, and lists and parts of none as texts."""
    return text(value, separator) if isinstance(value, Mapping | list | tuple) else value


def strings(value: Any) -> Iterable[str]:
    """Yield the texts in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from strings(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from strings(part)
