"""Fields that follow from their object alone: `schema.execution.compiled` fetches them without what others need.

Types of the schema whose fields are all of that kind need not be made. At run time their values are the domain's: a
field of the same name as an attribute is that attribute, any other is derived. An answer of fifty links is spared a
hundred and fifty objects that live for microseconds, and what is not asked for is not worked out.
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import strawberry

S = TypeVar("S")
DERIVED = "derived"
"""What a field's metadata holds for it: its function, `None` where that is its resolver."""


class Derived(Generic[S]):
    """Makes fields of a type over values of class `S`."""

    def __call__(self, derive: Callable[[S], object], description: str) -> Any:
        """A field that a function makes of a value.

        It has no effect: the quick way of `schema.execution.compiled` may call it, and the slow way once more.
        """

        def resolve(self):  # type: ignore[no-untyped-def]
            return derive(self)

        return strawberry.field(resolver=resolve, description=description, metadata={DERIVED: derive})


def derived_field(description: str) -> Callable[[Callable[..., Any]], Any]:
    """Decorates a method of a type that needs nothing but the object and the field's arguments, and has no effect."""

    def field(method: Callable[..., Any]) -> Any:
        return strawberry.field(resolver=method, description=description, metadata={DERIVED: None})

    return field
