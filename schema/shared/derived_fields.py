"""Fields that are derived from their object alone: `schema.execution.compiled` computes them without a resolver call.

Schema types whose fields are all of that kind are never instantiated. At run time their values are domain objects: a
field with the name of an attribute is that attribute, every other field is derived. An answer with fifty links saves
a hundred and fifty short-lived objects, and fields that are not selected are not computed.
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import strawberry

S = TypeVar("S")
DERIVED = "derived"
"""The metadata key of a derived field. The value is its function, or `None` if that is its resolver."""


class Derived(Generic[S]):
    """Creates derived fields of a type whose values are of class `S`."""

    def __call__(self, derive: Callable[[S], object], description: str) -> Any:
        """Return a field that a function derives from a value.

        The function must have no side effects: the fast path of `schema.execution.compiled` may call it, and then the
        slow path again.
        """

        def resolve(self):  # type: ignore[no-untyped-def]
            return derive(self)

        return strawberry.field(resolver=resolve, description=description, metadata={DERIVED: derive})


def derived_field(description: str) -> Callable[[Callable[..., Any]], Any]:
    """Decorate a method that uses only the object and the field's arguments, and has no side effects."""

    def field(method: Callable[..., Any]) -> Any:
        return strawberry.field(resolver=method, description=description, metadata={DERIVED: None})

    return field
