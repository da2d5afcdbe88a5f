"""Checks that every part of a graph equals the result of resolving its valid observations from scratch."""

from collections.abc import Sequence

from graph.domain.model.guarded_values import counted, guarded_values_of
from graph.domain.model.links import LinkState
from graph.domain.model.observations import EvidenceStatement, Observation
from graph.domain.model.order_totals import add, order_totals_of
from graph.domain.model.orders import Order
from graph.domain.model.overrides import OverrideKind
from graph.domain.model.receipts import ObservationStatus, Receipt
from graph.domain.model.rules import Rules
from graph.domain.resolution.resolution import degrees, links_of, resolve
from graph.domain.resolution.scenario import sorted_customers
from tests.builders.graphs import Graph, replay


def valid_statements(graph: Graph) -> list[EvidenceStatement]:
    return [receipt.statement for receipt in graph.store.receipts.values() if receipt.status is ObservationStatus.VALID]


def resolved_from_scratch(graph: Graph) -> tuple[list[list[str]], dict]:
    """Customers and verdicts of the valid observations, resolved from scratch."""
    resolution = resolve(valid_statements(graph), tuple(graph.store.overrides.values()), graph.rules)
    return sorted_customers(resolution.groups), resolution.verdicts


def check_everything(graph: Graph) -> None:
    store = graph.store
    customers, verdicts = resolved_from_scratch(graph)
    assert graph.customers() == customers
    assert {pair: (link.state, link.reason) for pair, link in store.links.items()} == verdicts
    check_evidence(graph)
    check_customers(graph)
    check_orders(graph)


def check_evidence(graph: Graph) -> None:
    store, min_confidence = graph.store, graph.rules.min_confidence
    valid = valid_statements(graph)
    expected_links = links_of(valid, min_confidence)
    stored_links = {pair: link.with_state(LinkState.ACTIVE) for pair, link in store.links.items()}
    assert stored_links == {pair: link.with_state(LinkState.ACTIVE) for pair, link in expected_links.items()}
    blocked = {override.a for override in store.overrides.values() if override.kind is OverrideKind.BLOCKED}
    expected_degrees = degrees(expected_links.values(), blocked, min_confidence)
    expected_values = guarded_values_of(valid, graph.rules)
    for key, member in store.members.items():
        naming = [statement for statement in valid if key in statement.keys]
        assert (member.evidence is None) == (not naming)
        if member.evidence is not None:
            assert member.evidence.observation_count == len(naming)
            assert member.evidence.first_seen_at == min(statement.seen_at for statement in naming)
        assert dict(member.degree) == expected_degrees.get(key, {}), key
        assert member.shared == graph.rules.is_shared(key.split("=")[0], expected_degrees.get(key, {}))
        assert member.blocked == (key in blocked)
        assert member.guarded_values == expected_values.get(key, {}), key
        assert member.override_count == sum(key in override.keys for override in store.overrides.values())


def check_orders(graph: Graph) -> None:
    """A source's newest report counts, of the nearest party, and its newest one that says which identifiers it has."""
    reports: dict[tuple[str, str], list[Receipt]] = {}
    for receipt in graph.store.receipts.values():
        if receipt.order_key and receipt.status in (ObservationStatus.VALID, ObservationStatus.SUPERSEDED):
            reports.setdefault((receipt.order_key, receipt.source), []).append(receipt)
    facts: dict[str, list[tuple[int, Order]]] = {}
    for (order_key, source), of_source in reports.items():
        of_source.sort(key=lambda receipt: (receipt.reported_at, receipt.id))
        naming = [receipt for receipt in of_source if len(receipt.keys) > 1 or '"no_identifiers":true' in receipt.facts]
        valid = {receipt.id for receipt in of_source if receipt.status is ObservationStatus.VALID}
        assert valid == {receipt.id for receipt in (of_source[-1], *naming[-1:])}
        newest = of_source[-1]
        facts.setdefault(order_key, []).append((newest.tier.value, Order.from_facts(source, newest.facts)))
    for key, member in graph.store.members.items():
        ranked = sorted(facts.get(key, []), key=lambda one: (one[0], -one[1].reported_at, one[1].source))
        assert member.order == (ranked[0][1] if ranked else None)


def check_customers(graph: Graph) -> None:
    store = graph.store
    by_id = {customer.id: customer for customer in store.customers.values()}
    assert len(by_id) == len(store.customers)
    for node, customer in store.customers.items():
        members = [member for member in store.members.values() if member.customer == node]
        assert customer.live == bool(members)
        counts: dict[str, int] = {}
        for member in members:
            namespace = member.key.split("=")[0]
            counts[namespace] = counts.get(namespace, 0) + 1
        assert dict(customer.counts) == counts
        assert customer.order_totals == add(order_totals_of(member.order) for member in members)
        assert customer.override_count == sum(member.override_count for member in members)
        assert customer.value_sets == counted(member.value_sets for member in members)
        inside = {member.key for member in members}
        assert customer.suspended == sum(
            len(inside.intersection(pair)) for pair, link in store.links.items() if link.state is LinkState.SUSPENDED
        )
        if customer.live:
            assert customer.anchor.key in inside
            assert customer.anchor == min(
                (member.anchor for member in members), key=lambda anchor: anchor.sort_key(graph.rules)
            )
        else:
            holder = store.members.get(customer.anchor.key)
            if holder is not None and holder.customer is not None:
                assert by_id[customer.redirects_to].node == holder.customer
            else:
                assert customer.redirects_to is None
    # each order counts once, whichever customer it belongs to
    total = add(customer.order_totals for customer in store.customers.values())
    assert total == add(
        order_totals_of(member.order) for member in store.members.values() if member.customer is not None
    )
    held = {customer.id: set() for customer in store.customers.values()}
    for key, member in store.members.items():
        if member.customer is not None:
            held[store.customers[member.customer].id].add(key)
    assert replay(store.changes) == {id: keys for id, keys in held.items() if keys}


def last_step(rules: Rules, before: Sequence[Observation], last: Observation) -> tuple[Graph, int]:
    """A graph after one more observation, checked, and how many regions this one read."""
    graph = Graph(rules)
    for observation in before:
        graph.see(observation)
    regions = graph.store.regions_read
    graph.see(last)
    check_everything(graph)
    return graph, graph.store.regions_read - regions
