"""Explanations compared with brute force: bridges, and chains whose weakest step is as strong as possible."""

from hypothesis import assume, given
from hypothesis import strategies as st

from graph.domain.model.links import Link, LinkState, sort_key
from graph.domain.model.store_values import Region
from graph.domain.resolution.bridges import weakest_links
from graph.domain.resolution.explanation import explain
from graph.domain.resolution.groups import Groups
from graph.ports import ReadRegion
from tests.builders.graphs import Graph, small_rules
from tests.builders.strategies import KEYS, batches

RULES = small_rules()


def region_of(graph: Graph, keys: frozenset[str], opened: frozenset[str] = frozenset()) -> Region:
    def work():
        return (yield ReadRegion(keys, opened))

    return graph.store.run(work)


def connected(keys: list[str], links: list[Link], overrides: list, a: str) -> set[str]:
    """The keys that are connected with a key, by brute force."""
    reached = {a}
    while True:
        more = {key for link in links for key in link.pair if not reached.isdisjoint(link.pair)}
        more |= {key for override in overrides for key in override.keys if not reached.isdisjoint(override.keys)}
        more &= set(keys)
        if more <= reached:
            return reached
        reached |= more


@given(batches, st.sampled_from(KEYS))
def test_bridges_are_the_links_without_which_a_customer_is_not_connected(sequence, key: str) -> None:
    # given
    graph = Graph(RULES)
    for batch in sequence:
        graph.do(*batch)
    member = graph.store.members.get(key)
    assume(member is not None and member.customer is not None)
    region = region_of(graph, frozenset({key}))
    keys = [name for name, owned in region.members.items() if owned.customer == member.customer]
    active = [link for link in region.links.values() if link.state is LinkState.ACTIVE and set(link.pair) <= set(keys)]
    overruled = Groups(keys, list(region.overrides.values()), RULES).overruled
    overrides = [
        override
        for override in region.overrides.values()
        if override.kind.value == "together" and override.id not in overruled and set(override.keys) <= set(keys)
    ]
    expected = [
        bridge
        for bridge in active
        if connected(keys, [link for link in active if link is not bridge], overrides, key) != set(keys)
    ]
    # when
    bridges = weakest_links(region, key, RULES)
    # then
    assert {link.pair for link in bridges} == {link.pair for link in expected}
    order = [sort_key(link, RULES) for link in bridges]
    assert order == sorted(order, reverse=True)


@given(batches, st.sampled_from(KEYS), st.sampled_from(KEYS))
def test_the_first_chain_is_as_strong_as_possible_and_the_answer_is_correct(sequence, a: str, b: str) -> None:
    # given
    assume(a != b)
    graph = Graph(RULES)
    for batch in sequence:
        graph.do(*batch)
    members = graph.store.members
    nodes = {members[key].customer for key in (a, b) if key in members}
    opened = frozenset(
        key for key, member in members.items() if member.customer in nodes and member.customer is not None
    )
    region = region_of(graph, frozenset({a, b}), opened)
    # when
    explanation = explain(region, a, b, RULES)
    # then
    same = a in members and b in members and members[a].customer is not None
    same = same and members[a].customer == members[b].customer
    assert explanation.same_customer == same
    assert explanation.summary
    if not same:
        assert explanation.obstacles
        assert not explanation.chains
        return
    first = explanation.chains[0]
    assert (first.steps[0].start, first.steps[-1].end) == (a, b)
    assert all(step.end == following.start for step, following in zip(first.steps, first.steps[1:], strict=False))
    if first.weakest is not None:
        # without the weakest step and everything weaker, the two are not connected
        weakest = first.steps[first.weakest].link
        keys = [key for key, member in members.items() if member.customer == members[a].customer]
        active = [
            link for link in region.links.values() if link.state is LinkState.ACTIVE and set(link.pair) <= set(keys)
        ]
        stronger = [link for link in active if sort_key(link, RULES) < sort_key(weakest, RULES)]
        overrides = [step.override for step in first.steps if step.override is not None]
        assert b not in connected(keys, stronger, overrides, a)
