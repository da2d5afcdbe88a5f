"""Mutations of observations."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

import strawberry

from graph.commands.commit import Accepted, CommandResult, Revocation
from graph.domain.access.scopes import OBSERVATION_REVOKE, OBSERVATION_WRITE
from graph.domain.model.errors import InvalidInput
from graph.domain.model.errors import Problem as DomainProblem
from graph.domain.model.observations import Party
from graph.domain.profile.pages import ByKey
from graph.runtime.scheduling import map_cooperatively
from schema.operations.observation_inputs import LinkIdentifiersInput, RevokeObservationsInput
from schema.shared.context import Info
from schema.shared.lookahead import selection_of
from schema.shared.problems import Problem
from schema.shared.required_scopes import requires
from schema.types.customer import Customer
from schema.types.observation import (
    ObservationAccepted,
    ObservationRevoked,
    ObservationsPayload,
    RevocationsPayload,
    rejected,
)

T = TypeVar("T", covariant=True)


async def observations_payload(info: Info, results: Sequence[CommandResult]) -> ObservationsPayload:
    """Return results as a payload; the customers of all of them are read at once, if the query selects them."""
    graph = info.context.graph
    results = await graph.shown_results(results)
    selection = selection_of(info, "results", "customer")
    customers: dict[str, Customer] = {}
    if selection is not None:
        keys = list(dict.fromkeys(result.key for result in results if isinstance(result, Accepted)))
        views = await graph.customers([ByKey(key) for key in keys], selection)
        customers = {
            key: info.context.present_customer(view) for key, view in zip(keys, views, strict=True) if view is not None
        }

    def present(result: CommandResult) -> Any:
        if isinstance(result, Accepted):
            return ObservationAccepted(accepted=result, presented=customers.get(result.key))
        return rejected(result)

    return ObservationsPayload(results=await map_cooperatively(results, present), errors=[])


class BatchItem(Protocol[T]):
    """An item of a batch as a client sends it."""

    def to_domain(self, nearest: Party) -> T | DomainProblem:
        """Convert to the domain's value, or return the first problem; `nearest` is the nearest party of the caller."""
        ...


async def record_batch(
    info: Info,
    record: Callable[[Sequence[T | DomainProblem]], Awaitable[Sequence[CommandResult]]],
    items: Sequence[BatchItem[T]],
) -> ObservationsPayload:
    """Record the items of a batch and return their results; a batch that is invalid as a whole results in one "
    "problem."""
    try:
        nearest = info.context.viewer.party
        results = await record(await map_cooperatively(items, lambda item: item.to_domain(nearest)))
    except InvalidInput as error:
        return ObservationsPayload(results=[], errors=[Problem.of(error.problem())])
    return await observations_payload(info, results)


@requires(link_identifiers=OBSERVATION_WRITE, revoke_observations=OBSERVATION_REVOKE)
@strawberry.type
class ObservationMutations:
    """Mutations of observations."""

    @strawberry.mutation(
        description="Record which identifiers were seen together, and link them. Idempotent by source and id. The "
        "response is sent when all data is stored and resolved."
    )
    async def link_identifiers(self, info: Info, input: LinkIdentifiersInput) -> ObservationsPayload:
        """Record observations."""
        return await record_batch(info, info.context.graph.link, input.observations)

    @strawberry.mutation(
        description="Revoke observations of the caller's sources. The customers are resolved again without them, and "
        "links that they overruled become active again. An observation that has not arrived yet will be revoked on "
        "arrival."
    )
    async def revoke_observations(self, info: Info, input: RevokeObservationsInput) -> RevocationsPayload:
        """Revoke observations."""
        keys = [(observation.source, observation.id) for observation in input.observations]
        try:
            results = await info.context.graph.revoke(keys, input.actor or "", input.reason)
        except InvalidInput as error:
            return RevocationsPayload(results=[], errors=[Problem.of(error.problem())])
        return RevocationsPayload(
            results=[
                ObservationRevoked.of(result) if isinstance(result, Revocation) else rejected(result)
                for result in results
            ],
            errors=[],
        )
