"""TC strings: those that IAB Tech Lab publishes are read as its libraries read them."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.domain.model.errors import Problem
from graph.domain.profile.tcf import TcString, decode
from tests.builders.tc_strings import GLOBAL, NONE, OUTDATED_POLICY, SOME, TCF_2_3, VERSION_1

NOW = 1_800_000_000_000_000


def decoded(text: str) -> TcString:
    found = decode(text, NOW)
    assert isinstance(found, TcString), found
    return found


def test_the_purposes_and_vendors_of_published_strings_are_read() -> None:
    assert decoded(TCF_2_3).purposes == frozenset(range(1, 12))
    assert decoded(SOME).purposes == {1, 3, 4, 5, 6}
    assert decoded(NONE).purposes == frozenset()
    assert decoded(TCF_2_3).updated_at == 1_768_262_400_000_000


def test_consent_is_to_all_of_the_purposes_and_to_the_vendor() -> None:
    some = decoded(SOME)
    vendor = some.vendors[0].start
    assert some.consents([1, 3], None)
    assert some.consents([1, 3], vendor)
    assert not some.consents([1, 2], None)
    assert not some.consents([], None)
    assert not some.consents([1], 60_000)


def test_a_purpose_that_the_publisher_forbids_a_vendor_is_not_consented_to() -> None:
    consented = TcString(0, frozenset({1, 2}), (range(1, 100),), ((2, range(7, 9)),))
    assert consented.consents([1, 2], 9)
    assert not consented.consents([1, 2], 8)
    assert consented.consents([1, 2], None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (VERSION_1, "has the format version 1; only 2 counts"),
        (GLOBAL, "is not service-specific; strings of global scope are invalid"),
        (OUTDATED_POLICY, "has the policy version 2, which is invalid in strings of 2025-06-03; 4 (TCF 2.2) is needed"),
        (SOME[:40], "ends too early"),
        ("not base64!", "is not base64 without padding"),
        (SOME + ".ü", "is not base64 without padding"),
        (SOME + ".", "ends too early"),
    ],
)
def test_a_string_that_is_malformed_or_no_longer_valid_is_a_problem(text: str, reason: str) -> None:
    found = decode(text, NOW)
    assert isinstance(found, Problem)
    assert (found.code, found.path) == ("INVALID_TC_STRING", ("tcString",))
    assert found.message.endswith(reason)


def test_a_string_of_the_future_is_a_problem() -> None:
    found = decode(TCF_2_3, 1_700_000_000_000_000)
    assert isinstance(found, Problem)
    assert "which is in the future" in found.message


@given(st.binary(max_size=400), st.booleans())
def test_any_text_is_read_or_a_problem(content: bytes, is_version_2: bool) -> None:
    text = base64.urlsafe_b64encode(content).decode().rstrip("=")
    found = decode(f"C{text}" if is_version_2 else text, NOW)
    assert isinstance(found, TcString | Problem)
