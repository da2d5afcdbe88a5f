"""Queries and mutations of restrictions."""

from typing import Annotated

import strawberry

from graph.domain.access.scopes import RESTRICTION_WRITE
from graph.domain.model.errors import InvalidInput
from graph.domain.model.restrictions import Restriction as DomainRestriction
from schema.operations.actors import ACTOR
from schema.operations.customers import CustomerBy
from schema.operations.idempotency import IdempotentInput, idempotency_key_of
from schema.shared.connections import After, Connection, First, connection
from schema.shared.context import Info
from schema.shared.cursors import decode, encode, page_size
from schema.shared.problems import Problem
from schema.shared.required_scopes import requires
from schema.types.restriction import Restriction, RestrictionPayload

_REASON = "Why, 1 to 1,000 characters. E.g. "


@strawberry.input(description="The input of `restrictSubject`.")
class RestrictSubjectInput(IdempotentInput):
    """The input of `restrictSubject`."""

    by: CustomerBy = strawberry.field(description="The id or an identifier of the customer.")
    reason: str = strawberry.field(description=f"{_REASON}`disputes her address`.")
    actor: str | None = strawberry.field(default=None, description=ACTOR)


@strawberry.input(description="The input of `liftRestriction`.")
class LiftRestrictionInput:
    """The input of `liftRestriction`."""

    id: strawberry.ID = strawberry.field(description="The id of the restriction.")
    reason: str = strawberry.field(description=f"{_REASON}`the address was corrected`.")
    actor: str | None = strawberry.field(default=None, description=ACTOR)


def _payload(info: Info, restriction: DomainRestriction, created: bool) -> RestrictionPayload:
    shown = info.context.graph.masks.restriction(restriction)
    return RestrictionPayload(restriction=Restriction.of(shown), created=created, errors=[])


def _failed(error: InvalidInput) -> RestrictionPayload:
    return RestrictionPayload(restriction=None, created=False, errors=[Problem.of(error.problem())])


@requires(restrictions=RESTRICTION_WRITE)
@strawberry.type
class RestrictionQueries:
    """Queries of restrictions."""

    @strawberry.field(description="The restrictions, in the order in which they were set.")
    async def restrictions(
        self,
        info: Info,
        first: First = 20,
        after: After = None,
        by: Annotated[
            CustomerBy | None,
            strawberry.argument(description="Return only restrictions of this customer: an id or an identifier."),
        ] = None,
        include_lifted: Annotated[
            bool, strawberry.argument(description="Whether to return those that were lifted, too.")
        ] = False,
    ) -> Connection[Restriction]:
        """Return a page of restrictions."""
        graph = info.context.graph
        position = None if after is None else decode(after, int, str)
        ref = None if by is None else by.ref(graph)
        page = await graph.restrictions(
            ref, not include_lifted, position and (position[0], position[1]), page_size(first)
        )
        masks = graph.masks
        result: Connection[Restriction] = connection(
            page,
            lambda restriction: Restriction.of(masks.restriction(restriction)),
            lambda restriction: encode(restriction.at, restriction.id),
            after,
        )
        return result


@requires(restrict_subject=RESTRICTION_WRITE, lift_restriction=RESTRICTION_WRITE)
@strawberry.type
class RestrictionMutations:
    """Mutations of restrictions."""

    @strawberry.mutation(
        description="Restrict the processing of a person's data: it is stored, and used for nothing else until the "
        "restriction is lifted. The restriction is on all identifiers that the customer holds now, except shared and "
        "blocked ones. Whoever they are merged with is restricted too, and after a split each part that holds one of "
        "them. Data about the customer is still recorded. See `Customer.restricted`."
    )
    async def restrict_subject(self, info: Info, input: RestrictSubjectInput) -> RestrictionPayload:
        """Restrict a customer."""
        graph = info.context.graph
        try:
            request = idempotency_key_of(info, "restrict", input)
            result = await graph.restrict(input.by.ref(graph), input.actor or "", input.reason, request)
        except InvalidInput as error:
            return _failed(error)
        return _payload(info, result.restriction, result.created)

    @strawberry.mutation(
        description="Lift a restriction. A customer stays restricted while another restriction is on one of its "
        "identifiers. A restriction that was lifted already is returned as it is."
    )
    async def lift_restriction(self, info: Info, input: LiftRestrictionInput) -> RestrictionPayload:
        """Lift a restriction."""
        try:
            restriction = await info.context.graph.lift_restriction(str(input.id), input.actor or "", input.reason)
        except InvalidInput as error:
            return _failed(error)
        return _payload(info, restriction, False)
