"""Destinations, audiences and what destinations refused, in GraphQL."""

import strawberry

from graph.commands.audiences import AudiencePreview as DomainPreview
from graph.commands.audiences import DestinationStatus
from graph.domain.access.scopes import AUDIENCE_WRITE, DESTINATION_MANAGE, DESTINATION_READ
from graph.domain.model.audiences import Audience as DomainAudience
from graph.domain.model.audiences import AudienceProgress, DestinationHealth
from graph.viewer_audiences import ShownDelivery
from schema.shared.channels import Channel
from schema.shared.context import Info
from schema.shared.enums import describe_enum
from schema.shared.problems import Problem
from schema.shared.required_scopes import requires
from schema.shared.scalars import Timestamp
from schema.types.identifier import IdentifierRef
from schema.types.segment import Segment

_ROUNDED = (
    "For callers that work with numbers and not with people, it is rounded, and null if it is below the minimum count "
    "of the service."
)

describe_enum(
    DestinationHealth,
    "DestinationStatus",
    "Whether a destination is sent to.",
    ACTIVE="What is owed is sent.",
    PAUSED="Somebody has paused it. What is owed stays owed.",
    FAILING="It takes nothing now, or cannot be reached. It is tried again.",
    LOGIN_REQUIRED="It refuses the credentials, which an operator has to renew.",
    NOT_CONFIGURED="destinations.toml does not name it, but something was sent to it. Nothing is sent now.",
)
describe_enum(
    AudienceProgress,
    "AudienceStatus",
    "How far an audience has come.",
    FILLING="Not all members of the segment have been decided about yet.",
    ACTIVE="All members have been decided about, and the audience follows what changes.",
    ENDING="Its addresses are being removed from the destination, after which the audience is gone.",
)


@requires(DESTINATION_READ)
@strawberry.type(description="What is sent beside each address of an audience.")
class AudienceField:
    """A field of an audience in GraphQL."""

    name: str = strawberry.field(description="The name of the field at the destination. E.g. `FNAME`.")
    attribute: str = strawberry.field(
        description="The attribute of the customer, or a part of one, or a number of its orders. E.g. `given_name`, "
        "`address.city`, `order_count`."
    )


@requires(DESTINATION_READ)
@strawberry.type(
    description="The members of a segment whose addresses are sent to a destination. An address is in the audience "
    "while its customer is a member and consent for the purpose through the channel holds for the address."
)
class Audience:
    """An audience in GraphQL."""

    domain: strawberry.Private[DomainAudience]
    id: strawberry.ID = strawberry.field(description="The id: opaque, stable and never reused. E.g. `aud_…`.")
    segment_id: strawberry.ID = strawberry.field(description="The id of the segment.")
    destination: str = strawberry.field(description="The name of the destination. E.g. `newsletter-tool`.")
    purpose: str = strawberry.field(description="The purpose that consent is required for. E.g. `newsletter`.")
    channel: Channel = strawberry.field(description="The channel that consent is required for. E.g. `EMAIL`.")
    namespaces: list[str] = strawberry.field(
        description='The namespaces of the identifiers that are sent. E.g. `["email"]`.'
    )
    external_id: str | None = strawberry.field(
        description="The id of the list at the destination. Null where it has none."
    )
    fields: list[AudienceField] = strawberry.field(description="What is sent beside each address.")
    ttl_days: int | None = strawberry.field(
        description="After how many days the destination forgets an address that is not sent again. Null for never."
    )
    created_at: Timestamp = strawberry.field(description="When the audience was created.")
    created_by: str = strawberry.field(description="The API client that created the audience.")

    @classmethod
    def of(cls, audience: DomainAudience) -> "Audience":
        """Convert the domain's value."""
        return cls(
            domain=audience,
            id=strawberry.ID(audience.id),
            segment_id=strawberry.ID(audience.segment),
            destination=audience.destination,
            purpose=audience.purpose,
            channel=Channel(audience.channel),
            namespaces=list(audience.namespaces),
            external_id=audience.external_id or None,
            fields=[AudienceField(name=name, attribute=attribute) for name, attribute in audience.fields.items()],
            ttl_days=audience.ttl_days,
            created_at=Timestamp(audience.created_at),
            created_by=audience.created_by,
        )

    @strawberry.field(
        description="The segment. Null if it was deleted, or if the caller may not read segments; the audience of a "
        "deleted segment is ending."
    )
    async def segment(self, info: Info) -> Segment | None:
        """Return the segment."""
        segment = await info.context.graph.segment(self.domain.segment)
        return None if segment is None else Segment.of(segment)

    @strawberry.field(description="How far the audience has come.")
    async def status(self, info: Info) -> AudienceProgress:
        """Return how far the audience has come."""
        return await info.context.graph.audience_progress(self.domain)

    @strawberry.field(description=f"How many addresses the destination holds. {_ROUNDED}")
    async def sent_count(self, info: Info) -> int | None:
        """Count the addresses that the destination holds."""
        return (await info.context.loaders.audience_numbers.load(self.domain)).sent

    @strawberry.field(description=f"How many additions, changes and removals are to be sent. {_ROUNDED}")
    async def owed_count(self, info: Info) -> int | None:
        """Count what is to be sent."""
        return (await info.context.loaders.audience_numbers.load(self.domain)).owed

    @strawberry.field(
        description=f"How many the destination has taken, and will say later what became of them. {_ROUNDED}"
    )
    async def pending_count(self, info: Info) -> int | None:
        """Count what the destination has not confirmed."""
        return (await info.context.loaders.audience_numbers.load(self.domain)).pending

    @strawberry.field(description=f"How many the destination refused for good: see `deadDeliveries`. {_ROUNDED}")
    async def dead_count(self, info: Info) -> int | None:
        """Count what the destination refused."""
        return (await info.context.loaders.audience_numbers.load(self.domain)).dead


@requires(DESTINATION_READ, dead_change_count=DESTINATION_MANAGE)
@strawberry.type(
    description="A system that audiences are sent to, or changes. The operator of the service declares it in "
    "destinations.toml, with its address and its secrets."
)
class Destination:
    """A destination in GraphQL."""

    domain: strawberry.Private[DestinationStatus]
    name: str = strawberry.field(description="The unique name. E.g. `newsletter-tool`.")
    type: str | None = strawberry.field(
        description="The type of the system. Null for `NOT_CONFIGURED`. E.g. `webhook`."
    )
    status: DestinationHealth = strawberry.field(description="Whether it is sent to.")
    problem: str | None = strawberry.field(
        description="Why nothing can be sent now, as the destination says. Null if it can."
    )
    problem_since: Timestamp | None = strawberry.field(description="Since when. Null without a problem.")
    last_sent_at: Timestamp | None = strawberry.field(
        description="When the destination took something last. Null before the first time."
    )
    resyncing: bool = strawberry.field(
        description="Whether everything is being marked to be sent again: see `resyncDestination`."
    )
    changes: bool = strawberry.field(description="Whether the destination is sent the entries of the change feed.")

    @classmethod
    def of(cls, status: DestinationStatus) -> "Destination":
        """Convert the domain's value."""
        state = status.state
        return cls(
            domain=status,
            name=status.info.name,
            type=status.info.type or None,
            status=status.health,
            problem=state.problem or None,
            problem_since=None if state.problem_since is None else Timestamp(state.problem_since),
            last_sent_at=None if state.last_sent_at is None else Timestamp(state.last_sent_at),
            resyncing=status.resyncing,
            changes=status.info.changes,
        )

    @strawberry.field(description=f"How many additions, changes and removals are to be sent. {_ROUNDED}")
    async def owed_count(self, info: Info) -> int | None:
        """Count what is to be sent."""
        return (await info.context.graph.destination_numbers(self.domain)).owed

    @strawberry.field(
        description=f"How many the destination has taken, and will say later what became of them. {_ROUNDED}"
    )
    async def pending_count(self, info: Info) -> int | None:
        """Count what the destination has not confirmed."""
        return (await info.context.graph.destination_numbers(self.domain)).pending

    @strawberry.field(description=f"How many the destination refused for good: see `deadDeliveries`. {_ROUNDED}")
    async def dead_count(self, info: Info) -> int | None:
        """Count what the destination refused."""
        return (await info.context.graph.destination_numbers(self.domain)).dead

    @strawberry.field(
        description=f"How many of those that are owed, pending or dead are removals: addresses that the destination "
        f"should no longer hold. {_ROUNDED}"
    )
    async def removal_count(self, info: Info) -> int | None:
        """Count the removals that the destination has not carried out."""
        return (await info.context.graph.destination_numbers(self.domain)).removals

    @strawberry.field(
        description="Since when the oldest addition, change or removal that is owed waits. Null if nothing is owed, "
        "and with `owedCount`."
    )
    async def oldest_owed_at(self, info: Info) -> Timestamp | None:
        """Return since when something is owed."""
        at = (await info.context.graph.destination_numbers(self.domain)).oldest_owed
        return None if at is None else Timestamp(at)

    @strawberry.field(
        description="How many entries of the change feed the destination refused for good. `retryDeadDeliveries` and "
        "`ignoreDeadDeliveries` without an audience decide about them, too. 0 for destinations of audiences only."
    )
    async def dead_change_count(self, info: Info) -> int:
        """Count the changes that the destination refused."""
        return len(await info.context.graph.dead_changes(self.name)) if self.changes else 0

    @strawberry.field(description="The audiences that are sent to the destination, by id.")
    async def audiences(self, info: Info) -> list[Audience]:
        """Return the audiences."""
        audiences = await info.context.graph.audiences()
        return [Audience.of(audience) for audience in audiences if audience.destination == self.name]


@requires(DESTINATION_MANAGE)
@strawberry.type(description="An addition, change or removal of an address that a destination refused for good.")
class DeadDelivery:
    """A dead delivery in GraphQL."""

    audience_id: strawberry.ID = strawberry.field(description="The id of the audience. E.g. `aud_…`.")
    identifier: IdentifierRef = strawberry.field(
        description="The address, masked for callers that do not see addresses."
    )
    is_removal: bool = strawberry.field(
        description="Whether the address should be removed: the destination may still hold it."
    )
    answer: str = strawberry.field(description="What the destination answered. E.g. `400: invalid address`.")
    attempts: int = strawberry.field(description="How often it was sent.")
    changed_at: Timestamp = strawberry.field(description="Since when the destination should have the state.")

    @classmethod
    def of(cls, shown: ShownDelivery) -> "DeadDelivery":
        """Convert the domain's value."""
        delivery = shown.delivery
        return cls(
            audience_id=strawberry.ID(delivery.audience),
            identifier=IdentifierRef.of(shown.key),
            is_removal=delivery.is_removal,
            answer=shown.answer,
            attempts=delivery.attempts,
            changed_at=Timestamp(delivery.changed_at),
        )


@requires(AUDIENCE_WRITE)
@strawberry.type(
    description="How many addresses an audience would have. A preview changes no data. For callers that work with "
    "numbers and not with people, numbers are rounded, and null if they would be about too few customers."
)
class AudiencePreview:
    """A preview in GraphQL."""

    member_count: int | None = strawberry.field(description="The number of recorded members of the segment.")
    reached_count: int | None = strawberry.field(
        description="How many members would be reached: they have an address of which consent holds. Of the evaluated "
        "members, unless `complete`."
    )
    address_count: int | None = strawberry.field(
        description="How many addresses would be sent. Of the evaluated members, unless `complete`."
    )
    complete: bool = strawberry.field(
        description="Whether all members were evaluated. A preview stops after 5 seconds."
    )

    @classmethod
    def of(cls, preview: DomainPreview) -> "AudiencePreview":
        """Convert the domain's value."""
        return cls(
            member_count=preview.members,
            reached_count=preview.reached,
            address_count=preview.addresses,
            complete=preview.complete,
        )


@requires(AUDIENCE_WRITE)
@strawberry.type(description="The result of `createAudience` or `endAudience`.")
class AudiencePayload:
    """The payload of mutations of audiences."""

    audience: Audience | None = strawberry.field(description="The audience. Null if `errors` is not empty.")
    errors: list[Problem] = strawberry.field(description="The problems of the request. Empty if it succeeded.")


@requires(DESTINATION_MANAGE)
@strawberry.type(description="The result of a mutation of a destination.")
class DestinationPayload:
    """The payload of mutations of destinations."""

    destination: Destination | None = strawberry.field(description="The destination. Null if `errors` is not empty.")
    errors: list[Problem] = strawberry.field(description="The problems of the request. Empty if it succeeded.")


@requires(DESTINATION_MANAGE)
@strawberry.type(description="The result of `retryDeadDeliveries` or `ignoreDeadDeliveries`.")
class DeadDeliveriesPayload:
    """The payload of decisions about what a destination refused."""

    count: int = strawberry.field(description="How many deliveries were dead, and are no longer.")
    errors: list[Problem] = strawberry.field(description="The problems of the request. Empty if it succeeded.")
