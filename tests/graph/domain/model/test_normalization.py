"""The steps: the fast path for email addresses compared with the library, and the form of each kind."""

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given, settings
from hypothesis import strategies as st

from graph.domain.model.normalization import step

part = st.text("abz019-_+.", min_size=1, max_size=12)
addresses = st.builds(
    lambda name, labels, end: f"{name}@{'.'.join([*labels, end])}",
    part,
    st.lists(st.text("abz09-", min_size=1, max_size=8), max_size=3),
    st.sampled_from(["de", "com", "example", "test", "local", "onion", "arpa", "x1", "xn--p1ai"]),
)


@settings(max_examples=500)
@given(addresses | st.emails())
@example("anna@mail.de")
@example("anna@xn--mller-kva.de")
@example("a" * 70 + "@mail.de")
@example("anna@local")
@example("anna@shop.local")
def test_an_address_is_normalized_as_the_library_does(address: str) -> None:
    # given
    try:
        # A period at the end ends a sentence, not the address.
        expected = validate_email(address.rstrip("."), check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        expected = None
    # when
    try:
        result = step("email")(address)
    except ValueError:
        result = None
    # then
    assert result == expected


@pytest.mark.parametrize(
    ("name", "raw", "expected"),
    [
        ("email", "Ann Lee <Ann@Example.com>", "ann@example.com"),
        ("email", '"Lee, Ann" <ann@example.com>', "ann@example.com"),
        ("email", "<ann@example.com>", "ann@example.com"),
        ("email", "mailto:ann@example.com?subject=Hi", "ann@example.com"),
        ("email", "ann@example.com;", "ann@example.com"),
        ("email", "ann@xn--mller-kva.example", "ann@müller.example"),
        ("email", "ANN@MÜLLER.example", "ann@müller.example"),
        ("email", "ａｎｎ＠ｅｘａｍｐｌｅ.com", "ann@example.com"),
        ("email", "ann.lee+shop@gmail.com", "ann.lee+shop@gmail.com"),
        ("gmail", "ann.lee+shop@googlemail.com", "annlee@gmail.com"),
        ("gmail", "ann.lee+shop@example.com", "ann.lee+shop@example.com"),
        ("digits", "１２-３٤", "1234"),
        ("alphanumeric", "KC-１００ 001", "KC100001"),
        ("sha256", "E3" + "0" * 62, "e3" + "0" * 62),
        ("ip", "2001:0DB8:0000:0000:0000:0000:0000:0001", "2001:db8::1"),
        ("ip", "[2001:db8::1]:443", "2001:db8::1"),
        ("ip", "fe::1%eth0", "fe::1"),
        ("ip", "::ffff:192.0.2.7", "192.0.2.7"),
        ("ip", "192.0.2.7:8080", "192.0.2.7"),
        ("mac", "AA:BB:CC:dd:ee:01", "aabbccddee01"),
        ("mac", "aa-bb-cc-dd-ee-01", "aabbccddee01"),
        ("mac", "aabb.ccdd.ee01", "aabbccddee01"),
        ("mac", "d1:2", "d1:2"),
        ("order", "#1001", "1001"),
        ("order", "# 1001.0", "1001"),
        ("order", "W-#1", "W-#1"),
    ],
)
def test_a_value_has_one_form(name: str, raw: str, expected: str) -> None:
    # when, then
    assert step(name)(raw) == expected


@pytest.mark.parametrize(
    ("name", "raw", "reason"),
    [
        ("email", "ann@example.com, bob@example.com", "not an email"),
        ("email", "Ann <ann@example.com> <bob@example.com>", "not an email"),
        ("digits", "4711.5", "fraction"),
        ("alphanumeric", "1,234.00", "fraction"),
        ("alphanumeric", "4711.000", "fraction"),
        ("alphanumeric", "AB 12.0", "fraction"),
        ("alphanumeric", "12:34:00", "date or a time"),
        ("alphanumeric", "01.03.2024", "date or a time"),
        ("ip", "255.255.255.255", "one connection"),
        ("alphanumeric", "4711,50", "fraction"),
        ("sha256", "ann@example.com", "64 hexadecimal"),
        ("gmail", "+x@gmail.com", "not a Gmail"),
        ("ip", "127.0.0.1", "one connection"),
        ("ip", "::", "one connection"),
        ("ip", "192.168.1.1", "private network"),
        ("ip", "fd00::1", "private network"),
        ("ip", "192.0.2.700", "not an IP address"),
    ],
)
def test_a_value_of_another_kind_is_an_error_with_the_reason(name: str, raw: str, reason: str) -> None:
    # when, then
    with pytest.raises(ValueError, match=reason):
        step(name)(raw)
