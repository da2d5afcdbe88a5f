"""Fields of a customer that are calculated: metrics, RFM, prediction, journey, engagement, favorites."""

from collections.abc import Iterable
from typing import Annotated

import strawberry

from graph.domain.access.scopes import BEHAVIOR_READ, CUSTOMER_READ, INSIGHTS_READ, ORDER_COUNT
from graph.domain.model.errors import InvalidInput
from graph.domain.model.interaction_counts import add
from graph.domain.model.labels import Label
from graph.domain.model.products import Product as DomainProduct
from graph.domain.profile.engagement import ChurnRisk, engagement
from graph.domain.profile.favorites import favorites, purchased_skus
from graph.domain.profile.insights import UNSUBSCRIBED, CustomerInsights
from graph.domain.profile.interactions import viewed_not_purchased
from graph.domain.profile.pages import CustomerView
from graph.domain.profile.prediction import PredictionStatus
from graph.viewer_graph import ViewerGraph
from schema.shared import customer_pages
from schema.shared.connections import First
from schema.shared.context import Info
from schema.shared.cursors import page_size
from schema.shared.derived_fields import derived_field
from schema.shared.required_scopes import requires
from schema.shared.scalars import Timestamp
from schema.types.engagement import Engagement, Journey
from schema.types.insights import Prediction, RfmScores
from schema.types.metrics import Metrics
from schema.types.product import Favorite, Favorites, Product, ViewedProduct
from schema.types.withheld_data import WithheldData, WithheldReason

MAX_WEEKS = 520


@requires(
    journey=BEHAVIOR_READ,
    engagement=BEHAVIOR_READ,
    favorites=BEHAVIOR_READ,
    viewed_not_purchased=BEHAVIOR_READ,
    restricted=CUSTOMER_READ,
    withheld=CUSTOMER_READ,
    metrics=ORDER_COUNT,
    rfm=INSIGHTS_READ,
    prediction=INSIGHTS_READ,
    prediction_status=INSIGHTS_READ,
)
@strawberry.type
class CustomerInsightFields:
    """Fields of `Customer` that are calculated from its current view, once for all of them."""

    view: strawberry.Private[CustomerView]
    graph: strawberry.Private[ViewerGraph]
    insights: strawberry.Private[CustomerInsights | None] = None

    def _insights(self) -> CustomerInsights:
        """Return what follows from the view, calculated once for all fields of the response."""
        if self.insights is None:
            self.insights = self.graph.insights(self.view)
        return self.insights

    def _current_insights(self) -> CustomerInsights:
        """Return the insights; raises `InvalidInput` if the view is of a past time."""
        self._require_current()
        return self._insights()

    def _require_current(self) -> None:
        if self.view.customer.node is None:
            raise not_available_at_time()

    @property
    def _withholds_profiling(self) -> bool:
        """Whether scores and the like are withheld: from this viewer, or because the customer may not be profiled."""
        by_policy = any(withheld.label is Label.PROFILING for withheld in self.view.withheld)
        return by_policy or not self.view.may_be_profiled

    @derived_field(
        "Whether the processing of the customer is restricted. Then callers without the scope `restricted:read` see "
        "its id and nothing else: lists are empty, other fields are as of a customer without data. Nothing is "
        "calculated of it for any caller."
    )
    def restricted(self) -> bool:
        """Return whether the customer is restricted."""
        return self.view.restricted

    @derived_field(
        "The data that is left out, because the customer did not give the consent that the purpose of the request "
        "needs, or because it objects to profiling. Empty if nothing is left out, and if the customer is `restricted`."
    )
    def withheld(self) -> list[WithheldData]:
        """Return what is left out."""
        withheld = [
            WithheldData(label=item.label, consent=item.consent, reason=WithheldReason.CONSENT_MISSING)
            for item in self.view.withheld
        ]
        if (purpose := self.view.objected_to) and not self.view.restricted:
            withheld.append(WithheldData(label=Label.PROFILING, consent=purpose, reason=WithheldReason.OBJECTION))
        return withheld

    @derived_field("Metrics over the customer's orders. E.g. the revenue.")
    def metrics(self) -> Metrics:
        """Return the metrics."""
        return Metrics.of(self._current_insights().metrics)

    @strawberry.field(
        description="RFM scores and percentiles of the customer among all customers. Null if the customer has no "
        "orders, and before the first calculation."
    )
    async def rfm(self, info: Info) -> RfmScores | None:
        """Return scores and percentiles."""
        self._require_current()
        if self._withholds_profiling:
            return None
        scores = await info.context.graph.statistics.rfm_scores(self.view.customer.order_totals)
        return None if scores is None else RfmScores.of(scores)

    @strawberry.field(
        description="The purchases that the customer is expected to make, by the BG/NBD and Gamma-Gamma models. Uses "
        "the customer's current orders and parameters fitted to all customers. If it is null, `predictionStatus` says "
        "why."
    )
    async def prediction(
        self,
        info: Info,
        weeks: Annotated[
            int, strawberry.argument(description="The number of weeks, from now, to predict: 1 to 520.")
        ] = 52,
    ) -> Prediction | None:
        """Return the expected purchases."""
        self._require_current()
        if not 1 <= weeks <= MAX_WEEKS:
            raise InvalidInput("INVALID_VALUE", f"weeks is {weeks}; 1 to {MAX_WEEKS} are allowed", ("weeks",))
        if self._withholds_profiling:
            return None
        prediction = await info.context.graph.statistics.predict(self.view.customer.order_totals, weeks)
        return None if prediction is None else Prediction.of(prediction)

    @strawberry.field(description="Whether `prediction` has a value, and if not, why.")
    async def prediction_status(self, info: Info) -> PredictionStatus:
        """Return the status of the prediction."""
        self._require_current()
        if self._withholds_profiling:
            return PredictionStatus.WITHHELD
        return await info.context.graph.statistics.prediction_status(self.view.customer.order_totals)

    async def _products(self, info: Info, skus: Iterable[str]) -> dict[str, DomainProduct]:
        distinct = list(dict.fromkeys(skus))
        products = await info.context.loaders.products.load_many(distinct)
        return {sku: product for sku, product in zip(distinct, products, strict=True) if product is not None}

    @derived_field(
        "The current stage of the customer journey, from first interest to repeat purchase. Null without orders and "
        "interactions."
    )
    def journey(self) -> Journey | None:
        """Return the stage of the journey."""
        journey = None if self._withholds_profiling else self._current_insights().journey
        return None if journey is None else Journey.of(journey)

    @derived_field("How the customer typically engages. E.g. in which hour it opens emails.")
    def engagement(self) -> Engagement:
        """Return the engagement."""
        insights = self._current_insights()
        unsubscribed = [entry.position[0] for entry in insights.page(UNSUBSCRIBED)]
        if self._withholds_profiling:
            return Engagement.of(engagement({}, (), ()), ChurnRisk.LOW, *unsubscribed)
        counts = add(insights.page(customer_pages.INTERACTION_COUNTS))
        result = engagement(counts, insights.orders, insights.interactions)
        return Engagement.of(result, insights.churn_risk, *unsubscribed)

    @strawberry.field(description="The categories and brands that the customer buys most.")
    async def favorites(self, info: Info) -> Favorites:
        """Return the favorite categories and brands."""
        orders = [] if self._withholds_profiling else self._current_insights().orders
        categories, brands = favorites(orders, await self._products(info, purchased_skus(orders)))
        return Favorites(
            categories=[Favorite.of(category) for category in categories],
            brands=[Favorite.of(brand) for brand in brands],
        )

    @strawberry.field(
        description="Products that the customer viewed or added to a cart in the newest 500 interactions and that are "
        "in none of the newest 100 orders, newest first. Canceled and returned orders are ignored."
    )
    async def viewed_not_purchased(self, info: Info, first: First = 10) -> list[ViewedProduct]:
        """Return the products that were viewed and not bought."""
        if self._withholds_profiling:
            return []
        insights = self._current_insights()
        viewed = viewed_not_purchased(insights.interactions, purchased_skus(insights.orders))[: page_size(first)]
        products = await self._products(info, (product.sku for product in viewed))
        return [
            ViewedProduct(
                sku=product.sku,
                product=Product.of(products[product.sku]) if product.sku in products else None,
                last_viewed_at=Timestamp(product.last_viewed_at),
                added_to_cart=product.added_to_cart,
            )
            for product in viewed
        ]


def not_available_at_time() -> InvalidInput:
    """Return the error for a field that is not stored for past times."""
    message = (
        "with `at`, only id, requestedId, known, createdAt, identifiers, devices, emails and loyaltyCards are available"
    )
    return InvalidInput("NOT_AVAILABLE_AT_TIME", message, ("at",))
