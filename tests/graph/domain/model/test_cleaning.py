"""The cleaning of text before all rules."""

import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from graph.domain.model.cleaning import clean, clean_value, plain_width
from graph.domain.model.rules import Rules
from service.config.rules_file import default_text, parse

RULES: Rules = parse(default_text())
NUMBERS = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(
            ["0171", "+49171", "0049 171", "49171", "030", "+1 415", "+52 1 55", "(0171)", "Tel. 030", "7", ""]
        ),
        st.text("0123456789٠１ ()./-", min_size=5, max_size=10),
        st.sampled_from(["", "", "", " Ann", " ext. 7", "x8", ".0", " 18 Uhr", "Ann", ", abends"]),
    ),
)
TEXTS = (
    st.text(max_size=30)
    | st.text("0123456789.,eE+-#='\" \u200bC＃１@", max_size=16)
    | st.emails()
    | NUMBERS
    | st.ip_addresses().map(str)
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4711\u200b", "4711"),
        ("\ufeffann", "ann"),
        ("a\u00a0\u3000b\tc", "a b c"),
        ("  a  ", "a"),
        ("\u202eann\u202c", "ann"),
        ("so\u00adft", "soft"),
        ("e\u200b\u0301", "é"),
        ("\u3164", ""),
        ("a\x07b\x9d", "ab"),
        ("１２", "１２"),
    ],
)
def test_what_nobody_sees_is_removed(text: str, expected: str) -> None:
    # when, then
    assert clean(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('="0012"', "0012"),
        ('=""0012""', "0012"),
        ("'0012", "0012"),
        ("'0012'", "0012"),
        ("=+491711234567", "+491711234567"),
        ("2-Marketing", "2-Marketing"),
        ("10 Janssen", "10 Janssen"),
        ("01711234567.0", "01711234567"),
        ("4711,00", "4711"),
        ("C-4711.0", "C-4711"),
        ('="4711.0"', "4711"),
        ("#1001.0", "#1001"),
        ("192.168.1.0", "192.168.1.0"),
        ("GA1.2.1234.0", "GA1.2.1234.0"),
        ("405E12", "405E12"),
        ("12e4567890abcdef", "12e4567890abcdef"),
        ("1.000", "1.000"),
        ("'C-4711", "C-4711"),
        ("'ann@example.com'", "ann@example.com"),
        ("=4711", "4711"),
        ("O'Neil", "O'Neil"),
        ("@#1", "@#1"),
    ],
)
def test_a_mark_of_a_spreadsheet_is_taken_back(text: str, expected: str) -> None:
    # when, then
    assert clean_value(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("4.05E+12", "scientific notation"),
        ("4,05E+12", "scientific notation"),
        ("1.0E10", "scientific notation"),
        ("4E+12", "scientific notation"),
        ("9007199254740993.0", "rounded"),
        ("K4711.0", "decimal fraction"),
        ("4.05 E+12", "scientific notation"),
        ("2024-03-01 00:00:00", "date"),
        ("1-Mar", "date"),
        ("01. Mrz", "date"),
        ('=HYPERLINK("x","y")', "formula"),
        ("=A1&B1", "formula"),
        ("=C-4711", "formula"),
        ("#REF!", "error"),
        ("#NAME?", "error"),
        ("#N/A", "error"),
        ("#BEZUG!", "error"),
        ("#¡VALOR!", "error"),
        ("Err:502", "error"),
        ("######", "error"),
    ],
)
def test_damage_that_cannot_be_taken_back_is_an_error_with_the_reason(text: str, reason: str) -> None:
    # when, then
    with pytest.raises(ValueError, match=reason):
        clean_value(text)


@pytest.mark.parametrize("text", ["Web-2.0", "Version 2.0", "K4711.0", "'t Hooft", "1-Mar"])
def test_a_text_that_is_not_an_identifier_keeps_a_number_at_its_end(text: str) -> None:
    # when, then
    assert clean_value(text, is_identifier=False) == text


@pytest.mark.parametrize("text", ["{{first_name}}", "%%FirstName%%", "*|FNAME|*", "[object Object]", "=A1", "#N/A"])
def test_a_text_that_a_template_or_a_spreadsheet_left_is_an_error(text: str) -> None:
    # when, then
    with pytest.raises(ValueError, match=r"template|spreadsheet"):
        clean_value(text, is_identifier=False)


@given(st.text(max_size=40))
def test_cleaning_twice_changes_nothing(text: str) -> None:
    # given
    once = clean(text)
    # when, then
    assert clean(once) == once


@given(st.sampled_from(RULES.names), TEXTS)
def test_normalizing_twice_changes_nothing(namespace: str, text: str) -> None:
    # given
    once = RULES.normalize_value(namespace, text)
    if not isinstance(once, str):
        return
    # when
    twice = RULES.normalize_value(namespace, once)
    # then
    assert twice == once


_VISIBLE = st.text(string.ascii_letters + string.digits + "-_/.,:+@", min_size=1, max_size=12)
_NUMBERED = st.from_regex(r"[A-Z]{0,2}-?[0-9]{1,8}", fullmatch=True)
_ENDS = st.sampled_from(["", "0", ".", ".0", ",0", ".00", ".5", ".05", "e5", "E+5", "-0", " 0"])


@given(_VISIBLE | _NUMBERED, _ENDS, _ENDS)
def test_different_visible_texts_stay_different(text: str, end: str, other_end: str) -> None:
    # given
    assume(end != other_end)
    a, b = text + end, text + other_end
    # when
    cleaned = []
    for text in (a, b):
        try:
            cleaned.append(clean_value(text))
        except ValueError:
            cleaned.append("")
    # then: only a fraction of zeros is not seen as a difference
    if cleaned[0] == cleaned[1] != "":
        shorter, longer = sorted((a, b), key=len)
        assert longer.startswith(cleaned[0])
        assert {*shorter[len(cleaned[0]) :], *longer[len(cleaned[0]) :]} <= {".", ",", "0"}


@given(NUMBERS)
def test_the_digits_of_a_phone_number_appear_in_the_input_in_that_order(text: str) -> None:
    # given
    number = RULES.normalize_value("phone", text)
    if not isinstance(number, str):
        return
    # when: the calling code of the default country need not be there
    typed = iter("".join(char for char in plain_width(text) if char.isdecimal()))
    digits = "".join(char for char in str(number) if char.isdecimal())
    national = digits if "+" in text else digits.removeprefix("49")
    # then
    assert all(digit in typed for digit in national)
