"""Engagement, churn risk and journey of a customer in GraphQL."""

import strawberry

from graph.domain.access.scopes import BEHAVIOR_READ
from graph.domain.profile.engagement import ChurnRisk
from graph.domain.profile.engagement import Engagement as DomainEngagement
from graph.domain.profile.journey import Journey as DomainJourney
from graph.domain.profile.journey import JourneyStage
from schema.shared.enums import describe_enum
from schema.shared.required_scopes import requires
from schema.shared.scalars import Timestamp

describe_enum(
    ChurnRisk,
    "ChurnRisk",
    "The risk that a customer stops ordering, from `overdueRatio` and unsubscriptions.",
    LOW="The last order is less than 1.5 times the customer's usual interval ago, and the customer did not unsubscribe "
    "since.",
    MEDIUM="No order for 1.5 times the usual interval, or unsubscribed since the last order.",
    HIGH="No order for 3 times the usual interval, or for 1.5 times and unsubscribed since the last order.",
)
describe_enum(
    JourneyStage,
    "JourneyStage",
    "The stage of the customer journey. The first stage that applies, in the order PURCHASE, CONSIDERATION, "
    "POST_PURCHASE, DISCOVERY, LAPSED; attributes.toml sets the numbers of days.",
    DISCOVERY="Recent interactions; no recent order, and nothing added to a cart.",
    CONSIDERATION="Added a product to a cart or started a checkout since the last order.",
    PURCHASE="A recent order is placed or paid, and not shipped yet.",
    POST_PURCHASE="A recent order.",
    LAPSED="No recent orders or interactions.",
)


@requires(BEHAVIOR_READ)
@strawberry.type(description="The current stage of the customer journey.")
class Journey:
    """A journey in GraphQL."""

    stage: JourneyStage = strawberry.field(description="The current stage.")
    since: Timestamp = strawberry.field(description="When the stage began.")

    @classmethod
    def of(cls, journey: DomainJourney) -> "Journey":
        """Convert the domain's value."""
        return cls(stage=journey.stage, since=Timestamp(journey.since))


@requires(BEHAVIOR_READ)
@strawberry.type(description="The customer's engagement with the emails of a campaign.")
class CampaignEngagement:
    """Engagement with a campaign in GraphQL."""

    campaign: str = strawberry.field(description="The name of the campaign. E.g. `spring-sale`.")
    sent: int = strawberry.field(description="The number of emails sent.")
    opened: int = strawberry.field(description="The number of emails opened.")
    clicked: int = strawberry.field(description="The number of clicks on links in the emails.")


@requires(BEHAVIOR_READ)
@strawberry.type(description="The customer's response to a kind of offer.")
class OfferResponse:
    """A response to an offer in GraphQL."""

    offer_type: str = strawberry.field(description="The kind of offer. E.g. `discount`.")
    impressions: int = strawberry.field(description="How often such an offer was sent or shown.")
    clicks: int = strawberry.field(description="How often such an offer was clicked.")
    click_rate: float = strawberry.field(description="Clicks divided by impressions, 0 to 1.")


@requires(BEHAVIOR_READ)
@strawberry.type(description="The number of interactions of one type.")
class InteractionCount:
    """A count in GraphQL."""

    type: str = strawberry.field(description="The type of the interactions. E.g. `product_viewed`.")
    count: int = strawberry.field(description="The number of interactions.")


@requires(BEHAVIOR_READ)
@strawberry.type(
    description="How the customer typically engages. `campaigns` and `averageHoursToPurchase` use the newest 500 "
    "interactions and 100 orders; the other fields use all interactions."
)
class Engagement:
    """Engagement in GraphQL."""

    email_open_hour: int | None = strawberry.field(
        description="The hour in which the customer opens most emails, 0 to 23 in UTC. Null without opened emails."
    )
    email_open_weekday: int | None = strawberry.field(
        description="The weekday on which the customer opens most emails, 0 (Monday) to 6 (Sunday) in UTC. Null "
        "without opened emails."
    )
    average_hours_to_purchase: float | None = strawberry.field(
        description="The average number of hours from first viewing a product, or adding it to a cart, to ordering it. "
        "Null if no ordered product was viewed before."
    )
    campaigns: list[CampaignEngagement] = strawberry.field(
        description="Engagement by campaign, the most clicked first."
    )
    offer_responses: list[OfferResponse] = strawberry.field(
        description="Responses by kind of offer, the highest click rate first."
    )
    interaction_counts: list[InteractionCount] = strawberry.field(
        description="The number of interactions by type, highest first."
    )
    unsubscribed_at: Timestamp | None = strawberry.field(
        description="When the customer last unsubscribed or marked an email as spam. Null if the customer never did."
    )
    churn_risk: ChurnRisk = strawberry.field(
        description="The risk that the customer stops ordering. `LOW` if `PROFILING` is in `Customer.withheld`: then "
        "the other fields are empty too, except `unsubscribedAt`."
    )

    @classmethod
    def of(
        cls, engagement: DomainEngagement, churn_risk: ChurnRisk, unsubscribed_at: int | None = None
    ) -> "Engagement":
        """Convert the domain's values."""
        return cls(
            email_open_hour=engagement.email_open_hour,
            email_open_weekday=engagement.email_open_weekday,
            average_hours_to_purchase=engagement.average_hours_to_purchase,
            campaigns=[
                CampaignEngagement(
                    campaign=campaign.name, sent=campaign.sent, opened=campaign.opened, clicked=campaign.clicked
                )
                for campaign in engagement.campaigns
            ],
            offer_responses=[
                OfferResponse(
                    offer_type=response.offer_type,
                    impressions=response.impressions,
                    clicks=response.clicks,
                    click_rate=round(response.click_rate, 4),
                )
                for response in engagement.offer_responses
            ],
            interaction_counts=[
                InteractionCount(type=type, count=count) for type, count in engagement.interaction_counts.items()
            ],
            unsubscribed_at=None if unsubscribed_at is None else Timestamp(unsubscribed_at),
            churn_risk=churn_risk,
        )
