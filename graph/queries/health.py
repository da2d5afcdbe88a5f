"""The health of the graph: counts over the whole store, and an inspection of customers that may be two people."""

from collections.abc import Callable, Iterable

from graph.domain.model.dates import DAY
from graph.domain.model.rules import Rules
from graph.domain.model.store_values import Region
from graph.domain.profile.pages import Page, page_after
from graph.domain.resolution.health import (
    Finding,
    FindingKind,
    FindingPosition,
    contradicting_values,
    findings_of,
    weak_bridge,
)
from graph.ports import CustomerWriteStore
from graph.queries.explanation import region_of

MAX_FINDINGS = 100
"""Findings of each kind that the store returns."""
MAX_INSPECTED = 50
"""Customers that are inspected for weak bridges, and as many for contradictions."""


async def health(
    store: CustomerWriteStore,
    rules: Rules,
    now: int,
    kinds: frozenset[FindingKind],
    after: FindingPosition | None,
    first: int,
) -> Page[Finding]:
    """Return a page of the findings of some kinds, worst first; reads all links once.

    `after` is the position of the last finding on the previous page.
    """
    counts = await store.health_counts(rules, MAX_FINDINGS)
    findings = findings_of(counts, rules, now // DAY)
    for kind, keys, inspect in (
        (FindingKind.WEAK_BRIDGE, counts.multi_value_keys, weak_bridge),
        (FindingKind.CONTRADICTING_VALUES, counts.contradictory_keys, contradicting_values),
    ):
        if kind in kinds:
            findings += await _inspect(store, rules, keys[:MAX_INSPECTED], inspect)
    ranked = sorted((finding for finding in findings if finding.kind in kinds), key=lambda finding: finding.position)
    return page_after(ranked, lambda finding: finding.position, after, first)


async def _inspect(
    store: CustomerWriteStore,
    rules: Rules,
    keys: Iterable[str],
    inspect: Callable[[Region, str, str, Rules], Finding | None],
) -> list[Finding]:
    """Return what an inspection finds in the customers of some keys."""
    findings: list[Finding] = []
    for key in keys:
        region = await region_of(store, key)
        member = region.members.get(key)
        if member is None or member.customer is None:
            continue
        if (finding := inspect(region, key, region.customers[member.customer].id, rules)) is not None:
            findings.append(finding)
    return findings
