"""The health of the graph: a survey of the whole store, and a closer look at customers that may be two people."""

from collections.abc import Generator
from typing import Any

from graph.domain.health import Finding, bridge, of_survey
from graph.domain.rules import Rules
from graph.domain.snapshots import Region
from graph.ports import ReadRegion, Request, Store

LOOKED_AT = 50
"""Customers that are looked at for bridges."""
DAY = 24 * 60 * 60 * 1_000_000


def _one(key: str) -> Generator[Request, Any, Region]:
    region: Region = yield ReadRegion(frozenset((key,)), frozenset())
    return region


async def health(store: Store, rules: Rules, now: int, first: int) -> list[Finding]:
    """What is suspicious, up to `first` of each kind, the worst first; it reads all links once."""
    survey = await store.survey(sorted(rules.known), max(first, LOOKED_AT))
    found = of_survey(survey, rules, now // DAY)
    for key in survey.doubles[:LOOKED_AT]:
        region = await store.write(lambda key=key: _one(key))  # type: ignore[misc]
        member = region.members.get(key)
        if member is None or member.customer is None:
            continue
        customer = region.customers[member.customer].id
        if (finding := bridge(region, key, customer, rules)) is not None:
            found.append(finding)
    kept: dict[object, int] = {}
    answer: list[Finding] = []
    for finding in sorted(found, key=lambda one: -one.number):
        kept[finding.kind] = kept.get(finding.kind, 0) + 1
        if kept[finding.kind] <= first:
            answer.append(finding)
    return answer
