"""Masks: what is shown of a value to those who may not read it.

A mask distinguishes values roughly, for people who compare them, and never identifies one: several values have the same
mask. A mask is not a value: rules reject it as an identifier.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from graph.domain.model.identifiers import MASK, Identifier
from graph.domain.model.rules import ORDER_NAMESPACE
from graph.domain.profile.catalog import AttributeDefinition, AttributeType

UNMASKED_NAMESPACES = frozenset({ORDER_NAMESPACE})
"""Namespaces whose values are shown: order numbers prove nothing, and callers who may read orders read them anyway.
All others are masked. Cookies and devices are, too: whoever presents one is shown what is attached to it."""
MIN_LENGTH_OF_END, MIN_LENGTH_OF_BOTH = 6, 10
"""Characters of a value from which on its last two, and also its first two are shown: most stay hidden."""
NAMES = frozenset({"name", "given_name", "family_name"})
SHOWN_ADDRESS_PART = "country"
MAX_INITIALS = 4
_EMAIL = re.compile(r"[^\s@<>()\[\]{}\"'`,;:=|]+@[^\s@<>()\[\]{}\"'`,;:=|]+")
_NUMBER = re.compile(r"(?<![\w+])\+?\d(?:[ ()/.-]{0,2}\d){6,24}(?!\w)")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class Masked(str):
    """A masked text that stands for a value: it equals that value, but is written as its mask.

    So masked data is grouped, compared and looked up as before, and whatever writes it writes the mask.
    """

    __slots__ = ("original",)
    original: str

    def __new__(cls, mask: str, original: str) -> "Masked":
        """Make the mask of a value."""
        masked = super().__new__(cls, mask)
        masked.original = original
        return masked

    def __eq__(self, other: object) -> bool:
        """Whether both are the same value."""
        return str.__eq__(self.original, original_of(other)) is True

    def __ne__(self, other: object) -> bool:
        """Whether they are different values."""
        return not self == other

    def __hash__(self) -> int:
        """As for the value."""
        return hash(self.original)

    def __reduce__(self) -> tuple[Callable[..., str], tuple[str]]:
        """Copy the mask without the value."""
        return str, (str(self),)

    def partition(self, separator: str, /) -> tuple[str, str, str]:
        """Split a masked key at its first separator; the value stays masked."""
        before, found, after = super().partition(separator)
        return before, found, Masked(after, self.original.partition(separator)[2])


def original_of(value: Any) -> Any:
    """Return the value that a mask stands for; other values as they are."""
    return value.original if isinstance(value, Masked) else value


def key_of(identifier: Identifier) -> str:
    """Return the key of an identifier, whose value may be masked."""
    return f"{identifier.namespace}={original_of(identifier.value)}"


def mask(namespace: str, value: str) -> str:
    """Return the mask of an identifier's value. E.g. `a•••@e•••.com` for `ann@example.com`."""
    if namespace in UNMASKED_NAMESPACES or not value:
        return value
    if namespace == "phone":
        return MASK + value[-2:] if len(value) >= MIN_LENGTH_OF_END else MASK
    if namespace == "email" and "@" in value:
        return _mask_email(value)
    return _mask_ends(value)


def mask_key(key: str) -> str:
    """Return a key with its value masked."""
    namespace, _, value = key.partition("=")
    return f"{namespace}={mask(namespace, value)}"


def _mask_email(value: str) -> str:
    local, _, domain = value.rpartition("@")
    name, dot, top = domain.rpartition(".")
    first = local[:1] if len(local) > 2 else ""
    return f"{first}{MASK}@{name[:1] if len(name) > 2 else ''}{MASK}{dot}{top if dot else ''}"


def _mask_ends(value: str) -> str:
    if len(value) >= MIN_LENGTH_OF_BOTH:
        return f"{value[:2]}{MASK}{value[-2:]}"
    return MASK + value[-2:] if len(value) >= MIN_LENGTH_OF_END else MASK


def mask_attribute(definition: AttributeDefinition, value: Any, part: str = "") -> Any:
    """Return the mask of an attribute's value: of names the initials, of dates the year, of addresses the country.

    Attributes that are not personal are not masked. `part` is the part of an address that the value is.
    """
    if not definition.personal:
        return value
    if isinstance(value, Mapping):
        return {name: mask_attribute(definition, text, name) for name, text in value.items()}
    if part or definition.type is AttributeType.ADDRESS:
        return value if part == SHOWN_ADDRESS_PART else MASK
    if definition.type is AttributeType.DATE:
        return _DATE.sub(lambda match: f"{match[0][:4]}-••-••", value) if _DATE.search(value) else MASK
    if definition.type is AttributeType.LANGUAGE:
        return value
    if definition.name in NAMES:
        return " ".join(f"{word[0].upper()}." for word in value.split()[:MAX_INITIALS]) or MASK
    return MASK


def _shows_nothing(text: str) -> bool:
    """Return false: nothing is shown as it is."""
    return False


def mask_in_text(
    text: str, namespaces: frozenset[str] = frozenset(), is_shown: Callable[[str], bool] = _shows_nothing
) -> str:
    """Return a text that people wrote, with everything masked that looks like an address, a number or an identifier.

    Identifiers are written as `namespace=value`, of a namespace in `namespaces`; the value ends at a blank. What
    `is_shown` accepts of these is shown as it is.
    """
    if "=" in text and namespaces:
        names = "|".join(map(re.escape, sorted(namespaces, key=len, reverse=True)))
        text = re.sub(
            rf"\b({names})=([^\s,;()]+)", lambda match: match[0] if is_shown(match[0]) else mask_key(match[0]), text
        )
    if "@" in text:
        text = _EMAIL.sub(lambda match: match[0] if is_shown(match[0]) else _mask_email(match[0]), text)
    return _NUMBER.sub(lambda match: match[0] if is_shown(match[0]) else _mask_number(match[0]), text)


def _mask_number(number: str) -> str:
    return number if _DATE.fullmatch(number) else MASK + number[-2:]


def mask_in_values(value: Any, namespaces: frozenset[str] = frozenset()) -> Any:
    """Return a JSON value with all its texts, and the names of its fields, masked as by `mask_in_text`."""
    if isinstance(value, str):
        return mask_in_text(value, namespaces)
    if isinstance(value, Mapping):
        return {mask_in_text(name, namespaces): mask_in_values(item, namespaces) for name, item in value.items()}
    if isinstance(value, list):
        return [mask_in_values(item, namespaces) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and len(str(abs(value))) >= 8:
        return mask_in_text(str(value))
    return value
