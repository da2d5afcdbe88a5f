"""Orders: facts at identifiers of their own.

An order is an identifier (namespace `order`) that also carries facts. Money is `Decimal`, never a float.
"""

import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import Enum
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.json import Decoder

from graph.domain.model.claims import is_claimed
from graph.domain.model.errors import Problem
from graph.domain.model.json_text import compact
from graph.domain.model.observations import ORDER, Observation, Party
from graph.domain.model.rules import ORDER_NAMESPACE
from graph.domain.model.validation import check_text, check_time

MAX_LINES = 500
_MAX_DIGITS = 18
_MAX_DECIMALS = 6
_ZERO = Decimal(0)
_Report = TypeVar("_Report")


class OrderStatus(Enum):
    """The status of an order."""

    PLACED = "placed"
    PAID = "paid"
    SHIPPED = "shipped"
    RETURNED = "returned"
    CANCELLED = "cancelled"


class OrderLine(Struct, frozen=True, gc=False, array_like=True):
    """One line of an order; `total` is that of the line, in the currency of the order. In JSON it is an array.

    `quantity` and `total` are negative for discounts, vouchers and returned items.
    """

    sku: str
    quantity: Decimal
    total: Decimal
    name: str = ""


class Order(Struct, frozen=True, gc=False):
    """What one source reports of an order; a newer `reported_at` replaces older reports. Times are in microseconds.

    `refunded` is the part of `total` that was given back, in the same currency.
    """

    number: str
    source: str
    placed_at: int
    reported_at: int
    currency: str
    total: Decimal
    status: OrderStatus = OrderStatus.PLACED
    lines: tuple[OrderLine, ...] = ()
    refunded: Decimal = _ZERO

    @property
    def observation_id(self) -> str:
        """The id of the observation that reports it."""
        return statement_id(self.number, self.reported_at)

    @property
    def revenue(self) -> Decimal:
        """The total less refunds; 0 if the order was canceled or returned."""
        return _ZERO if self.status in _WITHOUT_REVENUE else self.total - self.refunded

    @property
    def purchased_skus(self) -> set[str]:
        """The SKUs of its lines, without returned items and discounts."""
        return {line.sku for line in self.lines if line.quantity >= 0 and line.total >= 0}

    def facts(self) -> str:
        """Return the facts as JSON text, decimals as strings."""
        return compact(self._facts())

    def _facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = {
            "number": self.number,
            "placed_at": self.placed_at,
            "reported_at": self.reported_at,
            "currency": self.currency,
            "total": format_decimal(self.total),
            "status": self.status.value,
            "lines": [
                [line.sku, format_decimal(line.quantity), format_decimal(line.total), line.name] for line in self.lines
            ],
        }
        # Left out if it is not set: digests of stored observations are made of this text.
        if self.refunded:
            facts["refunded"] = format_decimal(self.refunded)
        return facts

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
            stored.refunded,
        )

    def observation(
        self, identifiers: tuple[tuple[str, str], ...] | None, party: Party = Party.FIRST_PARTY
    ) -> Observation:
        """Return the order as an observation: its number and the identifiers, seen together when it was placed.

        With `None` the order keeps the identifiers of earlier reports; an empty tuple says that it has none.
        """
        facts = self._facts()
        if identifiers is not None and not identifiers:
            facts[_NO_IDENTIFIERS] = True
        return Observation(
            self.source,
            ((ORDER_NAMESPACE, self.number), *(identifiers or ())),
            self.observation_id,
            party,
            self.placed_at,
            facts=compact(facts),
            kind=ORDER,
        )


_WITHOUT_REVENUE = frozenset({OrderStatus.CANCELLED, OrderStatus.RETURNED})
_NO_IDENTIFIERS = "no_identifiers"
"""The name in the facts of a report which says that its order has no identifiers."""


class _Facts(Struct, frozen=True, gc=False):
    """An order as its facts are stored."""

    number: str
    placed_at: int
    reported_at: int
    currency: str
    total: Decimal
    status: OrderStatus
    lines: tuple[OrderLine, ...]
    refunded: Decimal = _ZERO
    no_identifiers: bool = False


_FACTS = Decoder(_Facts)


class OrderStatement(Struct, frozen=True, gc=False):
    """What a source reports of an order, and 0 to 19 identifiers it was placed with, as namespace and raw value.

    Without `identifiers` (`None`) the order keeps those of earlier reports; an empty tuple says that it has none. An
    empty currency is that of the source in the rules.
    """

    order: Order
    identifiers: tuple[tuple[str, str], ...] | None = None
    party: Party = Party.FIRST_PARTY


def stored_order(observation: Observation) -> tuple[Order, bool]:
    """Return the order that an observation reports, and whether it keeps the identifiers of earlier reports."""
    keeps = len(observation.identifiers) == 1 and not _FACTS.decode(observation.facts).no_identifiers
    return Order.from_facts(observation.source, observation.facts), keeps


def precedence(source: str, tier: int, reported_at: int) -> tuple[bool, int, int, str]:
    """Return the place of a source's report of an order among those of all sources; the first one's facts count.

    The nearest party takes precedence, then the later report, on a tie that of the smaller source; a claim only over
    other claims. So nobody replaces the shop's own reports by a later one, such as the page with a public key.
    """
    return is_claimed(source), tier, -reported_at, source


def statement_id(number: str, reported_at: int) -> str:
    """Return the id of the observation that reports an order."""
    return f"order:{number}:{reported_at}"


def reported_at_of(facts: str) -> int:
    """Return the time at which an order was reported, from the text that `Order.facts` returned."""
    return _FACTS.decode(facts).reported_at


def facts_of_order(order: Order, facts: str) -> str:
    """Return what `Order.facts` does, given the facts of the observation that reports the order.

    They are the same unless they say something of the report as well, so they are rarely written again.
    """
    return order.facts() if _NO_IDENTIFIERS in facts else facts


def without_identifiers(facts: str) -> str:
    """Return the facts of a report that lost identifiers: its order does not keep those of earlier reports."""
    return compact({**json.loads(facts), _NO_IDENTIFIERS: True})


def keeps_identifiers(keys: Sequence[str], facts: str) -> bool:
    """Whether the report of an order keeps the identifiers of earlier reports.

    It does if `keys`, the identifiers it names under the rules, contain the order's own only, unless its `facts` say
    that the order has no others.
    """
    return len(keys) == 1 and not _FACTS.decode(facts).no_identifiers


def reports_in_effect(reports: Sequence[_Report], keeps: Callable[[_Report], bool]) -> tuple[_Report, ...]:
    """Return which reports of an order are in effect, of all live ones of one source, oldest first.

    The first is the newest, whose facts count. The other, if there is one, is the newest that does not keep the
    identifiers of earlier reports: its identifiers count. Both may be the same report. The result depends on the set of
    reports only, never on their order of arrival.
    """
    naming = next((report for report in reversed(reports) if not keeps(report)), None)
    return (reports[-1],) if naming is None else (reports[-1], naming)


def format_decimal(number: Decimal) -> str:
    """Format a decimal without exponent and without trailing zeros after the point."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def check_order(order: Order, currencies: frozenset[str], now: int) -> Problem | None:
    """Return the problem of an order, if any; `currencies` are the ISO 4217 codes, `now` is in microseconds."""
    if problem := check_text("number", order.number, 160):
        return problem
    if problem := _check_currency(order, currencies):
        return problem
    if problem := check_amount("total", order.total) or _check_refunded(order):
        return problem
    if len(order.lines) > MAX_LINES:
        return Problem("INVALID_COUNT", f"lines holds {len(order.lines)} entries; {MAX_LINES} are allowed", ("lines",))
    for index, line in enumerate(order.lines):
        problem = (
            check_text("sku", line.sku, 100)
            or (check_text("name", line.name, 500) if line.name else None)
            or check_amount("quantity", line.quantity, may_be_negative=True)
            or check_amount("total", line.total, may_be_negative=True)
        )
        if problem:
            return Problem(problem.code, f"line {index + 1}: {problem.message}", ("lines", index, *problem.path))
    return check_time("placedAt", order.placed_at, now) or check_time("reportedAt", order.reported_at, now)


def _check_currency(order: Order, currencies: frozenset[str]) -> Problem | None:
    if order.currency in currencies:
        return None
    if order.currency:
        message = f"currency {order.currency[:20]!r} is not an ISO 4217 code such as EUR"
    else:
        message = f"currency is missing, and the rules have no currency of source {order.source[:100]!r}"
    return Problem("UNKNOWN_CURRENCY", message, ("currency",))


def _check_refunded(order: Order) -> Problem | None:
    if problem := check_amount("refunded", order.refunded):
        return problem
    if order.refunded <= order.total:
        return None
    message = f"refunded is {order.refunded}; 0 to the total of the order, {order.total}, is allowed"
    return Problem("INVALID_AMOUNT", message, ("refunded",))


def check_amount(name: str, amount: Decimal, may_be_negative: bool = False) -> Problem | None:
    """Return the problem of an amount, if any: numbers with at most 18 digits and 6 decimals are allowed.

    They are not below 0 unless the amount `may_be_negative`.
    """
    if not amount.is_finite():
        return Problem("INVALID_AMOUNT", f"{name} is {amount}; it must be a number", (name,))
    if amount < 0 and not may_be_negative:
        return Problem("NEGATIVE_AMOUNT", f"{name} is {amount}; it must not be negative", (name,))
    _, digits, exponent = amount.as_tuple()
    if not isinstance(exponent, int) or -exponent > _MAX_DECIMALS or max(len(digits) + exponent, 0) > _MAX_DIGITS:
        return Problem(
            "INVALID_AMOUNT",
            f"{name} has too many digits; {_MAX_DIGITS} before and {_MAX_DECIMALS} after the decimal point are allowed",
            (name,),
        )
    return None
