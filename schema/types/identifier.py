"""Identifiers in GraphQL."""

from operator import itemgetter
from typing import cast

import strawberry

from graph.domain.profile.pages import IdentifierView
from schema.shared.derived_fields import Derived
from schema.shared.scalars import Timestamp

_of_parts, _of_view = Derived[tuple[str, str, str]](), Derived[IdentifierView]()


@strawberry.type(description="A namespace and a normalised value.")
class IdentifierName:
    """The bare pair, where nothing else is said of an identifier; over its key, parted at the first `=`."""

    namespace: str = _of_parts(itemgetter(0), "The kind of identifier, such as `email`.")
    value: str = _of_parts(itemgetter(2), "The normalised value.")

    @classmethod
    def of(cls, key: str) -> "IdentifierName":
        """A key in GraphQL."""
        return cast("IdentifierName", key.partition("="))


@strawberry.type(description="An identifier that belongs to a customer, with what was seen of it.")
class Identifier:
    """An identifier of a view, over the domain's value."""

    namespace: str = _of_view(lambda view: view.identifier.namespace, "The kind of identifier, such as `email`.")
    value: str = _of_view(lambda view: view.identifier.value, "The normalised value.")
    first_seen: Timestamp | None = _of_view(
        lambda view: None if view.evidence is None else view.evidence.first_seen,
        "The earliest time an observation that counts saw it; null where only a steward's mark names it.",
    )
    last_seen: Timestamp | None = _of_view(
        lambda view: None if view.evidence is None else view.evidence.last_seen, "The latest such time."
    )
    observations: int = _of_view(
        lambda view: 0 if view.evidence is None else view.evidence.count,
        "How many observations that count name it.",
    )
    sources: list[str] = _of_view(lambda view: () if view.evidence is None else view.evidence.sources, "Who named it.")
    shared: bool = strawberry.field(
        description="Seen with so many others that it is no one's own (a till, an office address): it links nobody."
    )
    blocked: bool = strawberry.field(description="Blocked by a steward: it links nobody.")

    @classmethod
    def of(cls, view: IdentifierView) -> "Identifier":
        """The domain's value in GraphQL."""
        return cast("Identifier", view)


@strawberry.type(description="An identifier that an observation named and that was left out; the rest stands.")
class DroppedIdentifier:
    """An identifier that was left out, over the domain's value."""

    namespace: str = strawberry.field(description="The kind of identifier.")
    value: str = strawberry.field(description="The value as it was sent; a long one is cut.")
    code: str = strawberry.field(description="`BLOCKED`, `EMPTY`, `INVALID`, `TOO_SHORT` or `TOO_LONG`.")
    reason: str = strawberry.field(description="The reason in words.")
