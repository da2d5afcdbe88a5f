"""The values of guarded attributes that identifiers carry."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.domain.model.guarded_values import (
    MAX_VALUE_SETS,
    StatedValue,
    ValueSets,
    add,
    contradict,
    counted,
    from_json,
    guarded_values_of,
    is_consistent,
    to_json,
    value_sets_of,
)
from graph.domain.model.json_text import ordered
from graph.domain.model.observations import EvidenceStatement, EvidenceTier
from graph.domain.model.rules import Guard, NamespaceRule, Rules

RULES = Rules((NamespaceRule("crm"),), guards=(Guard("birth_date", "date"), Guard("address.city", "exact")))


def statement(at: int, id: str = "", source: str = "shop", **values: object) -> EvidenceStatement:
    return EvidenceStatement(
        source, id, ("crm=a",), EvidenceTier.FIRST_PARTY, at, attributes=ordered(values), holder="crm=a"
    )


def carried(*statements: EvidenceStatement) -> ValueSets:
    return value_sets_of(guarded_values_of(statements, RULES).get("crm=a", {}))


@pytest.mark.parametrize("reverse", [False, True])
def test_of_each_source_the_newest_statement_counts(reverse: bool) -> None:
    # given
    statements = [
        statement(1, "1", birth_date="1980-05-04"),
        statement(2, "2", birth_date="1981-01-01"),
        statement(2, "1", birth_date="1982-01-01"),
        statement(1, "1", "till", birth_date="1990-01-01"),
    ]
    # when, then: of one time the greater id counts
    assert carried(*(statements[::-1] if reverse else statements)) == {"birth_date": "1981-01-01\n1990-01-01"}


def test_null_takes_a_value_back_and_silence_does_not() -> None:
    first = statement(1, "1", birth_date="1980-05-04")
    assert carried(first, statement(2, "2", given_name="Ann")) == {"birth_date": "1980-05-04"}
    assert carried(first, statement(2, "2", birth_date=None)) == {}


def test_a_new_address_without_a_part_takes_the_part_back() -> None:
    first = statement(1, "1", address={"city": "Bonn"})
    assert carried(first) == {"address.city": "Bonn"}
    assert carried(first, statement(2, "2", address={"street": "Ring 1"})) == {}


def test_two_sets_contradict_each_other_if_no_value_fits_any_other() -> None:
    assert contradict("date", "1980-05-04", "2010-11-23")
    assert not contradict("date", "1980-05-04\n2010-11-23", "2010-11-23")
    assert not contradict("date", "1980-05-04", "1980-05-14")


def test_a_customer_with_too_many_different_values_is_not_called_consistent() -> None:
    def counts(size: int) -> dict[str, dict[str, int]]:
        return {"address.city": {f"BONN{' ' * number}": 1 for number in range(size)}}

    assert is_consistent(counts(MAX_VALUE_SETS), RULES)
    assert not is_consistent(counts(MAX_VALUE_SETS + 1), RULES)


sets = st.lists(st.dictionaries(st.sampled_from("ab"), st.sampled_from("xyz"), max_size=2), max_size=6)


@given(sets, sets)
def test_what_is_added_can_be_subtracted(first: list[ValueSets], second: list[ValueSets]) -> None:
    together = add((counted(first), counted(second)))
    assert together == counted([*first, *second])
    assert add((together, counted(second)), -1) == counted(first)


@given(
    st.dictionaries(
        st.text(max_size=3),
        st.dictionaries(
            st.text(max_size=3),
            st.builds(StatedValue, st.integers(-(2**60), 2**60), st.text(max_size=3), st.none() | st.text(max_size=3)),
            max_size=2,
        ),
        max_size=2,
    )
)
def test_the_stored_form_keeps_everything(values: dict[str, dict[str, StatedValue]]) -> None:
    assert from_json(to_json(values)) == values
