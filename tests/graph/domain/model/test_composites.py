"""Composite keys: which statements name them, and their normal form."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.domain.model.composites import normalized_part, value_at
from graph.domain.model.errors import InvalidInput, RulesError
from graph.domain.model.observations import MAX_IDENTIFIERS, NormalizedObservation
from graph.domain.model.overrides import OverrideKind
from graph.domain.model.rules import Composite, DroppedIdentifier, DroppedIdentifierCode, NamespaceRule, Rules
from graph.domain.profile.attributes import AttributesStatement
from graph.domain.resolution.preparation import Observe, prepare
from tests.builders.graphs import NOW, Graph, override

RULES = Rules(
    (
        NamespaceRule("crm_id", limit=1),
        NamespaceRule(
            "name_birth",
            blocked=frozenset({"1900-01-01", "doe|john|1970-01-01"}),
            blocked_patterns=(r"(?i)\W*(unknown|n/?a|k\. ?a\.)\W*", r"[0\W_]+"),
        ),
        NamespaceRule("home", limit=1),
        NamespaceRule("email"),
    ),
    composites=(
        Composite("name_birth", ("family_name", "given_name", "birth_date")),
        Composite("home", ("address.postal_code", "address.street")),
    ),
)


def stated(*keys: str, id: str = "1", at: int = 5, **values: Any) -> Observe:
    """A prepared statement of attributes."""
    pairs = tuple((key.partition("=")[0], key.partition("=")[2]) for key in keys)
    return prepare(AttributesStatement("crm", pairs, values, id, reported_at=at).observation(), RULES, NOW)


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


@given(st.permutations([("family_name", "Lee"), ("given_name", "Ann"), ("birth_date", "1980-05-04"), ("x", "y")]))
def test_the_order_of_the_attributes_does_not_matter(values: list[tuple[str, str]]) -> None:
    assert normalized(**dict(values)).keys == ("email=a", "name_birth=lee|ann|1980-05-04")


@pytest.mark.parametrize("name", ["unknown", " UNKNOWN ", "n/a", "N/A", "(n/a)", "k. A.", "-", "0"])
def test_a_placeholder_in_a_part_drops_the_key_and_nothing_else(name: str) -> None:
    # when
    result = normalized(family_name="Lee", given_name=name, birth_date="1980-05-04")
    # then
    assert result.keys == ("email=a",)
    (dropped,) = result.dropped
    assert (dropped.namespace, dropped.code) == ("name_birth", DroppedIdentifierCode.BLOCKED)
    assert dropped.reason == "has a blocked placeholder in given_name"


def test_a_date_and_a_whole_value_can_be_blocked() -> None:
    date = RULES.normalize_value("name_birth", "Lee|Ann|1900-01-01")
    whole = RULES.normalize_value("name_birth", "DOE|John|1970-01-01")
    assert isinstance(date, DroppedIdentifier)
    assert date.reason == "has a blocked placeholder in birth_date"
    assert isinstance(whole, DroppedIdentifier)
    assert whole.reason == "is a blocked placeholder"


def test_parts_are_cleaned() -> None:
    keys = normalized(family_name='="Lee\u200b"', given_name="\u00a0Ann\u3000|B", birth_date="\u200e1980-05-04").keys
    assert keys == ("email=a", "name_birth=lee|ann b|1980-05-04")


def test_a_statement_whose_identifiers_are_all_dropped_is_kept_by_its_composite_key() -> None:
    command = stated("name_birth=unknown", family_name="Lee", given_name="Ann", birth_date="1980-05-04")
    assert command.normalized.keys == command.fact_holders == ("name_birth=lee|ann|1980-05-04",)
    assert [dropped.code for dropped in command.normalized.dropped] == [DroppedIdentifierCode.BLOCKED]


def test_composite_keys_come_on_top_of_the_most_identifiers_that_an_observation_may_have() -> None:
    keys = [f"email={number}" for number in range(MAX_IDENTIFIERS)]
    command = stated(*keys, address={"postal_code": "1", "street": "A 1"})
    assert len(command.normalized.keys) == MAX_IDENTIFIERS + 1


@pytest.mark.parametrize(
    "value",
    [
        "lee|ann|1980-05-04",
        " Lee | ANN |1980-05-04",
        "Lee|Ann|1980/05/04",
        "Lee|Ann|1980 05 04",
        "LÉE|Ann|１９８０-05-04",
    ],
)
def test_a_composite_key_can_be_sent_and_looked_up_as_a_value(value: str) -> None:
    assert RULES.key("name_birth", value) == "name_birth=lee|ann|1980-05-04"


@pytest.mark.parametrize(
    ("value", "code", "reason"),
    [
        ("", "EMPTY", "is empty"),
        ("n/a", "BLOCKED", "is a blocked placeholder"),
        ("Lee", "INVALID", "has 1 part; 3 are required, separated by |: family_name, given_name, birth_date"),
        ("Lee|Ann", "INVALID", "has 2 parts; 3 are required, separated by |: family_name, given_name, birth_date"),
        ("Lee|♥|1980-05-04", "BLOCKED", "has a blocked placeholder in given_name"),
        ("Lee|{{name}}|1980-05-04", "INVALID", "has a given_name that is what a template left"),
        ("Lee|=A1|1980-05-04", "INVALID", "has a given_name that is a spreadsheet's formula"),
    ],
)
def test_what_is_wrong_with_a_value_is_named(value: str, code: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        RULES.key("name_birth", value)
    assert (raised.value.code, raised.value.message) == (f"IDENTIFIER_{code}", f"value {value!r} {reason}")


def test_a_part_without_a_letter_or_digit_is_empty() -> None:
    dropped = RULES.normalize_value("home", "10115|...")
    assert isinstance(dropped, DroppedIdentifier)
    assert (dropped.code, dropped.reason) == (DroppedIdentifierCode.EMPTY, "has no letter or digit in address.street")


def test_the_limit_of_a_composite_namespace_holds() -> None:
    # given
    graph = Graph(RULES)
    # when: a person moves
    graph.do(stated("crm_id=1", id="1", at=1, address={"postal_code": "1", "street": "A 1"}))
    graph.do(stated("crm_id=1", id="2", at=2, address={"postal_code": "2", "street": "B 2"}))
    # then
    assert graph.customers() == [["crm_id=1", "home=2|b 2"], ["home=1|a 1"]]


def test_a_statement_of_two_values_above_the_limit_is_rejected() -> None:
    # when: one is sent, the other follows from the attributes
    rejected = stated("home=1|A 1", address={"postal_code": "2", "street": "B 2"}).normalized.rejected
    # then
    assert rejected is not None
    assert rejected.message == "names 2 values of home; a customer has at most 1"


def test_overrides_on_composite_keys_work() -> None:
    # given: two people of one name and birth date
    graph = Graph(RULES)
    values = {"family_name": "Lee", "given_name": "Ann", "birth_date": "1980-05-04"}
    graph.do(stated("email=a", id="1", **values), stated("email=b", id="2", **values))
    assert graph.customers() == [["email=a", "email=b", "name_birth=lee|ann|1980-05-04"]]
    # when
    graph.do(override(OverrideKind.BLOCKED, RULES.key("name_birth", "Lee|Ann|1980-05-04")))
    # then
    assert graph.customers() == [["email=a"], ["email=b"], ["name_birth=lee|ann|1980-05-04"]]


def test_a_stronger_composite_holds_the_attributes() -> None:
    command = stated("email=a", family_name="Lee", given_name="Ann", birth_date="1980-05-04")
    assert command.fact_holders == ("name_birth=lee|ann|1980-05-04",)


@given(st.lists(st.text(), min_size=3, max_size=3))
def test_normalizing_twice_changes_nothing(parts: list[str]) -> None:
    once = RULES.normalize_value("name_birth", "|".join(part.replace("|", " ") for part in parts))
    if isinstance(once, str):
        assert RULES.normalize_value("name_birth", once) == once
        assert [normalized_part(part) for part in once.split("|")] == once.split("|")


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
