"""Why, held against the slow way: every bridge is one, every chain's weakest step is as strong as can be."""

from hypothesis import assume, given
from hypothesis import strategies as st

from graph.domain.model.links import Link, State, sort_key
from graph.domain.model.store_values import Region
from graph.domain.resolution.explanation import weakest_links, why
from graph.domain.resolution.groups import Groups
from graph.ports import ReadRegion
from tests.builders.graphs import Graph, small_rules
from tests.builders.strategies import KEYS, batches

RULES = small_rules()


def region_of(graph: Graph, keys: frozenset[str], opened: frozenset[str] = frozenset()) -> Region:
    def work():
        return (yield ReadRegion(keys, opened))

    return graph.store.run(work)


def connected(keys: list[str], links: list[Link], marks: list, a: str) -> set[str]:
    """What hangs together with a key, the slow way."""
    found = {a}
    while True:
        more = {end for link in links for end in link.pair if not found.isdisjoint(link.pair)}
        more |= {end for mark in marks for end in mark.keys if not found.isdisjoint(mark.keys)}
        more &= set(keys)
        if more <= found:
            return found
        found |= more


@given(batches, st.sampled_from(KEYS))
def test_bridges_are_the_links_without_which_it_falls_apart(sequence, key: str) -> None:
    # given
    graph = Graph(RULES)
    for batch in sequence:
        graph.do(*batch)
    member = graph.store.members.get(key)
    assume(member is not None and member.customer is not None)
    region = region_of(graph, frozenset({key}))
    mine = [one for one, other in region.members.items() if other.customer == member.customer]
    kept = [link for link in region.links.values() if link.state is State.KEPT and set(link.pair) <= set(mine)]
    beaten = Groups(mine, list(region.marks.values()), RULES).beaten
    marks = [
        one
        for one in region.marks.values()
        if one.kind.value == "together" and one.id not in beaten and set(one.keys) <= set(mine)
    ]
    slow = [link for link in kept if connected(mine, [one for one in kept if one is not link], marks, key) != set(mine)]
    # when
    found = weakest_links(region, key, RULES)
    # then
    assert {link.pair for link in found} == {link.pair for link in slow}
    order = [sort_key(link, RULES) for link in found]
    assert order == sorted(order, reverse=True)


@given(batches, st.sampled_from(KEYS), st.sampled_from(KEYS))
def test_the_first_chain_is_as_strong_as_can_be_and_the_answer_is_right(sequence, a: str, b: str) -> None:
    # given
    assume(a != b)
    graph = Graph(RULES)
    for batch in sequence:
        graph.do(*batch)
    members = graph.store.members
    nodes = {members[key].customer for key in (a, b) if key in members}
    opened = frozenset(key for key, one in members.items() if one.customer in nodes and one.customer is not None)
    region = region_of(graph, frozenset({a, b}), opened)
    # when
    answer = why(region, a, b, RULES)
    # then
    same = a in members and b in members and members[a].customer is not None
    same = same and members[a].customer == members[b].customer
    assert answer.same == same
    assert answer.sentence
    if not same:
        assert answer.obstacles
        assert not answer.chains
        return
    first = answer.chains[0]
    assert (first.steps[0].start, first.steps[-1].end) == (a, b)
    assert all(one.end == other.start for one, other in zip(first.steps, first.steps[1:], strict=False))
    if first.weakest is not None:
        # without the weakest step and everything weaker, the two do not hang together
        weakest = first.steps[first.weakest].link
        mine = [key for key, one in members.items() if one.customer == members[a].customer]
        kept = [one for one in region.links.values() if one.state is State.KEPT and set(one.pair) <= set(mine)]
        stronger = [one for one in kept if sort_key(one, RULES) < sort_key(weakest, RULES)]
        held = [step.mark for step in first.steps if step.mark is not None]
        assert b not in connected(mine, stronger, held, a)
