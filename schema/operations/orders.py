"""Orders as callers send them."""

from typing import Annotated

import strawberry

from graph.domain.model.errors import InvalidInput, Problem
from graph.domain.model.orders import Order as DomainOrder
from graph.domain.model.orders import OrderLine, OrderStatement, OrderStatus
from schema.operations.identifier_input import IdentifierInput
from schema.operations.observation_inputs import Party, pairs
from schema.operations.observations import taken_in
from schema.shared.context import Info
from schema.shared.scalars import Amount, Timestamp, readable
from schema.types.observation import ObservationsPayload
from schema.types.order import Order


@strawberry.input(description="One line of an order.")
class OrderLineInput:
    """A line on the way in."""

    sku: str = strawberry.field(description="The article number, 1 to 100 characters.")
    quantity: Amount = strawberry.field(description="How much or many; not negative.")
    total: Amount = strawberry.field(description="The total of the line, in the currency of the order; not negative.")
    name: str | None = strawberry.field(default=None, description="The article's name, up to 500 characters.")

    def read(self) -> OrderLine:
        """As the domain's value; raises `InvalidInput`."""
        return OrderLine(self.sku, readable(self.quantity, "quantity"), readable(self.total, "total"), self.name or "")


@strawberry.input(description="What a source says of an order at a time.")
class OrderInput:
    """An order on the way in."""

    number: str = strawberry.field(
        description="The order number, unique over all sources: tills whose receipt numbers restart prefix them "
        "(`store/number`), else strangers merge."
    )
    source: str = strawberry.field(description="Who says so: 1 to 100 characters.")
    placed_at: Timestamp = strawberry.field(description="When it was placed, at most 5 minutes ahead.")
    stated_at: Timestamp = strawberry.field(
        description="When the source says this: its newest statement of an order replaces its older ones, identifiers "
        "too, whichever arrives first. The same time with other content is an error."
    )
    currency: str = strawberry.field(description="ISO 4217, such as `EUR`.")
    total: Amount = strawberry.field(description="What it comes to; not negative.")
    identifiers: list[IdentifierInput] = strawberry.field(
        default_factory=list, description="0 to 19 identifiers that it was placed with."
    )
    status: OrderStatus = strawberry.field(default=OrderStatus.PLACED, description="Where it stands.")
    lines: list[OrderLineInput] = strawberry.field(default_factory=list, description="0 to 500 lines.")
    party: Party = strawberry.field(default=Party.FIRST, description="How near the source is.")

    def read(self) -> OrderStatement | Problem:
        """As the domain's value, or what cannot be read in it."""
        try:
            placed_at, stated_at = readable(self.placed_at, "placedAt"), readable(self.stated_at, "statedAt")
            total = readable(self.total, "total")
        except InvalidInput as error:
            return error.problem()
        lines: list[OrderLine] = []
        for place, line in enumerate(self.lines):
            try:
                lines.append(line.read())
            except InvalidInput as error:
                return Problem(error.code, f"line {place + 1}: {error.message}", ("lines", place, *error.path))
        order = DomainOrder(
            self.number, self.source, placed_at, stated_at, self.currency, total, self.status, tuple(lines)
        )
        return OrderStatement(order, pairs(self.identifiers), self.party.tier)


@strawberry.input(description="Orders to take in.")
class RecordOrdersInput:
    """The input of `recordOrders`."""

    orders: list[OrderInput] = strawberry.field(description="1 to 1,000 orders.")


@strawberry.type
class OrderMutations:
    """What can be done with orders."""

    @strawberry.mutation(
        description="Take in orders. An order is an identifier that also carries facts: its number finds its customer, "
        "and what it was placed with is linked."
    )
    async def record_orders(self, info: Info, input: RecordOrdersInput) -> ObservationsPayload:
        """Take in orders."""
        return await taken_in(info, info.context.graph.record_orders, input.orders)


@strawberry.type
class OrderQueries:
    """What can be asked of orders."""

    @strawberry.field(description="An order by its number; null where none is known.")
    async def order(
        self, info: Info, number: Annotated[str, strawberry.argument(description="The order number.")]
    ) -> Order | None:
        """One order."""
        return await Order.resolve_reference(info, number)
