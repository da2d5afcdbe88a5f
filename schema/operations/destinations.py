"""Queries and mutations of destinations, and of what they refused."""

from collections.abc import Awaitable
from typing import Annotated

import strawberry

from graph.commands.audiences import DestinationStatus
from graph.domain.access.masking import original_of
from graph.domain.access.scopes import DESTINATION_MANAGE, DESTINATION_READ
from graph.domain.model.audiences import DeliveryPosition
from graph.domain.model.errors import InvalidInput
from schema.shared.connections import After, Connection, First, connection
from schema.shared.context import Info
from schema.shared.cursors import decode_hidden, encode_hidden, page_size
from schema.shared.problems import Problem
from schema.shared.required_scopes import requires
from schema.types.destination import DeadDeliveriesPayload, DeadDelivery, Destination, DestinationPayload

_NAME = "The name of the destination. E.g. `newsletter-tool`."


@strawberry.input(description="The input of `pauseDestination`.")
class PauseDestinationInput:
    """The input of `pauseDestination`."""

    destination: str = strawberry.field(description=_NAME)


@strawberry.input(description="The input of `resumeDestination`.")
class ResumeDestinationInput:
    """The input of `resumeDestination`."""

    destination: str = strawberry.field(description=_NAME)


@strawberry.input(description="The input of `resyncDestination`.")
class ResyncDestinationInput:
    """The input of `resyncDestination`."""

    destination: str = strawberry.field(description=_NAME)


@strawberry.input(description="The input of `retryDeadDeliveries`.")
class RetryDeadDeliveriesInput:
    """The input of `retryDeadDeliveries`."""

    destination: str = strawberry.field(description=_NAME)
    audience_id: strawberry.ID | None = strawberry.field(
        default=None, description="Only deliveries of this audience. Without it, of all."
    )


@strawberry.input(description="The input of `ignoreDeadDeliveries`.")
class IgnoreDeadDeliveriesInput:
    """The input of `ignoreDeadDeliveries`."""

    destination: str = strawberry.field(description=_NAME)
    audience_id: strawberry.ID | None = strawberry.field(
        default=None, description="Only deliveries of this audience. Without it, of all."
    )


@requires(destinations=DESTINATION_READ, destination=DESTINATION_READ, dead_deliveries=DESTINATION_MANAGE)
@strawberry.type
class DestinationQueries:
    """Queries of destinations."""

    @strawberry.field(
        description="All destinations: those of destinations.toml in its order, then others that something was sent to."
    )
    async def destinations(self, info: Info) -> list[Destination]:
        """Return all destinations."""
        return [Destination.of(status) for status in await info.context.graph.destinations()]

    @strawberry.field(description="The destination with this name. Null if there is none.")
    async def destination(
        self, info: Info, name: Annotated[str, strawberry.argument(description=_NAME)]
    ) -> Destination | None:
        """Return one destination."""
        status = await info.context.graph.destination(name)
        return None if status is None else Destination.of(status)

    @strawberry.field(
        description="What a destination refused for good, by audience and address. It is kept until it is sent again "
        "or ignored, or until the address should have another state."
    )
    async def dead_deliveries(
        self,
        info: Info,
        destination: Annotated[str, strawberry.argument(description=_NAME)],
        audience_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="Only deliveries of this audience.")
        ] = None,
        first: First = 20,
        after: After = None,
    ) -> Connection[DeadDelivery]:
        """Return a page of dead deliveries."""
        graph = info.context.graph
        references = graph.references
        position = None if after is None else DeliveryPosition(*decode_hidden(references, after, str, str))
        audience = None if audience_id is None else str(audience_id)
        page = await graph.dead_deliveries(destination, audience, position, page_size(first))
        result: Connection[DeadDelivery] = connection(
            page,
            DeadDelivery.of,
            lambda shown: encode_hidden(references, shown.delivery.audience, original_of(shown.key)),
            after,
        )
        return result


@requires(
    pause_destination=DESTINATION_MANAGE,
    resume_destination=DESTINATION_MANAGE,
    resync_destination=DESTINATION_MANAGE,
    retry_dead_deliveries=DESTINATION_MANAGE,
    ignore_dead_deliveries=DESTINATION_MANAGE,
)
@strawberry.type
class DestinationMutations:
    """Mutations of destinations."""

    @strawberry.mutation(
        description="Send nothing to a destination until it is resumed. What is owed stays owed, removals too."
    )
    async def pause_destination(self, info: Info, input: PauseDestinationInput) -> DestinationPayload:
        """Pause a destination."""
        return await _payload(info.context.graph.pause_destination(input.destination))

    @strawberry.mutation(description="Send to a destination again.")
    async def resume_destination(self, info: Info, input: ResumeDestinationInput) -> DestinationPayload:
        """Resume a destination."""
        return await _payload(info.context.graph.resume_destination(input.destination))

    @strawberry.mutation(
        description="Send everything to a destination again, whatever it was sent before: after its content was lost "
        "or changed there, or after an older backup was restored here."
    )
    async def resync_destination(self, info: Info, input: ResyncDestinationInput) -> DestinationPayload:
        """Send everything to a destination again."""
        return await _payload(info.context.graph.resync_destination(input.destination))

    @strawberry.mutation(description="Send what a destination refused for good again: see `deadDeliveries`.")
    async def retry_dead_deliveries(self, info: Info, input: RetryDeadDeliveriesInput) -> DeadDeliveriesPayload:
        """Send dead deliveries again."""
        return await _counted(info.context.graph.retry_dead_deliveries(input.destination, _audience(input.audience_id)))

    @strawberry.mutation(
        description="Do nothing more about what a destination refused for good: see `deadDeliveries`. An address that "
        "should have been removed counts as removed."
    )
    async def ignore_dead_deliveries(self, info: Info, input: IgnoreDeadDeliveriesInput) -> DeadDeliveriesPayload:
        """Ignore dead deliveries."""
        graph = info.context.graph
        return await _counted(graph.ignore_dead_deliveries(input.destination, _audience(input.audience_id)))


def _audience(id: strawberry.ID | None) -> str | None:
    return None if id is None else str(id)


async def _payload(result: Awaitable[DestinationStatus]) -> DestinationPayload:
    try:
        return DestinationPayload(destination=Destination.of(await result), errors=[])
    except InvalidInput as error:
        return DestinationPayload(destination=None, errors=[Problem.of(error.problem())])


async def _counted(result: Awaitable[int]) -> DeadDeliveriesPayload:
    try:
        return DeadDeliveriesPayload(count=await result, errors=[])
    except InvalidInput as error:
        return DeadDeliveriesPayload(count=0, errors=[Problem.of(error.problem())])
