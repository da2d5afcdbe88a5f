"""The mutation that records interactions."""

import strawberry
from strawberry.scalars import JSON

from graph.domain.access.scopes import OBSERVATION_WRITE
from graph.domain.model.errors import InvalidInput, Problem
from graph.domain.profile.interactions import Interaction, InteractionStatement
from schema.operations.identifier_input import IdentifierInput
from schema.operations.observation_inputs import checked_id, pairs
from schema.operations.observations import record_batch
from schema.shared.context import Info
from schema.shared.evidence_tier import STATED_PARTY, STATED_SOURCE, Party, party_of
from schema.shared.required_scopes import requires
from schema.shared.scalars import Timestamp, require_valid
from schema.types.observation import ObservationsPayload


@strawberry.input(description="An interaction with a customer. E.g. a page view, an email or a phone call.")
class InteractionInput:
    """An interaction as a client sends it."""

    source: str = strawberry.field(description=f"The source of the interaction, {STATED_SOURCE} E.g. `web-shop`.")
    identifiers: list[IdentifierInput] = strawberry.field(
        description="1 to 20 identifiers of the customer. The interaction is attached to the one with the strongest "
        "namespace, and all of them are linked."
    )
    type: str = strawberry.field(
        description="The type of the interaction, a name of a-z, 0-9 and _. E.g. `product_viewed`, `email_opened` or "
        "`call`; the reference of interaction types lists the known ones."
    )
    occurred_at: Timestamp = strawberry.field(
        description="When the interaction occurred: not before 1990 and at most 5 minutes in the future."
    )
    id: str | None = strawberry.field(
        default=None,
        description="The id of the interaction at its source, 1 to 200 characters. Without it, the id is a digest of "
        "all fields.",
    )
    party: Party | None = strawberry.field(default=None, description=STATED_PARTY)
    channel: str | None = strawberry.field(
        default=None, description="The channel, up to 60 characters. E.g. `web`, `app`, `email` or `store`."
    )
    device: str | None = strawberry.field(
        default=None, description="The device that was used, up to 200 characters. E.g. `iPhone 15`."
    )
    campaign: str | None = strawberry.field(
        default=None,
        description="The campaign that the interaction belongs to, up to 200 characters. E.g. `spring-sale`.",
    )
    sku: str | None = strawberry.field(
        default=None,
        description="The stock-keeping unit of the product that the interaction is about, up to 100 characters.",
    )
    offer_type: str | None = strawberry.field(
        default=None,
        description="The kind of offer in an email or banner: `discount`, `new`, a category, or any other name of a-z, "
        "0-9 and _. Types that end in `_sent` or `_shown` count as impressions of the offer, types that end in "
        "`_clicked` as clicks.",
    )
    text: str | None = strawberry.field(
        default=None, description="What was said or written, up to 5,000 characters. E.g. the text of a review."
    )
    properties: JSON | None = strawberry.field(
        default=None, description="Further properties, as a JSON object of up to 32,768 characters and 32 levels."
    )

    def to_domain(self, nearest: Party) -> InteractionStatement | Problem:
        """Convert to the domain's value, or return the first problem; `nearest` is the nearest party of the caller."""
        try:
            occurred_at, id = require_valid(self.occurred_at, "occurredAt"), checked_id(self.id)
        except InvalidInput as error:
            return error.problem()
        if not isinstance(self.properties, dict | None):
            return Problem("INVALID_VALUE", "properties is not a JSON object", ("properties",))
        interaction = Interaction(
            self.source,
            self.type,
            occurred_at,
            id,
            self.channel or "",
            self.device or "",
            self.campaign or "",
            self.sku or "",
            self.text or "",
            self.properties or {},
            self.offer_type or "",
        )
        return InteractionStatement(interaction, pairs(self.identifiers), party_of(self.party, nearest))


@strawberry.input(description="The input of `recordInteractions`.")
class RecordInteractionsInput:
    """The input of `recordInteractions`."""

    interactions: list[InteractionInput] = strawberry.field(description="1 to 1,000 interactions.")


@requires(record_interactions=OBSERVATION_WRITE)
@strawberry.type
class InteractionMutations:
    """Mutations of interactions."""

    @strawberry.mutation(
        description="Record interactions. Idempotent by source and id. An interaction also links its identifiers, and "
        "`revokeObservations` revokes it. Types that attributes.toml declares as consent decisions, such as "
        "`unsubscribed`, record the decision too, for the addresses among the identifiers."
    )
    async def record_interactions(self, info: Info, input: RecordInteractionsInput) -> ObservationsPayload:
        """Record interactions."""
        return await record_batch(info, info.context.graph.record_interactions, input.interactions)
