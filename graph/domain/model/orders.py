"""Orders: facts at identifiers of their own.

An order is an identifier (namespace `order`) that also carries facts. Money is `Decimal`, never a float.
"""

from decimal import Decimal
from enum import Enum

from msgspec import Struct
from msgspec.json import Decoder

from graph.domain.model.errors import Problem
from graph.domain.model.json_text import compact
from graph.domain.model.observations import ORDER, Observation, Tier
from graph.domain.model.validation import check_text, check_time

NAMESPACE = "order"
MAX_LINES = 500
_MAX_DIGITS = 18
_MAX_DECIMALS = 6


class OrderStatus(Enum):
    """Where an order stands."""

    PLACED = "placed"
    PAID = "paid"
    SHIPPED = "shipped"
    RETURNED = "returned"
    CANCELLED = "cancelled"


class OrderLine(Struct, frozen=True, gc=False, array_like=True):
    """One line of an order; `total` is the line's, in the currency of the order. In JSON it is an array."""

    sku: str
    quantity: Decimal
    total: Decimal
    name: str = ""


class Order(Struct, frozen=True, gc=False):
    """What one source says of an order; its newest `stated_at` replaces its older ones. Times in microseconds."""

    number: str
    source: str
    placed_at: int
    stated_at: int
    currency: str
    total: Decimal
    status: OrderStatus = OrderStatus.PLACED
    lines: tuple[OrderLine, ...] = ()

    def facts(self) -> str:
        """The facts as JSON text, decimals as strings."""
        return compact(
            {
                "number": self.number,
                "placed_at": self.placed_at,
                "stated_at": self.stated_at,
                "currency": self.currency,
                "total": plain(self.total),
                "status": self.status.value,
                "lines": [[line.sku, plain(line.quantity), plain(line.total), line.name] for line in self.lines],
            }
        )

    @classmethod
    def from_facts(cls, source: str, facts: str) -> "Order":
        """The order that `facts` wrote down."""
        read = _FACTS.decode(facts)
        return cls(
            read.number, source, read.placed_at, read.stated_at, read.currency, read.total, read.status, read.lines
        )

    def observation(self, identifiers: tuple[tuple[str, str], ...], party: Tier = Tier.FIRST) -> Observation:
        """The observation that an order is: its number and the identifiers, seen together when it was placed."""
        return Observation(
            self.source,
            ((NAMESPACE, self.number), *identifiers),
            statement_id(self.number, self.stated_at),
            party,
            self.placed_at,
            facts=self.facts(),
            kind=ORDER,
        )

    def newer(self, other: "Order | None") -> bool:
        """Whether this statement beats another source's: stated later, or at the same time by the smaller name."""
        return other is None or (-self.stated_at, self.source) < (-other.stated_at, other.source)


class _Facts(Struct, frozen=True, gc=False):
    """An order as its facts are written down."""

    number: str
    placed_at: int
    stated_at: int
    currency: str
    total: Decimal
    status: OrderStatus
    lines: tuple[OrderLine, ...]


_FACTS = Decoder(_Facts)


class OrderStatement(Struct, frozen=True, gc=False):
    """What a source says of an order, and the identifiers it was placed with (0 to 19, as namespace and raw value)."""

    order: Order
    identifiers: tuple[tuple[str, str], ...] = ()
    party: Tier = Tier.FIRST


def statement_id(number: str, stated_at: int) -> str:
    """The id of the observation that a statement of an order is."""
    return f"order:{number}:{stated_at}"


def stated_at_of(facts: str) -> int:
    """When an order was stated, from what `facts` wrote down."""
    return _FACTS.decode(facts).stated_at


def plain(number: Decimal) -> str:
    """A decimal without exponent and without needless zeros behind the point."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def check_order(order: Order, currencies: frozenset[str], now: int) -> Problem | None:
    """What is wrong with an order; `currencies` are the codes of ISO 4217, `now` is in microseconds."""
    if problem := check_text("number", order.number, 160):
        return problem
    if order.currency not in currencies:
        return Problem(
            "UNKNOWN_CURRENCY", f"currency {order.currency[:20]!r} is not a code of ISO 4217 such as EUR", ("currency",)
        )
    if problem := check_amount("total", order.total):
        return problem
    if len(order.lines) > MAX_LINES:
        return Problem("BAD_COUNT", f"lines holds {len(order.lines)} entries; {MAX_LINES} are allowed", ("lines",))
    for index, line in enumerate(order.lines):
        problem = (
            check_text("sku", line.sku, 100)
            or (check_text("name", line.name, 500) if line.name else None)
            or check_amount("quantity", line.quantity)
            or check_amount("total", line.total)
        )
        if problem:
            return Problem(problem.code, f"line {index + 1}: {problem.message}", ("lines", index, *problem.path))
    return check_time("placedAt", order.placed_at, now) or check_time("statedAt", order.stated_at, now)


def check_amount(name: str, amount: Decimal) -> Problem | None:
    """What is wrong with an amount: it must be a number, not negative, of at most 18 digits and 6 decimals."""
    if not amount.is_finite():
        return Problem("BAD_AMOUNT", f"{name} is {amount}; a number is needed", (name,))
    if amount < 0:
        return Problem("NEGATIVE_AMOUNT", f"{name} is {amount}; it must not be negative", (name,))
    _, digits, exponent = amount.as_tuple()
    if not isinstance(exponent, int) or -exponent > _MAX_DECIMALS or max(len(digits) + exponent, 0) > _MAX_DIGITS:
        return Problem(
            "BAD_AMOUNT",
            f"{name} has too many digits; {_MAX_DIGITS} before the point and {_MAX_DECIMALS} behind it are allowed",
            (name,),
        )
    return None
