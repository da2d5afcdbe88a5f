"""A condition on a property of interactions, as segments and timelines use it."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import strawberry

from graph.domain.access.scopes import BEHAVIOR_TEXT, CONTACT_READ
from graph.domain.access.viewer import Viewer
from graph.domain.model.errors import InvalidInput
from graph.domain.profile import property_filters
from graph.domain.profile.property_filters import PropertyFilter


@strawberry.input(
    description="A condition on a property of an interaction. All fields that are set must match. A property may be a "
    "text, a number, true or false, or a list of these, of which any may match; objects are not compared. Null, an "
    "empty text and an empty list are no value."
)
class PropertyCondition:
    """A condition on a property of an interaction."""

    name: str = strawberry.field(description="The name of the property. E.g. `utm_source` or `rating`.")
    exists: bool | None = strawberry.field(default=None, description="Whether the property has a value.")
    in_: list[str] | None = strawberry.field(
        default=None,
        name="in",
        description="The value is one of these. Texts are compared without regard to case; a number is compared as a "
        "number.",
    )
    contains: str | None = strawberry.field(
        default=None, description="The value is a text that contains this text, without regard to case."
    )
    min: float | None = strawberry.field(
        default=None, description="The value is at least this number. A text that is a number counts as one."
    )
    max: float | None = strawberry.field(
        default=None, description="The value is at most this number. A text that is a number counts as one."
    )


def timeline_filters(
    conditions: Sequence[PropertyCondition | Mapping[str, Any]] | None, viewer: Viewer
) -> tuple[PropertyFilter, ...]:
    """Return the filters of a timeline; raises `InvalidInput` for a viewer that is not shown what they compare.

    The look-ahead has conditions as the objects that were sent, the resolver as inputs.
    """
    if conditions is None:
        return ()
    for scope in (BEHAVIOR_TEXT, CONTACT_READ):
        if not viewer.may(scope):
            # Properties are masked, or not shown at all: what a filter finds would reveal them.
            raise InvalidInput("FORBIDDEN", f"properties requires the scope {scope}", ("properties",))
    return property_filters.parse([_values(condition) for condition in conditions], ("properties",))


def _values(condition: PropertyCondition | Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(condition, Mapping):
        return condition
    return {field.name.rstrip("_"): getattr(condition, field.name) for field in fields(condition)}
