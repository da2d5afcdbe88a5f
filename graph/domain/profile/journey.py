"""The stage of a customer's journey from discovery to the next purchase, by rules that attributes.toml can change.

The stage is the first of these that holds now:

1. *purchase*: an order is placed or paid, and not older than `purchase_days`. Since it was placed.
2. *consideration*: a product was added to a cart or a checkout started since the last order, not longer ago than
   `consideration_days`. Since the first of these interactions.
3. *post_purchase*: an order is not older than `post_purchase_days`. Since it was placed.
4. *discovery*: any other interaction of the customer is not older than `discovery_days`. Since the first interaction
   after the last gap of that length.
5. *lapsed*: none of these. Since the last of them became too old.
"""

from collections.abc import Sequence
from enum import Enum

from msgspec import Struct

from graph.domain.model.dates import DAY
from graph.domain.model.facts import InteractionSummary
from graph.domain.model.interaction_types import OUTBOUND_TYPES
from graph.domain.model.orders import Order, OrderStatus


class JourneyStage(Enum):
    """A stage of the journey."""

    DISCOVERY = "discovery"
    CONSIDERATION = "consideration"
    PURCHASE = "purchase"
    POST_PURCHASE = "post_purchase"
    LAPSED = "lapsed"


class JourneyRules(Struct, frozen=True, gc=False):
    """How long an order or an interaction keeps a customer in a stage, in days."""

    purchase_days: int = 14
    consideration_days: int = 14
    post_purchase_days: int = 30
    discovery_days: int = 30


class Journey(Struct, frozen=True, gc=False):
    """The stage that a customer is in, and since when (microseconds)."""

    stage: JourneyStage
    since: int


_CONSIDERATION_TYPES = frozenset({"product_added", "checkout_started"})


def journey_moments(
    orders: Sequence[Order], interactions: Sequence[InteractionSummary], rules: JourneyRules
) -> list[int]:
    """The moments (microseconds) at which time alone may change the stage; orders and interactions newest first."""
    placed = [order.placed_at for order in orders if order.status is not OrderStatus.CANCELLED]
    own = [interaction for interaction in interactions if interaction.type not in OUTBOUND_TYPES]
    considering = [interaction for interaction in interactions if interaction.type in _CONSIDERATION_TYPES]
    return [
        *(at + rules.purchase_days * DAY for at in placed),
        *(at + rules.post_purchase_days * DAY for at in placed[:1]),
        *(interaction.occurred_at + rules.consideration_days * DAY for interaction in considering[:1]),
        *(interaction.occurred_at + rules.discovery_days * DAY for interaction in own[:1]),
    ]


def journey(
    orders: Sequence[Order], interactions: Sequence[InteractionSummary], rules: JourneyRules, now: int
) -> Journey | None:
    """The stage at `now` (microseconds) by the newest orders and interactions, both newest first.

    `None` without orders and interactions of the customer.
    """
    placed = [order for order in orders if order.status is not OrderStatus.CANCELLED]
    own = [interaction for interaction in interactions if interaction.type not in OUTBOUND_TYPES]
    last_order_at = placed[0].placed_at if placed else None
    open_orders = [order for order in placed if order.status in (OrderStatus.PLACED, OrderStatus.PAID)]
    if open_orders and open_orders[0].placed_at > now - rules.purchase_days * DAY:
        return Journey(JourneyStage.PURCHASE, open_orders[0].placed_at)
    since = max(now - rules.consideration_days * DAY, -1 if last_order_at is None else last_order_at)
    considering = [
        interaction.occurred_at
        for interaction in own
        if interaction.type in _CONSIDERATION_TYPES and interaction.occurred_at > since
    ]
    if considering:
        return Journey(JourneyStage.CONSIDERATION, considering[-1])
    if last_order_at is not None and last_order_at > now - rules.post_purchase_days * DAY:
        return Journey(JourneyStage.POST_PURCHASE, last_order_at)
    max_gap = rules.discovery_days * DAY
    if own and own[0].occurred_at > now - max_gap:
        began = own[0].occurred_at
        for interaction in own[1:]:
            if began - interaction.occurred_at > max_gap:
                break
            began = interaction.occurred_at
        return Journey(JourneyStage.DISCOVERY, began)
    ends = [own[0].occurred_at + max_gap] if own else []
    if last_order_at is not None:
        ends.append(last_order_at + rules.post_purchase_days * DAY)
    return Journey(JourneyStage.LAPSED, max(ends)) if ends else None
