"""Identifiers in GraphQL."""

import strawberry

from graph.domain.identifiers import Identifier as DomainIdentifier
from graph.domain.rules import Dropped
from graph.domain.views import IdentifierView
from schema.scalars import Timestamp


@strawberry.type(description="A namespace and a normalised value.")
class IdentifierName:
    """The bare pair, where nothing else is said of an identifier."""

    namespace: str = strawberry.field(description="The kind of identifier, such as `email`.")
    value: str = strawberry.field(description="The normalised value.")

    @classmethod
    def of(cls, key: str) -> "IdentifierName":
        """From a key."""
        namespace, value = DomainIdentifier.from_key(key)
        return cls(namespace=namespace, value=value)


@strawberry.type(description="An identifier that belongs to a customer, with what was seen of it.")
class Identifier:
    """An identifier of a view."""

    namespace: str = strawberry.field(description="The kind of identifier, such as `email`.")
    value: str = strawberry.field(description="The normalised value.")
    first_seen: Timestamp | None = strawberry.field(
        description="The earliest time an observation that counts saw it; null where only a steward's mark names it."
    )
    last_seen: Timestamp | None = strawberry.field(description="The latest such time.")
    observations: int = strawberry.field(description="How many observations that count name it.")
    sources: list[str] = strawberry.field(description="Who named it.")
    shared: bool = strawberry.field(
        description="Seen with so many others that it is no one's own (a till, an office address): it links nobody."
    )
    blocked: bool = strawberry.field(description="Blocked by a steward: it links nobody.")

    @classmethod
    def of(cls, view: IdentifierView) -> "Identifier":
        """From the domain's value."""
        seen = view.evidence
        return cls(
            namespace=view.identifier.namespace,
            value=view.identifier.value,
            first_seen=None if seen is None else Timestamp(seen.first_seen),
            last_seen=None if seen is None else Timestamp(seen.last_seen),
            observations=0 if seen is None else seen.count,
            sources=[] if seen is None else list(seen.sources),
            shared=view.shared,
            blocked=view.blocked,
        )


@strawberry.type(description="An identifier that an observation named and that was left out; the rest stands.")
class DroppedIdentifier:
    """An identifier that was left out."""

    namespace: str = strawberry.field(description="The kind of identifier.")
    value: str = strawberry.field(description="The value as it was sent; a long one is cut.")
    code: str = strawberry.field(description="`BLOCKED`, `EMPTY`, `INVALID`, `TOO_SHORT` or `TOO_LONG`.")
    reason: str = strawberry.field(description="The reason in words.")

    @classmethod
    def of(cls, dropped: Dropped) -> "DroppedIdentifier":
        """From the domain's value."""
        return cls(namespace=dropped.namespace, value=dropped.value, code=dropped.code, reason=dropped.reason)


@strawberry.input(description="An identifier as a caller has it; it is normalised by the rules of its namespace.")
class IdentifierInput:
    """An identifier on the way in."""

    namespace: str = strawberry.field(description="The kind of identifier, one of the rules' namespaces.")
    value: str = strawberry.field(description="The raw value.")
