"""Stewards' marks in GraphQL."""

import strawberry

from graph.domain.model.overrides import Mark as DomainMark
from graph.domain.model.overrides import MarkKind
from schema.shared.enums import described
from schema.shared.problems import Problem
from schema.shared.scalars import Timestamp
from schema.types.customer import Customer
from schema.types.identifier import IdentifierName
from schema.types.node import Node

PREFIX = "mrk_"

described(
    MarkKind,
    "MarkKind",
    "What a steward says.",
    TOGETHER="Two identifiers belong to one customer, whatever limits or sharing say.",
    APART="Two identifiers never belong to one customer, whatever else says so.",
    BLOCKED="An identifier links nothing.",
)


@strawberry.type(description="A steward's word that overrules the machine.")
class Mark(Node):
    """A mark in GraphQL."""

    id: strawberry.ID = strawberry.field(description="Opaque and lasting.")
    kind: MarkKind = strawberry.field(description="What it says.")
    a: IdentifierName = strawberry.field(description="One identifier.")
    b: IdentifierName | None = strawberry.field(description="The other identifier; null for a block.")
    actor: str = strawberry.field(description="Who set it.")
    reason: str = strawberry.field(description="Why, in the steward's words.")
    at: Timestamp = strawberry.field(description="When it was set; it never decides anything.")

    @classmethod
    def of(cls, mark: DomainMark) -> "Mark":
        """From the domain's value."""
        return cls(
            id=strawberry.ID(mark.id),
            kind=mark.kind,
            a=IdentifierName.of(mark.a),
            b=IdentifierName.of(mark.b) if mark.b else None,
            actor=mark.actor,
            reason=mark.reason,
            at=Timestamp(mark.at),
        )


@strawberry.type(description="A mark that stands, and the customers at its ends.")
class MarkPayload:
    """The payload of all mutations on marks."""

    mark: Mark | None = strawberry.field(description="The mark as it stands; null if `errors` is not empty.")
    created: bool = strawberry.field(description="Whether it was set only now; the same one may have stood already.")
    note: str | None = strawberry.field(description="Whether another mark contradicts it, and which one stands.")
    customers: list[Customer] = strawberry.field(description="The customers at its ends after this; one if united.")
    errors: list[Problem] = strawberry.field(description="What is wrong with the request.")


@strawberry.type(description="An identifier that did not go back to the id it had before the merge.")
class StayedIdentifier:
    """An identifier that stayed, in GraphQL."""

    identifier: IdentifierName = strawberry.field(description="The identifier.")
    was_with: strawberry.ID = strawberry.field(description="The id it had before the merge.")
    is_with: strawberry.ID | None = strawberry.field(description="The id it has now.")
    reason: str = strawberry.field(description="Why it is there.")


@strawberry.type(description="What an undo did.")
class UndoPayload:
    """The payload of `undoChange`."""

    mark: Mark | None = strawberry.field(description="The mark it set; `removeMark` of it redoes the merge.")
    customers: list[Customer] = strawberry.field(description="The customers it touched, as they are now.")
    stayed: list[StayedIdentifier] = strawberry.field(description="Identifiers that did not go back.")
    errors: list[Problem] = strawberry.field(description="What is wrong with the request.")
