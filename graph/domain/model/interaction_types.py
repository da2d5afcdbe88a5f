"""Interaction types and properties that Kith knows. Any other name is allowed too; a page of the reference lists these.

Names follow Segment's events, in lower case with underscores, if there is one for the interaction.
"""

from msgspec import Struct


class InteractionType(Struct, frozen=True, gc=False):
    """What happened, and what Kith uses it for beyond the timeline, interaction counts and segments.

    `properties` are those that segments can rely on. An `outbound` interaction is the company's and not the customer's
    own: it is no sign of life.
    """

    description: str
    used_for: str = ""
    properties: tuple[str, ...] = ()
    outbound: bool = False


_PRODUCTS = "products viewed and not purchased, average hours to purchase"
_CAMPAIGNS = "engagement with campaigns"
_CONSIDERATION = "journey stage `CONSIDERATION`"
_UNSUBSCRIBED = "withdrawal of consent, time of unsubscribing, churn risk"
_DELIVERABILITY = "deliverability of the address"
_COUPON = ("coupon_id", "coupon_name")
_LIST = ("list_id", "category")
_PROMOTION = ("promotion_id", "name", "position")
_STEP = ("step", "shipping_method", "payment_method")
_DEAL = ("deal_id", "stage", "amount", "currency")
_POINTS = ("points", "balance")
_TICKET = ("ticket_id", "subject", "priority")

INTERACTION_TYPES = {
    # pages and products
    "page_viewed": InteractionType("A page was viewed.", properties=("url", "path", "title", "referrer")),
    "screen_viewed": InteractionType("A screen of an app was viewed.", properties=("title",)),
    "search": InteractionType("Products or pages were searched for.", properties=("query",)),
    "product_list_viewed": InteractionType("A list or category of products was viewed.", properties=_LIST),
    "product_list_filtered": InteractionType("A list of products was filtered or sorted.", properties=_LIST),
    "promotion_viewed": InteractionType("A promotion on a page was viewed.", properties=_PROMOTION),
    "promotion_clicked": InteractionType("A promotion on a page was clicked.", properties=_PROMOTION),
    "product_clicked": InteractionType("A product in a list was clicked.", properties=(*_LIST, "position")),
    "product_viewed": InteractionType("A product was viewed.", _PRODUCTS, ("price", "currency", "category")),
    "product_shared": InteractionType("A product was shared with others.", properties=("share_via",)),
    "product_added_to_wishlist": InteractionType("A product was added to a wishlist.", properties=("wishlist_id",)),
    "product_removed_from_wishlist": InteractionType("A product was removed from a wishlist."),
    # cart and checkout
    "product_added": InteractionType(
        "A product was added to the cart.", f"{_PRODUCTS}, {_CONSIDERATION}", ("cart_id", "quantity", "price")
    ),
    "product_removed": InteractionType("A product was removed from the cart.", properties=("cart_id", "quantity")),
    "cart_viewed": InteractionType("The cart was viewed.", properties=("cart_id",)),
    "coupon_entered": InteractionType("A coupon was entered.", properties=_COUPON),
    "coupon_applied": InteractionType("A coupon was accepted.", properties=(*_COUPON, "discount")),
    "coupon_denied": InteractionType("A coupon was rejected.", properties=(*_COUPON, "reason")),
    "coupon_removed": InteractionType("A coupon was removed again.", properties=_COUPON),
    "checkout_started": InteractionType("A checkout was started.", _CONSIDERATION, ("order_id", "value", "currency")),
    "checkout_step_viewed": InteractionType("A step of the checkout was viewed.", properties=_STEP),
    "checkout_step_completed": InteractionType("A step of the checkout was completed.", properties=_STEP),
    "payment_info_entered": InteractionType("Payment details were entered.", properties=_STEP),
    # email
    "subscribed": InteractionType("The customer subscribed to emails; a consent is recorded as such."),
    "email_sent": InteractionType("An email was sent to the customer.", _CAMPAIGNS, outbound=True),
    "email_delivered": InteractionType(
        "An email was accepted by the customer's mail server.", _DELIVERABILITY, outbound=True
    ),
    "email_deferred": InteractionType(
        "An email was not accepted yet; it is sent again.", properties=("reason",), outbound=True
    ),
    "email_dropped": InteractionType(
        "An email was not sent, because the address is suppressed.", properties=("reason",), outbound=True
    ),
    "email_soft_bounced": InteractionType(
        "An email was refused, but the next one may arrive. E.g. the mailbox was full.",
        properties=("bounce_type", "reason"),
        outbound=True,
    ),
    "email_bounced": InteractionType(
        "An email was refused for good: a hard bounce. E.g. the mailbox does not exist.",
        _DELIVERABILITY,
        ("bounce_type", "reason"),
        outbound=True,
    ),
    "email_opened": InteractionType(
        "An email was opened.", f"{_CAMPAIGNS}, usual hour and weekday of opening, {_DELIVERABILITY}"
    ),
    "email_link_clicked": InteractionType(
        "A link in an email was clicked.", f"{_CAMPAIGNS}, {_DELIVERABILITY}", ("url",)
    ),
    "unsubscribed": InteractionType("The customer unsubscribed from emails.", _UNSUBSCRIBED),
    "email_complained": InteractionType("The customer marked an email as spam.", _UNSUBSCRIBED),
    # accounts, loyalty and reviews
    "group_joined": InteractionType(
        "The customer was named as a member of a company or a group.", properties=("group_id", "group_name")
    ),
    "signed_up": InteractionType("The customer opened an account."),
    "login": InteractionType("The customer logged in."),
    "card_scanned": InteractionType("A loyalty card was scanned.", properties=("store",)),
    "points_earned": InteractionType("Points were credited to a loyalty card.", properties=_POINTS),
    "points_redeemed": InteractionType("Points of a loyalty card were redeemed.", properties=_POINTS),
    "review": InteractionType("A product was reviewed; `text` is what was written.", properties=("rating", "title")),
    # sales and service
    "form_submitted": InteractionType("A form was submitted.", properties=("form_id", "form_name")),
    "lead_created": InteractionType("Somebody became a lead of the sales team.", properties=("lead_id", "lead_source")),
    "deal_stage_changed": InteractionType("A deal entered a stage of its funnel.", properties=_DEAL, outbound=True),
    "call": InteractionType("The customer called, or was called.", properties=("direction", "duration_seconds")),
    "chat": InteractionType("The customer wrote in a chat."),
    "ticket": InteractionType("A service ticket was opened.", properties=_TICKET),
    "ticket_closed": InteractionType("A service ticket was closed.", properties=_TICKET, outbound=True),
    "satisfaction_rated": InteractionType(
        "The customer rated the service; `text` is the comment.", properties=("rating", "ticket_id")
    ),
    "store_visit": InteractionType("The customer visited a store.", properties=("store",)),
    "return": InteractionType("Goods were returned.", properties=("order_id", "quantity", "reason")),
}
"""The types by name."""
OUTBOUND_TYPES = frozenset(name for name, known in INTERACTION_TYPES.items() if known.outbound)
"""Types of interactions that the company starts: they are not the customer's own."""
INTERACTION_PROPERTIES = {
    "utm_source": "Where the visit came from, by the campaign's link. E.g. `google`.",
    "utm_medium": "The medium of the campaign. E.g. `cpc`.",
    "utm_campaign": "The name of the campaign by its link; `campaign` of the interaction has it, too.",
    "utm_term": "The keyword that was paid for.",
    "utm_content": "Which of several links of a campaign was clicked.",
    "gclid": "The click id of Google Ads.",
    "fbclid": "The click id of Meta.",
    "msclkid": "The click id of Microsoft Advertising.",
    "referrer": "The page that linked to this one.",
    "url": "The address of the page, or of the link that was clicked.",
    "path": "The path of the page.",
    "title": "The title of the page or the screen.",
    "search": "The query string of the page.",
    "browser": "The browser. E.g. `Firefox`.",
    "browser_version": "The version of the browser.",
    "os": "The operating system. E.g. `iOS`.",
    "os_version": "The version of the operating system.",
    "device_type": "`desktop`, `mobile`, `tablet`, or another kind of device.",
    "device_model": "The model of the device. E.g. `iPhone15,2`.",
    "screen_width": "The width of the screen, a number of pixels.",
    "screen_height": "The height of the screen, a number of pixels.",
    "language": "The language of the browser or the app, a language tag of BCP 47. E.g. `de-CH`.",
    "timezone": "The time zone of the device. E.g. `Europe/Berlin`.",
    "ip_country": "The country of the network address, as ISO 3166-1 alpha-2 code.",
    "app_name": "The name of the app.",
    "app_version": "The version of the app.",
    "library": "The SDK that sent the interaction. E.g. `analytics.js`.",
}
"""Properties that every source is asked to name alike, so that one segment covers all sources: what each contains.

Each is a text, or a number where it says so.
"""
