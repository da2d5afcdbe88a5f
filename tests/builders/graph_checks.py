"""Whether a graph is in every part what resolving from scratch makes of what it holds as valid."""

from graph.domain.model.links import State
from graph.domain.model.order_totals import add, figures_of
from graph.domain.model.overrides import MarkKind
from graph.domain.model.receipts import Standing
from graph.domain.resolution.resolution import degrees, links_of, resolve
from graph.domain.resolution.scenario import in_order
from tests.builders.graphs import Graph, replay


def truth(graph: Graph) -> tuple[list[list[str]], dict]:
    """Customers and verdicts from scratch, from what the store holds as valid."""
    valid = [one.statement for one in graph.store.receipts.values() if one.standing is Standing.VALID]
    resolution = resolve(valid, tuple(graph.store.marks.values()), graph.rules)
    return in_order(resolution.groups), resolution.verdicts


def check_everything(graph: Graph) -> None:
    store = graph.store
    customers, verdicts = truth(graph)
    assert graph.customers() == customers
    assert {ends: (link.state, link.reason) for ends, link in store.links.items()} == verdicts
    check_evidence(graph)
    check_customers(graph)


def check_evidence(graph: Graph) -> None:
    store, accept = graph.store, graph.rules.accept
    valid = [one.statement for one in store.receipts.values() if one.standing is Standing.VALID]
    fresh = links_of(valid, accept)
    kept = {ends: link.with_state(State.KEPT) for ends, link in store.links.items()}
    assert kept == {ends: link.with_state(State.KEPT) for ends, link in fresh.items()}
    blocked = {one.a for one in store.marks.values() if one.kind is MarkKind.BLOCKED}
    counted = degrees(fresh.values(), blocked, accept)
    for key, member in store.members.items():
        naming = [statement for statement in valid if key in statement.keys]
        assert (member.evidence is None) == (not naming)
        if member.evidence is not None:
            assert member.evidence.count == len(naming)
            assert member.evidence.first_seen == min(statement.seen_at for statement in naming)
        assert dict(member.degree) == counted.get(key, {}), key
        assert member.shared == graph.rules.is_shared(key.split("=")[0], counted.get(key, {}))
        assert member.blocked == (key in blocked)
        assert member.marks == sum(key in one.keys for one in store.marks.values())


def check_customers(graph: Graph) -> None:
    store = graph.store
    by_id = {customer.id: customer for customer in store.customers.values()}
    assert len(by_id) == len(store.customers)
    for node, customer in store.customers.items():
        mine = [member for member in store.members.values() if member.customer == node]
        assert customer.live == bool(mine)
        counts: dict[str, int] = {}
        for member in mine:
            namespace = member.key.split("=")[0]
            counts[namespace] = counts.get(namespace, 0) + 1
        assert dict(customer.counts) == counts
        assert customer.figures == add(figures_of(member.order) for member in mine)
        assert customer.marks == sum(member.marks for member in mine)
        inside = {member.key for member in mine}
        assert customer.suspended == sum(
            len(inside.intersection(ends)) for ends, link in store.links.items() if link.state is State.SUSPENDED
        )
        if customer.live:
            assert customer.anchor.key in inside
            assert customer.anchor == min(
                (member.anchor for member in mine), key=lambda anchor: anchor.order(graph.rules)
            )
        else:
            holder = store.members.get(customer.anchor.key)
            if holder is not None and holder.customer is not None:
                assert by_id[customer.redirects_to].node == holder.customer
            else:
                assert customer.redirects_to is None
    # sums over all customers never change: each order counts once, wherever it is
    everything = add(customer.figures for customer in store.customers.values())
    assert everything == add(
        figures_of(member.order) for member in store.members.values() if member.customer is not None
    )
    held = {customer.id: set() for customer in store.customers.values()}
    for key, member in store.members.items():
        if member.customer is not None:
            held[store.customers[member.customer].id].add(key)
    assert replay(store.changes) == {id: keys for id, keys in held.items() if keys}
