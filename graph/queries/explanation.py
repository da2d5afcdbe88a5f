"""Explain why two identifiers are or are not one customer, and find the weakest links of a customer."""

from collections.abc import Generator
from typing import Any

from graph.domain.model.errors import InvalidInput
from graph.domain.model.links import Link
from graph.domain.model.rules import Rules
from graph.domain.model.store_values import EvidenceByKey, Region
from graph.domain.resolution.bridges import weakest_links
from graph.domain.resolution.contradictions import dated
from graph.domain.resolution.explanation import Explanation, contradictions_of, explain
from graph.ports import ReadRegion, ReadStatedAttributes, Request, WriteStore


def _region_of_both(a: str, b: str) -> Generator[Request, Any, Region]:
    """Read the regions of two keys; if they are in two customers, with the excluded links of both."""
    region: Region = yield ReadRegion(frozenset((a, b)), frozenset())
    nodes = {region.members[key].customer for key in (a, b) if key in region.members} - {None}
    if len(nodes) < 2:
        return region
    opened = {key for key, member in region.members.items() if member.customer in nodes}
    opened_region: Region = yield ReadRegion(frozenset((a, b)), frozenset(opened))
    return opened_region


def _explanation(a: str, b: str, rules: Rules) -> Generator[Request, Any, Explanation]:
    region = yield from _region_of_both(a, b)
    contradictions = contradictions_of(region, a, b, rules)
    if contradictions:
        keys = sorted(frozenset().union(*(contradiction.keys for contradiction in contradictions)))
        stated: EvidenceByKey = yield ReadStatedAttributes(keys)
        contradictions = dated(contradictions, stated, rules)
    return explain(region, a, b, rules, contradictions)


async def why(store: WriteStore, rules: Rules, a: str, b: str) -> Explanation:
    """Explain why two keys are or are not one customer; raises `InvalidInput` if they are the same key.

    It runs as a write without writes, so that all reads see the same state.
    """
    if a == b:
        raise InvalidInput("DUPLICATE_IDENTIFIER", "a and b are the same identifier", ("b",))
    return await store.write(lambda: _explanation(a, b, rules))


def _region_of_key(key: str) -> Generator[Request, Any, Region]:
    region: Region = yield ReadRegion(frozenset((key,)), frozenset())
    return region


async def region_of(store: WriteStore, key: str) -> Region:
    """Return everything connected with a key, read by a write without writes so that all reads see the same state."""
    return await store.write(lambda: _region_of_key(key))


async def weakest(store: WriteStore, rules: Rules, key: str, first: int) -> list[Link]:
    """Return the links without which the customer of a key would split, least reliable first."""
    region = await region_of(store, key)
    if key not in region.members or region.members[key].customer is None:
        return []
    return weakest_links(region, key, rules)[:first]
