"""Orders in GraphQL."""

from typing import TYPE_CHECKING, Annotated

import strawberry
import strawberry.federation

from graph.domain.model.orders import Order as DomainOrder
from graph.domain.model.orders import OrderLine as DomainOrderLine
from graph.domain.model.orders import OrderStatus
from graph.domain.profile.pages import ByKey, Selection
from schema.shared.context import Info
from schema.shared.derived_fields import Derived
from schema.shared.enums import described
from schema.shared.lookahead import selection_of
from schema.shared.scalars import Amount, Timestamp
from schema.types.money import money
from schema.types.product import Product

if TYPE_CHECKING:
    from schema.types.customer import Customer

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


_of_line, _of_order = Derived["OrderLine"](), Derived["Order"]()


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
    async def customer(self, info: Info) -> Annotated["Customer", strawberry.lazy("schema.types.customer")] | None:
        """The customer of the order, together with those of other orders of the answer."""
        selection = selection_of(info) or Selection()
        view = await info.context.loaders.customers.load((ByKey(self.key), selection))
        return info.context.customer_or_none(view)

    @classmethod
    async def resolve_reference(cls, info: Info, number: str) -> "Order | None":
        """An order that another subgraph names."""
        found = await info.context.loaders.orders.load(number)
        return None if found is None else cls.of(*found)

    @classmethod
    def of(cls, key: str, order: DomainOrder) -> "Order":
        """From the domain's value."""
        return cls(key=key, order=order)
