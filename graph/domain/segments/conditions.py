"""Conditions of segment rules on a customer. Each result has the moment until which it is valid without new data.

Some results change as time passes: an interaction leaves a window, a customer becomes inactive, a birthday is reached.
So each result has the first moment at which it may change (too early does no harm), and the segment worker evaluates
the customer again then.
"""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec import Struct

from graph.domain.model.categories import with_ancestors
from graph.domain.model.dates import DAY, day_of, parse_date, year_of
from graph.domain.model.orders import Order, OrderStatus
from graph.domain.model.products import Product, attribute_texts
from graph.domain.profile.attributes import ProfileAttribute
from graph.domain.profile.consents import Decision, decision_of_customer
from graph.domain.profile.insights import CONSENTS, EXTERNAL_SEGMENTS, ORDERS, PROFILE, CustomerInsights
from graph.domain.profile.pages import EmailEventPage, IdentifierPage, PageRequest, TimelinePage
from graph.domain.profile.property_filters import PropertyFilter
from graph.domain.profile.timeline import NO_END, TimelineKind


class ConditionResult(NamedTuple):
    """Whether a condition holds, and the first moment (microseconds) at which time alone may change that."""

    holds: bool
    until: int = NO_END


def next_moment(moments: Iterable[float], now: int) -> int:
    """The first moment after `now`, rounded up to microseconds; `NO_END` if there is none."""
    return min((math.ceil(moment) for moment in moments if moment > now), default=NO_END)


class Condition(Struct, frozen=True, gc=False):
    """A condition on a customer."""

    needs_statistics = False
    """Whether the condition needs statistics of all customers."""
    needs_products = False
    """Whether the condition needs the products of orders."""

    def pages(self, now: int) -> Iterable[PageRequest]:
        """The pages of a customer that the condition needs; `now` in microseconds."""
        return ()

    def evaluate(self, insights: CustomerInsights) -> ConditionResult:
        """Whether the condition holds, and until when."""
        raise NotImplementedError


class CombinedCondition(Condition, frozen=True):
    """At least `min_matches` of the conditions hold: all of them, or any."""

    parts: tuple[Condition, ...]
    min_matches: int

    def pages(self, now: int) -> Iterable[PageRequest]:
        return [page for part in self.parts for page in part.pages(now)]

    def evaluate(self, insights: CustomerInsights) -> ConditionResult:
        results = [part.evaluate(insights) for part in self.parts]
        matches = sum(result.holds for result in results)
        return ConditionResult(matches >= self.min_matches, min(result.until for result in results))


class NotCondition(Condition, frozen=True):
    """A condition does not hold."""

    part: Condition

    def pages(self, now: int) -> Iterable[PageRequest]:
        return self.part.pages(now)

    def evaluate(self, insights: CustomerInsights) -> ConditionResult:
        result = self.part.evaluate(insights)
        return ConditionResult(not result.holds, result.until)


def leaf_conditions(condition: Condition) -> list[Condition]:
    """The conditions without parts in a condition."""
    match condition:
        case CombinedCondition(parts):
            return [leaf for part in parts for leaf in leaf_conditions(part)]
        case NotCondition(part):
            return leaf_conditions(part)
    return [condition]


def holding_parts(condition: Condition, insights: CustomerInsights) -> list[bool]:
    """Whether a condition holds, and after it whether each of its parts holds, at any depth."""
    match condition:
        case CombinedCondition(parts, min_matches):
            held = [holding_parts(part, insights) for part in parts]
            matches = sum(part[0] for part in held)
            return [matches >= min_matches, *(holds for part in held for holds in part)]
        case NotCondition(part):
            below = holding_parts(part, insights)
            return [not below[0], *below]
    return [condition.evaluate(insights).holds]


class AttributeCondition(Condition, frozen=True):
    """A value that the profile shows of an attribute, or of an address's `part`, meets all given criteria.

    Texts are compared case-insensitively. `min_years` and `max_years` are full years since a date,
    `anniversary_within_days` the days until its next anniversary, 0 on the day itself.
    """

    name: str
    part: str = ""
    exists: bool | None = None
    values: tuple[str, ...] = ()
    contains: str = ""
    min: str = ""
    max: str = ""
    min_years: int | None = None
    max_years: int | None = None
    anniversary_within_days: int | None = None

    def pages(self, now: int) -> Iterable[PageRequest]:
        return (PROFILE,)

    def evaluate(self, insights: CustomerInsights) -> ConditionResult:
        values = self._profile_values(insights.profile.get(self.name))
        results = [self._evaluate_value(value, insights.now) for value in values]
        until = min((result.until for result in results), default=NO_END)
        if self.exists is not None:
            return ConditionResult(bool(results) == self.exists, until)
        return ConditionResult(any(result.holds for result in results), until)

    def _profile_values(self, attribute: ProfileAttribute | None) -> list[str]:
        values = [reported.value for reported in attribute.chosen] if attribute is not None else []
        return [text for value in values if (text := value if isinstance(value, str) else value.get(self.part, ""))]

    def _evaluate_value(self, value: str, now: int) -> ConditionResult:
        folded = value.casefold()
        if (self.values and folded not in self.values) or self.contains not in folded:
            return ConditionResult(False)
        if (self.min and _less_than(value, self.min)) or (self.max and _less_than(self.max, value)):
            return ConditionResult(False)
        if self.min_years is None and self.max_years is None and self.anniversary_within_days is None:
            return ConditionResult(True)
        year, month, day = parse_date(value)
        bounds: list[int] = []
        holds = True
        if self.min_years is not None:
            begins = day_of(year + self.min_years, month, day) * DAY
            holds, bounds = holds and now >= begins, [*bounds, begins]
        if self.max_years is not None:
            ends = day_of(year + self.max_years + 1, month, day) * DAY
            holds, bounds = holds and now < ends, [*bounds, ends]
        if self.anniversary_within_days is not None:
            today = now // DAY
            this_year = year_of(today)
            anniversaries = [day_of(this_year + years, month, day) for years in range(3)]
            next_anniversary = next(anniversary for anniversary in anniversaries if anniversary >= today)
            holds = holds and next_anniversary - today <= self.anniversary_within_days
            bounds += [(anniversary - self.anniversary_within_days) * DAY for anniversary in anniversaries]
            bounds += [(anniversary + 1) * DAY for anniversary in anniversaries]
        return ConditionResult(holds, next_moment(bounds, now))


def _less_than(a: str, b: str) -> bool:
    """Whether `a` is less than `b`: as numbers if both are, else as texts, which sorts dates too."""
    try:
        return float(a) < float(b)
    except ValueError:
        return a.casefold() < b.casefold()


class InteractionCondition(Condition, frozen=True):
    """There are at least `min_count` matching interactions, within the last `within_days` (`None`: at any time).

    An interaction matches if it meets each of `properties`, and the other criteria.
    """

    types: tuple[str, ...] | None = None
    channels: tuple[str, ...] | None = None
    campaign: str | None = None
    sku: str | None = None
    within_days: int | None = None
    min_count: int = 1
    properties: tuple[PropertyFilter, ...] = ()

    def _page(self, now: int) -> TimelinePage:
        since = -NO_END if self.within_days is None else now - self.within_days * DAY
        kinds = (TimelineKind.INTERACTION,)
        filters = self.channels, self.types, self.campaign, self.sku
        return TimelinePage(self.min_count, None, kinds, *filters, since, properties=self.properties)

    def pages(self, now: int) -> Iterable[PageRequest]:
        return (self._page(now),)

    def evaluate(self, insights: CustomerInsights) -> ConditionResult:
        times = [entry.position[0] for entry in insights.page(self._page(insights.now))]
        return _enough(times, self.min_count, self.within_days)


def _enough(newest_first: Sequence[int], min_count: int, within_days: int | None) -> ConditionResult:
    """Whether there are enough times, and until when: the oldest that is needed leaves the window first."""
    if len(newest_first) < min_count:
        return ConditionResult(False)
    return ConditionResult(True, NO_END if within_days is None else newest_first[min_count - 1] + within_days * DAY + 1)


class ProductAttributeCondition(Struct, frozen=True, gc=False):
    """A product has an attribute with one of some values, which are case-folded."""

    name: str
    values: frozenset[str]

    def matches(self, product: Product) -> bool:
        """Whether a product matches."""
        value = product.attributes.get(self.name)
        return value is not None and any(text.casefold() in self.values for text in attribute_texts(value))


class OrderCondition(Condition, frozen=True):
    """There are at least `min_count` orders of one of the products, categories or brands (if none is given: any).

    A product matches a category if it is in it or in one below it, and it must have all of the attributes. Considered
    are those of the newest 100 orders, within the last `within_days` (`None`: at any time), that were neither canceled
    nor returned.
    """

    skus: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    brands: frozenset[str] = frozenset()
    within_days: int | None = None
    min_count: int = 1
    product_attributes: tuple[ProductAttributeCondition, ...] = ()

    @property
    def needs_products(self) -> bool:  # type: ignore[override]
        return bool(self.categories or self.brands or self.product_attributes)

    def pages(self, now: int) -> Iterable[PageRequest]:
        return (ORDERS,)

    def evaluate(self, insights: CustomerInsights) -> ConditionResult:
        since = -NO_END if self.within_days is None else insights.now - self.within_days * DAY
        times = [
            order.placed_at for order in insights.orders if order.placed_at >= since and self._matches(order, insights)
        ]
        return _enough(times, self.min_count, self.within_days)

    def _matches(self, order: Order, insights: CustomerInsights) -> bool:
        if order.status in (OrderStatus.CANCELLED, OrderStatus.RETURNED):
            return False
        has_criteria = self.skus or self.needs_products
        return not has_criteria or any(self._matches_sku(sku, insights) for sku in order.purchased_skus)

    def _matches_sku(self, sku: str, insights: CustomerInsights) -> bool:
        product = insights.products.get(sku) if self.needs_products else None
        if self.product_attributes and (
            product is None or not all(condition.matches(product) for condition in self.product_attributes)
        ):
            return False
        if sku in self.skus or not (self.skus or self.categories or self.brands):
            return True
        return product is not None and (
            product.brand in self.brands or not self.categories.isdisjoint(with_ancestors(product.categories))
        )


class ConsentCondition(Condition, frozen=True):
    """The customer's decision in effect for a purpose and a channel (or `EVERY_CHANNEL`) is one of `decisions`."""

    purpose: str
    channel: str
    decisions: tuple[Decision, ...]

    def pages(self, now: int) -> Iterable[PageRequest]:
        return (CONSENTS,)

    def evaluate(self, insights: CustomerInsights) -> ConditionResult:
        recorded = decision_of_customer(insights.decisions, self.purpose, self.channel)
        return ConditionResult((Decision.NONE if recorded is None else recorded.decision) in self.decisions)


class ContactableCondition(Condition, frozen=True):
    """At least one of the addresses of a channel may be contacted for a purpose."""

    purpose: str
    channel: str
    addresses: IdentifierPage
    events: EmailEventPage

    def pages(self, now: int) -> Iterable[PageRequest]:
        return self.addresses, self.events, CONSENTS

    def evaluate(self, insights: CustomerInsights) -> ConditionResult:
        return ConditionResult(bool(insights.contactable(self.addresses, self.purpose, self.channel)))


class ExternalSegmentCondition(Condition, frozen=True):
    """The customer is in an external segment, by the statement of `source` (if given; else of any source)."""

    segment: str
    source: str = ""

    def pages(self, now: int) -> Iterable[PageRequest]:
        return (EXTERNAL_SEGMENTS,)

    def evaluate(self, insights: CustomerInsights) -> ConditionResult:
        matches = [
            external
            for external in insights.external_segments
            if external.segment == self.segment and self.source in ("", external.source)
        ]
        ends = [external.expires_at for external in matches if external.expires_at is not None]
        return ConditionResult(bool(matches), next_moment(ends, insights.now))


class NamespaceCondition(Condition, frozen=True):
    """The customer holds an identifier of a namespace."""

    namespace: str

    def evaluate(self, insights: CustomerInsights) -> ConditionResult:
        return ConditionResult(insights.view.customer.counts.get(self.namespace, 0) > 0)


class KnownCondition(Condition, frozen=True):
    """The customer is known, or (`is_known` false) anonymous."""

    is_known: bool

    def evaluate(self, insights: CustomerInsights) -> ConditionResult:
        return ConditionResult(insights.is_known == self.is_known)
