"""All that a store or the model in dictionaries holds, in a form that two of them can be held against each other in."""

from collections.abc import Sequence

from graph.domain.model.facts import FactKind, Told, carriers
from graph.domain.model.observations import Observation
from graph.domain.model.receipts import Standing
from graph.domain.model.rules import Rules
from graph.domain.model.store_values import Around, Region
from graph.ports import ReadAround, ReadRegion
from tests.builders.graphs import Graph
from tests.builders.strategies import IDS

SOURCES = ("shop", "till")


def everything(keys: Sequence[str]):
    """A write that reads all there is and changes nothing."""
    pairs = [(a, b) for a in keys for b in keys if a < b]
    receipts = [(source, id) for source in SOURCES for id in IDS]
    around: Around = yield ReadAround(receipts, [], sorted(keys), pairs, keys)
    region: Region = yield ReadRegion(frozenset(keys), frozenset(keys))
    return around, region


def readable(region: Region, around: Around):
    """What a store holds, without its own handles."""
    id_at = {node: customer.id for node, customer in region.customers.items()}
    members = {
        key: (
            member.evidence,
            dict(member.degree),
            member.shared,
            member.blocked,
            member.marks,
            id_at.get(member.customer),
            member.order,
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
            customer.marks,
            customer.figures,
            customer.retired_at,
            customer.redirects_to,
        )
        for customer in region.customers.values()
    }
    return members, customers, dict(region.links), dict(region.marks), dict(around.receipts), dict(around.links)


def valid_facts(model: Graph, kind: FactKind, rules: Rules) -> list[Told]:
    """What the valid reports of a kind say, from how they were sent."""
    found: list[Told] = []
    for receipt in model.store.receipts.values():
        if receipt.standing is Standing.VALID and receipt.kind == kind.value:
            sent = Observation.from_sent(*receipt.key, receipt.sent)
            for key in carriers(kind, receipt.keys, rules):
                found.append(Told(key, receipt.seen_at, *receipt.key, sent.tier, sent.facts))
    return sorted(found, key=lambda one: one.recency)
