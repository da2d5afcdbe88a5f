"""Interactions in GraphQL, and the timeline that they are part of."""

from typing import Annotated, TypeAlias

import strawberry
from strawberry.scalars import JSON

from graph.domain.model.changes import Entry
from graph.domain.model.facts import Told
from graph.domain.profile.interactions import Interaction as DomainInteraction
from graph.domain.profile.timeline import Moment, TimelineKind
from schema.shared.context import Info
from schema.shared.enums import described
from schema.shared.evidence_tier import Tier
from schema.shared.scalars import Timestamp
from schema.types.change import Change
from schema.types.identifier import IdentifierName
from schema.types.order import Order
from schema.types.product import Product

described(
    TimelineKind,
    "TimelineKind",
    "What an item of a timeline is.",
    INTERACTION="Something that a person did, or that was done with them.",
    ORDER="An order, at the time it was placed.",
    CHANGE="Something that happened to the customer in Kith, at the time it was recorded.",
)


@strawberry.type(description="Something that a person did, or that was done with them.")
class Interaction:
    """An interaction in GraphQL."""

    source: str = strawberry.field(description="Who reported it.")
    id: str = strawberry.field(description="Under which id, for its revocation.")
    party: Tier = strawberry.field(description="How near the source is.")
    type: str = strawberry.field(description="What it was, such as `product_view`.")
    at: Timestamp = strawberry.field(description="When.")
    identifier: IdentifierName = strawberry.field(description="The identifier that it hangs on.")
    channel: str | None = strawberry.field(description="Through which channel.")
    device: str | None = strawberry.field(description="On which device.")
    campaign: str | None = strawberry.field(description="Of which campaign.")
    sku: str | None = strawberry.field(description="The article number of the product that it is about.")
    appeal: str | None = strawberry.field(description="What a mail or a banner appealed with.")
    text: str | None = strawberry.field(description="What was said or written.")
    properties: JSON | None = strawberry.field(description="What else the source told.")

    @strawberry.field(description="The product that it is about, where it is known.")
    async def product(self, info: Info) -> Product | None:
        """The product, together with others of the answer."""
        found = None if self.sku is None else await info.context.loaders.products.load(self.sku)
        return None if found is None else Product.of(found)

    @classmethod
    def of(cls, told: Told) -> "Interaction":
        """From the domain's value."""
        one = DomainInteraction.of(told)
        return cls(
            source=one.source,
            id=one.id,
            party=told.tier,
            type=one.type,
            at=Timestamp(one.at),
            identifier=IdentifierName.of(told.key),
            channel=one.channel or None,
            device=one.device or None,
            campaign=one.campaign or None,
            sku=one.sku or None,
            appeal=one.appeal or None,
            text=one.text or None,
            properties=JSON(one.properties) if one.properties else None,
        )


TimelineItem: TypeAlias = Annotated[
    Interaction | Order | Change, strawberry.union("TimelineItem", description="An item of a timeline.")
]


def item(moment: Moment) -> Interaction | Order | Change:
    """An item in GraphQL."""
    what = moment.what
    if isinstance(what, Told):
        return Interaction.of(what)
    if isinstance(what, Entry):
        return Change.of(what)
    return Order.of(*what)
