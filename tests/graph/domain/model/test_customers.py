"""Customer ids: the story of merges, splits and ids that come back."""

from tests.builders.graphs import Graph, observe, revoke, seen, small_rules

RULES = small_rules()


def test_the_oldest_survives_and_the_retired_redirects_in_one_hop() -> None:
    # given
    graph = Graph(RULES)
    for number, key in enumerate(("mail=a", "phone=b", "cookie=c", "cookie=d")):
        graph.see(seen(key, at=number))
    ids = [graph.id_at(key) for key in ("mail=a", "phone=b", "cookie=c", "cookie=d")]
    # when: the younger ones first merge among themselves
    graph.see(seen("cookie=c", "cookie=d", at=5))
    graph.see(seen("phone=b", "cookie=c", at=6))
    graph.see(seen("mail=a", "phone=b", at=7))
    # then
    assert {graph.answering(id).id for id in ids} == {ids[0]}


def test_an_undone_merge_gives_the_id_back() -> None:
    # given
    graph = Graph(RULES)
    graph.see(seen("mail=a", at=1))
    graph.see(seen("cookie=c", at=2))
    one, other = graph.id_at("mail=a"), graph.id_at("cookie=c")
    graph.see(seen("mail=a", "cookie=c", id="bridge", at=3))
    assert graph.answering(other).id == one
    # when
    graph.do(revoke("bridge"))
    # then
    assert (graph.id_at("mail=a"), graph.id_at("cookie=c")) == (one, other)


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


def test_an_id_that_lost_its_anchor_stays_with_what_is_left() -> None:
    # given
    graph = Graph(RULES)
    graph.see(seen("crm=a", "mail=a", id="only", at=1), seen("mail=a", "cookie=c", at=2))
    id = graph.id_at("crm=a")
    # when
    graph.do(revoke("only"))
    # then
    assert graph.id_at("mail=a") == id


def test_an_id_whose_identifiers_return_comes_back() -> None:
    # given
    graph = Graph(RULES)
    graph.see(seen("cookie=c", id="only", at=1))
    id = graph.id_at("cookie=c")
    graph.do(revoke("only"))
    assert not graph.answering(id).live
    # when
    graph.do(observe(seen("cookie=c", id="again", at=2), RULES))
    # then
    assert graph.id_at("cookie=c") == id
    assert graph.answering(id).live
