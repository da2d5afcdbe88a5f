"""The health of the graph: counts over the whole store, and an inspection of customers that may be two people."""

from graph.domain.model.dates import DAY
from graph.domain.model.rules import Rules
from graph.domain.profile.pages import Page, page_after
from graph.domain.resolution.health import Finding, FindingKind, FindingPosition, findings_of, weak_bridge
from graph.ports import CustomerWriteStore
from graph.queries.explanation import region_of

MAX_FINDINGS = 100
"""Findings of each kind that the store returns."""
MAX_INSPECTED = 50
"""Customers that are inspected for weak bridges."""


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
    counts = await store.health_counts(sorted(rules.known_namespaces), MAX_FINDINGS)
    findings = findings_of(counts, rules, now // DAY)
    for key in counts.multi_value_keys[:MAX_INSPECTED] if FindingKind.WEAK_BRIDGE in kinds else ():
        region = await region_of(store, key)
        member = region.members.get(key)
        if member is None or member.customer is None:
            continue
        customer = region.customers[member.customer].id
        if (finding := weak_bridge(region, key, customer, rules)) is not None:
            findings.append(finding)
    ranked = sorted((finding for finding in findings if finding.kind in kinds), key=lambda finding: finding.position)
    return page_after(ranked, lambda finding: finding.position, after, first)
