"""The mutation and the query of orders."""

from decimal import Decimal
from typing import Annotated

import strawberry

from graph.domain.access.scopes import OBSERVATION_WRITE, ORDER_READ
from graph.domain.model.errors import InvalidInput, Problem
from graph.domain.model.orders import Order as DomainOrder
from graph.domain.model.orders import OrderLine, OrderStatement, OrderStatus
from schema.operations.identifier_input import IdentifierInput
from schema.operations.observation_inputs import pairs
from schema.operations.observations import record_batch
from schema.shared.context import Info
from schema.shared.evidence_tier import STATED_PARTY, STATED_SOURCE, Party, party_of
from schema.shared.required_scopes import requires
from schema.shared.scalars import Amount, Timestamp, require_valid
from schema.types.observation import ObservationsPayload
from schema.types.order import Order


@strawberry.input(description="One line of an order.")
class OrderLineInput:
    """An order line as a client sends it."""

    sku: str = strawberry.field(
        description="The stock-keeping unit of the product, 1 to 100 characters. E.g. `SHIRT-M-BLUE`."
    )
    quantity: Amount = strawberry.field(
        description='The quantity, negative for returned items. E.g. `"2"`, or `"0.750"` by weight.'
    )
    total: Amount = strawberry.field(
        description="The total of the line in the currency of the order, negative for discounts, vouchers and returned "
        'items. E.g. `"-5.00"`.'
    )
    name: str | None = strawberry.field(
        default=None, description="The product name, up to 500 characters. E.g. `Blue shirt, M`."
    )

    def to_domain(self) -> OrderLine:
        """Convert to the domain's value; raises `InvalidInput`."""
        return OrderLine(
            self.sku, require_valid(self.quantity, "quantity"), require_valid(self.total, "total"), self.name or ""
        )


@strawberry.input(description="The state of an order at a time, as reported by a source.")
class OrderInput:
    """An order as a client sends it."""

    number: str = strawberry.field(
        description="The order number, unique across all sources. If stores number receipts independently, prefix the "
        "numbers with the store, or different customers will be merged. E.g. `store-12/100234`."
    )
    source: str = strawberry.field(description=f"The source of the order, {STATED_SOURCE} E.g. `web-shop`.")
    placed_at: Timestamp = strawberry.field(description="When the order was placed, at most 5 minutes in the future.")
    reported_at: Timestamp = strawberry.field(
        description="When the source reported this state. The newest state replaces older ones, in whichever order "
        "they arrive. Sending the same time with other content is an error."
    )
    total: Amount = strawberry.field(description='The total of the order, not negative. E.g. `"12.50"`.')
    currency: str | None = strawberry.field(
        default=None,
        description="The ISO 4217 code of the currency, in either case. Default: the currency of the source in the "
        "rules. E.g. `EUR`.",
    )
    refunded: Amount | None = strawberry.field(
        default=None,
        description='The amount given back for a partial return, 0 to `total`. Default 0. E.g. `"5.00"`.',
    )
    identifiers: list[IdentifierInput] | None = strawberry.field(
        default=None,
        description="0 to 19 identifiers that the order was placed with. E.g. an email address and a loyalty card. If "
        "this is left out or null, the order keeps the identifiers of the source's earlier reports; an empty list "
        "says that it has none.",
    )
    status: OrderStatus = strawberry.field(default=OrderStatus.PLACED, description="The status of the order.")
    lines: list[OrderLineInput] = strawberry.field(
        default_factory=list, description="The lines of the order, 0 to 500."
    )
    party: Party | None = strawberry.field(default=None, description=STATED_PARTY)

    def to_domain(self, nearest: Party) -> OrderStatement | Problem:
        """Convert to the domain's value, or return the first problem; `nearest` is the nearest party of the caller."""
        try:
            placed_at, reported_at = (
                require_valid(self.placed_at, "placedAt"),
                require_valid(self.reported_at, "reportedAt"),
            )
            total = require_valid(self.total, "total")
            refunded = Decimal(0) if self.refunded is None else require_valid(self.refunded, "refunded")
        except InvalidInput as error:
            return error.problem()
        lines: list[OrderLine] = []
        for position, line in enumerate(self.lines):
            try:
                lines.append(line.to_domain())
            except InvalidInput as error:
                message = f"line {position + 1}: {error.message}"
                return Problem(error.code, message, ("lines", position, *error.path))
        order = DomainOrder(
            self.number,
            self.source,
            placed_at,
            reported_at,
            self.currency or "",
            total,
            self.status,
            tuple(lines),
            refunded,
        )
        return OrderStatement(
            order, None if self.identifiers is None else pairs(self.identifiers), party_of(self.party, nearest)
        )


@strawberry.input(description="The input of `recordOrders`.")
class RecordOrdersInput:
    """The input of `recordOrders`."""

    orders: list[OrderInput] = strawberry.field(description="1 to 1,000 orders.")


@requires(record_orders=OBSERVATION_WRITE)
@strawberry.type
class OrderMutations:
    """Mutations of orders."""

    @strawberry.mutation(
        description="Record orders. The order number becomes an identifier of the customer and is linked with the "
        "other identifiers. Idempotent by source, order number and `reportedAt`."
    )
    async def record_orders(self, info: Info, input: RecordOrdersInput) -> ObservationsPayload:
        """Record orders."""
        return await record_batch(info, info.context.graph.record_orders, input.orders)


@requires(order=ORDER_READ)
@strawberry.type
class OrderQueries:
    """Queries of orders."""

    @strawberry.field(description="The order with this number. Null if it does not exist.")
    async def order(
        self, info: Info, number: Annotated[str, strawberry.argument(description="The order number. E.g. `100234`.")]
    ) -> Order | None:
        """Return one order."""
        return await Order.resolve_reference(info, number)
