"""The clusters that a delta connects, and which of them are dirty."""

from graph.domain.model.overrides import OverrideKind
from graph.domain.resolution.clusters import Cluster, clusters_of
from graph.domain.resolution.preparation import Command
from tests.builders.deltas import overlay_of
from tests.builders.graphs import Graph, observe, override, revoke, seen, small_rules

RULES = small_rules()


def clustered(graph: Graph, *commands: Command) -> list[Cluster]:
    overlay, neighborhood = overlay_of(graph, *commands)
    return clusters_of(overlay, neighborhood.customers)


def node_of(graph: Graph, key: str) -> object:
    return graph.store.members[key].customer


def test_new_identifiers_that_are_seen_together_are_one_cluster_without_customers() -> None:
    (cluster,) = clustered(Graph(RULES), observe(seen("mail=A", "cookie=x"), RULES))
    assert sorted(cluster.keys) == ["cookie=x", "mail=A"]
    assert (cluster.nodes, cluster.links, cluster.dirty) == (set(), [("cookie=x", "mail=A")], False)


def test_observations_without_a_common_identifier_are_separate_clusters() -> None:
    clusters = clustered(
        Graph(RULES), observe(seen("crm=a", "mail=A", id="1"), RULES), observe(seen("crm=b", "mail=B", id="2"), RULES)
    )
    assert [(sorted(cluster.keys), cluster.dirty) for cluster in clusters] == [
        (["crm=a", "mail=A"], False),
        (["crm=b", "mail=B"], False),
    ]


def test_two_customers_within_all_limits_are_a_clean_cluster() -> None:
    # given
    graph = Graph(RULES)
    graph.see(seen("crm=a", "mail=A", id="1"), seen("cookie=x", "mail=B", id="2"))
    # when
    (cluster,) = clustered(graph, observe(seen("mail=A", "cookie=x"), RULES))
    # then
    assert cluster.nodes == {node_of(graph, "mail=A"), node_of(graph, "cookie=x")}
    assert not cluster.dirty


def test_two_customers_over_a_limit_together_are_a_dirty_cluster() -> None:
    # given
    graph = Graph(RULES)
    graph.see(seen("crm=a", "mail=A", id="1"), seen("crm=b", "cookie=x", id="2"))
    # when
    (cluster,) = clustered(graph, observe(seen("mail=A", "cookie=x"), RULES))
    # then
    assert cluster.dirty


def test_a_new_identifier_counts_towards_the_limit() -> None:
    # given: a customer has at most two mail addresses
    graph = Graph(RULES)
    graph.see(seen("crm=a", "mail=A", id="1"))
    # when, then
    (second,) = clustered(graph, observe(seen("crm=a", "mail=B"), RULES))
    assert not second.dirty
    graph.see(seen("crm=a", "mail=B", id="2"))
    (third,) = clustered(graph, observe(seen("crm=a", "mail=C"), RULES))
    assert third.dirty


def test_a_link_within_a_customer_changes_nothing() -> None:
    # given
    graph = Graph(RULES)
    graph.see(seen("crm=a", "mail=A", id="1"), seen("mail=A", "cookie=x", id="2"))
    # when
    (cluster,) = clustered(graph, observe(seen("crm=a", "cookie=x"), RULES))
    # then
    assert (cluster.links, cluster.dirty) == ([], False)


def test_disputes_of_a_customer_are_read_only_if_a_new_identifier_may_change_a_reason() -> None:
    # given: a cookie that two people use
    graph = Graph(RULES)
    graph.see(seen("crm=a", "cookie=x", id="1", at=1), seen("crm=b", "cookie=x", id="2", at=2))
    # when, then
    (unlimited,) = clustered(graph, observe(seen("crm=a", "cookie=y"), RULES))
    assert (unlimited.nodes, unlimited.dirty, unlimited.unread) == ({node_of(graph, "crm=a")}, False, set())
    (limited,) = clustered(graph, observe(seen("crm=a", "mail=A"), RULES))
    assert (limited.dirty, limited.unread) == (False, {node_of(graph, "crm=a")})
    (between,) = clustered(graph, observe(seen("crm=a", "cookie=y", "cookie=x"), RULES))
    assert between.dirty


def test_withdrawn_overridden_and_newly_shared_identifiers_are_in_dirty_clusters() -> None:
    # given
    graph = Graph(RULES)
    graph.see(seen("crm=a", "phone=1", id="1"), seen("crm=b", "phone=1", id="2"), seen("mail=A", id="3"))
    # when, then
    for command in (
        revoke("1"),
        override(OverrideKind.BLOCKED, "mail=A"),
        observe(seen("crm=c", "phone=1"), RULES),
    ):
        assert [cluster.dirty for cluster in clustered(graph, command)].count(True) == 1, command
