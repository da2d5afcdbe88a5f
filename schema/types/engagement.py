"""How customers act, and where they stand on their journey."""

import strawberry

from graph.domain.profile.engagement import Churn
from graph.domain.profile.engagement import Habits as DomainHabits
from graph.domain.profile.journey import Journey as DomainJourney
from graph.domain.profile.journey import Phase
from schema.shared.enums import described
from schema.shared.scalars import Timestamp

described(
    Churn,
    "ChurnSignal",
    "How likely somebody is to be lost, by the silence against their own rhythm of ordering.",
    NONE="Nothing speaks for it.",
    WATCH="Silent for 1.5 times as long as usual, or unsubscribed since the last order.",
    LIKELY="Silent for 3 times as long as usual, or 1.5 times and unsubscribed.",
)
described(
    Phase,
    "JourneyPhase",
    "Where somebody stands between first looking and buying again; the days are set in attributes.toml.",
    ORIENTATION="They look around.",
    DECISION="A cart or a checkout since the last order.",
    PURCHASE="An order is placed or paid, and on its way.",
    AFTER_SALES="They have what they bought, lately.",
    LAPSED="Nothing of all that any more.",
)


@strawberry.type(description="A phase of the journey.")
class Journey:
    """A journey in GraphQL."""

    phase: Phase = strawberry.field(description="The phase of now.")
    since: Timestamp = strawberry.field(description="Since when.")

    @classmethod
    def of(cls, one: DomainJourney) -> "Journey":
        """From the domain's value."""
        return cls(phase=one.phase, since=Timestamp(one.since))


@strawberry.type(description="What somebody did with the mails of a campaign.")
class CampaignReaction:
    """A reaction in GraphQL."""

    campaign: str = strawberry.field(description="The campaign.")
    sent: int = strawberry.field(description="How many mails were sent.")
    opened: int = strawberry.field(description="How many were opened.")
    clicked: int = strawberry.field(description="How many were clicked.")


@strawberry.type(description="How somebody reacts to an appeal: a discount, something new, a category.")
class AppealReaction:
    """A reaction to an appeal in GraphQL."""

    appeal: str = strawberry.field(description="The appeal, as interactions name it.")
    shown: int = strawberry.field(description="How often it was sent or shown.")
    reacted: int = strawberry.field(description="How often it was clicked.")
    rate: float = strawberry.field(description="Clicks by what was sent or shown, 0 to 1.")


@strawberry.type(description="How many interactions of a type there are.")
class InteractionCount:
    """A count in GraphQL."""

    type: str = strawberry.field(description="The type.")
    count: int = strawberry.field(description="How many.")


@strawberry.type(
    description="How a customer uses to act, by all its interactions; decisions and campaigns by its newest 500 "
    "interactions and 100 orders."
)
class Habits:
    """Habits in GraphQL."""

    opening_hour: int | None = strawberry.field(description="The hour of most opened mails, 0 to 23, in UTC.")
    opening_weekday: int | None = strawberry.field(description="The weekday of most opened mails, 0 for Monday.")
    decision_hours: float | None = strawberry.field(
        description="Mean hours from the first look at an article, or putting it into a cart, to its order."
    )
    campaigns: list[CampaignReaction] = strawberry.field(description="Campaigns, those it clicks most first.")
    reactions: list[AppealReaction] = strawberry.field(description="What it reacts to, most willingly first.")
    interactions: list[InteractionCount] = strawberry.field(description="What it did and was sent, most often first.")
    unsubscribed_at: Timestamp | None = strawberry.field(description="When it unsubscribed last.")
    churn: Churn = strawberry.field(description="How likely it is to be lost.")

    @classmethod
    def of(cls, one: DomainHabits, churn: Churn, unsubscribed_at: int | None = None) -> "Habits":
        """From the domain's value."""
        campaigns = [
            CampaignReaction(campaign=each.name, sent=each.sent, opened=each.opened, clicked=each.clicked)
            for each in one.campaigns
        ]
        return cls(
            opening_hour=one.opening_hour,
            opening_weekday=one.opening_weekday,
            decision_hours=one.decision_hours,
            campaigns=campaigns,
            reactions=[
                AppealReaction(appeal=each.appeal, shown=each.shown, reacted=each.reacted, rate=round(each.rate, 4))
                for each in one.reactions
            ],
            interactions=[InteractionCount(type=type, count=count) for type, count in one.did.items()],
            unsubscribed_at=None if unsubscribed_at is None else Timestamp(unsubscribed_at),
            churn=churn,
        )
