"""The directive that states which scope a field requires, and the decorator by which types state it."""

from collections.abc import Callable
from typing import Any, TypeVar

import strawberry
from strawberry.schema_directive import Location

T = TypeVar("T", bound=type)


@strawberry.schema_directive(
    locations=[Location.OBJECT, Location.FIELD_DEFINITION],
    name="requiresScope",
    description="The scope that a caller must hold to select the field, or all fields of the type that do not state "
    "their own. A request that selects a field without its scope is rejected before it runs.",
)
class RequiresScope:
    """The scope of a type or a field."""

    scope: str


def requires(scope: str | None = None, **fields: str) -> Callable[[T], T]:
    """Decorate a GraphQL type with the scope of its fields, and that of single fields by their Python names.

    The decorator is written above the one of Strawberry. Types that others inherit from state scopes of single fields
    only. Raises `TypeError` if the type has no such field.
    """

    def decorate(type: T) -> T:
        definition: Any = type.__strawberry_definition__  # type: ignore[attr-defined]
        if scope is not None:
            definition.directives = [*(definition.directives or ()), RequiresScope(scope=scope)]
        by_name = {field.python_name: field for field in definition.fields}
        for name, own in fields.items():
            if name not in by_name:
                raise TypeError(f"{definition.name} has no field {name}")
            by_name[name].directives = [*by_name[name].directives, RequiresScope(scope=own)]
        return type

    return decorate


def scope_of(directives: Any) -> str | None:
    """Return the scope that directives of a type or a field state; `None` if they state none."""
    return next((directive.scope for directive in directives or () if isinstance(directive, RequiresScope)), None)
