"""The text of a key."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.access import key_format


def test_a_key_has_the_documented_form_and_enough_random_bits() -> None:
    key = key_format.new_key(key_format.new_id())
    assert re.fullmatch(r"kith_[0-9A-Za-z]{8}_[0-9A-Za-z]{32}_[0-9A-Za-z]{6}", key)
    assert key_format.is_key(key)
    assert key_format.SECRET_LENGTH * math.log2(len(key_format.ALPHABET)) >= 190


def test_keys_differ() -> None:
    keys = {key_format.new_key("aaaaaaaa") for _ in range(1_000)}
    assert len(keys) == 1_000
    assert len({key_format.digest_of(key) for key in keys}) == 1_000


@given(st.data())
def test_a_key_with_another_letter_is_none(data: st.DataObject) -> None:
    # given
    key = key_format.new_key("0Ab9zZ12")
    place = data.draw(st.integers(0, len(key) - 1))
    letter = data.draw(st.sampled_from([*key_format.ALPHABET, "_", " ", "é"]).filter(lambda drawn: drawn != key[place]))
    # then
    assert not key_format.is_key(key[:place] + letter + key[place + 1 :])
    assert not key_format.is_key(key + letter)
    assert not key_format.is_key(key[:place])


@pytest.mark.parametrize("text", ["", "kith_", "\ud800", "kith_" + "a" * 48])
def test_any_text_has_a_digest_and_may_be_no_key(text: str) -> None:
    assert len(key_format.digest_of(text)) == 32
    assert not key_format.is_key(text)
