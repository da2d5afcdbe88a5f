"""What is known of a customer at a moment, worked out once and only where it is asked for."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from msgspec import Struct, field

from graph.domain.model.facts import FactKind, Skimmed
from graph.domain.model.order_totals import main_currency
from graph.domain.model.orders import Order
from graph.domain.model.products import Product
from graph.domain.profile.attributes import Chosen, profile
from graph.domain.profile.catalog import Catalogue
from graph.domain.profile.consents import Decided, decisions
from graph.domain.profile.engagement import Churn, churn
from graph.domain.profile.external_segments import OutsideSegment, outside_segments
from graph.domain.profile.journey import Journey, journey
from graph.domain.profile.metrics import Metrics, metrics, rhythm
from graph.domain.profile.pages import MAX_PAGE, CustomerView, FactPage, OrderPage, PageRequest, SkimPage, TimelinePage
from graph.domain.profile.prediction import Model, Prediction, predict
from graph.domain.profile.rfm import Population, Standing, standing
from graph.domain.profile.timeline import TimelineKind

MOST_FACTS = 100_000
"""Statements of one kind that are read of a customer. They are few: what people do is no statement."""
PROFILE = FactPage(FactKind.ATTRIBUTES, MOST_FACTS)
CONSENTS = FactPage(FactKind.CONSENT, MOST_FACTS)
OUTSIDE = FactPage(FactKind.OUTSIDE, MOST_FACTS)
ORDERS = OrderPage(MAX_PAGE)
"""The newest orders, which favourites, phases and purchases of articles are found in."""
LATELY = SkimPage(500)
"""The newest interactions, which viewed articles and phases are found in."""
UNSUBSCRIBED = TimelinePage(1, kinds=(TimelineKind.INTERACTION,), types=("email_unsubscribed",))
"""The last time that mails were unsubscribed."""
WEEKS = 52
"""Over how many weeks purchases are predicted."""


class Known(Struct, frozen=True, dict=True):
    """A customer's view with all that figures and conditions follow from; `now` in microseconds.

    `known_by` are the namespaces that make a customer known, `products` the articles of its orders.
    """

    now: int
    view: CustomerView
    catalogue: Catalogue
    known_by: frozenset[str] = frozenset()
    population: Population | None = None
    model: Model | None = None
    products: Mapping[str, Product] = field(default_factory=dict)

    def page(self, page: PageRequest) -> Sequence[Any]:
        """The items of a page that was read."""
        return self.view.pages[page].items

    @property
    def is_known(self) -> bool:
        """Whether it holds an identifier by which a person is known."""
        return not self.known_by.isdisjoint(self.view.customer.counts)

    @cached_property
    def profile(self) -> Mapping[str, Chosen]:
        """One value an attribute."""
        return profile(self.page(PROFILE), self.catalogue)

    @cached_property
    def decided(self) -> list[Decided]:
        """All decisions on consent, newest first."""
        return decisions(self.page(CONSENTS))

    @cached_property
    def outside(self) -> list[OutsideSegment]:
        """The segments of others that hold."""
        return outside_segments(self.page(OUTSIDE), self.now)

    @cached_property
    def orders(self) -> list[Order]:
        """The newest orders."""
        return [one.order for one in self.page(ORDERS)]

    @property
    def interactions(self) -> Sequence[Skimmed]:
        """The newest interactions."""
        return self.page(LATELY)

    @cached_property
    def metrics(self) -> Metrics:
        """The figures of its orders."""
        return metrics(self.view.customer.figures, self.now)

    @property
    def rhythm(self) -> float | None:
        """The mean time between its orders, in microseconds."""
        return rhythm(self.view.customer.figures)

    @property
    def currency(self) -> str:
        """The currency of most orders; empty without orders."""
        figures = self.view.customer.figures
        return main_currency(figures) if figures else ""

    @cached_property
    def standing(self) -> Standing | None:
        """How it compares with all."""
        return None if self.population is None else standing(self.view.customer.figures, self.population)

    @cached_property
    def prediction(self) -> Prediction | None:
        """What it will probably buy."""
        return None if self.model is None else predict(self.model, self.view.customer.figures, WEEKS, self.now)

    @cached_property
    def journey(self) -> Journey | None:
        """The phase of its journey."""
        return journey(self.orders, self.interactions, self.catalogue.journey, self.now)

    @cached_property
    def churn(self) -> Churn:
        """How likely it is to be lost."""
        unsubscribed = [moment.place[0] for moment in self.page(UNSUBSCRIBED)]
        return churn(self.metrics.silence, self.metrics.last_order_at, max(unsubscribed, default=None))
