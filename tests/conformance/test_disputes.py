"""What a write reads around a large customer, without reading the customer, on each store."""

import pytest

from graph.commands.commit import commit
from graph.domain.model.overrides import OverrideKind
from graph.domain.model.store_values import Region
from graph.ports import ReadDisputes, ReadLinksAt, ReadNeighborhood, ReadValues, Store
from tests.builders.graphs import NOW, CountingIds, Graph, observe, override, seen, small_rules
from tests.builders.runs import Run
from tests.builders.stores import Fresh

RULES = small_rules()
LARGE = 230
"""Identifiers of a customer that is found in another way than small ones."""


def commands(size: int) -> list[object]:
    """A customer with cookies, of which another one claims two, with a phone of several people and an override."""
    observations = [seen("crm=a", f"cookie={number:03}", id=f"c{number}", at=5) for number in range(size)]
    observations += [
        seen("crm=b", "cookie=000", "cookie=001", id="b", at=1),
        seen("crm=a", "mail=A", id="m", at=1),
        seen("crm=a", "phone=1", "mail=A", id="p", at=3),
        seen("crm=b", "phone=1", id="q", at=2),
    ]
    return [*(observe(sent, RULES) for sent in observations), override(OverrideKind.APART, "crm=a", "crm=c")]


def disputes_of(key: str, first: int):
    """A write that reads the disputes of a customer and changes nothing."""
    neighborhood = yield ReadNeighborhood(keys=[key])
    return (yield ReadDisputes(frozenset(neighborhood.customers), first))


def links_at(key: str, first: int):
    """A write that reads the links at an identifier, which nothing else has named, and changes nothing."""
    return (yield ReadLinksAt(key, first))


def values_of(namespace: str):
    """A write that reads the values of a namespace at a customer and changes nothing."""
    neighborhood = yield ReadNeighborhood(keys=["crm=a"])
    (node,) = neighborhood.customers
    return (yield ReadValues(node, namespace))


def comparable(found: Region | None) -> object:
    """What was read, without the store's own handles."""
    if found is None:
        return None
    id_of = {node: customer.id for node, customer in found.customers.items()}
    return (
        {key: (member.evidence, id_of[member.customer]) for key, member in found.members.items()},
        dict(found.links),
        dict(found.overrides),
        {customer.id: (customer.counts, customer.suspended) for customer in found.customers.values()},
    )


@pytest.mark.parametrize("size", [4, LARGE])
def test_disputes_and_links_are_those_of_the_model(fresh: Fresh, run: Run, size: int) -> None:
    # given
    store: Store = fresh()
    model = Graph(RULES)
    model.now = NOW
    sent = commands(size)
    model.store.run(lambda: commit(sent, RULES, NOW, CountingIds()))
    run(store.write(lambda: commit(sent, RULES, NOW, CountingIds())))
    for read, key, first in (
        (disputes_of, "crm=a", 100),
        (disputes_of, "crm=b", 100),
        (disputes_of, "crm=a", 1),
        (links_at, "phone=1", 100),
        (links_at, "cookie=000", 100),
        (links_at, "phone=1", 2),
    ):
        # when
        found = run(store.write(lambda read=read, key=key, first=first: read(key, first)))
        expected = model.store.run(lambda read=read, key=key, first=first: read(key, first))
        # then
        assert comparable(found) == comparable(expected)
        assert (found is None) == (first < 100)
    assert run(store.check_storage()) == []


@pytest.mark.parametrize("size", [4, LARGE])
def test_the_values_of_a_namespace_are_those_that_the_customer_holds(fresh: Fresh, run: Run, size: int) -> None:
    # given
    store: Store = fresh()
    run(store.write(lambda: commit(commands(size), RULES, NOW, CountingIds())))
    # when
    found = {namespace: sorted(run(store.write(lambda ns=namespace: values_of(ns)))) for namespace in ("mail", "crm")}
    # then
    assert found == {"mail": ["mail=A"], "crm": ["crm=a"]}
