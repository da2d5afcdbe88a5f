"""Composite keys: which statements name them, and their normal form."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.domain.model.composites import normalized_parts, value_at
from graph.domain.model.errors import RulesError
from graph.domain.model.observations import NormalizedObservation
from graph.domain.model.rules import Composite, DroppedIdentifier, DroppedIdentifierCode, NamespaceRule, Rules
from graph.domain.profile.attributes import AttributesStatement
from graph.domain.resolution.preparation import prepare
from tests.builders.graphs import NOW, Graph

RULES = Rules(
    (
        NamespaceRule("crm_id", limit=1),
        NamespaceRule("name_birth", blocked_patterns=("(?i)unknown",)),
        NamespaceRule("home", limit=1),
        NamespaceRule("email"),
    ),
    composites=(
        Composite("name_birth", ("family_name", "given_name", "birth_date")),
        Composite("home", ("address.postal_code", "address.street")),
    ),
)


def stated(key: str, id: str = "1", **values: Any):
    """A prepared statement of attributes."""
    namespace, _, value = key.partition("=")
    return prepare(
        AttributesStatement("crm", ((namespace, value),), values, id, reported_at=5).observation(), RULES, NOW
    )


def normalized(**values: Any) -> NormalizedObservation:
    return stated("email=a", **values).normalized


def test_a_statement_of_all_parts_names_the_composite_key() -> None:
    keys = normalized(family_name="O'Neil  MÜLLER", given_name="Ann", birth_date="1980-05-04").keys
    assert keys == ("email=a", "name_birth=oneil muller|ann|1980-05-04")


@pytest.mark.parametrize(
    "values",
    [
        {"family_name": "Lee", "given_name": "Ann"},
        {"family_name": "Lee", "given_name": None, "birth_date": "1980-05-04"},
        {"address": {"postal_code": "10115"}},
        {"address": None},
    ],
)
def test_a_statement_without_a_part_names_none(values: dict[str, Any]) -> None:
    assert normalized(**values).keys == ("email=a",)


def test_parts_of_an_address_make_a_key() -> None:
    assert normalized(address={"postal_code": "10 115", "street": "Ring 1", "city": "Bonn"}).keys == (
        "email=a",
        "home=10 115|ring 1",
    )


def test_a_placeholder_in_a_part_drops_the_key_and_nothing_else() -> None:
    # when
    result = normalized(family_name="Lee", given_name="unknown", birth_date="1980-05-04")
    # then
    assert result.keys == ("email=a",)
    (dropped,) = result.dropped
    assert (dropped.namespace, dropped.code) == ("name_birth", DroppedIdentifierCode.BLOCKED)
    assert dropped.reason == "has a blocked placeholder in given_name"


def test_a_composite_key_can_be_sent_and_looked_up_as_a_value() -> None:
    assert RULES.key("name_birth", " Lee | ANN |1980-05-04") == "name_birth=lee|ann|1980-05-04"
    wrong = RULES.normalize_value("name_birth", "Lee|Ann")
    assert isinstance(wrong, DroppedIdentifier)
    assert "has 2 parts; 3 are required" in wrong.reason


def test_the_limit_of_a_composite_namespace_holds() -> None:
    # given
    graph = Graph(RULES)
    # when: a person moves
    graph.do(stated("crm_id=1", "1", address={"postal_code": "1", "street": "A 1"}))
    graph.do(stated("crm_id=1", "2", address={"postal_code": "2", "street": "B 2"}))
    # then
    assert graph.customers() == [["crm_id=1", "home=2|b 2"], ["home=1|a 1"]] or graph.customers() == [
        ["crm_id=1", "home=1|a 1"],
        ["home=2|b 2"],
    ]


def test_a_stronger_composite_holds_the_attributes() -> None:
    command = stated("email=a", family_name="Lee", given_name="Ann", birth_date="1980-05-04")
    assert command.fact_holders == ("name_birth=lee|ann|1980-05-04",)


@given(st.lists(st.text(), min_size=3, max_size=3))
def test_normalizing_twice_changes_nothing(parts: list[str]) -> None:
    once = RULES.normalize_value("name_birth", "|".join(part.replace("|", " ") for part in parts))
    if isinstance(once, str):
        assert RULES.normalize_value("name_birth", once) == once
        assert normalized_parts(once) == once.split("|")


@pytest.mark.parametrize(
    ("path", "value"), [("a", "x"), ("b.c", "y"), ("b.d", None), ("b", None), ("a.c", None), ("e", None)]
)
def test_the_value_at_a_path(path: str, value: str | None) -> None:
    assert value_at({"a": "x", "b": {"c": "y"}, "f": None}, path) == value


@pytest.mark.parametrize(
    ("composite", "message"),
    [
        (Composite("nobody", ("a", "b")), "composite 'nobody' is not a namespace"),
        (Composite("order", ("a", "b")), "orders have numbers, which are not composite"),
        (Composite("email", ("a",)), "needs two or more different attributes"),
        (Composite("email", ("a", "a")), "needs two or more different attributes"),
    ],
)
def test_a_composite_that_is_not_valid_is_an_error(composite: Composite, message: str) -> None:
    with pytest.raises(RulesError, match=message):
        Rules((NamespaceRule("email"), NamespaceRule("order")), composites=(composite,))


def test_a_composite_namespace_has_no_steps() -> None:
    with pytest.raises(RulesError, match="a composite has no steps"):
        Rules((NamespaceRule("email", normalize=("lower",)),), composites=(Composite("email", ("a", "b")),))
