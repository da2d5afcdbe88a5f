"""Where a customer stands between first looking and buying again, by rules that attributes.toml can change.

The first of these that holds, looked at from now:

1. *purchase*: an order is placed or paid, and not older than `purchase_days`; since it was placed.
2. *decision*: a cart or a checkout since the last order, not older than `decision_days`; since the first of them.
3. *after_sales*: an order not older than `after_sales_days`; since it was placed.
4. *orientation*: anything else that the person did, not older than `orientation_days`; since the first of it after the
   last silence of that length.
5. *lapsed*: nothing of all that; since the last of it grew too old.
"""

from collections.abc import Sequence
from enum import Enum

from msgspec import Struct

from graph.domain.model.dates import DAY
from graph.domain.model.facts import Skimmed
from graph.domain.model.orders import Order, OrderStatus


class Phase(Enum):
    """A phase of the journey."""

    ORIENTATION = "orientation"
    DECISION = "decision"
    PURCHASE = "purchase"
    AFTER_SALES = "after_sales"
    LAPSED = "lapsed"


class JourneyRules(Struct, frozen=True, gc=False):
    """How long what somebody did keeps them in a phase, in days."""

    purchase_days: int = 14
    decision_days: int = 14
    after_sales_days: int = 30
    orientation_days: int = 30


class Journey(Struct, frozen=True, gc=False):
    """The phase that somebody is in, and since when (microseconds)."""

    phase: Phase
    since: int


OURS = frozenset({"email_sent", "email_bounced"})
"""What is done to people, and tells nothing of what they do."""
_DECIDING = frozenset({"cart", "checkout_started"})


def moments(orders: Sequence[Order], interactions: Sequence[Skimmed], rules: JourneyRules) -> list[int]:
    """The moments at which time alone may change the phase; both newest first."""
    placed = [order.placed_at for order in orders if order.status is not OrderStatus.CANCELLED]
    did = [one.at for one in interactions if one.type not in OURS]
    found = [at + rules.purchase_days * DAY for at in placed] + [at + rules.after_sales_days * DAY for at in placed[:1]]
    found += [one.at + rules.decision_days * DAY for one in interactions if one.type in _DECIDING][:1]
    return found + [at + rules.orientation_days * DAY for at in did[:1]]


def journey(orders: Sequence[Order], interactions: Sequence[Skimmed], rules: JourneyRules, now: int) -> Journey | None:
    """The phase by the newest orders and interactions, both newest first; `None` where nothing was ever done."""
    placed = [order for order in orders if order.status is not OrderStatus.CANCELLED]
    did = [one for one in interactions if one.type not in OURS]
    last = placed[0].placed_at if placed else None
    open_ = [one for one in placed if one.status in (OrderStatus.PLACED, OrderStatus.PAID)]
    if open_ and open_[0].placed_at > now - rules.purchase_days * DAY:
        return Journey(Phase.PURCHASE, open_[0].placed_at)
    since = max(now - rules.decision_days * DAY, -1 if last is None else last)
    deciding = [one.at for one in did if one.type in _DECIDING and one.at > since]
    if deciding:
        return Journey(Phase.DECISION, deciding[-1])
    if last is not None and last > now - rules.after_sales_days * DAY:
        return Journey(Phase.AFTER_SALES, last)
    quiet = rules.orientation_days * DAY
    if did and did[0].at > now - quiet:
        began = did[0].at
        for one in did[1:]:
            if began - one.at > quiet:
                break
            began = one.at
        return Journey(Phase.ORIENTATION, began)
    ends = [did[0].at + quiet] if did else []
    if last is not None:
        ends.append(last + rules.after_sales_days * DAY)
    return Journey(Phase.LAPSED, max(ends)) if ends else None
