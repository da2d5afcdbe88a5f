"""Orders and money in GraphQL."""

from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated

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

    sku: str = strawberry.field(description="The article number.")
    name: str | None = strawberry.field(description="The article's name as the source sent it.")
    quantity: Amount = strawberry.field(description="How much or many.")
    total: Amount = strawberry.field(description="The total of the line, in the currency of the order.")

    @strawberry.field(description="The product, where it is known; one that comes late shows in earlier lines too.")
    async def product(self, info: Info) -> Product | None:
        """The product, together with those of other lines of the answer."""
        found = await info.context.loaders.products.load(self.sku)
        return None if found is None else Product.of(found)

    @classmethod
    def of(cls, line: DomainOrderLine, currency: str) -> "OrderLine":
        """From the domain's value."""
        total = money(line.total, currency)
        return cls(sku=line.sku, name=line.name or None, quantity=Amount(line.quantity), total=total)


@strawberry.federation.type(
    keys=["number"], description="An order: an identifier that also carries facts, those that were stated last."
)
class Order:
    """An order in GraphQL."""

    key: strawberry.Private[str]

    number: str = strawberry.field(description="The order number as the source sent it.")
    source: str = strawberry.field(description="Who stated these facts.")
    placed_at: Timestamp = strawberry.field(description="When it was placed.")
    stated_at: Timestamp = strawberry.field(description="When the source stated this.")
    status: OrderStatus = strawberry.field(description="Where it stands.")
    currency: str = strawberry.field(description="ISO 4217.")
    total: Amount = strawberry.field(description="What it came to.")
    lines: list[OrderLine] = strawberry.field(description="Its lines, in the order they were sent.")

    @strawberry.field(description="Whose it is; null where it is no one's any more.")
    async def customer(self, info: Info) -> Annotated["Customer", strawberry.lazy("schema.customer.types")] | None:
        """The customer of the order, together with those of other orders of the answer."""
        # A customer has orders, so its module imports this one.
        from schema.customer.types import customer_or_none

        selection = selected(info._raw_info, info.context.graph.rules) or Selection()
        return customer_or_none(await info.context.loaders.customers.load((ByKey(self.key), selection)))

    @classmethod
    async def resolve_reference(cls, info: Info, number: str) -> "Order | None":
        """An order that another subgraph names."""
        found = await info.context.loaders.orders.load(number)
        return None if found is None else cls.of(*found)

    @classmethod
    def of(cls, key: str, order: DomainOrder) -> "Order":
        """From the domain's value."""
        return cls(
            key=key,
            number=order.number,
            source=order.source,
            placed_at=Timestamp(order.placed_at),
            stated_at=Timestamp(order.stated_at),
            status=order.status,
            currency=order.currency,
            total=money(order.total, order.currency),
            lines=[OrderLine.of(line, order.currency) for line in order.lines],
        )


@strawberry.type(description="Figures over all orders of a customer that are not cancelled.")
class Metrics:
    """Metrics in GraphQL."""

    orders: int = strawberry.field(description="How many orders, returned ones included.")
    revenue: list[Money] = strawberry.field(description="By currency, returned orders left out.")
    average_order_value: list[Money] = strawberry.field(
        description="By currency: revenue divided by orders, rounded to the decimals of the currency."
    )
    first_order_at: Timestamp | None = strawberry.field(description="When the first was placed.")
    last_order_at: Timestamp | None = strawberry.field(description="When the last was placed.")
    days_since_last_order: int | None = strawberry.field(description="Whole days of 24 hours from then to now.")
    years_as_customer: float | None = strawberry.field(description="Years of 365.25 days from the first order to now.")
    mean_days_between_orders: float | None = strawberry.field(
        description="Days from the first order to the last, divided by the orders after the first; null below two."
    )
    silence: float | None = strawberry.field(
        description="Days since the last order, in means of its own days between orders: above 1 it is late."
    )

    @classmethod
    def of(cls, metrics: DomainMetrics) -> "Metrics":
        """From the domain's value."""
        first, last = metrics.first_order_at, metrics.last_order_at
        return cls(
            orders=metrics.orders,
            revenue=[Money.of(one) for one in metrics.revenue],
            average_order_value=[Money.of(one, rounded=True) for one in metrics.average_order_value],
            first_order_at=None if first is None else Timestamp(first),
            last_order_at=None if last is None else Timestamp(last),
            days_since_last_order=metrics.days_since_last_order,
            years_as_customer=metrics.years_as_customer,
            mean_days_between_orders=metrics.mean_days_between_orders,
            silence=None if metrics.silence is None else round(metrics.silence, 2),
        )
