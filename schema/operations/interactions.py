"""What can be reported of interactions."""

import strawberry
from strawberry.scalars import JSON

from graph.domain.model.errors import InvalidInput, Problem
from graph.domain.profile.interactions import Interaction, InteractionStatement
from schema.operations.identifier_input import IdentifierInput
from schema.operations.observation_inputs import Party, own_id, pairs
from schema.operations.observations import taken_in
from schema.shared.context import Info
from schema.shared.scalars import Timestamp, readable
from schema.types.observation import ObservationsPayload


@strawberry.input(description="Something that a person did, or that was done with them.")
class InteractionInput:
    """An interaction on the way in."""

    source: str = strawberry.field(description="Who reports it: 1 to 100 characters.")
    identifiers: list[IdentifierInput] = strawberry.field(
        description="1 to 20 identifiers it was seen with; it hangs on the strongest and links all of them."
    )
    type: str = strawberry.field(
        description="`page_view`, `product_view`, `search`, `cart`, `checkout_started`, `email_sent`, `email_opened`, "
        "`email_clicked`, `email_bounced`, `email_unsubscribed`, `call`, `chat`, `ticket`, `store_visit`, `return`, "
        "`review`, `login`, or any other name of a-z, 0-9 and _."
    )
    at: Timestamp = strawberry.field(description="When it happened: not before 1995, at most 5 minutes ahead.")
    id: str | None = strawberry.field(
        default=None,
        description="The source's id for it, 1 to 200 characters. Without it the digest of all fields is the id.",
    )
    party: Party = strawberry.field(default=Party.FIRST, description="How near the source is.")
    channel: str | None = strawberry.field(default=None, description="`web`, `app`, `email`, `store`, …; up to 60.")
    device: str | None = strawberry.field(default=None, description="What it was done with, up to 200 characters.")
    campaign: str | None = strawberry.field(default=None, description="The campaign it is part of, up to 200.")
    sku: str | None = strawberry.field(default=None, description="The article it is about, up to 100 characters.")
    appeal: str | None = strawberry.field(
        default=None,
        description="What a mail or a banner appeals with: `discount`, `new`, a category, or any other name of a-z, "
        "0-9 and _. What is `…_sent` or `…_shown` with it counts as shown, `…_clicked` as a reaction.",
    )
    text: str | None = strawberry.field(default=None, description="What was said or written, up to 5,000 characters.")
    properties: JSON | None = strawberry.field(
        default=None, description="A JSON object of anything else, up to 4,000 characters."
    )

    def read(self) -> InteractionStatement | Problem:
        """As the domain's value, or what cannot be read in it."""
        try:
            at, id = readable(self.at, "at"), own_id(self.id)
        except InvalidInput as error:
            return error.problem()
        if not isinstance(self.properties, dict | None):
            return Problem("BAD_VALUE", "properties is no JSON object", ("properties",))
        one = Interaction(
            self.source,
            self.type,
            at,
            id,
            self.channel or "",
            self.device or "",
            self.campaign or "",
            self.sku or "",
            self.text or "",
            self.properties or {},
            self.appeal or "",
        )
        return InteractionStatement(one, pairs(self.identifiers), self.party.tier)


@strawberry.input(description="Interactions to take in.")
class RecordInteractionsInput:
    """The input of `recordInteractions`."""

    interactions: list[InteractionInput] = strawberry.field(description="1 to 1,000 interactions.")


@strawberry.type
class InteractionMutations:
    """What can be reported."""

    @strawberry.mutation(
        description="Take in what people did, and what was done with them. A report is an observation of its "
        "identifiers, known by source and id, and revoked like one."
    )
    async def record_interactions(self, info: Info, input: RecordInteractionsInput) -> ObservationsPayload:
        """Take in interactions."""
        return await taken_in(info, info.context.graph.record_interactions, input.interactions)
