"""Enums of the domain as enums of GraphQL, described."""

from enum import Enum

import strawberry


def described(enum: type[Enum], name: str, about: str, **values: str) -> None:
    """Make a domain's enum one of GraphQL, with a description of itself and of each value."""
    strawberry.enum(enum, name=name, description=about)
    for value in enum.__strawberry_definition__.values:  # type: ignore[attr-defined]
        value.description = values[value.name]
