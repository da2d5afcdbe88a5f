"""Which identifiers a text may name, whatever it is: JSON, CSV, a form, or a sentence."""

import json

import pytest

from graph.domain.privacy.named_in_text import keys_in_text, words_of
from service.config import rules_file

RULES = rules_file.parse(rules_file.default_text())
ANN = "email=ann@example.com"


@pytest.mark.parametrize(
    "text",
    [
        '{"traits": {"email": "ann@example.com"}}',
        '{"email":" ANN@Example.com "}',
        '{"email": "\\u0061nn@example.com"}',
        json.dumps({"body": json.dumps({"email": "ann@example.com"})}),
        '{"note": "please call Ann <ann@example.com>, she waits"}',
        '{"url": "https://shop.example/login?email=ann%40example.com&x=1"}',
        "crm,C-1,ann@example.com,Ann",
        "email=ann%40example.com&id=12",
        "mailto:ann@example.com",
        '{"email": "ann@example.com", "cut": "and the rest is miss',
        "'ann@example.com'",
    ],
)
def test_an_address_is_found_however_it_is_written(text: str) -> None:
    assert ANN in keys_in_text(text, RULES, "shop")


@pytest.mark.parametrize("text", ["+49 170 1234567", "call (+49) 170-123 45 67 today", '{"phone": "004917012345 67"}'])
def test_a_phone_number_is_found_however_it_is_written(text: str) -> None:
    assert "phone=+491701234567" in keys_in_text(text, RULES, "shop")


def test_a_name_with_blanks_is_a_word_of_its_own() -> None:
    assert "member 47 11" in words_of('{"card": "member 47 11"}')


def test_short_words_name_nobody() -> None:
    # given numbers that are in every record
    text = '{"quantity": 12, "size": "XL", "year": 2026, "price": "4711"}'
    # then
    assert words_of(text) & {"12", "XL"} == set()
    assert {"2026", "4711"} <= words_of(text)


def test_a_part_of_a_word_is_no_word() -> None:
    assert ANN not in keys_in_text('{"email": "joann@example.com"}', RULES, "shop")


def test_broken_escapes_are_read_as_they_are() -> None:
    assert "ab\\x12cd" in words_of('{"value": "ab\\x12cd"}')
