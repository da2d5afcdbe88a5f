"""The parameters of a write: what differs from what was read, and nothing else."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from graph.domain.model.customers import Anchor, Customer, Member
from graph.domain.model.links import Link
from graph.domain.model.observations import Evidence, EvidenceTier
from graph.domain.model.store_values import NewNode, Writes
from graph.stores.neo4j import mapping
from graph.stores.neo4j.writes import StoredHandles, WriteParameters

A, B = "cookie=ck-1", "email=ann@mail.example"
CUSTOMER = Customer("c1", "cus_1", 1, Anchor(B, 1), version=1, counts={"cookie": 1, "email": 1})
LINK = Link(A, B, EvidenceTier.FIRST_PARTY, 1, 1, 1, ("shop",))
VALUES = st.one_of(st.none(), st.booleans(), st.integers(0, 3), st.text("ab", max_size=2), st.lists(st.just("shop")))
PROPERTIES = st.dictionaries(st.sampled_from("abcd"), VALUES)


def member(key: str, last_seen_at: int) -> Member:
    return Member(key, Evidence(1, last_seen_at, ("shop",), last_seen_at), {}, customer="c1")


def read() -> StoredHandles:
    """Return what a transaction holds once it has read two identifiers, their link and their customer."""
    properties: dict[Any, Any] = {
        "i1": mapping.present({"key": A, **mapping.member_values(member(A, 1))}),
        "l1": mapping.present(mapping.link_values(LINK)),
        "c1": mapping.present(mapping.customer_values(CUSTOMER)),
    }
    return StoredHandles({A: "i1", B: "i2"}, {(A, B): "l1"}, customers={"c1": CUSTOMER}, properties=properties)


def stored(before: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """Return the properties of a node after `SET node += change`."""
    return mapping.present({**before, **change})


@given(PROPERTIES.map(mapping.present), PROPERTIES)
def test_setting_what_changed_stores_the_same_as_setting_everything(
    before: dict[str, Any], values: dict[str, Any]
) -> None:
    assert stored(before, mapping.changed(values, before)) == stored(before, values)


def test_only_what_differs_from_what_was_read_is_written() -> None:
    # Given
    seen_again = replace(LINK, last_seen_at=2, observation_count=2)
    writes = Writes(members={A: member(A, 2)}, links={(A, B): seen_again}, customers=[replace(CUSTOMER, version=2)])
    # When
    values = WriteParameters(writes, read()).values
    # Then
    assert values["identifiers"] == [["i1", {"last_seen_at": 2, "observation_count": 2}]]
    assert values["links"] == [["l1", {"last_seen_at": 2, "observation_count": 2}]]
    assert values["customers"] == [["c1", {"version": 2}, 0]]


def test_all_is_written_of_what_was_found_but_not_read() -> None:
    # When
    values = WriteParameters(Writes(members={B: member(B, 2)}), read()).values
    # Then
    assert values["identifiers"] == [["i2", mapping.member_values(member(B, 2))]]


def test_new_nodes_and_relationships_get_no_nulls() -> None:
    # Given
    customer = replace(CUSTOMER, node=NewNode(1))
    writes = Writes(members={A: member(A, 1), B: member(B, 1)}, links={(A, B): LINK}, customers=[customer])
    # When
    values = WriteParameters(writes, StoredHandles()).values
    # Then
    rows = [*(row[1] for row in values["new_identifiers"]), values["new_links"][0][2], *values["new_customers"]]
    assert len(rows) == 4
    assert all(value is not None for row in rows for value in row.values())
