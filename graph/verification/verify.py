"""Verifies a store: everything that Kith derives is computed again from observations and overrides, and compared.

What is stored is copied into a temporary database first, from one state of the store. Memory does not grow with the
store, except by 8 bytes for each identifier, and by its shared identifiers and overrides.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import Protocol

from graph.domain.model.overrides import Override
from graph.domain.model.rules import Rules
from graph.ports import ExportStore, RepairStore
from graph.verification.collect import Collector
from graph.verification.customers import Customers
from graph.verification.evidence import Evidence
from graph.verification.findings import Check, Finding, Report
from graph.verification.grouping import Grouping
from graph.verification.scratch import Scratch

STEPS = ("identifiers", "links", "customers")
"""The steps after reading."""


class VerifiedStore(ExportStore, RepairStore, Protocol):
    """What is read of a store."""


class Verification:
    """The result of a verification: the report, and the rules and overrides that `repair` needs.

    Without rules, nothing was compared, because the files of the store are damaged.
    """

    def __init__(
        self, report: Report, rules: Rules | None = None, rules_version: int = 0, overrides: Sequence[Override] = ()
    ) -> None:
        self.report, self.rules, self.rules_version, self.overrides = report, rules, rules_version, overrides


async def verify(
    store: VerifiedStore,
    scratch: Scratch,
    parse: Callable[[str], Rules],
    on_read: Callable[[int], None] = lambda count: None,
    on_step: Callable[[str], None] = lambda step: None,
) -> Verification:
    """Compare everything in a store, and return what was found. `scratch` is new.

    `on_read` is called with the number of records that are read, `on_step` with the name of the step that begins.
    Raises `StoreUnavailable` if the store cannot be read, or if observations are being reprocessed.
    """
    report = Report()
    damages = await store.check_storage()
    for damage in damages:
        detail = f"{damage.count} {damage.description}"
        report.add(Finding(Check.STORAGE, (), detail, masked=False))
    if not all(damage.repairable for damage in damages):
        return Verification(report)
    collector = Collector(scratch, report, parse)
    async with aclosing(store.export_with_indexes()) as batches:
        async for batch in batches:
            collector.add(batch)
            on_read(report.verified.total())
    rules = collector.rules
    await asyncio.to_thread(_compare, scratch, collector, report, on_step)
    return Verification(report, rules, collector.rules_version, collector.overrides)


def _compare(scratch: Scratch, collector: Collector, report: Report, on_step: Callable[[str], None]) -> None:
    scratch.filled()
    rules, overrides = collector.rules, collector.overrides
    on_step(STEPS[0])
    evidence = Evidence(scratch, report, rules, overrides)
    evidence.run()
    on_step(STEPS[1])
    Grouping(scratch, report, rules, overrides, evidence).run()
    on_step(STEPS[2])
    Customers(scratch, report, rules, collector.segments).run()
