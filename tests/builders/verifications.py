"""Verifying and repairing a store in tests."""

from graph.domain.model.rules import Rules
from graph.ports import Store
from graph.verification.findings import Report
from graph.verification.repair import Repairs
from graph.verification.scratch import Scratch
from graph.verification.verify import verify
from service.bootstrap import SystemClock
from service.config import rules_file
from service.runtime.ids import RandomIds
from tests.builders.runs import Run


def verified(store: Store, run: Run, rules: Rules | None = None) -> Report:
    """What is found; under the rules of the store, or under `rules`, which the store then names with any text."""
    with Scratch() as scratch:
        return run(verify(store, scratch, (lambda text: rules) if rules else rules_file.parse)).report


def repaired(store: Store, run: Run, rules: Rules | None = None) -> Report:
    """What is found after a repair."""
    for _ in range(4):
        with Scratch() as scratch:
            verification = run(verify(store, scratch, (lambda text: rules) if rules else rules_file.parse))
            run(Repairs(store, scratch, verification, SystemClock(), RandomIds()).run())
        report = verified(store, run, rules)
        if report.clean:
            break
    return report


def found(report: Report) -> dict[str, int]:
    """The number of findings by check."""
    return {check.value: count for check, count in report.counts.items()}
