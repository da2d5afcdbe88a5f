"""Values of fields as vendors take them."""

from typing import Any

import pytest

from service.destinations.field_values import flat, strings, text

ADDRESS = {"street": "Hauptstr. 1", "city": "Bonn", "region": None}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ""),
        (True, "true"),
        (3, "3"),
        ("Ann", "Ann"),
        (["a", "b"], "a;b"),
        (ADDRESS, "Hauptstr. 1, Bonn"),
    ],
)
def test_a_value_as_a_text(value: Any, expected: str) -> None:
    assert text(value, ";") == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(None, None), (True, True), (3, 3), (["a"], "a"), (ADDRESS, "Hauptstr. 1, Bonn")]
)
def test_a_value_that_keeps_its_type(value: Any, expected: Any) -> None:
    assert flat(value) == expected


def test_all_texts_in_a_value_are_found() -> None:
    assert list(strings([ADDRESS, "x", 4, None])) == ["Hauptstr. 1", "Bonn", "x"]
