"""Where a link stands in the order, held against its place as design.md §4 words it."""

from hypothesis import given
from hypothesis import strategies as st

from graph.domain.model.identifiers import pair
from graph.domain.model.links import Link, moved, sort_key
from graph.domain.model.observations import Tier
from tests.builders.graphs import small_rules
from tests.builders.strategies import KEYS

RULES = small_rules()
times = st.integers(0, 3)


@given(
    st.lists(st.sampled_from(KEYS), min_size=2, max_size=2, unique=True),
    st.lists(st.tuples(st.sampled_from(Tier), times, times), min_size=2, max_size=2),
)
def test_a_link_moves_as_its_place_does(ends: list[str], states: list[tuple[Tier, int, int]]) -> None:
    # given two states of one link
    before, after = (Link(*pair(*ends), tier, min(a, b), max(a, b), 1) for tier, a, b in states)
    # when
    there, here = sort_key(before, RULES), sort_key(after, RULES)
    # then
    found = moved(before, after, RULES)
    assert (found < 0, found > 0) == (here < there, here > there)
