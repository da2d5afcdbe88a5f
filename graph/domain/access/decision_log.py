"""What the audit log keeps of consent decisions, so that a decision that was changed outside Kith is found.

The log has no values of people: of each decision it keeps keyed hashes of the identifiers and of the content.
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Protocol

from msgspec import Struct

from graph.domain.model.json_text import compact
from graph.domain.model.observations import Observation
from graph.domain.model.receipts import ObservationStatus, Receipt
from graph.domain.model.tombstones import KEYED


class LoggedDecision(Struct, frozen=True, gc=False):
    """A stored decision as it is logged, and as it is compared with the log.

    `subjects` are its identifiers under the rules, `sent` as they were sent. `content` is everything else that was
    sent, with when and through whom it arrived (`received_at`, in microseconds, and `received_from`). `text` is the
    SHA-256 of the text that the person saw, empty if it is not known.
    """

    source: str
    id: str
    received_at: int
    received_from: str
    subjects: tuple[str, ...]
    sent: tuple[str, ...]
    content: str
    text: str = ""
    is_part: bool = False
    """Whether it is what an erasure has left of the decision, under another id."""

    @classmethod
    def of(cls, receipt: Receipt, text: str = "") -> "LoggedDecision":
        """Return what is logged of the receipt of a decision."""
        observation = Observation.from_sent(receipt.source, receipt.id, receipt.sent)
        content = [receipt.received_at, receipt.received_from, receipt.seen_at, observation.party, observation.facts]
        return cls(
            receipt.source,
            receipt.id,
            receipt.received_at,
            receipt.received_from,
            # One that did not count from the start may not be found by its identifiers.
            receipt.keys if receipt.status is ObservationStatus.VALID else (),
            tuple(f"{namespace}={raw}" for namespace, raw in observation.identifiers),
            compact(content),
            text,
            receipt.digest.startswith(KEYED),
        )


class LogState(Enum):
    """How a stored decision compares with the audit log."""

    MATCHES = "matches"
    CHANGED = "changed"
    UNKNOWN = "unknown"
    EARLIER = "earlier"
    PARTLY_ERASED = "partly_erased"


class LogEntry(Struct, frozen=True):
    """An entry of the log about a decision: its place, when it was written (microseconds), and who sent the decision.

    `text` is the SHA-256 of the text that the person saw, as it was known then.
    """

    place: str
    time: int
    caller: str
    received_at: int
    text: str = ""


class DecisionCheck(Struct, frozen=True):
    """How a stored decision compares with the log, and the entry about it, if there is one."""

    state: LogState
    entry: LogEntry | None = None


class DecisionChecks(Struct, frozen=True):
    """The checks of the decisions of an identifier, in order, and the entries whose decisions are not stored."""

    checks: tuple[DecisionCheck, ...]
    removed: tuple[LogEntry, ...] = ()


class DecisionLog(Protocol):
    """Keeps decisions."""

    async def record(self, decisions: Sequence[LoggedDecision]) -> None:
        """Log decisions that are stored; raises `AuditUnavailable`."""
        ...


class DecisionReader(Protocol):
    """Compares stored decisions with what was logged of them."""

    async def check_decisions(
        self, stored: Mapping[str, Sequence[LoggedDecision]]
    ) -> Mapping[str, DecisionChecks] | None:
        """Compare all decisions that are stored of some identifiers with the log; `None` if no log is kept."""
        ...
