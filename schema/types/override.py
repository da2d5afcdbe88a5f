"""Stewards' overrides in GraphQL."""

import strawberry

from graph.domain.access.scopes import GRAPH_READ, OVERRIDE_WRITE
from graph.domain.model.overrides import Override as DomainOverride
from graph.domain.model.overrides import OverrideKind
from schema.shared.enums import describe_enum
from schema.shared.problems import Problem
from schema.shared.required_scopes import requires
from schema.shared.scalars import Timestamp
from schema.types.customer import Customer
from schema.types.identifier import IdentifierRef
from schema.types.message import PARTS, MessageParts
from schema.types.node import Node

PREFIX = "ovr_"

describe_enum(
    OverrideKind,
    "OverrideKind",
    "The kind of an override.",
    TOGETHER="Two identifiers belong to the same customer, regardless of limits and shared identifiers.",
    APART="Two identifiers belong to different customers, regardless of all other evidence.",
    BLOCKED="An identifier does not link customers.",
)


@requires(GRAPH_READ)
@strawberry.type(description="A decision of a data steward that overrides the automatic resolution.")
class Override(Node):
    """An override in GraphQL."""

    id: strawberry.ID = strawberry.field(description="The id: opaque, stable and never reused. E.g. `ovr_…`.")
    kind: OverrideKind = strawberry.field(description="The kind of the override.")
    a: IdentifierRef = strawberry.field(description="The first identifier.")
    b: IdentifierRef | None = strawberry.field(description="The second identifier. Null for a blocked identifier.")
    actor: str = strawberry.field(description="Who set the override. E.g. `sue`.")
    reason: str = strawberry.field(
        description="Why the override was set. E.g. `confirmed by phone`. Email addresses, numbers and identifiers in "
        "it are masked for a caller without the scope `contact:read`."
    )
    created_at: Timestamp = strawberry.field(description="When the override was set. Does not affect resolution.")

    @classmethod
    def of(cls, override: DomainOverride) -> "Override":
        """Convert the domain's value."""
        return cls(
            id=strawberry.ID(override.id),
            kind=override.kind,
            a=IdentifierRef.of(override.a),
            b=IdentifierRef.of(override.b) if override.b else None,
            actor=override.actor,
            reason=override.reason,
            created_at=Timestamp(override.at),
        )


@requires(OVERRIDE_WRITE)
@strawberry.type(description="The result of a mutation of an override.")
class OverridePayload:
    """The payload of all mutations of overrides."""

    override: Override | None = strawberry.field(
        description="The override that was set or removed. Null if `errors` is not empty."
    )
    created: bool = strawberry.field(
        description="Whether this request created the override. False if the same override was already set."
    )
    conflict: str | None = strawberry.field(
        description="How another override conflicts with this one, and which of them is in effect. Null if none does."
    )
    conflict_parts: MessageParts | None = strawberry.field(description=f"The conflict. {PARTS} Null if there is none.")
    customers: list[Customer] = strawberry.field(
        description="The customers of the override's identifiers after the mutation. One customer if they were merged."
    )
    errors: list[Problem] = strawberry.field(description="The problems of the request. Empty if it succeeded.")


@requires(OVERRIDE_WRITE)
@strawberry.type(description="An identifier that undoing a merge did not return to its previous customer.")
class UnrestoredIdentifier:
    """An identifier that was not restored, in GraphQL."""

    identifier: IdentifierRef = strawberry.field(description="The identifier.")
    previous_customer_id: strawberry.ID = strawberry.field(
        description="The id of the customer that held the identifier before the merge."
    )
    current_customer_id: strawberry.ID | None = strawberry.field(
        description="The id of the customer that holds the identifier now. Null if none does."
    )
    reason: str = strawberry.field(description="Why the identifier was not returned.")
    reason_parts: MessageParts = strawberry.field(description=f"Why the identifier was not returned. {PARTS}")


@requires(OVERRIDE_WRITE)
@strawberry.type(description="The result of `undoMerge`.")
class UndoMergePayload:
    """The payload of `undoMerge`."""

    override: Override | None = strawberry.field(
        description="The override that keeps the customers apart; removing it by `removeOverride` merges them again. "
        "Null if `errors` is not empty."
    )
    customers: list[Customer] = strawberry.field(description="The affected customers after the mutation.")
    not_restored: list[UnrestoredIdentifier] = strawberry.field(
        description="The identifiers that did not return to their previous customer."
    )
    errors: list[Problem] = strawberry.field(description="The problems of the request. Empty if it succeeded.")
