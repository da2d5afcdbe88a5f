"""The health of the graph: a survey of the whole store, and a closer look at customers that may be two people."""

from graph.domain.model.dates import DAY
from graph.domain.model.rules import Rules
from graph.domain.profile.pages import Page
from graph.domain.resolution.health import Finding, FindingKind, FindingPlace, bridge, of_survey
from graph.ports import CustomerWriteStore
from graph.queries.explanation import region_of

SURVEYED = 100
"""Findings of each kind that a survey brings."""
LOOKED_AT = 50
"""Customers that are looked at for bridges."""


async def health(
    store: CustomerWriteStore,
    rules: Rules,
    now: int,
    kinds: frozenset[FindingKind],
    after: FindingPlace | None,
    first: int,
) -> Page[Finding]:
    """A page of what is suspicious, of some kinds, the worst first; it reads all links once.

    `after` is the place of the last finding seen.
    """
    survey = await store.survey(sorted(rules.known), SURVEYED)
    found = of_survey(survey, rules, now // DAY)
    for key in survey.doubles[:LOOKED_AT] if FindingKind.BRIDGE in kinds else ():
        region = await region_of(store, key)
        member = region.members.get(key)
        if member is None or member.customer is None:
            continue
        customer = region.customers[member.customer].id
        if (finding := bridge(region, key, customer, rules)) is not None:
            found.append(finding)
    ranked = sorted((finding for finding in found if finding.kind in kinds), key=lambda finding: finding.place)
    behind = [finding for finding in ranked if after is None or finding.place > after]
    return Page(behind[:first], len(behind) > first)
