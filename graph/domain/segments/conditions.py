"""What segments are made of: conditions on a customer, each with the moment until which its answer holds by itself.

A condition answers from what is known of a customer now. Some answers change as time passes, with nothing new coming
in: a window moves on, somebody falls asleep, a birthday comes. So each verdict tells the first moment at which it may
be another (too early does no harm), and whoever keeps segments looks again then.
"""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec import Struct

from graph.domain.model.dates import DAY, date_of, day_of, year_of
from graph.domain.model.orders import Order, OrderStatus
from graph.domain.profile.attributes import Chosen
from graph.domain.profile.consents import Channel, Decision, of_customer
from graph.domain.profile.insights import CONSENTS, ORDERS, OUTSIDE, PROFILE, Known
from graph.domain.profile.pages import PageRequest, TimelinePage
from graph.domain.profile.timeline import NO_END, TimelineKind


class Verdict(NamedTuple):
    """Whether a condition holds, and the first moment (microseconds) at which that may change by itself."""

    holds: bool
    until: int = NO_END


def next_moment(moments: Iterable[float], now: int) -> int:
    """The first of some moments that is still to come."""
    return min((math.ceil(one) for one in moments if one > now), default=NO_END)


class Criterion(Struct, frozen=True, gc=False):
    """A condition."""

    relative = False
    """Whether it looks at figures of all customers."""
    by_product = False
    """Whether it looks at what articles are."""

    def pages(self, now: int) -> Iterable[PageRequest]:
        """What of a customer is read for it; `now` in microseconds."""
        return ()

    def judge(self, known: Known) -> Verdict:
        """Whether it holds."""
        raise NotImplementedError


class All(Criterion, frozen=True):
    """All of some conditions, or (`least` 1) any of them."""

    parts: tuple[Criterion, ...]
    least: int

    def pages(self, now: int) -> Iterable[PageRequest]:
        return [page for part in self.parts for page in part.pages(now)]

    def judge(self, known: Known) -> Verdict:
        found = [part.judge(known) for part in self.parts]
        return Verdict(sum(one.holds for one in found) >= self.least, min(one.until for one in found))


class Not(Criterion, frozen=True):
    """The opposite of a condition."""

    part: Criterion

    def pages(self, now: int) -> Iterable[PageRequest]:
        return self.part.pages(now)

    def judge(self, known: Known) -> Verdict:
        found = self.part.judge(known)
        return Verdict(not found.holds, found.until)


def leaves(criterion: Criterion) -> list[Criterion]:
    """The conditions that hold no others."""
    match criterion:
        case All(parts):
            return [leaf for part in parts for leaf in leaves(part)]
        case Not(part):
            return leaves(part)
    return [criterion]


class AttributeIs(Criterion, frozen=True):
    """What the profile shows of an attribute, or (`part`) of an address, meets all that is asked of it.

    Texts are compared without regard to case. `years_at_least` and `years_at_most` are full years since a date,
    `anniversary_within` the days to its next anniversary, 0 on the day itself.
    """

    name: str
    part: str = ""
    present: bool | None = None
    values: tuple[str, ...] = ()
    contains: str = ""
    at_least: str = ""
    at_most: str = ""
    years_at_least: int | None = None
    years_at_most: int | None = None
    anniversary_within: int | None = None

    def pages(self, now: int) -> Iterable[PageRequest]:
        return (PROFILE,)

    def judge(self, known: Known) -> Verdict:
        found = [self._judge(value, known.now) for value in self._shown(known.profile.get(self.name))]
        until = min((one.until for one in found), default=NO_END)
        if self.present is not None:
            return Verdict(bool(found) == self.present, until)
        return Verdict(any(one.holds for one in found), until)

    def _shown(self, chosen: Chosen | None) -> list[str]:
        shown = [one.value for one in chosen.shown] if chosen is not None else []
        return [text for one in shown if (text := one if isinstance(one, str) else one.get(self.part, ""))]

    def _judge(self, value: str, now: int) -> Verdict:
        folded = value.casefold()
        if (self.values and folded not in self.values) or self.contains not in folded:
            return Verdict(False)
        if (self.at_least and _before(value, self.at_least)) or (self.at_most and _before(self.at_most, value)):
            return Verdict(False)
        if self.years_at_least is None and self.years_at_most is None and self.anniversary_within is None:
            return Verdict(True)
        year, month, day = date_of(value)
        bounds: list[int] = []
        holds = True
        if self.years_at_least is not None:
            begins = day_of(year + self.years_at_least, month, day) * DAY
            holds, bounds = holds and now >= begins, [*bounds, begins]
        if self.years_at_most is not None:
            ends = day_of(year + self.years_at_most + 1, month, day) * DAY
            holds, bounds = holds and now < ends, [*bounds, ends]
        if self.anniversary_within is not None:
            this = year_of(now // DAY)
            days = [day_of(one, month, day) for one in (this, this + 1, this + 2)]
            coming = next(one for one in days if one >= now // DAY)
            holds = holds and coming - now // DAY <= self.anniversary_within
            bounds += [(one - self.anniversary_within) * DAY for one in days] + [(one + 1) * DAY for one in days]
        return Verdict(holds, next_moment(bounds, now))


def _before(a: str, b: str) -> bool:
    """Whether one value lies before another: as numbers where both are, else as texts, which dates are good for."""
    try:
        return float(a) < float(b)
    except ValueError:
        return a.casefold() < b.casefold()


class Did(Criterion, frozen=True):
    """Interactions of some kind, at least so many of them, within so many days (`None`: ever)."""

    types: tuple[str, ...] | None = None
    channels: tuple[str, ...] | None = None
    campaign: str | None = None
    sku: str | None = None
    days: int | None = None
    at_least: int = 1

    def _page(self, now: int) -> TimelinePage:
        since = -NO_END if self.days is None else now - self.days * DAY
        kinds = (TimelineKind.INTERACTION,)
        filters = self.channels, self.types, self.campaign, self.sku
        return TimelinePage(self.at_least, None, kinds, *filters, since)

    def pages(self, now: int) -> Iterable[PageRequest]:
        return (self._page(now),)

    def judge(self, known: Known) -> Verdict:
        return _within([moment.place[0] for moment in known.page(self._page(known.now))], self.at_least, self.days)


def _within(newest_first: Sequence[int], at_least: int, days: int | None) -> Verdict:
    """Whether there are enough, and until when: the one that makes them enough leaves the window first."""
    if len(newest_first) < at_least:
        return Verdict(False)
    return Verdict(True, NO_END if days is None else newest_first[at_least - 1] + days * DAY + 1)


class Ordered(Criterion, frozen=True):
    """Orders that hold one of some articles, categories or brands (any order, if none are named).

    At least so many, within so many days (`None`: ever), of the newest 100 that were neither cancelled nor returned.
    """

    skus: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    brands: frozenset[str] = frozenset()
    days: int | None = None
    at_least: int = 1

    @property
    def by_product(self) -> bool:  # type: ignore[override]
        return bool(self.categories or self.brands)

    def pages(self, now: int) -> Iterable[PageRequest]:
        return (ORDERS,)

    def judge(self, known: Known) -> Verdict:
        since = -NO_END if self.days is None else known.now - self.days * DAY
        found = [order.placed_at for order in known.orders if order.placed_at >= since and self._counts(order, known)]
        return _within(found, self.at_least, self.days)

    def _counts(self, order: Order, known: Known) -> bool:
        if order.status in (OrderStatus.CANCELLED, OrderStatus.RETURNED):
            return False
        named = self.skus or self.categories or self.brands
        return not named or any(self._fits(line.sku, known) for line in order.lines)

    def _fits(self, sku: str, known: Known) -> bool:
        product = known.products.get(sku) if self.by_product else None
        return sku in self.skus or (
            product is not None and (product.brand in self.brands or not self.categories.isdisjoint(product.categories))
        )


class ConsentIs(Criterion, frozen=True):
    """The customer's answer for a purpose and a channel is one of some decisions."""

    purpose: str
    channel: Channel | None
    decisions: tuple[Decision, ...]

    def pages(self, now: int) -> Iterable[PageRequest]:
        return (CONSENTS,)

    def judge(self, known: Known) -> Verdict:
        found = of_customer(known.decided, self.purpose, self.channel)
        return Verdict((Decision.NONE if found is None else found.decision) in self.decisions)


class OutsideIs(Criterion, frozen=True):
    """Somebody else (of a name, if one is given) says that it belongs to a segment of theirs."""

    segment: str
    source: str = ""

    def pages(self, now: int) -> Iterable[PageRequest]:
        return (OUTSIDE,)

    def judge(self, known: Known) -> Verdict:
        mine = [one for one in known.outside if one.segment == self.segment and self.source in ("", one.source)]
        return Verdict(
            bool(mine), next_moment([one.expires_at for one in mine if one.expires_at is not None], known.now)
        )


class Holds(Criterion, frozen=True):
    """It holds an identifier of a namespace."""

    namespace: str

    def judge(self, known: Known) -> Verdict:
        return Verdict(known.view.customer.counts.get(self.namespace, 0) > 0)


class IsKnown(Criterion, frozen=True):
    """It is known, or (`known` false) anonymous."""

    known: bool

    def judge(self, known: Known) -> Verdict:
        return Verdict(known.is_known == self.known)
