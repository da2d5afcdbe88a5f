"""Fills the temporary database with what a store exports, and compares what needs one record only.

Observations are compared with what was sent, and their index rows with the observations; the history is replayed.
"""

from collections.abc import Callable, Sequence

from graph.domain.model.changes import Change, ChangeKind, Entry
from graph.domain.model.errors import StoreUnavailable
from graph.domain.model.facts import detail
from graph.domain.model.interaction_counts import interaction_counts_of
from graph.domain.model.links import Link
from graph.domain.model.overrides import Override
from graph.domain.model.receipts import ObservationStatus, Receipt
from graph.domain.model.rules import Rules, StoredRules
from graph.domain.model.segments import Membership, Segment
from graph.domain.model.source_revocations import SourceRevocation
from graph.domain.model.stored_records import (
    KIND_OF,
    Exported,
    StoredCustomer,
    StoredIdentifier,
    StoredIndexes,
    StoredObservation,
    StoredWords,
)
from graph.domain.profile.search import text_of_facts
from graph.domain.resolution.intake import renormalized
from graph.verification.findings import Check, Finding, Report, differing
from graph.verification.scratch import Scratch, encode

_LIVE = (ObservationStatus.VALID, ObservationStatus.SUPERSEDED)


class Collector:
    """Takes what a store exports, in its order. `parse` parses the text of rules."""

    def __init__(self, scratch: Scratch, report: Report, parse: Callable[[str], Rules]) -> None:
        self._scratch, self._db, self._report, self._parse = scratch, scratch.db, report, parse
        self._stored_rules: StoredRules | None = None
        self._rules: Rules | None = None
        self._revocations: list[SourceRevocation] = []
        self._receipt: Receipt | None = None
        self._observations = 0
        self._last_change = 0
        self.segments: set[str] = set()
        self.overrides: list[Override] = []

    @property
    def rules(self) -> Rules:
        """The rules in effect; raises `StoreUnavailable` if the store has none, or still applies them."""
        if self._rules is None:
            if self._stored_rules is None:
                raise StoreUnavailable("the store has no rules: it was never used")
            if self._stored_rules.pending or any(revocation.pending for revocation in self._revocations):
                raise StoreUnavailable(
                    "observations are being reprocessed; verify again when a running service has finished that"
                )
            self._rules = self._parse(self._stored_rules.text)
        return self._rules

    @property
    def rules_version(self) -> int:
        """The version of the rules in effect."""
        return 0 if self._stored_rules is None else self._stored_rules.version

    def add(self, records: Sequence[Exported]) -> None:
        """Add a batch."""
        for record in records:
            if (kind := KIND_OF.get(type(record))) is not None:
                self._report.verified[kind] += 1
            match record:
                case StoredIdentifier():
                    row = (record.key, record.customer, encode(record))
                    self._db.execute("INSERT INTO identifiers VALUES (?, ?, ?)", row)
                case StoredObservation():
                    self._receipt = record.receipt()
                    self._add_observation(self._receipt)
                case StoredIndexes():
                    self._check_indexes(record)
                case Link():
                    self._db.execute("INSERT INTO links VALUES (?, ?, ?)", (record.a, record.b, encode(record)))
                case StoredCustomer():
                    self._db.execute("INSERT INTO customers VALUES (?, ?)", (record.id, encode(record)))
                case Entry():
                    self._add_change(record)
                case StoredWords():
                    self._db.execute("INSERT INTO words VALUES (?, ?)", (record.key, record.words))
                case Membership():
                    self._db.execute("INSERT INTO memberships VALUES (?, ?)", (record.segment, record.customer))
                case Override():
                    self.overrides.append(record)
                case Segment():
                    self.segments.add(record.id)
                case SourceRevocation():
                    self._revocations.append(record)
                case StoredRules():
                    self._stored_rules = record
                case _:
                    pass

    # --- observations

    def _add_observation(self, receipt: Receipt) -> None:
        if receipt.digest:
            self._check_observation(receipt)
        if receipt.status is ObservationStatus.VALID:
            self._observations += 1
            number = self._observations
            self._db.execute("INSERT INTO statements VALUES (?, ?)", (number, encode(receipt.statement)))
            self._db.executemany("INSERT INTO mentions VALUES (?, ?)", [(key, number) for key in receipt.keys])
            if receipt.fact_holders and (counts := interaction_counts_of(receipt.kind, receipt.facts, receipt.seen_at)):
                rows = [(holder, encode(counts)) for holder in receipt.fact_holders]
                self._db.executemany("INSERT INTO interactions VALUES (?, ?)", rows)
        if receipt.order_key and receipt.status in _LIVE:
            self._db.execute("INSERT INTO reports VALUES (?, ?)", (receipt.order_key, encode(receipt)))

    def _check_observation(self, receipt: Receipt) -> None:
        in_effect = [revocation for revocation in self._revocations if revocation.in_effect]
        expected = renormalized(receipt, self.rules, in_effect)
        found: list[str] = []
        # Which reports of an order are superseded follows from all of them.
        same_status = receipt.status is expected.status or (
            receipt.order_key != "" and receipt.status in _LIVE and expected.status in _LIVE
        )
        if not same_status:
            found.append("status")
        found += filter(None, [differing(("keys", "order_key"), receipt, expected)])
        if receipt.status is ObservationStatus.VALID and sorted(receipt.fact_holders) != sorted(expected.fact_holders):
            found.append("fact holders")
        if found:
            self._report.add(Finding(Check.OBSERVATIONS, receipt.key, ", ".join(found)))
            self._scratch.repair("observation", receipt.key)

    def _check_indexes(self, stored: StoredIndexes) -> None:
        receipt = self._receipt
        if receipt is None:
            return
        is_valid = receipt.status is ObservationStatus.VALID
        holders = receipt.fact_holders if is_valid else ()
        filters = detail(receipt.kind, receipt.facts)
        words = text_of_facts(receipt.kind, receipt.facts) if holders else ""
        found = [
            name
            for name, differs in (
                ("identifiers", is_valid and bool(stored.unmentioned)),
                (
                    "facts",
                    sorted(stored.facts) != sorted((key, receipt.kind, receipt.seen_at, *filters) for key in holders),
                ),
                ("words", sorted(stored.words) != sorted((key, words) for key in holders if words)),
            )
            if differs
        ]
        if found:
            self._report.add(Finding(Check.INDEXES, receipt.key, ", ".join(found)))
            self._scratch.repair("index", receipt.key)

    # --- history

    def _add_change(self, entry: Entry) -> None:
        if entry.number != self._last_change + 1:
            detail = f"follows number {self._last_change}"
            self._report.add(Finding(Check.HISTORY, (str(entry.number),), detail, masked=False))
        self._last_change = entry.number
        self._replay(entry.change)

    def _replay(self, change: Change) -> None:
        """Apply a change to the identifiers that customers hold, as `Replay` does."""
        match change.kind:
            case ChangeKind.CUSTOMER_CREATED | ChangeKind.IDENTIFIERS_MOVED:
                self._hold(change.keys, change.customer)
            case ChangeKind.CUSTOMER_SPLIT:
                self._hold(change.keys, change.other_customer)
            case ChangeKind.CUSTOMERS_MERGED:
                names = change.customer, change.other_customer
                self._db.execute("UPDATE held SET customer = ? WHERE customer = ?", names)
            case ChangeKind.CUSTOMER_EMPTIED:
                rows = [(key, change.customer) for key in change.keys]
                self._db.executemany("DELETE FROM held WHERE key = ? AND customer = ?", rows)
            case ChangeKind.CUSTOMER_ERASED:
                self._db.execute("DELETE FROM held WHERE customer = ?", (change.customer,))
            case _:
                pass

    def _hold(self, keys: Sequence[str], customer: str) -> None:
        self._db.executemany("INSERT OR REPLACE INTO held VALUES (?, ?)", [(key, customer) for key in keys])
