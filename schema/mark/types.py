"""Stewards' marks in GraphQL."""

import strawberry

from graph.domain.marks import Mark as DomainMark
from graph.domain.marks import MarkKind
from schema.customer.types import Customer
from schema.enums import described
from schema.identifier.types import IdentifierInput, IdentifierName
from schema.node.types import Node
from schema.problems import Problem
from schema.scalars import Timestamp

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


@strawberry.input
class Keyed:
    """What all inputs have whose requests carry no id of their own."""

    idempotency_key: str | None = strawberry.field(
        default=None,
        description="A name of the caller's for this request, 1 to 200 characters: the same request again under it "
        "changes nothing and is answered as the first time; another request under it is an error.",
    )


@strawberry.input(description="Two identifiers that a steward knows about.")
class MarkInput(Keyed):
    """The input of `keepTogether` and `keepApart`."""

    a: IdentifierInput = strawberry.field(description="One identifier; it is created if it was never seen.")
    b: IdentifierInput = strawberry.field(description="The other one.")
    reason: str = strawberry.field(default="", description="Why, up to 1,000 characters.")
    actor: str | None = strawberry.field(default=None, description="Who says so; the caller if left out.")


@strawberry.input(description="An identifier that a steward knows about.")
class BlockInput(Keyed):
    """The input of `blockIdentifier` and `unblockIdentifier`."""

    identifier: IdentifierInput = strawberry.field(description="The identifier.")
    reason: str = strawberry.field(default="", description="Why, up to 1,000 characters.")
    actor: str | None = strawberry.field(default=None, description="Who says so; the caller if left out.")


@strawberry.input(description="A mark to take back.")
class RemoveMarkInput(Keyed):
    """The input of `removeMark`."""

    id: strawberry.ID = strawberry.field(description="The id of the mark.")
    actor: str | None = strawberry.field(default=None, description="Who says so; the caller if left out.")


@strawberry.input(description="A change to undo.")
class UndoChangeInput(Keyed):
    """The input of `undoChange`."""

    change: strawberry.ID = strawberry.field(description="The id of a merge in the history.")
    reason: str = strawberry.field(default="", description="Why, up to 1,000 characters.")
    actor: str | None = strawberry.field(default=None, description="Who says so; the caller if left out.")


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
