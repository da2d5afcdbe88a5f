"""The values derived from a customer's data at a moment, each computed once and on demand."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from msgspec import Struct, field

from graph.domain.model.facts import FactKind, InteractionSummary
from graph.domain.model.order_totals import main_currency
from graph.domain.model.orders import Order
from graph.domain.model.products import Product
from graph.domain.profile.attributes import ProfileAttribute, profile
from graph.domain.profile.catalog import Catalog
from graph.domain.profile.consents import RecordedDecision, decisions
from graph.domain.profile.deliverability import (
    UndeliverableAddress,
    contactable_addresses,
    email_event_page,
    undeliverable_addresses,
)
from graph.domain.profile.engagement import ChurnRisk, churn_risk
from graph.domain.profile.external_segments import ExternalSegment, external_segments
from graph.domain.profile.journey import Journey, journey
from graph.domain.profile.metrics import Metrics, mean_order_interval, metrics
from graph.domain.profile.pages import (
    MAX_PAGE,
    CustomerView,
    FactPage,
    IdentifierPage,
    IdentifierView,
    InteractionSummaryPage,
    OrderPage,
    PageRequest,
    TimelinePage,
)
from graph.domain.profile.prediction import Model, Prediction, predict
from graph.domain.profile.rfm import RfmPopulation, RfmScores, rfm_scores
from graph.domain.profile.timeline import TimelineKind

MAX_FACTS = 100_000
"""The facts of a kind that are read of a customer. There are few: interactions are not read with this limit."""
PROFILE = FactPage(FactKind.ATTRIBUTES, MAX_FACTS)
CONSENTS = FactPage(FactKind.CONSENT, MAX_FACTS)
EXTERNAL_SEGMENTS = FactPage(FactKind.EXTERNAL_SEGMENT, MAX_FACTS)
ORDERS = OrderPage(MAX_PAGE)
"""The newest orders: favorites, the journey's stage and order conditions are computed from them."""
RECENT_INTERACTIONS = InteractionSummaryPage(500)
"""The newest interactions: viewed products and the journey's stage are computed from them."""
UNSUBSCRIBED = TimelinePage(1, kinds=(TimelineKind.INTERACTION,), types=("email_complained", "unsubscribed"))
"""The newest interaction of unsubscribing, also by marking an email as spam."""
PREDICTION_WEEKS = 52
"""The number of weeks for which purchases are predicted."""


class CustomerInsights(Struct, frozen=True, dict=True):
    """A customer's view with all data that metrics and conditions are computed from; `now` in microseconds.

    `known_namespaces` are the namespaces that make a customer known, `products` the products of the orders by SKU.
    """

    now: int
    view: CustomerView
    catalog: Catalog
    known_namespaces: frozenset[str] = frozenset()
    population: RfmPopulation | None = None
    model: Model | None = None
    products: Mapping[str, Product] = field(default_factory=dict)

    def page(self, page: PageRequest) -> Sequence[Any]:
        """The items of a page that was read."""
        return self.view.pages[page].items

    @property
    def is_known(self) -> bool:
        """Whether the customer holds an identifier of a namespace that makes a customer known."""
        return not self.known_namespaces.isdisjoint(self.view.customer.counts)

    @cached_property
    def profile(self) -> Mapping[str, ProfileAttribute]:
        """The chosen value and the alternatives of each attribute."""
        return profile(self.page(PROFILE), self.catalog)

    @cached_property
    def decisions(self) -> list[RecordedDecision]:
        """All consent decisions, newest first."""
        return decisions(self.page(CONSENTS))

    @cached_property
    def undeliverable(self) -> Mapping[str, UndeliverableAddress]:
        """The addresses that refuse emails, by key."""
        return undeliverable_addresses(self.page(email_event_page(self.catalog)), self.page(CONSENTS))

    def contactable(self, addresses: IdentifierPage, purpose: str, channel: str) -> list[IdentifierView]:
        """Those of a page of addresses that may be contacted now, for a purpose through a channel."""
        if self.view.restricted:
            return []
        found = self.page(addresses)
        return contactable_addresses(found, self.decisions, self.undeliverable, purpose, channel)

    @cached_property
    def external_segments(self) -> list[ExternalSegment]:
        """The external segments in effect."""
        return external_segments(self.page(EXTERNAL_SEGMENTS), self.now)

    @cached_property
    def orders(self) -> list[Order]:
        """The newest orders."""
        return [view.order for view in self.page(ORDERS)]

    @property
    def interactions(self) -> Sequence[InteractionSummary]:
        """The newest interactions."""
        return self.page(RECENT_INTERACTIONS)

    @cached_property
    def metrics(self) -> Metrics:
        """The metrics of the orders."""
        return metrics(self.view.customer.order_totals, self.now)

    @property
    def mean_order_interval(self) -> float | None:
        """The mean time between the orders, in microseconds."""
        return mean_order_interval(self.view.customer.order_totals)

    @property
    def currency(self) -> str:
        """The currency of most orders; empty without orders."""
        order_totals = self.view.customer.order_totals
        return main_currency(order_totals) if order_totals else ""

    @cached_property
    def rfm(self) -> RfmScores | None:
        """The RFM scores; `None` without orders or before the first calculation."""
        return None if self.population is None else rfm_scores(self.view.customer.order_totals, self.population)

    @cached_property
    def prediction(self) -> Prediction | None:
        """The predicted purchases; `None` without orders or a fitted model."""
        if self.model is None:
            return None
        return predict(self.model, self.view.customer.order_totals, PREDICTION_WEEKS, self.now)

    @cached_property
    def journey(self) -> Journey | None:
        """The stage of the journey; `None` without orders and interactions."""
        return journey(self.orders, self.interactions, self.catalog.journey, self.now)

    @cached_property
    def churn_risk(self) -> ChurnRisk:
        """How likely the customer is to be lost."""
        unsubscribed = [entry.position[0] for entry in self.page(UNSUBSCRIBED)]
        return churn_risk(self.metrics.overdue_ratio, self.metrics.last_order_at, max(unsubscribed, default=None))
