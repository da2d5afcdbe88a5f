"""Orders in GraphQL."""

from typing import TYPE_CHECKING, Annotated

import strawberry
import strawberry.federation

from graph.domain.access.scopes import CUSTOMER_READ, OBSERVATION_ID, ORDER_READ
from graph.domain.model.orders import Order as DomainOrder
from graph.domain.model.orders import OrderLine as DomainOrderLine
from graph.domain.model.orders import OrderStatus
from graph.domain.profile.pages import ByKey, Selection
from schema.shared.context import Info
from schema.shared.derived_fields import Derived
from schema.shared.enums import describe_enum
from schema.shared.lookahead import selection_of
from schema.shared.required_scopes import requires
from schema.shared.scalars import Amount, Timestamp
from schema.types.money import money
from schema.types.observation_ref import OBSERVATION, ObservationRef
from schema.types.product import Product

if TYPE_CHECKING:
    from schema.types.customer import Customer

describe_enum(
    OrderStatus,
    "OrderStatus",
    "The status of an order.",
    PLACED="Placed.",
    PAID="Paid.",
    SHIPPED="Shipped or handed over.",
    RETURNED="Returned as a whole. Counted as an order, but not in revenue.",
    CANCELLED="Canceled. Not counted in any metric.",
)


_of_line, _of_order = Derived["OrderLine"](), Derived["Order"]()


@requires(ORDER_READ)
@strawberry.type(description="One line of an order.")
class OrderLine:
    """An order line in GraphQL."""

    line: strawberry.Private[DomainOrderLine]
    currency: strawberry.Private[str]

    sku: str = _of_line(lambda self: self.line.sku, "The stock-keeping unit of the product. E.g. `SHIRT-M-BLUE`.")
    name: str | None = _of_line(
        lambda self: self.line.name or None, "The product name as the source sent it. E.g. `Blue shirt, M`."
    )
    quantity: Amount = _of_line(
        lambda self: self.line.quantity,
        'The quantity, negative for returned items. E.g. `"2"`, or `"0.750"` by weight.',
    )
    total: Amount = _of_line(
        lambda self: money(self.line.total, self.currency),
        "The total of the line, in the currency of the order. Negative for discounts, vouchers and returned items.",
    )

    @strawberry.field(
        description="The product. Null if no record of it is stored; a record that arrives later is shown too."
    )
    async def product(self, info: Info) -> Product | None:
        """Load the product together with those of other lines of the response."""
        product = await info.context.loaders.products.load(self.line.sku)
        return None if product is None else Product.of(product)


@requires(ORDER_READ, customer=CUSTOMER_READ, observation=OBSERVATION_ID)
@strawberry.federation.type(
    keys=["number"],
    description="An order, as its source last reported it. The order number is also an identifier of the customer.",
)
class Order:
    """An order in GraphQL."""

    key: strawberry.Private[str]
    order: strawberry.Private[DomainOrder]

    number: str = _of_order(lambda self: self.order.number, "The order number. E.g. `100234`.")
    source: str = _of_order(lambda self: self.order.source, "The source that reported the order. E.g. `web-shop`.")
    placed_at: Timestamp = _of_order(lambda self: self.order.placed_at, "When the order was placed.")
    reported_at: Timestamp = _of_order(
        lambda self: self.order.reported_at, "When the source reported this state of the order."
    )
    status: OrderStatus = _of_order(lambda self: self.order.status, "The status of the order.")
    currency: str = _of_order(lambda self: self.order.currency, "The ISO 4217 code of the currency. E.g. `EUR`.")
    total: Amount = _of_order(
        lambda self: money(self.order.total, self.order.currency), "The total of the order, in its currency."
    )
    refunded: Amount = _of_order(
        lambda self: money(self.order.refunded, self.order.currency),
        "The part of `total` that was given back. Revenue is the total less this.",
    )
    lines: list[OrderLine] = _of_order(
        lambda self: [OrderLine(line=line, currency=self.order.currency) for line in self.order.lines],
        "The lines of the order, as they were sent.",
    )
    observation: ObservationRef = _of_order(
        lambda self: ObservationRef(source=self.order.source, id=self.order.observation_id), OBSERVATION
    )

    @strawberry.field(description="The customer who placed the order. Null if the order number belongs to no customer.")
    async def customer(self, info: Info) -> Annotated["Customer", strawberry.lazy("schema.types.customer")] | None:
        """Load the customer together with those of other orders of the response."""
        selection = selection_of(info) or Selection()
        view = await info.context.loaders.customers.load((ByKey(self.key), selection))
        return info.context.customer_or_none(view)

    @classmethod
    async def resolve_reference(cls, info: Info, number: str) -> "Order | None":
        """Return the order that another subgraph references."""
        key_and_order = await info.context.loaders.orders.load(number)
        return None if key_and_order is None else cls.of(*key_and_order)

    @classmethod
    def of(cls, key: str, order: DomainOrder) -> "Order":
        """Convert the domain's value."""
        return cls(key=key, order=order)
