"""Amounts of money."""

from collections.abc import Container
from decimal import Decimal

from msgspec import Struct

from graph.domain.model.errors import Problem
from graph.domain.model.orders import check_amount


class Money(Struct, frozen=True, gc=False):
    """An amount in a currency (ISO 4217)."""

    currency: str
    amount: Decimal


def check_money(name: str, money: Money, currencies: Container[str]) -> Problem | None:
    """Return the problem of an amount of money, if any; `currencies` are the ISO 4217 codes. It is not negative."""
    if money.currency not in currencies:
        message = f"{name}.currency is {money.currency[:20]!r}; an ISO 4217 code is required, such as EUR"
        return Problem("UNKNOWN_CURRENCY", message, (name, "currency"))
    if problem := check_amount(name, money.amount):
        return Problem(problem.code, problem.message, (name, "amount"))
    return None
