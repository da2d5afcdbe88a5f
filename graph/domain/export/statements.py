"""Statements as they are exported: for people to read, and as lines that `kith import` reads."""

from msgspec import Struct
from msgspec.structs import replace

from graph.domain.export.document import ExportedStatement, Origin
from graph.domain.export.records import Record, passed_on, record_of
from graph.domain.export.subject import Subject
from graph.domain.model.facts import FactKind
from graph.domain.model.observations import ORDER, Observation
from graph.domain.model.receipts import ObservationStatus, Receipt
from graph.domain.model.retention import Retention
from graph.domain.model.times import iso

NOTHING_EXPIRES = Retention()
COUNTING = frozenset({ObservationStatus.VALID, ObservationStatus.SUPERSEDED})
"""Statements that may count again elsewhere. Lines of others would bring back what was revoked or rejected."""


class StatementExport(Struct, frozen=True):
    """A statement as it is exported; `line` is the record without identifiers of others, `None` if it has no line."""

    statement: ExportedStatement
    line: Record | None


def exported(receipt: Receipt, subject: Subject, retention: Retention = NOTHING_EXPIRES) -> StatementExport:
    """Return the statement of a receipt that names the subject; `retention` says how long it is kept."""
    sent = Observation.from_sent(*receipt.key, receipt.sent)
    owns_fact = subject.owns_fact(receipt)
    # Of a statement about another person, only what it says of the subject is left: that both were seen together.
    shown = subject.content(sent) if owns_fact else replace(sent, evidence="", facts="", kind="")
    identifiers = subject.identifiers(shown)
    end = retention.expires_at(sent, receipt.seen_at)
    statement = ExportedStatement(
        receipt.source,
        receipt.id,
        FactKind(receipt.kind).name if receipt.kind else "OBSERVATION",
        receipt.status.name,
        sent.party.name,
        iso(receipt.received_at),
        iso(receipt.seen_at),
        not owns_fact,
        record_of(shown, [identifier for identifier, _ in identifiers], sent.seen_at),
        None if end is None else iso(end[0]),
    )
    own = [identifier for identifier, is_own in identifiers if is_own]
    counts = receipt.status is ObservationStatus.VALID or (owns_fact and receipt.status in COUNTING)
    if not counts or not (own or shown.kind == ORDER):
        return StatementExport(statement, None)
    return StatementExport(statement, passed_on(statement.record, FactKind(shown.kind), own, receipt.seen_at))


class Origins:
    """Counts statements by their source and party."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], tuple[int, int, int]] = {}

    def add(self, receipt: Receipt, party: str) -> None:
        """Count a statement."""
        at = receipt.received_at
        count, first, last = self._counts.get((receipt.source, party), (0, at, at))
        self._counts[receipt.source, party] = count + 1, min(first, at), max(last, at)

    @property
    def origins(self) -> tuple[Origin, ...]:
        """What was counted, by source."""
        return tuple(
            Origin(source, party, count, iso(first), iso(last))
            for (source, party), (count, first, last) in sorted(self._counts.items())
        )
