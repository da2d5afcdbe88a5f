"""When neighbours have to be counted anew while rules change."""

import pytest
from msgspec.structs import replace

from graph.commands.rules_rollout import current
from tests.builders.graphs import small_rules

OLD = small_rules(accept=0.9)


@pytest.mark.parametrize(
    ("accept", "settled", "recount"), [(0.9, True, False), (0.5, True, True), (0.9, False, True), (0.5, False, True)]
)
def test_neighbours_are_counted_anew_unless_all_were_counted_under_one_threshold(
    accept: float, settled: bool, recount: bool
) -> None:
    # given
    new = replace(small_rules(accept), namespaces=OLD.namespaces[1:])
    # when
    rules = current(new, OLD, 2, settled)
    # then
    assert rules.recount is recount
    assert rules.reading is new
    assert set(rules.resolving.by_name) == set(OLD.by_name)


def test_rules_that_nothing_was_stored_under_before_stand_alone() -> None:
    assert current(OLD, None, 1).resolving is OLD
