"""Amounts of money in GraphQL."""

from decimal import Decimal
from functools import lru_cache

import strawberry
from babel.numbers import get_currency_precision

from graph.domain.profile.metrics import Money as DomainMoney
from schema.shared.scalars import Amount


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
