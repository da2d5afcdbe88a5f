"""Searchable texts: the fast paths give the same words as the general ones."""

import unicodedata

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.domain.profile.search import fold, prefixes_of, text_of_identifier

NON_GEOGRAPHIC = sorted(phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS)


def general_fold(text: str) -> list[str]:
    """`fold` without its fast path for ASCII."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    chars = [char if char.isalnum() else " " for char in plain if not unicodedata.combining(char)]
    return "".join(chars).split()


@given(st.text(st.characters(max_codepoint=127)) | st.text())
def test_the_fast_path_for_ascii_gives_the_same_words(text: str) -> None:
    assert fold(text) == general_fold(text)


def example_numbers(region: str) -> list[phonenumbers.PhoneNumber]:
    """A number of each type in a region."""
    numbers = (phonenumbers.example_number_for_type(region, type) for type in phonenumbers.PhoneNumberType.values())
    return [number for number in numbers if number is not None]


def assert_found_in_every_form(number: phonenumbers.PhoneNumber) -> None:
    """Assert that a number is found in each form in which people write it."""
    key = f"phone={phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)}"
    national = phonenumbers.national_significant_number(number)
    words = text_of_identifier(key).split()
    assert words == list(
        dict.fromkeys(
            [
                f"{number.country_code}{national}",
                national,
                f"0{national}",
                f"00{number.country_code}{national}",
                f"ending{f'{number.country_code}{national}'[::-1]}",
            ]
        )
    )
    assert all(
        any(word.startswith(prefix) for word in words for prefix in prefixes_of(national[-digits:]))
        for digits in range(4, len(national) + 1)
    )


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_a_number_is_found_in_every_form(region: str) -> None:
    for number in example_numbers(region):
        assert_found_in_every_form(number)


@pytest.mark.parametrize("code", NON_GEOGRAPHIC)
def test_a_number_without_a_country_is_found_in_every_form(code: int) -> None:
    number = phonenumbers.example_number_for_non_geo_entity(code)
    assert number is not None
    assert_found_in_every_form(number)


@pytest.mark.parametrize("value", ["12345", "+", "+0123456", "+abc", "unknown"])
def test_a_value_that_is_not_a_number_is_searched_as_its_words(value: str) -> None:
    assert text_of_identifier(f"phone={value}").split()[: len(fold(value))] == fold(value)


def test_a_number_that_is_not_normalized_is_found_in_every_form() -> None:
    words = text_of_identifier("phone=+49 (171) 123-4567").split()
    assert {"1711234567", "01711234567", "00491711234567"} <= set(words)
