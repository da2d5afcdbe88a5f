"""Numbers of other systems are exact, and never long once they are written out."""

from decimal import Decimal

import pytest

from service.connectors.amounts import MAX_LENGTH, MAX_MAGNITUDE, amount


@pytest.mark.parametrize("text", ["0", "-12.50", "1e3", "0.1", "9" * MAX_MAGNITUDE, f"1e-{MAX_MAGNITUDE}"])
def test_a_number_is_exact(text: str) -> None:
    assert amount(text) == Decimal(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not a number"),
        ("many", "is not a number"),
        ("NaN", "is not a number"),
        ("sNaN", "is not a number"),
        ("-Infinity", "is not a number"),
        ("1e999999", "is out of range"),
        ("1e-999999", "is out of range"),
        ("1e99999999999", "is out of range"),
        ("9" * (MAX_LENGTH + 1), "has 61 characters"),
    ],
)
def test_what_is_no_number_or_a_long_one_is_an_error(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        amount(text)
