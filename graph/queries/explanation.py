"""Why two identifiers are one customer or not, and where a customer is weakest."""

from collections.abc import Generator
from typing import Any

from graph.domain.model.errors import InvalidInput
from graph.domain.model.links import Link
from graph.domain.model.rules import Rules
from graph.domain.model.store_values import Region
from graph.domain.resolution.explanation import Why, weakest_links
from graph.domain.resolution.explanation import why as explain
from graph.ports import ReadRegion, Request, WriteStore


def _both(a: str, b: str) -> Generator[Request, Any, Region]:
    """The regions of two keys; of their customers' identifiers the idle links too."""
    region: Region = yield ReadRegion(frozenset((a, b)), frozenset())
    nodes = {region.members[key].customer for key in (a, b) if key in region.members} - {None}
    if len(nodes) < 2:
        return region
    opened = {key for key, member in region.members.items() if member.customer in nodes}
    whole: Region = yield ReadRegion(frozenset((a, b)), frozenset(opened))
    return whole


async def why(store: WriteStore, rules: Rules, a: str, b: str) -> Why:
    """Why two keys are one customer or not. It runs as a write that writes nothing: so it sees one moment."""
    if a == b:
        raise InvalidInput("SAME_IDENTIFIER", f"a and b are the same identifier, {a}", ("b",))
    return explain(await store.write(lambda: _both(a, b)), a, b, rules)


def _one(key: str) -> Generator[Request, Any, Region]:
    region: Region = yield ReadRegion(frozenset((key,)), frozenset())
    return region


async def region_of(store: WriteStore, key: str) -> Region:
    """All that is connected with a key, at one moment: read as a write that writes nothing."""
    return await store.write(lambda: _one(key))


async def weakest(store: WriteStore, rules: Rules, key: str, first: int) -> list[Link]:
    """The bridges of the customer that holds a key, most doubtful first."""
    region = await region_of(store, key)
    if key not in region.members or region.members[key].customer is None:
        return []
    return weakest_links(region, key, rules)[:first]
