"""The write that removes what has expired of some observations, and resolves what is left."""

from collections.abc import Generator, Iterable, Sequence
from itertools import combinations
from typing import Any

from msgspec.structs import replace

from graph.commands.commit import finish_resolution
from graph.commands.rules_rollout import ActiveRules
from graph.domain.model.changes import Cause, CauseType, Change, ChangeKind, Entry
from graph.domain.model.errors import RulesChanged
from graph.domain.model.observations import Observation
from graph.domain.model.receipts import ObservationKey, Receipt
from graph.domain.model.retention import Remainder, Retention, RetentionRule
from graph.domain.model.store_values import EvidenceByKey, Neighborhood, Removals, Writes
from graph.domain.resolution.expired import without_values
from graph.domain.resolution.incremental import IncrementalResolution
from graph.domain.resolution.intake import Delta, Intake
from graph.domain.resolution.preparation import order_keys
from graph.ports import (
    Ids,
    ReadEvidence,
    ReadHistory,
    ReadNamedKeys,
    ReadNeighborhood,
    ReadStatedAttributes,
    Request,
    Write,
)

ExpiredReceipt = tuple[Receipt, Remainder | RetentionRule]
"""An observation as it was stored, and what may be kept of it."""
_MAX_HISTORY_OF = 1_000
"""Identifiers of a customer up to which its history is read for identifiers that belong to nobody: the customer of a
till's device has a history of thousands of people."""

CAUSE = Cause(CauseType.EXPIRY)


def expire(
    keys: Sequence[ObservationKey], retention: Retention, rules: ActiveRules, now: int, ids: Ids
) -> Generator[Request, Any, list[ExpiredReceipt]]:
    """Remove what has expired of some observations at `now` (microseconds), in one step; return what has.

    Observations that have gone, or of which nothing has expired, are left as they are. Identifiers that nothing names
    any longer are removed with them, from the history too. Raises `RulesChanged` if the store has other rules.
    """
    neighborhood: Neighborhood = yield ReadNeighborhood(receipts=keys)
    if neighborhood.rules_version != rules.version:
        raise RulesChanged(f"the rules are at version {neighborhood.rules_version}, not {rules.version}")
    receipts = dict(neighborhood.receipts)
    expired = [pair for key in keys if key in receipts for pair in _expired(receipts[key], retention, now)]
    if not expired:
        return []
    if orders := sorted({key for receipt, _ in expired for key in order_keys(receipt, rules.intake_rules)}):
        # Other reports may start to be in effect.
        of_orders: Neighborhood = yield ReadNeighborhood(orders=orders)
        receipts = {**of_orders.receipts, **receipts}
    intake = Intake(receipts, neighborhood.source_revocations)
    for receipt, left in expired:
        intake.expire(receipt.key, left, rules.intake_rules, CAUSE)
    removal = _Removal(expired, intake, rules, now)
    yield Write((yield from removal.writes(ids)))
    return expired


def _expired(receipt: Receipt, retention: Retention, now: int) -> Iterable[ExpiredReceipt]:
    """Yield the observation if something of it has expired."""
    if receipt.digest:
        sent = Observation.from_sent(*receipt.key, receipt.sent)
        left = retention.remainder(sent, receipt.seen_at, now)
        if isinstance(left, RetentionRule) or not left.complete:
            yield receipt, left


class _Removal:
    """What follows from the removal of what has expired."""

    def __init__(self, expired: Sequence[ExpiredReceipt], intake: Intake, rules: ActiveRules, now: int) -> None:
        self._rules, self._now = rules, now
        self._before = [receipt for receipt, _ in expired]
        self._removed = {receipt.key for receipt, left in expired if isinstance(left, RetentionRule)}
        self._delta: Delta = intake.delta()
        self._after = {receipt.key: receipt for receipt in intake.changed if receipt.key not in self._removed}
        self._neighborhood = Neighborhood()

    def writes(self, ids: Ids) -> Generator[Request, Any, Writes]:
        """Resolve what is left, and return all that has to be written."""
        resolution = yield from self._resolution(ids)
        writes = yield from finish_resolution(resolution)
        writes.receipts.extend(self._after.values())
        customers = self._customers(resolution)
        gone = yield from self._gone(writes)
        entries: list[Entry] = yield from self._entries(gone)
        writes.changes.extend(Change(ChangeKind.DATA_EXPIRED, self._now, CAUSE, id) for id in sorted(customers))
        writes.changes[:] = [without_values(change, gone) for change in writes.changes]
        writes.removals = Removals(sorted(gone), sorted(self._removed), entries=entries)
        return writes

    def _resolution(self, ids: Ids) -> Generator[Request, Any, IncrementalResolution]:
        delta = self._delta
        named = {key for receipt in self._before for key in receipt.keys}
        touched = named | {key for statement in delta.statements for key in statement.keys} | delta.orders.keys()
        pairs = {pair for statement in delta.statements for pair in combinations(statement.keys, 2)}
        self._neighborhood = yield ReadNeighborhood(keys=sorted(touched), pairs=sorted(pairs))
        withdrawn = sorted({key for statement in delta.withdrawn for key in statement.keys})
        evidence: EvidenceByKey = (yield ReadEvidence(withdrawn)) if withdrawn else {}
        holders = sorted({statement.holder for statement in delta.withdrawn if statement.holder})
        stated: EvidenceByKey = (yield ReadStatedAttributes(holders)) if holders else {}
        return IncrementalResolution(
            delta, self._neighborhood, evidence, self._rules.resolution_rules, self._now, ids.customer, stated=stated
        )

    def _customers(self, resolution: IncrementalResolution) -> set[str]:
        """Return the ids of the customers that counting statements belonged to, and belong to now."""
        keys = {key for statement in self._delta.withdrawn for key in statement.keys}
        ids = {resolution.id_of([key]) for key in keys}
        for key in keys:
            member = self._neighborhood.members.get(key)
            if member is not None and member.customer is not None:
                ids.add(self._neighborhood.customers[member.customer].id)
        return ids - {""}

    def _gone(self, writes: Writes) -> Generator[Request, Any, set[str]]:
        """Return the identifiers that nothing names any longer."""
        lost: set[str] = set()
        for receipt in self._before:
            after = self._after.get(receipt.key)
            lost |= {*receipt.keys} - ({*after.keys} if after is not None else set())
        stored = {**self._neighborhood.members, **writes.members}
        dead = sorted(key for key in lost if key in stored and not stored[key].alive)
        if not dead:
            return set()
        kept = {key for receipt in self._after.values() for key in receipt.keys}
        named: set[str] = yield ReadNamedKeys(dead, [receipt.key for receipt in self._before])
        return set(dead) - named - kept

    def _entries(self, gone: set[str]) -> Generator[Request, Any, list[Entry]]:
        """Return the entries of the history that name identifiers that are gone, without them."""
        unread = self._holders(gone)
        read: set[str] = set()
        entries: dict[int, Entry] = {}
        while unread:
            read |= unread
            page: list[Entry] = yield ReadHistory(sorted(unread))
            unread = set()
            for entry in page:
                change = entry.change
                left = without_values(change, gone)
                if left is not change:
                    entries[entry.number] = replace(entry, change=left)
                # A key that moved is named in an entry of both customers.
                if left is not change or change.kind is ChangeKind.CUSTOMERS_MERGED:
                    unread |= {change.customer, change.other_customer} - read - {""}
        return [entries[number] for number in sorted(entries)]

    def _holders(self, gone: set[str]) -> set[str]:
        """Return the ids of the customers whose history may name identifiers that are gone."""
        if not gone:
            return set()
        members, customers = self._neighborhood.members, self._neighborhood.customers
        nodes = {members[key].customer for key in gone}
        holders = {customers[node].id for node in nodes if node is not None}
        if None in nodes:
            # Those without a customer belonged to that of the identifiers that they were seen with.
            holders |= {customer.id for customer in customers.values() if customer.size <= _MAX_HISTORY_OF}
        return holders
