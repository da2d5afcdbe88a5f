"""Customer ids through merges, splits, and the return of retired ids."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from graph.domain.model.customers import Anchor, Member, anchor_of, strongest_anchor
from graph.domain.model.observations import Evidence
from tests.builders.graphs import Graph, observe, revoke, seen, small_rules
from tests.builders.strategies import KEYS

RULES = small_rules()


def test_the_oldest_id_survives_and_the_others_redirect_to_it_in_one_hop() -> None:
    # given
    graph = Graph(RULES)
    for number, key in enumerate(("mail=a", "phone=b", "cookie=c", "cookie=d")):
        graph.see(seen(key, at=number))
    ids = [graph.id_at(key) for key in ("mail=a", "phone=b", "cookie=c", "cookie=d")]
    # when: the younger customers merge first
    graph.see(seen("cookie=c", "cookie=d", at=5))
    graph.see(seen("phone=b", "cookie=c", at=6))
    graph.see(seen("mail=a", "phone=b", at=7))
    # then
    assert {graph.customer_of_id(id).id for id in ids} == {ids[0]}


def test_undoing_a_merge_restores_the_retired_id() -> None:
    # given
    graph = Graph(RULES)
    graph.see(seen("mail=a", at=1))
    graph.see(seen("cookie=c", at=2))
    older, younger = graph.id_at("mail=a"), graph.id_at("cookie=c")
    graph.see(seen("mail=a", "cookie=c", id="bridge", at=3))
    assert graph.customer_of_id(younger).id == older
    # when
    graph.do(revoke("bridge"))
    # then
    assert (graph.id_at("mail=a"), graph.id_at("cookie=c")) == (older, younger)


def test_on_a_split_the_part_with_the_anchor_keeps_the_id() -> None:
    # given
    graph = Graph(RULES)
    graph.see(seen("crm=a", "mail=a", at=1), seen("mail=a", "cookie=c", id="bridge", at=2), seen("cookie=c", at=2))
    id = graph.id_at("crm=a")
    # when
    graph.do(revoke("bridge"))
    # then
    assert graph.id_at("crm=a") == id
    assert graph.id_at("cookie=c") != id


def test_an_id_that_loses_its_anchor_stays_with_the_remaining_identifiers() -> None:
    # given
    graph = Graph(RULES)
    graph.see(seen("crm=a", "mail=a", id="only", at=1), seen("mail=a", "cookie=c", at=2))
    id = graph.id_at("crm=a")
    # when
    graph.do(revoke("only"))
    # then
    assert graph.id_at("mail=a") == id


def test_an_id_is_live_again_when_its_identifiers_return() -> None:
    # given
    graph = Graph(RULES)
    graph.see(seen("cookie=c", id="only", at=1))
    id = graph.id_at("cookie=c")
    graph.do(revoke("only"))
    assert not graph.customer_of_id(id).live
    # when
    graph.do(observe(seen("cookie=c", id="again", at=2), RULES))
    # then
    assert graph.id_at("cookie=c") == id
    assert graph.customer_of_id(id).live


@given(st.dictionaries(st.sampled_from(KEYS), st.integers(0, 3), min_size=1))
def test_the_strongest_of_some_keys_is_their_anchor(first_seen: dict[str, int]) -> None:
    # when
    anchor = strongest_anchor(first_seen, RULES)
    # then
    assert anchor == anchor_of([Anchor(key, at) for key, at in first_seen.items()], RULES)


@given(st.sampled_from(KEYS), st.integers(0, 5))
def test_an_identifier_that_is_seen_again_differs_in_its_evidence_alone(key: str, seen_at: int) -> None:
    # given
    before = Member(key, Evidence(1, 2, ("shop",)), {"mail": 1}, customer=1)
    # when
    after = before.with_observation("crm", seen_at)
    # then
    assert after.differs_in_evidence_alone(before)
    assert replace(after, evidence=before.evidence) == before
    assert not after.differs_in_evidence_alone(None)
    # and: whichever other part of it changes, the customer and the order excepted, which are stored elsewhere
    for name in set(Member.__struct_fields__) - {"key", "evidence", "customer", "order"}:
        assert not replace(after, **{name: object()}).differs_in_evidence_alone(before), name
