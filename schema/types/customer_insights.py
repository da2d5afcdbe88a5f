"""What is worked out about a customer: figures, comparison, prediction, journey, habits, favourites."""

from collections.abc import Iterable
from typing import Annotated

import strawberry

from graph.domain.model.errors import InvalidInput
from graph.domain.model.interaction_counts import add
from graph.domain.model.products import Product as DomainProduct
from graph.domain.model.products import bought, favourites
from graph.domain.profile.engagement import habits
from graph.domain.profile.insights import UNSUBSCRIBED, Known
from graph.domain.profile.interactions import viewed_not_bought
from graph.domain.profile.pages import CustomerView
from graph.identity_graph import IdentityGraph
from schema.shared import customer_pages
from schema.shared.connections import First
from schema.shared.context import Info
from schema.shared.cursors import page_size
from schema.shared.derived_fields import derived_field
from schema.shared.scalars import Timestamp
from schema.types.engagement import Habits, Journey
from schema.types.insights import Comparison, Prediction
from schema.types.metrics import Metrics
from schema.types.product import Favourite, Favourites, Product, Viewed

MOST_WEEKS = 520


@strawberry.type
class CustomerInsightFields:
    """Fields of `Customer` that follow from its view as it is now, worked out once for all of them."""

    view: strawberry.Private[CustomerView]
    graph: strawberry.Private[IdentityGraph]
    worked_out: strawberry.Private[Known | None] = None

    def _known(self) -> Known:
        """All that follows from the view, worked out once for all fields of the answer."""
        if self.worked_out is None:
            self.worked_out = self.graph.known(self.view)
        return self.worked_out

    def _now(self) -> Known:
        """The same, where it follows from the view as it is now."""
        self._must_be_of_now()
        return self._known()

    def _must_be_of_now(self) -> None:
        if self.view.customer.node is None:
            raise not_at_a_time()

    @derived_field("Figures over its orders.")
    def metrics(self) -> Metrics:
        """Figures."""
        return Metrics.of(self._now().metrics)

    @strawberry.field(
        description="How it compares with all customers: RFM scores and percentiles. Null without orders, and before "
        "all were counted."
    )
    async def comparison(self, info: Info) -> Comparison | None:
        """Scores and percentiles."""
        self._must_be_of_now()
        found = await info.context.graph.census.standing(self.view.customer.figures)
        return None if found is None else Comparison.of(found)

    @strawberry.field(
        description="What it will probably buy, by BG/NBD and Gamma-Gamma: its own purchases as they are now, with "
        "parameters fitted to all customers. Null without orders, and before models were fitted."
    )
    async def prediction(
        self,
        info: Info,
        weeks: Annotated[int, strawberry.argument(description="Over how many weeks from now, 1 to 520.")] = 52,
    ) -> Prediction | None:
        """Purchases to come."""
        self._must_be_of_now()
        if not 1 <= weeks <= MOST_WEEKS:
            raise InvalidInput("BAD_VALUE", f"weeks: {weeks} is not from 1 to {MOST_WEEKS}", ("weeks",))
        found = await info.context.graph.census.predict(self.view.customer.figures, weeks)
        return None if found is None else Prediction.of(found)

    async def _products(self, info: Info, skus: Iterable[str]) -> dict[str, DomainProduct]:
        wanted = list(dict.fromkeys(skus))
        found = await info.context.loaders.products.load_many(wanted)
        return {sku: one for sku, one in zip(wanted, found, strict=True) if one is not None}

    @derived_field("Where it stands between first looking and buying again; null where nothing was done.")
    def journey(self) -> Journey | None:
        """The phase of the journey."""
        found = self._now().journey
        return None if found is None else Journey.of(found)

    @derived_field("How it uses to act.")
    def habits(self) -> Habits:
        """Habits."""
        known = self._now()
        unsubscribed = [moment.place[0] for moment in known.page(UNSUBSCRIBED)]
        found = habits(add(known.page(customer_pages.TALLIES)), known.orders, known.interactions)
        return Habits.of(found, known.churn, *unsubscribed)

    @strawberry.field(description="Which categories and brands it buys.")
    async def favourites(self, info: Info) -> Favourites:
        """Favourite categories and brands."""
        orders = self._now().orders
        categories, brands = favourites(orders, await self._products(info, bought(orders)))
        return Favourites(
            categories=[Favourite.of(one) for one in categories], brands=[Favourite.of(one) for one in brands]
        )

    @strawberry.field(
        description="Articles that it looked at or put into a cart lately (in its newest 500 interactions) and that "
        "are in none of its newest 100 orders, the latest first."
    )
    async def viewed_not_bought(self, info: Info, first: First = 10) -> list[Viewed]:
        """Viewed and not bought."""
        known = self._now()
        found = viewed_not_bought(known.interactions, bought(known.orders))[: page_size(first)]
        products = await self._products(info, (one.sku for one in found))
        return [
            Viewed(
                sku=one.sku,
                product=Product.of(products[one.sku]) if one.sku in products else None,
                last_at=Timestamp(one.last_at),
                in_cart=one.in_cart,
            )
            for one in found
        ]


def not_at_a_time() -> InvalidInput:
    """What is not kept for every moment was asked for."""
    message = "with `at`, only id, requestedId, known, createdAt, identifiers and their shorthands can be asked for"
    return InvalidInput("NOT_AT_A_TIME", message, ("at",))
