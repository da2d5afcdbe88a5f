"""Observations in GraphQL: what becomes of them."""

from typing import Annotated, TypeAlias

import strawberry

from graph.commands.commit import Accepted, Answer, Revocation
from graph.commands.commit import Refused as DomainRefused
from graph.domain.model.changes import Change
from graph.domain.model.links import Link as DomainLink
from graph.domain.model.links import State
from graph.domain.model.receipts import Standing
from schema.shared.derived_fields import Derived
from schema.shared.enums import described
from schema.shared.problems import Problem, Refused
from schema.types.customer import Customer
from schema.types.identifier import DroppedIdentifier
from schema.types.link import Link

described(
    Standing,
    "Standing",
    "Whether an observation counts.",
    VALID="It counts.",
    INACTIVE="The rules refuse it; it is kept, and other rules may take it up.",
    SUPERSEDED="The source stated the same order anew.",
    REVOKED="It was revoked, perhaps before it came.",
)


_of_change, _of_accepted = Derived[Change](), Derived["ObservationAccepted"]()


@strawberry.type(description="Customers that became one.")
class Merge:
    """A merge in GraphQL, over the domain's entry of the history."""

    customer_id: strawberry.ID = _of_change(lambda change: change.customer, "The id that answers from now on.")
    retired_id: strawberry.ID = _of_change(lambda change: change.other, "The id that redirects to it from now on.")
    rule: str = strawberry.field(description="What decided, in words.")


@strawberry.type(description="An observation that was taken in.")
class ObservationAccepted:
    """An accepted observation in GraphQL; `shown` is its customer, where the query selects it."""

    accepted: strawberry.Private[Accepted]
    shown: strawberry.Private[Customer | None]

    source: str = _of_accepted(lambda one: one.accepted.source, "Who sent it.")
    id: str = _of_accepted(
        lambda one: one.accepted.id, "The id under which it can be revoked: the source's, or the digest."
    )
    standing: Standing = _of_accepted(lambda one: one.accepted.standing, "Whether it counts.")
    repeated: bool = _of_accepted(lambda one: one.accepted.repeated, "It was known already; nothing changed.")
    customer_id: strawberry.ID | None = _of_accepted(
        lambda one: one.accepted.customer or None,
        "The id that answers for its identifiers; for the strongest customer where they lie in several.",
    )
    customer: Customer | None = _of_accepted(lambda one: one.shown, "That customer, read after this write.")
    dropped: list[DroppedIdentifier] = _of_accepted(
        lambda one: list(one.accepted.dropped), "Identifiers that were left out, and why."
    )
    suspended: list[Link] = _of_accepted(
        lambda one: one.links(State.SUSPENDED), "Its links that lost to stronger ones or to a mark."
    )
    idle: list[Link] = _of_accepted(
        lambda one: one.links(State.IDLE), "Its links below the threshold, or at a shared or blocked end."
    )
    merges: list[Merge] = _of_accepted(lambda one: list(one.accepted.merges), "The merges that it caused.")

    def links(self, state: State) -> list[DomainLink]:
        """Its links in a state."""
        return [link for link in self.accepted.links if link.state is state]


ObservationResult: TypeAlias = Annotated[
    ObservationAccepted | Refused,
    strawberry.union("ObservationResult", description="What became of one observation or order."),
]


@strawberry.type(description="A revocation that holds, whether its observation has come yet or not.")
class ObservationRevoked:
    """A revocation in GraphQL."""

    source: str = strawberry.field(description="Who sent the observation.")
    id: str = strawberry.field(description="Its id.")
    known: bool = strawberry.field(description="Whether the observation had come.")

    @classmethod
    def of(cls, one: Revocation) -> "ObservationRevoked":
        """From the domain's answer."""
        return cls(source=one.source, id=one.id, known=one.known)


RevocationResult: TypeAlias = Annotated[
    ObservationRevoked | Refused,
    strawberry.union("RevocationResult", description="What became of one revocation."),
]


@strawberry.type(description="A result for each item, in the order of the items.")
class ObservationsPayload:
    """The payload of `linkIdentifiers` and `recordOrders`."""

    results: list[ObservationResult] = strawberry.field(description="One result an item; empty if `errors` is not.")
    errors: list[Problem] = strawberry.field(description="What is wrong with the request as a whole.")


@strawberry.type(description="A result for each item, in the order of the items.")
class RevocationsPayload:
    """The payload of `revokeObservations`."""

    results: list[RevocationResult] = strawberry.field(description="One result an item; empty if `errors` is not.")
    errors: list[Problem] = strawberry.field(description="What is wrong with the request as a whole.")


def refused(answer: Answer) -> Refused:
    """A refusal in GraphQL."""
    if not isinstance(answer, DomainRefused):
        raise TypeError(f"{type(answer).__name__} is no refusal")
    return Refused(problem=Problem.of(answer.problem))
