"""The contents of a store or of the model in memory, in a form that can be compared."""

from collections.abc import Sequence

from msgspec.structs import replace

from graph.domain.model.facts import Fact, FactKind, fact_holders_of, stored_facts
from graph.domain.model.observations import Observation
from graph.domain.model.receipts import ObservationStatus, Receipt
from graph.domain.model.rules import Rules
from graph.domain.model.store_values import Neighborhood, Region
from graph.ports import ReadNeighborhood, ReadRegion
from tests.builders.graphs import Graph
from tests.builders.strategies import IDS, ORDER_IDS

SOURCES = ("shop", "till")


def read_all(keys: Sequence[str]):
    """A write that reads the whole content and changes nothing."""
    pairs = [(a, b) for a in keys for b in keys if a < b]
    receipts = [(source, id) for source in SOURCES for id in (*IDS, *ORDER_IDS)]
    neighborhood: Neighborhood = yield ReadNeighborhood(receipts, [], sorted(keys), pairs, keys)
    region: Region = yield ReadRegion(frozenset(keys), frozenset(keys))
    return neighborhood, region


def comparable(region: Region, neighborhood: Neighborhood):
    """The content without the store's own handles."""
    id_of = {handle: customer.id for handle, customer in region.customers.items()}
    members = {
        key: (
            member.evidence,
            dict(member.degree),
            member.shared,
            member.blocked,
            member.override_count,
            id_of.get(member.customer),
            member.order,
            member.guarded_values,
        )
        for key, member in region.members.items()
    }
    customers = {
        customer.id: (
            customer.created_at,
            customer.version,
            customer.anchor,
            dict(customer.counts),
            customer.suspended,
            customer.override_count,
            customer.order_totals,
            customer.retired_at,
            customer.redirects_to,
            customer.value_sets,
        )
        for customer in region.customers.values()
    }
    return (
        members,
        customers,
        dict(region.links),
        dict(region.overrides),
        {key: comparable_receipt(receipt) for key, receipt in neighborhood.receipts.items()},
        dict(neighborhood.links),
    )


def comparable_receipt(receipt: Receipt) -> Receipt:
    """A receipt without its facts, which are part of `sent`, and which a store attaches only if they are valid."""
    holders = receipt.fact_holders if receipt.status is ObservationStatus.VALID else ()
    return replace(receipt, facts="", fact_holders=holders)


def valid_facts(model: Graph, kind: FactKind, rules: Rules) -> list[Fact]:
    """The facts of a kind in all valid observations, from the observations as they were sent."""
    facts: list[Fact] = []
    for receipt in model.store.receipts.values():
        if receipt.status is ObservationStatus.VALID and receipt.kind == kind.value:
            sent = Observation.from_sent(*receipt.key, receipt.sent)
            for key in fact_holders_of(kind, receipt.keys, rules):
                facts.append(Fact(key, receipt.seen_at, *receipt.key, sent.party, stored_facts(sent)))
    return sorted(facts, key=lambda fact: fact.recency)
