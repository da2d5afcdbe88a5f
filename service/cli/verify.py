"""`kith verify`: compares everything that is derived with the observations, and repairs it."""

import asyncio
from typing import Annotated

import typer
from rich.markup import escape

from graph.domain.access.accessed import Accessed
from graph.domain.access.masking import mask_key
from graph.ports import Store as AnyStore
from graph.verification.findings import NOT_REPAIRED, Finding, Report
from graph.verification.repair import Repairs
from graph.verification.scratch import Scratch
from graph.verification.verify import STEPS, Verification
from graph.verification.verify import verify as verify_store
from service.bootstrap import SystemClock, check_ready, open_existing
from service.cli.operator import Operator, Purpose, Reason
from service.cli.previews import bar, end
from service.cli.shared import Store, console
from service.config import rules_file
from service.config import settings as settings_module
from service.config.settings import Settings
from service.runtime.ids import RandomIds

MAX_ROUNDS = 4
"""Verifications after one another, each but the last one with repairs: what is resolved again relies on what was
repaired before."""


def verify(
    store: Store = None,
    repair: Annotated[bool, typer.Option("--repair", help="Repair what follows from observations.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Do not mask values.")] = False,
    purpose: Purpose = "",
    reason: Reason = "",
) -> None:
    """Compare everything that Kith derives with the observations. Exit status 1 if anything is wrong.

    The store may be in use. While Neo4j is read, writes to it wait.
    """
    settings = settings_module.load(store=store)
    operator = Operator(settings, "verify", purpose, reason, shows_values=show)
    if show:
        # Its samples have no ids of customers: that it showed values is recorded.
        operator.record(Accessed())
    report = asyncio.run(_run(settings, repair, show))
    if not report.clean:
        raise typer.Exit(1)


async def _run(settings: Settings, repair: bool, show: bool) -> Report:
    store = open_existing(settings)
    try:
        await check_ready(store)
        for number in range(MAX_ROUNDS):
            with Scratch() as scratch:
                verification = await _verify(store, scratch)
                _print(verification.report, show)
                if verification.rules is None:
                    console.print("nothing was compared: the file is damaged; restore a backup")
                    break
                repairable = verification.report.counts.keys() - NOT_REPAIRED
                if not repair or not repairable or number == MAX_ROUNDS - 1:
                    break
                console.print("repairing")
                await Repairs(store, scratch, verification, SystemClock(), RandomIds()).run()
        return verification.report
    finally:
        await store.close()


async def _verify(store: AnyStore, scratch: Scratch) -> Verification:
    with bar() as shown:
        reading = shown.add_task("read", total=await store.count_records())
        comparing = shown.add_task("compare", total=len(STEPS))
        verification = await verify_store(
            store,
            scratch,
            rules_file.parse,
            lambda count: shown.update(reading, completed=count),
            lambda step: shown.update(comparing, completed=STEPS.index(step), description=f"compare {step}"),
        )
        end(shown, reading, verification.report.verified.total())
        shown.update(comparing, completed=len(STEPS), description="compare")
    return verification


def _print(report: Report, show: bool) -> None:
    for check, count in sorted(report.counts.items(), key=lambda item: item[0].value):
        left = " (not repaired: it does not follow from observations)" if check in NOT_REPAIRED else ""
        console.print(f"{check.value}: {count}{left}", soft_wrap=True)
        for finding in report.samples[check]:
            console.print(f"  {escape(_described(finding, show))}", soft_wrap=True)
        if count > len(report.samples[check]):
            console.print(f"  and {count - len(report.samples[check])} more")
    counts = ", ".join(_counted(count, kind) for kind, count in sorted(report.verified.items()))
    console.print(f"{'clean' if report.clean else 'not clean'}: {counts or 'an empty store'}", soft_wrap=True)


def _counted(count: int, kind: str) -> str:
    """Return a number of records in words: `2 idempotent results`, `1 rules`."""
    return f"{count:,} {kind.replace('_', ' ')}{'' if count == 1 or kind.endswith('s') else 's'}"


def _described(finding: Finding, show: bool) -> str:
    place = ", ".join(finding.place if show or not finding.masked else map(_masked, finding.place))
    return f"{place}: {finding.detail}" if place else finding.detail


def _masked(name: str) -> str:
    """Mask the key of an identifier; of another name, as the id of an observation, two characters are shown."""
    return mask_key(name) if "=" in name else f"{name[:2]}…"
