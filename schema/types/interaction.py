"""Interactions in GraphQL, and the timeline that they are part of."""

from collections.abc import Mapping
from typing import Annotated, TypeAlias

import strawberry
from strawberry.scalars import JSON

from graph.domain.access.scopes import BEHAVIOR_READ, BEHAVIOR_TEXT
from graph.domain.model.changes import Entry
from graph.domain.model.facts import Fact
from graph.domain.profile.interactions import Interaction as DomainInteraction
from graph.domain.profile.timeline import TimelineEntry, TimelineKind
from schema.shared.context import Info
from schema.shared.enums import describe_enum
from schema.shared.evidence_tier import SOURCE_PARTY, Party
from schema.shared.required_scopes import requires
from schema.shared.scalars import Timestamp
from schema.types.change import Change
from schema.types.identifier import IdentifierRef
from schema.types.order import Order
from schema.types.product import Product

describe_enum(
    TimelineKind,
    "TimelineKind",
    "The kind of a timeline item.",
    INTERACTION="An interaction, at the time it occurred.",
    ORDER="An order, at the time it was placed.",
    CHANGE="A change of the customer's identity or segments, at the time it was recorded.",
)


@requires(BEHAVIOR_READ, text=BEHAVIOR_TEXT, properties=BEHAVIOR_TEXT, property_=BEHAVIOR_TEXT)
@strawberry.type(description="An interaction with a customer. E.g. a page view, an email or a phone call.")
class Interaction:
    """An interaction in GraphQL."""

    source: str = strawberry.field(description="The source that reported the interaction. E.g. `web-shop`.")
    id: str = strawberry.field(
        description="The id of the interaction at its source; `revokeObservations` accepts it together with the source."
    )
    party: Party = strawberry.field(description=SOURCE_PARTY)
    type: str = strawberry.field(description="The type of the interaction. E.g. `product_viewed`.")
    occurred_at: Timestamp = strawberry.field(description="When the interaction occurred.")
    identifier: IdentifierRef = strawberry.field(description="The identifier that the interaction is attached to.")
    channel: str | None = strawberry.field(description="The channel. E.g. `web`.")
    device: str | None = strawberry.field(description="The device that was used. E.g. `iPhone 15`.")
    campaign: str | None = strawberry.field(
        description="The campaign that the interaction belongs to. E.g. `spring-sale`."
    )
    sku: str | None = strawberry.field(
        description="The stock-keeping unit of the product that the interaction is about."
    )
    offer_type: str | None = strawberry.field(description="The kind of offer in the email or banner. E.g. `discount`.")
    text: str | None = strawberry.field(description="What was said or written. E.g. the text of a review.")
    properties: JSON | None = strawberry.field(description="Further properties from the source, as a JSON object.")

    @strawberry.field(name="property", description="The value of one of the properties; null if there is none.")
    def property_(
        self,
        name: Annotated[str, strawberry.argument(description="The name of the property. E.g. `utm_source`.")],
    ) -> JSON | None:
        """Return the value of a property."""
        value = self.properties.get(name) if isinstance(self.properties, Mapping) else None
        return None if value is None else JSON(value)

    @strawberry.field(description="The product that the interaction is about. Null if no record of it is stored.")
    async def product(self, info: Info) -> Product | None:
        """Load the product together with others of the response."""
        product = None if self.sku is None else await info.context.loaders.products.load(self.sku)
        return None if product is None else Product.of(product)

    @classmethod
    def of(cls, fact: Fact) -> "Interaction":
        """Convert the domain's value."""
        interaction = DomainInteraction.of(fact)
        return cls(
            source=interaction.source,
            id=interaction.id,
            party=fact.party,
            type=interaction.type,
            occurred_at=Timestamp(interaction.occurred_at),
            identifier=IdentifierRef.of(fact.key),
            channel=interaction.channel or None,
            device=interaction.device or None,
            campaign=interaction.campaign or None,
            sku=interaction.sku or None,
            offer_type=interaction.offer_type or None,
            text=interaction.text or None,
            properties=JSON(interaction.properties) if interaction.properties else None,
        )


TimelineItem: TypeAlias = Annotated[
    Interaction | Order | Change,
    strawberry.union("TimelineItem", description="An item of a customer's timeline."),
]


def item(entry: TimelineEntry) -> Interaction | Order | Change:
    """Return a timeline entry as its GraphQL type."""
    content = entry.content
    if isinstance(content, Fact):
        return Interaction.of(content)
    if isinstance(content, Entry):
        return Change.of(content)
    return Order.of(*content)
