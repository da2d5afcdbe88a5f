"""The health of the graph: a survey of the whole store, and a closer look at customers that may be two people."""

from graph.domain.model.dates import DAY
from graph.domain.model.rules import Rules
from graph.domain.resolution.health import Finding, bridge, of_survey
from graph.ports import Store
from graph.queries.explanation import region_of

LOOKED_AT = 50
"""Customers that are looked at for bridges."""


async def health(store: Store, rules: Rules, now: int, first: int) -> list[Finding]:
    """What is suspicious, up to `first` of each kind, the worst first; it reads all links once."""
    survey = await store.survey(sorted(rules.known), max(first, LOOKED_AT))
    found = of_survey(survey, rules, now // DAY)
    for key in survey.doubles[:LOOKED_AT]:
        region = await region_of(store, key)
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
