"""Texts as they are searched: the quick ways find what the plain ones do."""

import unicodedata

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.domain.profile.search import fold, text_of_identifier

NON_GEOGRAPHIC = sorted(phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS)


def plain_words(text: str) -> list[str]:
    """The words of any text, whatever it is made of."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    kept = [char if char.isalnum() else " " for char in plain if not unicodedata.combining(char)]
    return "".join(kept).split()


@given(st.text(st.characters(max_codepoint=127)) | st.text())
def test_words_of_plain_letters_are_found_as_those_of_any(text: str) -> None:
    assert fold(text) == plain_words(text)


def examples(region: str) -> list[phonenumbers.PhoneNumber]:
    """A number of each type of a region."""
    types = phonenumbers.PhoneNumberType.values()
    return [one for kind in types if (one := phonenumbers.example_number_for_type(region, kind)) is not None]


def is_searched_as_dialled(number: phonenumbers.PhoneNumber) -> None:
    """That a number is found however it is dialled."""
    key = f"phone={phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)}"
    national = phonenumbers.national_significant_number(number)
    words = text_of_identifier(key).split()
    assert words == list(
        dict.fromkeys(
            [f"{number.country_code}{national}", national, f"0{national}", f"00{number.country_code}{national}"]
        )
    )


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_a_number_is_found_as_it_is_dialled_in_its_country(region: str) -> None:
    for number in examples(region):
        is_searched_as_dialled(number)


@pytest.mark.parametrize("code", NON_GEOGRAPHIC)
def test_a_number_of_no_country_is_found_as_it_is_dialled(code: int) -> None:
    number = phonenumbers.example_number_for_non_geo_entity(code)
    assert number is not None
    is_searched_as_dialled(number)


@pytest.mark.parametrize("value", ["12345", "+", "+0123456", "+abc", "unknown"])
def test_what_is_no_number_is_searched_as_it_stands(value: str) -> None:
    assert text_of_identifier(f"phone={value}").split() == fold(value)


def test_a_number_that_is_kept_as_it_was_written_is_found_as_it_is_dialled() -> None:
    words = text_of_identifier("phone=+49 (171) 123-4567").split()
    assert {"1711234567", "01711234567", "00491711234567"} <= set(words)
