"""Amounts of money in GraphQL."""

from decimal import Decimal
from functools import lru_cache

import strawberry
from babel.numbers import get_currency_precision

from graph.domain.access.scopes import ANY
from graph.domain.model.money import Money as DomainMoney
from schema.shared.required_scopes import requires
from schema.shared.scalars import Amount


def money(amount: Decimal, currency: str, rounded: bool = False) -> Amount:
    """Return an amount with at least the decimals of its currency; an average is rounded to them."""
    unit, zero = _unit(currency)
    # A sum has the decimals of the addend that has more.
    return Amount(amount.quantize(unit) if rounded else amount + zero)


@lru_cache(maxsize=200)
def _unit(currency: str) -> tuple[Decimal, Decimal]:
    """Return the smallest unit of a currency, and zero with as many decimals."""
    places = get_currency_precision(currency)
    return Decimal(1).scaleb(-places), Decimal(0).scaleb(-places)


@requires(ANY)
@strawberry.type(description="An amount of money.")
class Money:
    """Money in GraphQL."""

    amount: Amount = strawberry.field(description='The amount. E.g. `"12.50"`.')
    currency: str = strawberry.field(description="The ISO 4217 code of the currency. E.g. `EUR`.")

    @classmethod
    def of(cls, value: DomainMoney, rounded: bool = False) -> "Money":
        """Convert the domain's value."""
        return cls(amount=money(value.amount, value.currency, rounded), currency=value.currency)
