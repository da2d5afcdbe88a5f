"""The results of recording and revoking observations in GraphQL."""

from typing import Annotated, TypeAlias

import strawberry

from graph.commands.commit import Accepted, CommandResult, Revocation
from graph.commands.commit import Rejected as DomainRejected
from graph.domain.access.scopes import ANY, GRAPH_READ, OBSERVATION_CUSTOMER, OBSERVATION_RESULT, OBSERVATION_REVOKE
from graph.domain.model.changes import Change, reason_of
from graph.domain.model.links import Link as DomainLink
from graph.domain.model.links import LinkState
from schema.shared.derived_fields import Derived
from schema.shared.observation_status import ObservationStatus
from schema.shared.problems import Problem, Rejected
from schema.shared.required_scopes import requires
from schema.types.customer import Customer
from schema.types.identifier import DroppedIdentifier
from schema.types.link import Link
from schema.types.message import PARTS, MessageParts

_of_change, _of_accepted = Derived[Change](), Derived["ObservationAccepted"]()


@requires(GRAPH_READ)
@strawberry.type(description="A merge of two customers.")
class Merge:
    """A merge; at run time the domain's entry of the history."""

    customer_id: strawberry.ID = _of_change(lambda change: change.customer, "The id of the customer that remains.")
    retired_customer_id: strawberry.ID = _of_change(
        lambda change: change.other_customer, "The id that was retired. Queries by this id return the other customer."
    )
    reason: str = strawberry.field(
        description="Why the customers were merged. E.g. `crm_id=7 and email=ann@example.com were seen together`."
    )
    reason_parts: MessageParts = _of_change(
        lambda change: MessageParts.of(reason_of(change)), f"Why the customers were merged. {PARTS}"
    )


@requires(
    ANY,
    duplicate=OBSERVATION_RESULT,
    customer_id=OBSERVATION_CUSTOMER,
    customer=OBSERVATION_CUSTOMER,
    suspended_links=GRAPH_READ,
    excluded_links=GRAPH_READ,
    merges=GRAPH_READ,
)
@strawberry.type(description="An observation that was accepted.")
class ObservationAccepted:
    """An accepted observation in GraphQL; `presented` is its customer, if the query selects it."""

    accepted: strawberry.Private[Accepted]
    presented: strawberry.Private[Customer | None]

    source: str = _of_accepted(
        lambda self: self.accepted.source,
        "The source that the observation is recorded under: the one that was sent, or that of its claims. E.g. "
        "`web-shop`, or `web-shop:claimed`.",
    )
    id: str = _of_accepted(
        lambda self: self.accepted.id,
        "The id of the observation; `revokeObservations` accepts it together with the source. A hash of all fields "
        "if the source sent no id.",
    )
    status: ObservationStatus = _of_accepted(
        lambda self: self.accepted.status, "Whether the observation takes part in resolution."
    )
    duplicate: bool = _of_accepted(
        lambda self: self.accepted.duplicate, "Whether the observation was already stored, so that nothing changed."
    )
    customer_id: strawberry.ID | None = _of_accepted(
        lambda self: self.accepted.customer or None,
        "The id of the customer that its identifiers belong to. If they belong to several customers, the one with the "
        "strongest identifier. Null if they belong to none.",
    )
    customer: Customer | None = _of_accepted(lambda self: self.presented, "That customer, read after this mutation.")
    dropped_identifiers: list[DroppedIdentifier] = _of_accepted(
        lambda self: list(self.accepted.dropped_identifiers),
        "The identifiers that were left out of the observation. E.g. placeholders.",
    )
    suspended_links: list[Link] = _of_accepted(
        lambda self: self.links(LinkState.SUSPENDED),
        "The links of the observation that conflict with a stronger link, an override or a guard.",
    )
    excluded_links: list[Link] = _of_accepted(
        lambda self: self.links(LinkState.EXCLUDED),
        "The links of the observation that are below the confidence threshold or have a shared or blocked identifier.",
    )
    merges: list[Merge] = _of_accepted(
        lambda self: list(self.accepted.merges), "The merges that the observation caused."
    )

    def links(self, state: LinkState) -> list[DomainLink]:
        """Return the links of the observation in a state."""
        return [link for link in self.accepted.links if link.state is state]


ObservationResult: TypeAlias = Annotated[
    ObservationAccepted | Rejected,
    strawberry.union("ObservationResult", description="The result of one item of a `record…` mutation."),
]


@requires(OBSERVATION_REVOKE)
@strawberry.type(
    description="An observation that was revoked. If it has not arrived yet, it will be revoked on arrival."
)
class ObservationRevoked:
    """A revocation in GraphQL."""

    source: str = strawberry.field(description="The source of the observation.")
    id: str = strawberry.field(description="The id of the observation.")
    found: bool = strawberry.field(description="Whether the observation was stored when it was revoked.")

    @classmethod
    def of(cls, revocation: Revocation) -> "ObservationRevoked":
        """Convert the domain's value."""
        return cls(source=revocation.source, id=revocation.id, found=revocation.found)


RevocationResult: TypeAlias = Annotated[
    ObservationRevoked | Rejected,
    strawberry.union("RevocationResult", description="The result of one item of `revokeObservations`."),
]


@requires(ANY)
@strawberry.type(description="The result of a mutation that records observations or facts.")
class ObservationsPayload:
    """The payload of `linkIdentifiers` and of the `record…` mutations of facts."""

    results: list[ObservationResult] = strawberry.field(
        description="One result per item, in the order of the input. Empty if `errors` is not empty."
    )
    errors: list[Problem] = strawberry.field(
        description="Problems of the request as a whole. If there are any, no item was recorded."
    )


@requires(OBSERVATION_REVOKE)
@strawberry.type(description="The result of `revokeObservations`.")
class RevocationsPayload:
    """The payload of `revokeObservations`."""

    results: list[RevocationResult] = strawberry.field(
        description="One result per item, in the order of the input. Empty if `errors` is not empty."
    )
    errors: list[Problem] = strawberry.field(
        description="Problems of the request as a whole. If there are any, no item was revoked."
    )


def rejected(result: CommandResult) -> Rejected:
    """Return a rejection as its GraphQL type."""
    if not isinstance(result, DomainRejected):
        raise TypeError(f"{type(result).__name__} is not a rejection")
    return Rejected(problem=Problem.of(result.problem))
