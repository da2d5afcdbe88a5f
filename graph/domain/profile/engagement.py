"""How somebody uses to act: when they open mail, how long they take to decide, what they answer to."""

from collections.abc import Mapping, Sequence
from enum import Enum

from msgspec import Struct

from graph.domain.model.dates import DAY
from graph.domain.model.facts import Skimmed
from graph.domain.model.interaction_counts import HOUR, Tally, counts
from graph.domain.model.orders import Order, OrderStatus

LONGEST_DECISION = 90 * DAY
"""A look at an article that lies further back than this did not lead to the order."""


class Churn(Enum):
    """How likely somebody is to be lost, by their own rhythm."""

    NONE = "none"
    WATCH = "watch"
    LIKELY = "likely"


class Campaign(Struct, frozen=True, gc=False):
    """What somebody did with the mails of a campaign."""

    name: str
    sent: int
    opened: int
    clicked: int


class Reaction(Struct, frozen=True, gc=False):
    """How often an appeal (discount, new, a category) was sent or shown to somebody, and clicked."""

    appeal: str
    shown: int
    reacted: int

    @property
    def rate(self) -> float:
        """Clicks by what was sent or shown, at most 1; what was only clicked counts as shown as often."""
        return min(self.reacted / (self.shown or self.reacted), 1.0)


class Habits(Struct, frozen=True, gc=False):
    """Habits; `None` where there is nothing to tell from.

    All interactions count for `did` (how many of each type, most frequent first), `reactions` (those reacted to most
    often first), `opening_hour` (0 to 23 in UTC) and `opening_weekday` (0 for Monday; of several that are as frequent
    the smallest). The newest interactions and orders count for `campaigns` and `decision_hours`: the mean time from
    first looking at an article of an order, or putting it into a cart, to the order, at most 90 days each.
    """

    opening_hour: int | None
    opening_weekday: int | None
    decision_hours: float | None
    campaigns: tuple[Campaign, ...]
    reactions: tuple[Reaction, ...]
    did: Mapping[str, int]


def habits(tally: Tally, orders: Sequence[Order], interactions: Sequence[Skimmed]) -> Habits:
    """The habits by what was counted, and by the newest orders and interactions, both newest first."""
    taken = [time for order in orders if (time := _decision(order, orders, interactions)) is not None]
    return Habits(
        _most_frequent(counts(tally, "hour")),
        _most_frequent(counts(tally, "weekday")),
        round(sum(taken) / len(taken) / HOUR, 2) if taken else None,
        _campaigns(interactions),
        _reactions(tally),
        dict(sorted(counts(tally, "did").items(), key=lambda one: (-one[1], one[0]))),
    )


def _most_frequent(counted: Mapping[str, int]) -> int | None:
    return min((int(name) for name in counted), key=lambda name: (-counted[str(name)], name), default=None)


def _reactions(tally: Tally) -> tuple[Reaction, ...]:
    shown, reacted = counts(tally, "shown"), counts(tally, "reacted")
    found = [Reaction(name, shown.get(name, 0), reacted.get(name, 0)) for name in {**shown, **reacted}]
    return tuple(sorted(found, key=lambda one: (-one.rate, -one.reacted, one.appeal)))


def _decision(order: Order, orders: Sequence[Order], interactions: Sequence[Skimmed]) -> int | None:
    """From the first look at what an order holds, after the order before it that holds the same, to the order."""
    if order.status is OrderStatus.CANCELLED:
        return None
    skus = {line.sku for line in order.lines}
    before = [one.placed_at for one in orders if one.placed_at < order.placed_at and skus & {x.sku for x in one.lines}]
    since = max([order.placed_at - LONGEST_DECISION, *before])
    looks = [
        one.at
        for one in interactions
        if one.type in ("product_view", "cart") and one.sku in skus and since < one.at <= order.placed_at
    ]
    return order.placed_at - min(looks) if looks else None


def _campaigns(interactions: Sequence[Skimmed]) -> tuple[Campaign, ...]:
    by_name: dict[str, dict[str, int]] = {}
    for one in interactions:
        if one.campaign and one.type in ("email_sent", "email_opened", "email_clicked"):
            mine = by_name.setdefault(one.campaign, {})
            mine[one.type] = mine.get(one.type, 0) + 1
    found = [
        Campaign(name, mine.get("email_sent", 0), mine.get("email_opened", 0), mine.get("email_clicked", 0))
        for name, mine in by_name.items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.clicked, -one.opened, one.name)))


SILENT = (1.5, 3.0)
"""Means of the own rhythm after which silence is watched, and is likely to last."""


def churn_moments(last_order_at: int | None, rhythm: float | None) -> list[float]:
    """The moments at which silence alone changes the signal; `rhythm` is the mean time between orders."""
    return [] if last_order_at is None or rhythm is None else [last_order_at + means * rhythm for means in SILENT]


def churn(silence: float | None, last_order_at: int | None, unsubscribed_at: int | None) -> Churn:
    """The signal: silence of 1.5 means of the own rhythm is watched, of 3 it is likely to last.

    Who has unsubscribed since the last order is one step further.
    """
    steps = 0 if silence is None else sum(silence >= means for means in SILENT)
    if unsubscribed_at is not None and (last_order_at is None or unsubscribed_at > last_order_at):
        steps += 1
    return list(Churn)[min(steps, 2)]
