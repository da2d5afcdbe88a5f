"""Masks distinguish values roughly, identify none, and are no values."""

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.domain.access.masking import Masked, mask, mask_attribute, mask_in_text, mask_in_values, mask_key
from graph.domain.model.identifiers import MASK
from graph.domain.model.rules import DroppedIdentifier
from graph.domain.profile.catalog import AttributeDefinition, AttributeType
from service.config import rules_file

RULES = rules_file.parse(rules_file.default_text())


@pytest.mark.parametrize(
    ("namespace", "value", "expected"),
    [
        ("email", "ann@example.com", "a•••@e•••.com"),
        ("email", "al@t.de", "•••@•••.de"),
        ("phone", "+4915112345678", "•••78"),
        ("loyalty_card", "LC-10012345", "LC•••45"),
        ("crm_id", "100123", "•••23"),
        ("crm_id", "7", "•••"),
        ("cookie", "ck-anna-laptop", "ck•••op"),
        ("order", "W-5001", "W-5001"),
    ],
)
def test_the_mask_of_an_identifier(namespace: str, value: str, expected: str) -> None:
    # when, then
    assert mask(namespace, value) == expected
    assert mask_key(f"{namespace}={value}") == f"{namespace}={expected}"


@given(st.sampled_from([name for name in RULES.names if name != "order"]), st.text(min_size=1))
def test_a_mask_is_not_accepted_as_an_identifier(namespace: str, value: str) -> None:
    # when
    masked = mask(namespace, value)
    # then
    assert masked != value or MASK in value
    result = RULES.normalize_value(namespace, masked)
    assert isinstance(result, DroppedIdentifier)


@pytest.mark.parametrize(
    ("definition", "value", "expected"),
    [
        (AttributeDefinition("name"), "Ann Maria Meier", "A. M. M."),
        (AttributeDefinition("birth_date", AttributeType.DATE), "1980-05-04", "1980-••-••"),
        (AttributeDefinition("address", AttributeType.ADDRESS), {"city": "Bonn", "country": "DE"}, None),
        (AttributeDefinition("note"), "is rich", MASK),
        (AttributeDefinition("size", AttributeType.NUMBER), "42", MASK),
        (AttributeDefinition("tier", personal=False), "gold", "gold"),
    ],
)
def test_the_mask_of_an_attribute(definition: AttributeDefinition, value: object, expected: object) -> None:
    # when, then
    assert mask_attribute(definition, value) == (expected or {"city": MASK, "country": "DE"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ann@example.com called", "a•••@e•••.com called"),
        ("call +49 151 1234-5678 now", "call •••78 now"),
        ("card 4111 1111 1111 1111", "card •••11"),
        ("on 2026-03-01, 12 pieces", "on 2026-03-01, 12 pieces"),
        ("crm_id=100123 is hers", "crm_id=•••23 is hers"),
        ("confirmed by phone", "confirmed by phone"),
    ],
)
def test_addresses_and_numbers_in_texts_are_masked(text: str, expected: str) -> None:
    # when, then
    assert mask_in_text(text, frozenset({"crm_id"})) == expected
    assert mask_in_values({"a": [text, 1, True, None]}, frozenset({"crm_id"})) == {"a": [expected, 1, True, None]}


def test_a_masked_value_equals_its_value_and_is_written_as_its_mask() -> None:
    # given
    ann, alf = (Masked(mask_key(key), key) for key in ("email=ann@example.com", "email=alf@example.com"))
    # then
    assert str(ann) == str(alf) == f"{ann}" == "email=a•••@e•••.com"
    assert ann != alf
    assert ann == "email=ann@example.com"
    assert {ann: 1, alf: 2} == {"email=ann@example.com": 1, "email=alf@example.com": 2}
    assert json.dumps([ann], ensure_ascii=False) == '["email=a•••@e•••.com"]'
    # and: its parts stay masked, and a copy has no value
    assert ann.partition("=")[2] == "ann@example.com"
    assert str(ann.partition("=")[2]) == "a•••@e•••.com"
    assert "ann@" not in repr(copy.deepcopy(ann))
    assert "ann@" not in repr(ann)
