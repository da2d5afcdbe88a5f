"""Enums of the domain as enums of GraphQL, with descriptions."""

from enum import Enum

import strawberry


def describe_enum(enum: type[Enum], name: str, description: str, **values: str) -> None:
    """Register a domain enum as a GraphQL enum, with a description of the enum and of each value."""
    strawberry.enum(enum, name=name, description=description)
    for value in enum.__strawberry_definition__.values:  # type: ignore[attr-defined]
        value.description = values[value.name]
