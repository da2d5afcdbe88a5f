"""The resolution of a region: ids, nodes, customers and changes."""

from collections.abc import Callable, Iterable
from itertools import count

from graph.domain.model.changes import ChangeKind
from graph.domain.model.links import LinkReasonCode, LinkState
from graph.domain.model.observations import Party
from graph.domain.model.overrides import Override, OverrideKind
from graph.domain.resolution.preparation import Command, SetOverride
from graph.domain.resolution.regions import PendingChange, ResolvedRegion, resolve_region
from tests.builders.deltas import overlay_of, region
from tests.builders.graphs import NOW, CountingIds, Graph, observe, override, revoke, seen, small_rules

RULES = small_rules()


def resolved(graph: Graph, seed: str, *commands: Command) -> ResolvedRegion:
    """The region of an identifier, resolved after commands; new ids start with `cus_100`."""
    overlay, neighborhood = overlay_of(graph, *commands)
    stored = region(graph, seed, *overlay.touched_keys)
    overlay.add_region(stored)
    keys = sorted({*stored.members, *overlay.touched_keys})
    overrides: Iterable[Override] = (
        *stored.overrides.values(),
        *(command.override for command in commands if isinstance(command, SetOverride)),
    )
    customers = {**neighborhood.customers, **stored.customers}
    return resolve_region(overlay, keys, overrides, customers, CountingIds(100).customer)


def new_nodes() -> Callable[[], str]:
    numbers = count(1)
    return lambda: f"new {next(numbers)}"


def test_an_identifier_that_nothing_names_any_more_belongs_to_no_customer() -> None:
    # given
    graph = Graph(RULES)
    graph.see(seen("crm=a", "mail=A", id="1"), seen("mail=A", "cookie=x", id="2"))
    ann = graph.id_at("crm=a")
    # when
    result = resolved(graph, "crm=a", revoke("2"))
    # then
    assert (result.id_of("mail=A"), result.id_of("cookie=x")) == (ann, "")
    nodes = result.nodes(new_nodes())
    assert result.moves(nodes) == {"cookie=x": None}
    (customer,) = result.customers(nodes, NOW)
    assert (customer.id, customer.counts) == (ann, {"crm": 1, "mail": 1})
    assert list(result.pending_changes()) == [
        PendingChange(
            ChangeKind.CUSTOMER_EMPTIED,
            ann,
            keys=("cookie=x",),
            reason="no valid observation or override names them anymore",
        )
    ]


def test_the_part_that_splits_off_gets_an_id_and_a_node_of_its_own() -> None:
    # given
    graph = Graph(RULES)
    graph.see(seen("crm=a", "mail=A", id="1"), seen("mail=A", "cookie=x", id="2"), seen("cookie=x", "phone=1", id="3"))
    graph.see(seen("mail=A", "mail=B", id="4"))
    ann, node = graph.id_at("crm=a"), graph.store.members["crm=a"].customer
    # when
    result = resolved(graph, "crm=a", revoke("2"))
    # then
    assert {key: result.id_of(key) for key in ("mail=B", "cookie=x", "phone=1")} == {
        "mail=B": ann,
        "cookie=x": "cus_100",
        "phone=1": "cus_100",
    }
    nodes = result.nodes(new_nodes())
    assert nodes == {ann: node, "cus_100": "new 1"}
    assert result.moves(nodes) == {"cookie=x": "new 1", "phone=1": "new 1"}
    customers = {customer.id: customer for customer in result.customers(nodes, NOW)}
    assert (customers[ann].created_at, customers[ann].version) == (graph.store.customers[node].created_at, 3)
    assert (customers["cus_100"].created_at, customers["cus_100"].version, customers["cus_100"].anchor.key) == (
        NOW,
        1,
        "phone=1",
    )
    assert list(result.pending_changes()) == [
        PendingChange(
            ChangeKind.CUSTOMER_SPLIT, ann, "cus_100", ("cookie=x", "phone=1"), "no link connects them anymore"
        )
    ]


def test_a_merge_leaves_the_older_id_at_the_larger_node() -> None:
    # given: the older customer is the smaller one
    graph = Graph(RULES)
    graph.see(seen("crm=a", id="1"))
    graph.see(seen("mail=A", "cookie=x", id="2"), seen("mail=A", "phone=1", id="3"))
    old, young = graph.id_at("crm=a"), graph.id_at("mail=A")
    small, large = (graph.store.members[key].customer for key in ("crm=a", "mail=A"))
    # when
    result = resolved(graph, "crm=a", observe(seen("crm=a", "mail=A", id="4"), RULES))
    # then
    nodes = result.nodes(new_nodes())
    assert nodes == {old: large, young: small}
    assert result.moves(nodes) == {"crm=a": large}
    customers = {customer.id: customer for customer in result.customers(nodes, NOW)}
    assert (customers[old].counts, customers[old].live) == ({"crm": 1, "mail": 1, "cookie": 1, "phone": 1}, True)
    assert (customers[young].retired_at, customers[young].redirects_to) == (NOW, old)
    (change,) = result.pending_changes()
    assert (change.kind, change.customer, change.other_customer) == (ChangeKind.CUSTOMERS_MERGED, old, young)
    assert change.pair == ("crm=a", "mail=A")
    assert change.reason == "crm=a and mail=A were seen together (shop, first party)"


def test_a_link_over_a_limit_is_suspended_and_counted_at_both_ends() -> None:
    # given
    graph = Graph(RULES)
    graph.see(seen("crm=a", "mail=A", id="1"), seen("crm=b", "cookie=x", id="2"))
    pair = ("cookie=x", "mail=A")
    # when
    result = resolved(graph, "crm=a", observe(seen(*pair, id="3", party=Party.THIRD_PARTY), RULES))
    # then
    state, reason = result.verdicts[pair]
    assert (state, reason.code) == (LinkState.SUSPENDED, LinkReasonCode.LIMIT)
    nodes = result.nodes(new_nodes())
    assert result.moves(nodes) == {}
    assert {customer.id: customer.suspended for customer in result.customers(nodes, NOW)} == {
        graph.id_at("crm=a"): 1,
        graph.id_at("crm=b"): 1,
    }
    assert list(result.pending_changes()) == []


def test_a_steward_who_keeps_two_together_is_named_as_the_reason() -> None:
    # given
    graph = Graph(RULES)
    graph.see(seen("crm=a", id="1"), seen("crm=b", id="2"))
    # when
    result = resolved(graph, "crm=a", override(OverrideKind.TOGETHER, "crm=a", "crm=b"))
    # then
    (change,) = result.pending_changes()
    assert change.kind is ChangeKind.CUSTOMERS_MERGED
    assert change.reason == "a steward keeps crm=a and crm=b together"
    assert result.id_of("crm=a") == result.id_of("crm=b") == graph.id_at("crm=a")
