"""Orders and money in GraphQL."""

from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, cast

import strawberry
import strawberry.federation
from babel.numbers import get_currency_precision

from graph.domain.metrics import Metrics as DomainMetrics
from graph.domain.metrics import Money as DomainMoney
from graph.domain.orders import Order as DomainOrder
from graph.domain.orders import OrderLine as DomainOrderLine
from graph.domain.orders import OrderStatus
from graph.domain.views import ByKey, Selection
from schema.context import Info
from schema.customer.selection import selected
from schema.derived import Derived
from schema.enums import described
from schema.product.types import Product
from schema.scalars import Amount, Timestamp

if TYPE_CHECKING:
    from schema.customer.types import Customer

described(
    OrderStatus,
    "OrderStatus",
    "Where an order stands.",
    PLACED="Placed.",
    PAID="Paid.",
    SHIPPED="Shipped or handed over.",
    RETURNED="Returned: it counts as an order, but not in revenue.",
    CANCELLED="Cancelled: it counts nowhere.",
)


def money(amount: Decimal, currency: str, rounded: bool = False) -> Amount:
    """An amount with at least the decimals of its currency; an average is rounded to them."""
    unit, nothing = _unit(currency)
    # A sum has the decimals of the addend that has more.
    return Amount(amount.quantize(unit) if rounded else amount + nothing)


@lru_cache(maxsize=200)
def _unit(currency: str) -> tuple[Decimal, Decimal]:
    """The smallest unit of a currency, and nothing with as many decimals."""
    places = get_currency_precision(currency)
    return Decimal(1).scaleb(-places), Decimal(0).scaleb(-places)


_of_line, _of_order, _of_metrics = Derived["OrderLine"](), Derived["Order"](), Derived[DomainMetrics]()


@strawberry.type(description="An amount in a currency.")
class Money:
    """Money in GraphQL."""

    amount: Amount = strawberry.field(description="The amount.")
    currency: str = strawberry.field(description="ISO 4217.")

    @classmethod
    def of(cls, one: DomainMoney, rounded: bool = False) -> "Money":
        """From the domain's value."""
        return cls(amount=money(one.amount, one.currency, rounded), currency=one.currency)


@strawberry.type(description="One line of an order.")
class OrderLine:
    """A line of an order in GraphQL."""

    line: strawberry.Private[DomainOrderLine]
    currency: strawberry.Private[str]

    sku: str = _of_line(lambda one: one.line.sku, "The article number.")
    name: str | None = _of_line(lambda one: one.line.name or None, "The article's name as the source sent it.")
    quantity: Amount = _of_line(lambda one: one.line.quantity, "How much or many.")
    total: Amount = _of_line(
        lambda one: money(one.line.total, one.currency), "The total of the line, in the currency of the order."
    )

    @strawberry.field(description="The product, where it is known; one that comes late shows in earlier lines too.")
    async def product(self, info: Info) -> Product | None:
        """The product, together with those of other lines of the answer."""
        found = await info.context.loaders.products.load(self.line.sku)
        return None if found is None else Product.of(found)


@strawberry.federation.type(
    keys=["number"], description="An order: an identifier that also carries facts, those that were stated last."
)
class Order:
    """An order in GraphQL."""

    key: strawberry.Private[str]
    order: strawberry.Private[DomainOrder]

    number: str = _of_order(lambda one: one.order.number, "The order number as the source sent it.")
    source: str = _of_order(lambda one: one.order.source, "Who stated these facts.")
    placed_at: Timestamp = _of_order(lambda one: one.order.placed_at, "When it was placed.")
    stated_at: Timestamp = _of_order(lambda one: one.order.stated_at, "When the source stated this.")
    status: OrderStatus = _of_order(lambda one: one.order.status, "Where it stands.")
    currency: str = _of_order(lambda one: one.order.currency, "ISO 4217.")
    total: Amount = _of_order(lambda one: money(one.order.total, one.order.currency), "What it came to.")
    lines: list[OrderLine] = _of_order(
        lambda one: [OrderLine(line=line, currency=one.order.currency) for line in one.order.lines],
        "Its lines, in the order they were sent.",
    )

    @strawberry.field(description="Whose it is; null where it is no one's any more.")
    async def customer(self, info: Info) -> Annotated["Customer", strawberry.lazy("schema.customer.types")] | None:
        """The customer of the order, together with those of other orders of the answer."""
        # A customer has orders, so its module imports this one.
        from schema.customer.types import customer_or_none

        selection = selected(info._raw_info, info.context.graph.rules) or Selection()
        view = await info.context.loaders.customers.load((ByKey(self.key), selection))
        return customer_or_none(view, info.context.graph)

    @classmethod
    async def resolve_reference(cls, info: Info, number: str) -> "Order | None":
        """An order that another subgraph names."""
        found = await info.context.loaders.orders.load(number)
        return None if found is None else cls.of(*found)

    @classmethod
    def of(cls, key: str, order: DomainOrder) -> "Order":
        """From the domain's value."""
        return cls(key=key, order=order)


@strawberry.type(description="Figures over all orders of a customer that are not cancelled.")
class Metrics:
    """Metrics in GraphQL, over the domain's value."""

    orders: int = strawberry.field(description="How many orders, returned ones included.")
    revenue: list[Money] = _of_metrics(
        lambda one: [Money.of(sum) for sum in one.revenue], "By currency, returned orders left out."
    )
    average_order_value: list[Money] = _of_metrics(
        lambda one: [Money.of(mean, rounded=True) for mean in one.average_order_value],
        "By currency: revenue divided by orders, rounded to the decimals of the currency.",
    )
    first_order_at: Timestamp | None = strawberry.field(description="When the first was placed.")
    last_order_at: Timestamp | None = strawberry.field(description="When the last was placed.")
    days_since_last_order: int | None = strawberry.field(description="Whole days of 24 hours from then to now.")
    years_as_customer: float | None = strawberry.field(description="Years of 365.25 days from the first order to now.")
    mean_days_between_orders: float | None = strawberry.field(
        description="Days from the first order to the last, divided by the orders after the first; null below two."
    )
    silence: float | None = _of_metrics(
        lambda one: None if one.silence is None else round(one.silence, 2),
        "Days since the last order, in means of its own days between orders: above 1 it is late.",
    )

    @classmethod
    def of(cls, metrics: DomainMetrics) -> "Metrics":
        """The domain's value in GraphQL."""
        return cast("Metrics", metrics)
