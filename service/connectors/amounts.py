"""Numbers in what other systems send: exact, and never so large that computing or writing one takes long."""

from decimal import Decimal, InvalidOperation

MAX_LENGTH = 60
"""Characters of a number."""
MAX_MAGNITUDE = 40
"""Digits before the decimal point, and behind it."""


def amount(text: str) -> Decimal:
    """Return the number that a text says. Raises `ValueError`.

    `1e999999` is eight characters that are a million digits once they are written out, so its magnitude is limited.
    """
    if len(text) > MAX_LENGTH:
        raise ValueError(f"has {len(text)} characters; numbers have at most {MAX_LENGTH}")
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError("is not a number") from None
    if not number.is_finite():
        raise ValueError("is not a number")
    if int(number.as_tuple().exponent) < -MAX_MAGNITUDE or number.adjusted() > MAX_MAGNITUDE:
        raise ValueError(f"is out of range: numbers have at most {MAX_MAGNITUDE} digits before and behind the point")
    return number
