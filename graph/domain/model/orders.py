"""Orders: facts at identifiers of their own.

An order is an identifier (namespace `order`) that also carries facts. Money is `Decimal`, never a float.
"""

from decimal import Decimal
from enum import Enum

from msgspec import Struct
from msgspec.json import Decoder

from graph.domain.model.errors import Problem
from graph.domain.model.json_text import compact
from graph.domain.model.observations import ORDER, Observation, Party
from graph.domain.model.validation import check_text, check_time

ORDER_NAMESPACE = "order"
MAX_LINES = 500
_MAX_DIGITS = 18
_MAX_DECIMALS = 6


class OrderStatus(Enum):
    """The status of an order."""

    PLACED = "placed"
    PAID = "paid"
    SHIPPED = "shipped"
    RETURNED = "returned"
    CANCELLED = "cancelled"


class OrderLine(Struct, frozen=True, gc=False, array_like=True):
    """One line of an order; `total` is that of the line, in the currency of the order. In JSON it is an array."""

    sku: str
    quantity: Decimal
    total: Decimal
    name: str = ""


class Order(Struct, frozen=True, gc=False):
    """What one source reports of an order; a newer `reported_at` replaces older reports. Times are in microseconds."""

    number: str
    source: str
    placed_at: int
    reported_at: int
    currency: str
    total: Decimal
    status: OrderStatus = OrderStatus.PLACED
    lines: tuple[OrderLine, ...] = ()

    def facts(self) -> str:
        """Return the facts as JSON text, decimals as strings."""
        return compact(
            {
                "number": self.number,
                "placed_at": self.placed_at,
                "reported_at": self.reported_at,
                "currency": self.currency,
                "total": format_decimal(self.total),
                "status": self.status.value,
                "lines": [
                    [line.sku, format_decimal(line.quantity), format_decimal(line.total), line.name]
                    for line in self.lines
                ],
            }
        )

    @classmethod
    def from_facts(cls, source: str, facts: str) -> "Order":
        """Parse the text that `facts` returned."""
        stored = _FACTS.decode(facts)
        return cls(
            stored.number,
            source,
            stored.placed_at,
            stored.reported_at,
            stored.currency,
            stored.total,
            stored.status,
            stored.lines,
        )

    def observation(self, identifiers: tuple[tuple[str, str], ...], party: Party = Party.FIRST_PARTY) -> Observation:
        """Return the order as an observation: its number and the identifiers, seen together when it was placed."""
        return Observation(
            self.source,
            ((ORDER_NAMESPACE, self.number), *identifiers),
            statement_id(self.number, self.reported_at),
            party,
            self.placed_at,
            facts=self.facts(),
            kind=ORDER,
        )

    def takes_precedence_over(self, other: "Order | None") -> bool:
        """Whether this report takes precedence over another source's: the later one, on a tie the smaller source."""
        return other is None or (-self.reported_at, self.source) < (-other.reported_at, other.source)


class _Facts(Struct, frozen=True, gc=False):
    """An order as its facts are stored."""

    number: str
    placed_at: int
    reported_at: int
    currency: str
    total: Decimal
    status: OrderStatus
    lines: tuple[OrderLine, ...]


_FACTS = Decoder(_Facts)


class OrderStatement(Struct, frozen=True, gc=False):
    """What a source reports of an order, and 0 to 19 identifiers it was placed with, as namespace and raw value."""

    order: Order
    identifiers: tuple[tuple[str, str], ...] = ()
    party: Party = Party.FIRST_PARTY


def statement_id(number: str, reported_at: int) -> str:
    """Return the id of the observation that reports an order."""
    return f"order:{number}:{reported_at}"


def reported_at_of(facts: str) -> int:
    """Return the time at which an order was reported, from the text that `Order.facts` returned."""
    return _FACTS.decode(facts).reported_at


def format_decimal(number: Decimal) -> str:
    """Format a decimal without exponent and without trailing zeros after the point."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def check_order(order: Order, currencies: frozenset[str], now: int) -> Problem | None:
    """Return the problem of an order, if any; `currencies` are the ISO 4217 codes, `now` is in microseconds."""
    if problem := check_text("number", order.number, 160):
        return problem
    if order.currency not in currencies:
        return Problem(
            "UNKNOWN_CURRENCY", f"currency {order.currency[:20]!r} is not an ISO 4217 code such as EUR", ("currency",)
        )
    if problem := check_amount("total", order.total):
        return problem
    if len(order.lines) > MAX_LINES:
        return Problem("INVALID_COUNT", f"lines holds {len(order.lines)} entries; {MAX_LINES} are allowed", ("lines",))
    for index, line in enumerate(order.lines):
        problem = (
            check_text("sku", line.sku, 100)
            or (check_text("name", line.name, 500) if line.name else None)
            or check_amount("quantity", line.quantity)
            or check_amount("total", line.total)
        )
        if problem:
            return Problem(problem.code, f"line {index + 1}: {problem.message}", ("lines", index, *problem.path))
    return check_time("placedAt", order.placed_at, now) or check_time("reportedAt", order.reported_at, now)


def check_amount(name: str, amount: Decimal) -> Problem | None:
    """Return the problem of an amount, if any: numbers from 0 with at most 18 digits and 6 decimals are allowed."""
    if not amount.is_finite():
        return Problem("INVALID_AMOUNT", f"{name} is {amount}; it must be a number", (name,))
    if amount < 0:
        return Problem("NEGATIVE_AMOUNT", f"{name} is {amount}; it must not be negative", (name,))
    _, digits, exponent = amount.as_tuple()
    if not isinstance(exponent, int) or -exponent > _MAX_DECIMALS or max(len(digits) + exponent, 0) > _MAX_DIGITS:
        return Problem(
            "INVALID_AMOUNT",
            f"{name} has too many digits; {_MAX_DIGITS} before and {_MAX_DECIMALS} after the decimal point are allowed",
            (name,),
        )
    return None
