"""When neighbors must be recounted during a rollout of rules."""

import pytest
from msgspec.structs import replace

from graph.commands.rules_rollout import active_rules
from tests.builders.graphs import small_rules

OLD = small_rules(min_confidence=0.9)


@pytest.mark.parametrize(
    ("min_confidence", "old_complete", "recount_neighbors"),
    [(0.9, True, False), (0.5, True, True), (0.9, False, True), (0.5, False, True)],
)
def test_neighbors_are_recounted_unless_all_were_counted_under_the_same_min_confidence(
    min_confidence: float, old_complete: bool, recount_neighbors: bool
) -> None:
    # given
    new = replace(small_rules(min_confidence), namespaces=OLD.namespaces[1:])
    # when
    rules = active_rules(new, OLD, 2, old_complete)
    # then
    assert rules.recount_neighbors is recount_neighbors
    assert rules.intake_rules is new
    assert set(rules.resolution_rules.by_name) == set(OLD.by_name)


def test_without_old_rules_the_new_rules_resolve_alone() -> None:
    assert active_rules(OLD, None, 1).resolution_rules is OLD
