"""Builders for source revocations, and their evaluation on the store in dictionaries."""

from collections.abc import Generator, Sequence
from typing import Any

from msgspec.structs import replace

from graph.commands.commit import commit
from graph.domain.model.changes import Cause, CauseType
from graph.domain.model.dates import SECOND
from graph.domain.model.receipts import ObservationStatus, Receipt
from graph.domain.model.rules import Rules
from graph.domain.model.source_revocations import SourceRevocation
from graph.domain.model.store_values import Writes
from graph.domain.resolution.preparation import Command, Observe, Reevaluate
from graph.ports import ReadSourceRevocations, Request, Write
from tests.builders.graphs import NOW, Graph


def source_revocation(
    source: str = "shop",
    recorded_from: float | None = None,
    recorded_to: float = 0,
    id: str = "srv_1",
    include_refusals: bool = True,
    at: int = NOW,
) -> SourceRevocation:
    """A revocation; its window in seconds after `NOW`."""
    begin = None if recorded_from is None else NOW + round(recorded_from * SECOND)
    end = NOW + round(recorded_to * SECOND)
    return SourceRevocation(id, source, begin, end, include_refusals, "tester", "nonsense", at)


def put(revocation: SourceRevocation) -> Generator[Request, Any, None]:
    """A write that stores a source revocation."""
    yield ReadSourceRevocations()
    yield Write(Writes(source_revocations=[revocation]))


def received(command: Command, at: int) -> Command:
    """A command as it is if it arrives at a time."""
    return replace(command, received_at=at) if isinstance(command, Observe) else command


def reevaluations(ids: Sequence[str], revocation: SourceRevocation, rules: Rules) -> list[Command]:
    """The commands that evaluate observations after a source was revoked or restored."""
    type = CauseType.SOURCE_REVOCATION if revocation.in_effect else CauseType.SOURCE_RESTORATION
    cause = Cause(type, revocation.source, revocation.id, "tester")
    return [Reevaluate(revocation.source, id, cause, rules) for id in ids]


class RevokingGraph(Graph):
    """A graph in which sources are revoked and restored; `step` does a part of what is to be done in the background."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self.intake_rules = rules
        self.arrived: list[Command] = []
        """All commands, as they arrived."""
        self._waiting: list[Command] = []

    def arrive(self, *commands: Command) -> None:
        """Execute commands that arrive at this moment."""
        arriving = [received(command, self.now) for command in commands]
        self.arrived += arriving
        self.do(*arriving)

    def set(self, revocation: SourceRevocation) -> None:
        """Set or restore a source revocation."""
        self.store.run(lambda: put(revocation))
        ids = sorted(id for source, id in self.store.receipts if source == revocation.source)
        self._waiting += reevaluations(ids, revocation, self.intake_rules)

    def restore(self, id: str) -> None:
        """Restore a source revocation that is in effect."""
        if self.store.source_revocations[id].in_effect:
            self.set(replace(self.store.source_revocations[id], restored_at=self.now))

    def step(self, size: int) -> bool:
        """Evaluate the next observations; return whether there were any."""
        commands, self._waiting = self._waiting[:size], self._waiting[size:]
        self.now += SECOND
        self.store.run(lambda: commit(commands, self.rules, self.now, self.ids))
        return bool(commands)

    def is_covered(self, receipt: Receipt) -> bool:
        """Whether a revocation in effect covers an observation, from the definition."""
        return any(
            revocation.source == receipt.source
            and (revocation.recorded_from or 0) <= receipt.received_at < revocation.recorded_to
            for revocation in self.store.source_revocations.values()
            if revocation.restored_at is None
        )

    def check_statuses(self) -> None:
        """Check that the status of each observation follows from the revocations in effect."""
        for receipt in self.store.receipts.values():
            covered = receipt.digest != "" and self.is_covered(receipt)
            if receipt.status is not ObservationStatus.REVOKED:
                assert (receipt.status is ObservationStatus.SOURCE_REVOKED) == covered, receipt.key

    def counted(self) -> list[Command]:
        """The commands that count: without the observations that a revocation in effect covers."""
        return [command for command in self.arrived if not isinstance(command, Observe) or self._counts(command)]

    def _counts(self, command: Observe) -> bool:
        receipt = self.store.receipts.get(command.key)
        return (
            receipt is not None
            and (receipt.digest, receipt.received_at) == (command.digest, command.received_at)
            and not self.is_covered(receipt)
        )
