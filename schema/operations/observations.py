"""Mutations on observations."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

import strawberry

from graph.commands.commit import Accepted, Answer, Revocation
from graph.domain.model.errors import InvalidInput
from graph.domain.model.errors import Problem as DomainProblem
from graph.domain.profile.pages import ByKey
from graph.runtime.scheduling import in_turns
from schema.operations.observation_inputs import LinkIdentifiersInput, RevokeObservationsInput
from schema.shared.context import Info
from schema.shared.lookahead import selection_of
from schema.shared.problems import Problem
from schema.types.customer import Customer
from schema.types.observation import (
    ObservationAccepted,
    ObservationRevoked,
    ObservationsPayload,
    RevocationsPayload,
    refused,
)

T = TypeVar("T", covariant=True)


async def answered(info: Info, answers: Sequence[Answer]) -> ObservationsPayload:
    """Answers in GraphQL; the customers of all of them come in one read, if the query selects them."""
    graph = info.context.graph
    selection = selection_of(info, "results", "customer")
    customers: dict[str, Customer] = {}
    if selection is not None:
        keys = list(dict.fromkeys(one.key for one in answers if isinstance(one, Accepted)))
        views = await graph.customers([ByKey(key) for key in keys], selection)
        customers = {
            key: info.context.present_customer(view) for key, view in zip(keys, views, strict=True) if view is not None
        }

    def result(one: Answer) -> Any:
        if isinstance(one, Accepted):
            return ObservationAccepted(accepted=one, shown=customers.get(one.key))
        return refused(one)

    results = await in_turns(answers, result)
    return ObservationsPayload(results=results, errors=[])


class Readable(Protocol[T]):
    """An item on the way in."""

    def read(self) -> T | DomainProblem:
        """As the domain's value, or what cannot be read in it."""
        ...


async def taken_in(
    info: Info,
    record: Callable[[Sequence[T | DomainProblem]], Awaitable[Sequence[Answer]]],
    items: Sequence[Readable[T]],
) -> ObservationsPayload:
    """The answers of a batch that are observations; a batch that is wrong as a whole is told as one problem."""
    try:
        answers = await record(await in_turns(items, lambda one: one.read()))
    except InvalidInput as error:
        return ObservationsPayload(results=[], errors=[Problem.of(error.problem())])
    return await answered(info, answers)


@strawberry.type
class ObservationMutations:
    """What can be done with observations."""

    @strawberry.mutation(
        description="Take in which identifiers sources saw together. Safe to repeat: observations are known by source "
        "and id. The answer is given once everything is durable and resolved."
    )
    async def link_identifiers(self, info: Info, input: LinkIdentifiersInput) -> ObservationsPayload:
        """Take in observations."""
        return await taken_in(info, info.context.graph.link, input.observations)

    @strawberry.mutation(
        description="Withdraw observations. What they supported is resolved anew; what they beat comes back. It holds "
        "for an observation that has not come yet, too."
    )
    async def revoke_observations(self, info: Info, input: RevokeObservationsInput) -> RevocationsPayload:
        """Withdraw observations."""
        keys = [(one.source, one.id) for one in input.observations]
        actor = input.actor or info.context.caller.name
        try:
            answers = await info.context.graph.revoke(keys, actor)
        except InvalidInput as error:
            return RevocationsPayload(results=[], errors=[Problem.of(error.problem())])
        results = [ObservationRevoked.of(one) if isinstance(one, Revocation) else refused(one) for one in answers]
        return RevocationsPayload(results=results, errors=[])
