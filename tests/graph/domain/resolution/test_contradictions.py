"""Contradictions between and within customers: which values, who stated them, since when."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.domain.model.dates import DAY
from graph.domain.model.guarded_values import value_set
from graph.domain.model.links import LinkReasonCode, LinkState
from graph.domain.model.overrides import OverrideKind
from graph.domain.model.rules import Guard
from graph.domain.resolution.contradictions import Contradiction, between, dated, within
from graph.domain.resolution.groups import guard_reason
from graph.ports import ReadStatedAttributes
from tests.builders.deltas import region
from tests.builders.graphs import Graph, family_rules, override, revoke, seen, stated
from tests.builders.strategies import GUARDED_RULES, batches

MARCH, APRIL, MAY = (day * 86_400 for day in (20_513, 20_544, 20_574))
"""2026-03-01, 2026-04-01 and 2026-05-01, in seconds."""
CITY = Guard("address.city", "exact")


@pytest.fixture
def family() -> Graph:
    graph = Graph(family_rules(Guard("birth_date", "date"), CITY))
    graph.see(
        stated("record=A", source="crm", at=MARCH, birth_date="1980-05-04", address={"city": "Bonn"}),
        stated("record=B", source="shop", at=APRIL, birth_date="2010-11-23"),
        seen("record=A", "mail=fam", at=MARCH),
        seen("record=B", "mail=fam", at=APRIL),
    )
    return graph


def found_between(graph: Graph, a: str, b: str) -> list[Contradiction]:
    return between(region(graph, a, b), a, b, graph.rules)


def found_within(graph: Graph, key: str, *first: str) -> list[Contradiction]:
    return within(region(graph, key), graph.store.members[key].customer, graph.rules, first)


def test_both_values_are_named_with_identifier_source_and_date(family: Graph) -> None:
    # when
    (found,) = found_between(family, "mail=fam", "record=A")
    # then: the side of the first argument comes first
    assert [(carried.key, carried.value, carried.source) for carried in (*found.a, *found.b)] == [
        ("record=B", "2010-11-23", "shop"),
        ("record=A", "1980-05-04", "crm"),
    ]
    assert found.keys == {"record=A", "record=B"}
    assert found.message == (
        "birth_date is 2010-11-23 at record=B (shop, since 2026-04-01) "
        "and 1980-05-04 at record=A (crm, since 2026-03-01)"
    )


def test_each_guard_has_its_contradiction_in_the_order_of_the_rules(family: Graph) -> None:
    # given
    family.see(stated("record=B", source="shop", at=MAY, address={"city": "Ulm"}))
    # when
    found = found_between(family, "record=A", "record=B")
    # then
    assert [contradiction.attribute for contradiction in found] == ["birth_date", "address.city"]


def test_what_was_taken_back_contradicts_nothing(family: Graph) -> None:
    # when
    family.see(stated("record=A", source="crm", at=MAY, birth_date=None))
    # then
    assert found_within(family, "record=A") == []


def test_identifiers_that_a_steward_joins_share_their_values(family: Graph) -> None:
    # given: a third record, whose birth date is that of one of the two
    family.do(override(OverrideKind.TOGETHER, "record=A", "record=B"))
    family.see(stated("record=C", at=MAY, birth_date="2010-11-23"), stated("record=D", at=MAY, birth_date="1955-01-01"))
    # when
    found_with_c, (found_with_d,) = (
        found_between(family, "record=A", "record=C"),
        found_between(family, "record=A", "record=D"),
    )
    # then
    assert found_with_c == []
    assert [carried.value for carried in found_with_d.a] == ["1980-05-04", "2010-11-23"]
    assert found_with_d.message.startswith(
        "birth_date is 1980-05-04 at record=A (crm, since 2026-03-01) or "
        "2010-11-23 at record=B (shop, since 2026-04-01) and 1955-01-01 at record=D"
    )
    # and: within the customer that the steward made, the values still contradict each other
    assert [contradiction.attribute for contradiction in found_within(family, "record=A")] == ["birth_date"]


def test_within_a_customer_the_identifiers_in_question_come_first() -> None:
    # given: a login, which is not guarded, joins three records
    graph = Graph(family_rules())
    for key, birth_date in (("record=A", "1980-05-04"), ("record=B", "2010-11-23"), ("record=C", "1955-01-01")):
        graph.see(stated(key, birth_date=birth_date), seen(key, "login=L"))
    # when
    (found,), (smallest,) = found_within(graph, "record=A", "record=C", "record=B"), found_within(graph, "record=A")
    # then
    assert ([carried.key for carried in found.a], [carried.key for carried in found.b]) == (["record=C"], ["record=B"])
    assert smallest.keys == {"record=A", "record=B"}


def test_several_sources_of_one_value_are_named_and_long_lists_are_cut() -> None:
    # given
    graph = Graph(family_rules())
    for source in ("crm", "shop", "till", "web"):
        graph.see(stated("record=A", source=source, at=MARCH, birth_date="1980-05-04"))
    graph.see(stated("record=B", at=MARCH, birth_date="2010-11-23"))
    # when
    (found,) = found_between(graph, "record=A", "record=B")
    # then
    assert found.message.startswith(
        "birth_date is 1980-05-04 at record=A (crm, since 2026-03-01; shop, since 2026-03-01; till, since 2026-03-01) "
        "or 1 more and 2010-11-23"
    )


def since(graph: Graph, key: str, source: str) -> str:
    """The day since when a source states its value at a record, in the contradiction with record=B."""

    def work():
        return (yield ReadStatedAttributes(["record=A", "record=B"]))

    (found,) = dated(found_between(graph, "record=A", "record=B"), graph.store.run(work), graph.rules)
    (carried,) = [carried for carried in (*found.a, *found.b) if (carried.key, carried.source) == (key, source)]
    return {MARCH: "March", APRIL: "April", MAY: "May"}[carried.since * 86_400 // DAY]


def test_a_value_counts_since_its_source_has_stated_it_without_a_break(family: Graph) -> None:
    # given: the CRM says it again, and something else in between is said by others and of another attribute
    family.see(
        stated("record=A", source="web", at=APRIL, birth_date="1980-05-05"),
        stated("record=A", source="crm", at=APRIL, given_name="Ann"),
        stated("record=A", source="crm", id="again", at=MAY, birth_date="1980-05-04"),
    )
    assert since(family, "record=A", "crm") == "March"
    # when: in between it took the value back
    family.see(stated("record=A", source="crm", id="null", at=APRIL, birth_date=None))
    # then
    assert since(family, "record=A", "crm") == "May"
    # when: that is revoked
    family.do(revoke("null", "crm"))
    # then
    assert since(family, "record=A", "crm") == "March"


@given(batches, st.data())
def test_the_first_contradiction_is_the_reason_of_the_link_that_a_guard_suspends(sequence, data) -> None:
    # given
    graph = Graph(GUARDED_RULES)
    for batch in sequence:
        graph.do(*batch)
    for link in graph.store.links.values():
        if link.state is LinkState.SUSPENDED and link.reason.code is LinkReasonCode.GUARD:
            # when
            first = found_between(graph, *data.draw(st.permutations(link.pair)))[0]
            # then
            ends = sorted((side[0].key, value_set(carried.value for carried in side)) for side in (first.a, first.b))
            assert link.reason == guard_reason(first.attribute, *ends[0], *ends[1])
