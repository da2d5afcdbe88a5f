"""The write that removes what has expired of some observations, and resolves what is left."""

from collections.abc import Generator, Iterable, Sequence
from itertools import combinations
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from graph.commands.commit import finish_resolution, read_evidence
from graph.commands.consent_changes import record_consent_changes
from graph.commands.rules_rollout import ActiveRules
from graph.domain.model.changes import Cause, CauseType, Change, ChangeKind, Entry
from graph.domain.model.errors import RulesChanged
from graph.domain.model.observations import Observation
from graph.domain.model.receipts import ObservationKey, Receipt
from graph.domain.model.restrictions import Restriction
from graph.domain.model.retention import Remainder, Retention, RetentionRule
from graph.domain.model.rules import Rules
from graph.domain.model.source_revocations import SourceRevocation
from graph.domain.model.store_values import Neighborhood, Removals, Writes
from graph.domain.privacy.expired_history import named_keys, named_observation, without_names
from graph.domain.resolution.incremental import IncrementalResolution
from graph.domain.resolution.intake import Delta, Intake, renormalized
from graph.domain.resolution.preparation import order_keys
from graph.ports import (
    Ids,
    ReadEntries,
    ReadNamedKeys,
    ReadNeighborhood,
    ReadRestrictions,
    Request,
    Write,
)

ExpiredReceipt = tuple[Receipt, Remainder | RetentionRule]
"""An observation as it was stored, and what may be kept of it."""
CAUSE = Cause(CauseType.EXPIRY)


class Removed(Struct, frozen=True):
    """What a step removed: parts of observations, or whole ones, and identifiers that nothing named any longer."""

    receipts: Sequence[ExpiredReceipt]
    identifiers: int


def expire(
    keys: Sequence[ObservationKey],
    retention: Retention,
    at: int,
    rules: ActiveRules,
    now: int,
    ids: Ids,
    may_be_restricted: bool = False,
) -> Generator[Request, Any, Removed]:
    """Remove what has expired of some observations at the time `at`, in one step.

    `now` is the time that is recorded. Both are in microseconds. Observations that have gone, or of which nothing has
    expired, are left as they are. Identifiers that nothing names any longer are removed with them; the history names
    them until `remove_names`. With `may_be_restricted`, those are left that name a restricted identifier. Raises
    `RulesChanged` if the store has other rules.
    """
    neighborhood: Neighborhood = yield ReadNeighborhood(receipts=keys)
    if neighborhood.rules_version != rules.version:
        raise RulesChanged(f"the rules are at version {neighborhood.rules_version}, not {rules.version}")
    receipts = dict(neighborhood.receipts)
    expired = [pair for key in keys if key in receipts for pair in expired_of(receipts[key], retention, at)]
    if may_be_restricted:
        named = sorted({key for receipt, _ in expired for key in receipt.keys})
        restrictions: list[Restriction] = yield ReadRestrictions(keys=named)
        restricted = {key for restriction in restrictions for key in restriction.keys}
        expired = [pair for pair in expired if restricted.isdisjoint(pair[0].keys)]
    if not expired:
        return Removed([], 0)
    if orders := sorted({key for receipt, _ in expired for key in order_keys(receipt, rules.intake_rules)}):
        # Other reports may start to be in effect.
        of_orders: Neighborhood = yield ReadNeighborhood(orders=orders)
        receipts = {**of_orders.receipts, **receipts}
    intake = Intake(receipts, neighborhood.source_revocations)
    for receipt, left in expired:
        intake.reduce(receipt.key, _left_of(receipt, left, rules.intake_rules, neighborhood.source_revocations))
    removal = _Removal(expired, intake, rules, now)
    writes = yield from removal.writes(ids)
    yield Write(writes)
    return Removed(expired, len(writes.removals.keys))


class Names(Struct, frozen=True):
    """The identifiers and observations that entries of the history name."""

    keys: Sequence[str]
    observations: Sequence[ObservationKey]

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> "Names":
        """Return what some entries name."""
        observations = {named_observation(entry.change) for entry in entries}
        keys = {key for entry in entries for key in named_keys(entry.change)}
        return cls(sorted(keys), sorted(key for key in observations if key is not None))


def remove_names(after: int, first: int) -> Generator[Request, Any, None]:
    """Remove the names of what is not stored any longer from the `first` entries of the history after a number."""
    entries: list[Entry] = yield ReadEntries(after, first)
    names = Names.of(entries)
    stored: Neighborhood = yield ReadNeighborhood(receipts=names.observations, keys=names.keys)
    gone = frozenset(names.keys) - stored.members.keys()
    observations = frozenset(names.observations) - stored.receipts.keys()
    left = [replace(entry, change=without_names(entry.change, gone, observations)) for entry in entries]
    if changed := [entry for entry, before in zip(left, entries, strict=True) if entry != before]:
        yield Write(Writes(removals=Removals(entries=changed)))


def expired_of(receipt: Receipt, retention: Retention, at: int) -> Iterable[ExpiredReceipt]:
    """Yield a stored observation, with what may be kept of it, if something of it has expired at a time."""
    if receipt.digest:
        sent = Observation.from_sent(*receipt.key, receipt.sent)
        left = retention.remainder(sent, receipt.seen_at, at)
        if isinstance(left, RetentionRule) or not left.complete:
            yield receipt, left


def _left_of(
    receipt: Receipt, left: Remainder | RetentionRule, rules: Rules, source_revocations: Sequence[SourceRevocation]
) -> Receipt | None:
    """Return the receipt of what may be kept of an observation; `None` if nothing may."""
    if isinstance(left, RetentionRule):
        return None
    # A digest that is not that of the content is a keyed one, made by an erasure.
    is_own = receipt.digest == Observation.from_sent(*receipt.key, receipt.sent).digest
    digest = left.observation.digest if is_own else receipt.digest
    kept = replace(receipt, sent=left.observation.as_sent(), digest=digest)
    return renormalized(kept, rules, source_revocations)


class _Removal:
    """What follows from the removal of what has expired."""

    def __init__(self, expired: Sequence[ExpiredReceipt], intake: Intake, rules: ActiveRules, now: int) -> None:
        self._rules, self._now = rules, now
        self._before = [receipt for receipt, _ in expired]
        self._removed = {receipt.key for receipt, left in expired if isinstance(left, RetentionRule)}
        causes = {receipt.key: CAUSE for receipt in self._before}
        self._delta: Delta = replace(intake.delta(), causes=causes)
        self._transitions = intake.transitions
        self._after = {receipt.key: receipt for receipt in intake.changed if receipt.key not in self._removed}
        self._neighborhood = Neighborhood()

    def writes(self, ids: Ids) -> Generator[Request, Any, Writes]:
        """Resolve what is left, and return all that has to be written."""
        resolution = yield from self._resolution(ids)
        writes = yield from finish_resolution(resolution)
        yield from record_consent_changes(self._transitions, self._delta.causes, resolution)
        writes.receipts.extend(self._after.values())
        customers = sorted(self._customers(resolution))
        writes.changes.extend(Change(ChangeKind.DATA_EXPIRED, self._now, CAUSE, id) for id in customers)
        gone = yield from self._gone(writes)
        writes.removals = Removals(sorted(gone), sorted(self._removed), at=self._now)
        return writes

    def _resolution(self, ids: Ids) -> Generator[Request, Any, IncrementalResolution]:
        delta = self._delta
        named = {key for receipt in self._before for key in receipt.keys}
        touched = named | {key for statement in delta.statements for key in statement.keys} | delta.orders.keys()
        pairs = {pair for statement in delta.statements for pair in combinations(statement.keys, 2)}
        self._neighborhood = yield ReadNeighborhood(keys=sorted(touched), pairs=sorted(pairs))
        evidence, stated = yield from read_evidence(delta, delta.holders)
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
