"""Changes of the place of a link, compared with the order of step 5 in docs/internals/resolution-rule.md."""

from hypothesis import given
from hypothesis import strategies as st

from graph.domain.model.identifiers import pair
from graph.domain.model.links import Link, position_change, sort_key
from graph.domain.model.observations import EvidenceTier
from tests.builders.graphs import small_rules
from tests.builders.strategies import KEYS

RULES = small_rules()
times = st.integers(0, 3)


@given(
    st.lists(st.sampled_from(KEYS), min_size=2, max_size=2, unique=True),
    st.lists(st.tuples(st.sampled_from(EvidenceTier), times, times), min_size=2, max_size=2),
)
def test_a_position_change_agrees_with_the_sort_keys(
    keys: list[str], states: list[tuple[EvidenceTier, int, int]]
) -> None:
    # given: two states of one link
    before, after = (Link(*pair(*keys), tier, min(a, b), max(a, b), 1) for tier, a, b in states)
    # when
    change = position_change(before, after, RULES)
    # then
    key_before, key_after = sort_key(before, RULES), sort_key(after, RULES)
    assert (change < 0, change > 0) == (key_after < key_before, key_after > key_before)
