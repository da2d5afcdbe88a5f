"""Interaction types that Kith knows. Any other name is allowed too; `docs/reference/interaction-types.md` lists these.

Names follow Segment's e-commerce events, in lower case, if there is one for the interaction.
"""

from msgspec import Struct


class InteractionType(Struct, frozen=True, gc=False):
    """What happened, and what Kith uses it for beyond the timeline, interaction counts and segments."""

    description: str
    used_for: str = ""


_PRODUCTS = "products viewed and not purchased, average hours to purchase"
_CAMPAIGNS = "engagement with campaigns"
_CONSIDERATION = "journey stage `CONSIDERATION`"
_UNSUBSCRIBED = "withdrawal of consent, time of unsubscribing, churn risk"
_OUTBOUND = "not an activity in the journey"

INTERACTION_TYPES = {
    "page_viewed": InteractionType("A page was viewed."),
    "product_viewed": InteractionType("A product was viewed.", _PRODUCTS),
    "search": InteractionType("Products or pages were searched for."),
    "product_added": InteractionType("A product was added to the cart.", f"{_PRODUCTS}, {_CONSIDERATION}"),
    "checkout_started": InteractionType("A checkout was started.", _CONSIDERATION),
    "email_sent": InteractionType("An email was sent to the customer.", f"{_CAMPAIGNS}; {_OUTBOUND}"),
    "email_opened": InteractionType("An email was opened.", f"{_CAMPAIGNS}, usual hour and weekday of opening"),
    "email_link_clicked": InteractionType("A link in an email was clicked.", _CAMPAIGNS),
    "email_bounced": InteractionType("An email could not be delivered.", _OUTBOUND),
    "unsubscribed": InteractionType("The customer unsubscribed from emails.", _UNSUBSCRIBED),
    "email_complained": InteractionType("The customer marked an email as spam.", _UNSUBSCRIBED),
    "call": InteractionType("The customer called, or was called."),
    "chat": InteractionType("The customer wrote in a chat."),
    "ticket": InteractionType("A service ticket was opened."),
    "store_visit": InteractionType("The customer visited a store."),
    "return": InteractionType("Goods were returned."),
    "review": InteractionType("A product was reviewed."),
    "login": InteractionType("The customer logged in."),
}
"""The types by name."""
