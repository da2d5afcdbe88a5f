"""What keeps two customers apart: overrides, limits, guards, shared identifiers."""

from graph.domain.model.overrides import OverrideKind
from graph.domain.resolution.explanation import Explanation, explain
from graph.domain.resolution.obstacles import ObstacleKind
from tests.builders.deltas import region
from tests.builders.graphs import Graph, family_rules, override, seen, small_rules, stated


def explained(graph: Graph, a: str, b: str) -> Explanation:
    return explain(region(graph, a, b), a, b, graph.rules)


def family() -> Graph:
    """Two records with different birth dates that share an address."""
    graph = Graph(family_rules())
    graph.see(
        stated("record=A", source="crm", birth_date="1980-05-04"),
        stated("record=B", source="crm", birth_date="2010-11-23"),
        seen("record=A", "mail=fam", at=1),
        seen("record=B", "mail=fam", at=2),
    )
    return graph


def test_a_guard_is_an_obstacle_with_the_values() -> None:
    # when
    explanation = explained(family(), "record=A", "record=B")
    # then
    (obstacle,) = explanation.obstacles
    assert obstacle.kind is ObstacleKind.GUARD
    assert obstacle.link.pair == ("mail=fam", "record=A")
    assert [contradiction.attribute for contradiction in obstacle.contradictions] == ["birth_date"]
    assert explanation.summary == (
        "record=A and record=B are two customers: mail=fam and record=A were seen together, but birth_date is "
        "1980-05-04 at record=A (crm, since 1970-01-01) and 2010-11-23 at record=B (crm, since 1970-01-01)."
    )
    assert explanation.contradictions == ()


def test_values_that_suspend_no_link_are_no_obstacle() -> None:
    # given: two people whom nothing links
    graph = Graph(family_rules())
    graph.see(stated("record=A", birth_date="1980-05-04"), stated("record=B", birth_date="2010-11-23"))
    # when
    explanation = explained(graph, "record=A", "record=B")
    # then
    assert [obstacle.kind for obstacle in explanation.obstacles] == [ObstacleKind.NO_EVIDENCE]
    assert explanation.contradictions == ()


def test_a_steward_who_keeps_them_apart_is_the_obstacle_whatever_they_contradict_each_other_in() -> None:
    # given
    graph = family()
    graph.do(override(OverrideKind.APART, "record=A", "record=B"))
    # when
    explanation = explained(graph, "record=A", "record=B")
    # then: one obstacle, not one for each reason
    assert [obstacle.kind for obstacle in explanation.obstacles] == [ObstacleKind.APART]


def test_one_customer_with_values_that_contradict_each_other_says_so() -> None:
    # given: a login is not guarded
    graph = family()
    graph.see(seen("record=A", "login=L", at=3), seen("record=B", "login=L", at=4))
    # when
    explanation = explained(graph, "record=A", "record=B")
    # then
    assert explanation.same_customer
    assert [contradiction.keys for contradiction in explanation.contradictions] == [{"record=A", "record=B"}]
    assert "But its values contradict each other: birth_date is 1980-05-04 at record=A" in explanation.summary


def test_one_customer_whom_a_steward_made_says_so_too() -> None:
    # given
    graph = family()
    graph.do(override(OverrideKind.TOGETHER, "record=A", "record=B"))
    # when
    explanation = explained(graph, "record=A", "record=B")
    # then
    assert explanation.same_customer
    assert len(explanation.contradictions) == 1


def test_a_limit_is_an_obstacle_with_the_chains_to_both_values() -> None:
    # given
    graph = Graph(small_rules())
    graph.see(seen("crm=a", "cookie=x", at=1), seen("crm=b", "cookie=x", at=2))
    # when
    explanation = explained(graph, "crm=a", "crm=b")
    # then
    assert [obstacle.kind for obstacle in explanation.obstacles] == [ObstacleKind.LIMIT]
