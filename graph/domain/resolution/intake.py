"""Intake: from commands and stored receipts to the statements that start or stop counting.

See docs/internals/resolution-rule.md, step 1.
"""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from graph.domain.model.changes import Cause, CauseType
from graph.domain.model.errors import Problem
from graph.domain.model.facts import FactKind, stored_facts
from graph.domain.model.identifiers import namespace_of
from graph.domain.model.interaction_counts import InteractionCounts, add, interaction_counts_of
from graph.domain.model.observations import (
    ORDER,
    REJECTED_BY_RULES,
    EvidenceStatement,
    Observation,
)
from graph.domain.model.orders import (
    Order,
    keeps_identifiers,
    precedence,
    reports_in_effect,
)
from graph.domain.model.overrides import Override
from graph.domain.model.receipts import ObservationKey, ObservationStatus, Receipt
from graph.domain.model.retention import Remainder
from graph.domain.model.rules import DroppedIdentifier, Rules
from graph.domain.model.source_revocations import SourceRevocation, is_covered
from graph.domain.resolution.preparation import Observe, Reevaluate, Revoke, prepare, receipt_of


class Delta(Struct, frozen=True, gc=False):
    """The changes of a write that matter for resolution."""

    added: Sequence[EvidenceStatement] = ()
    withdrawn: Sequence[EvidenceStatement] = ()
    orders: Mapping[str, Order | None] = field(default_factory=dict)
    """The orders whose facts may have changed: their keys, with the facts that are valid now."""
    overrides_set: Sequence[Override] = ()
    overrides_removed: Sequence[Override] = ()
    unchanged: Sequence[EvidenceStatement] = ()
    """Statements that were reprocessed without a change."""
    causes: Mapping[ObservationKey, Cause] = field(default_factory=dict)
    """The causes of statements that are added or withdrawn for another reason than that they arrived."""
    interaction_counts: Mapping[str, InteractionCounts] = field(default_factory=dict)
    """The changes to interaction counts, by key."""

    @property
    def statements(self) -> Sequence[EvidenceStatement]:
        """All statements of the delta."""
        return *self.added, *self.withdrawn, *self.unchanged

    @property
    def holders(self) -> frozenset[str]:
        """The keys of the identifiers whose attributes the withdrawn statements stated."""
        return frozenset(statement.holder for statement in self.withdrawn if statement.holder)


class IntakeResult(Struct, frozen=True, gc=False):
    """The result of one observation before resolution.

    `keys` are the identifiers it names, `dropped` those that were dropped; a `duplicate` had arrived before.
    """

    key: ObservationKey
    keys: tuple[str, ...]
    dropped: tuple[DroppedIdentifier, ...]
    duplicate: bool


class Intake:
    """Applies commands one by one and tracks the receipts that they change.

    `source_revocations` are all that are in effect.
    """

    def __init__(
        self, stored: Mapping[ObservationKey, Receipt], source_revocations: Sequence[SourceRevocation] = ()
    ) -> None:
        self._stored = stored
        self._source_revocations = source_revocations
        self._now = dict(stored)
        self._changed: dict[ObservationKey, None] = {}
        self._causes: dict[ObservationKey, Cause] = {}
        self._reprocessed: set[ObservationKey] = set()
        self._receipts_by_order: dict[str, set[ObservationKey]] = {}
        for receipt in stored.values():
            if receipt.order_key:
                self._receipts_by_order.setdefault(receipt.order_key, set()).add(receipt.key)

    def observe(self, command: Observe) -> IntakeResult | Problem:
        """Accept one observation, or return the problem why it is rejected."""
        rejected = command.normalized.rejected
        if rejected is not None and rejected.code not in REJECTED_BY_RULES:
            return rejected
        key = command.key
        current = self._now.get(key)
        # A receipt without a digest records that the observation was revoked before it came.
        duplicate = current is not None and current.digest != ""
        if duplicate and self._conflicts(command):
            return _conflict(command.observation)
        # A repeat may derive other decisions than at first, if the declarations have changed: the first ones remain.
        if not duplicate and rejected is None:
            for derived in command.derived:
                if self._conflicts(derived):
                    return _conflict(derived.observation)
        self._record(command, key, current)
        if rejected is not None:
            return rejected
        for derived in command.derived:
            arrived = self._now[key]
            # Decisions that a repeat adds belong to the first arrival, so that a source revocation covers both or none.
            received = derived if not duplicate else replace(derived, received_at=arrived.received_at)
            is_revoked = arrived.status is ObservationStatus.REVOKED
            self._record(received, derived.key, self._now.get(derived.key), is_revoked)
        return IntakeResult(key, command.normalized.keys, command.normalized.dropped, duplicate)

    def _conflicts(self, command: Observe) -> bool:
        """Whether the observation has arrived before, with other content."""
        current = self._now.get(command.key)
        return current is not None and current.digest not in ("", command.digest) and not _repeats(command, current)

    def _record(self, command: Observe, key: ObservationKey, current: Receipt | None, is_revoked: bool = False) -> None:
        """Set the receipt of an observation that has not arrived before; `current` is the receipt of its `key`."""
        if current is not None and current.digest != "":
            return
        receipt = receipt_of(command)
        if is_revoked or current is not None or (command.sent_id and (key[0], command.sent_id) in self._now):
            receipt = replace(receipt, status=ObservationStatus.REVOKED)
        elif self._source_revocations and is_covered(receipt, self._source_revocations):
            # The source was revoked while the observation waited to be stored.
            receipt = replace(receipt, status=ObservationStatus.SOURCE_REVOKED)
        self._now[key] = receipt
        self._changed[key] = None
        if receipt.order_key:
            self._receipts_by_order.setdefault(receipt.order_key, set()).add(key)

    def revoke(self, command: Revoke) -> bool:
        """Revoke an observation and return whether it had arrived; a revocation also holds if it arrives later."""
        key = command.source, command.id
        current = self._now.get(key)
        if current is None:
            self._set(Receipt(*key, "", ObservationStatus.REVOKED, command.at))
            return False
        self._revoke(current, command)
        if current.kind in (FactKind.INTERACTION.value, FactKind.CONSENT.value):
            for id in command.derived:
                derived = self._now.get((command.source, id))
                if derived is not None and derived.kind == FactKind.CONSENT.value:
                    self._revoke(derived, command)
        return bool(current.digest)

    def _revoke(self, receipt: Receipt, command: Revoke) -> None:
        if receipt.status is not ObservationStatus.REVOKED:
            party = receipt.tier.party
            cause = Cause(CauseType.REVOCATION, *receipt.key, command.actor, party, command.reason)
            self._causes[receipt.key] = cause
            self._set(replace(receipt, status=ObservationStatus.REVOKED))

    def reevaluate(self, command: Reevaluate) -> bool:
        """Decide again whether a stored observation counts, and return whether that has changed.

        One that counts again is normalized by the rules of now, which may differ from those of its arrival.
        """
        key = command.source, command.id
        current = self._now.get(key)
        if current is None or not current.digest or current.status is ObservationStatus.REVOKED:
            return False
        covered = is_covered(current, self._source_revocations)
        if covered == (current.status is ObservationStatus.SOURCE_REVOKED):
            return False
        if covered:
            self._set(replace(current, status=ObservationStatus.SOURCE_REVOKED))
        else:
            self._set_normalized(renormalized(current, command.rules))
        self._causes[key] = command.cause
        return True

    def reprocess(self, key: ObservationKey, rules: Rules, version: int) -> None:
        """Normalize an observation, as it was sent, under other rules; everything that it supports is counted again."""
        current = self._now[key]
        if not current.digest:
            return
        receipt = renormalized(current, rules, self._source_revocations)
        self._set_normalized(replace(receipt, rules_version=version))
        self._reprocessed.add(key)

    def reduce(self, key: ObservationKey, remaining: Receipt | None) -> None:
        """Replace an observation by what an erasure, or its age, leaves of it; the caller removes receipts that go."""
        current = self._now[key]
        if remaining is None or remaining.key != key:
            # It counts no longer, as if it had been revoked.
            self._set(replace(current, status=ObservationStatus.REVOKED))
        if remaining is not None:
            self._set_normalized(remaining)
            self._reprocessed.add(remaining.key)

    def _set_normalized(self, receipt: Receipt) -> None:
        self._set(receipt)
        if receipt.order_key:
            self._receipts_by_order.setdefault(receipt.order_key, set()).add(receipt.key)

    def _set(self, receipt: Receipt) -> None:
        self._now[receipt.key] = receipt
        self._changed[receipt.key] = None

    def _select_orders(self) -> dict[str, Order | None]:
        """Return the facts of the touched orders: the newest report of each source counts, then `precedence`.

        A source's report with the identifiers that its newest report keeps is valid too, as evidence.
        """
        orders: dict[str, Order | None] = {}
        if not self._receipts_by_order:
            return orders
        touched = {self._now[key].order_key for key in self._changed}
        touched |= {self._stored[key].order_key for key in self._changed if key in self._stored}
        for order_key in sorted(touched - {""}):
            of_order = (self._now[key] for key in self._receipts_by_order[order_key])
            by_source = reports_by_source(receipt for receipt in of_order if receipt.order_key == order_key)
            for reports, in_effect in by_source.values():
                for receipt in reports:
                    self._set_superseded(receipt, receipt not in in_effect)
            orders[order_key] = order_in_effect(by_source)
        return orders

    def _set_superseded(self, receipt: Receipt, superseded: bool) -> None:
        status = ObservationStatus.SUPERSEDED if superseded else ObservationStatus.VALID
        if receipt.status is not status:
            self._set(replace(receipt, status=status))

    def delta(
        self, overrides_set: Iterable[Override] = (), overrides_removed: Iterable[Override] = (), reapply: bool = True
    ) -> Delta:
        """Return what all commands so far change for resolution; a new report with the same evidence changes nothing.

        With `reapply`, what was reprocessed is withdrawn and added again even if it has not changed.
        """
        orders = self._select_orders()
        added: list[EvidenceStatement] = []
        withdrawn: list[EvidenceStatement] = []
        reprocessed_after: list[EvidenceStatement] = []
        reprocessed_before: list[EvidenceStatement] = []
        unchanged: list[EvidenceStatement] = []
        valid, stored, receipts, reprocessed = ObservationStatus.VALID, self._stored, self._now, self._reprocessed
        for key in self._changed:
            before, after = stored.get(key), receipts[key]
            was_valid = before is not None and before.status is valid
            if key in reprocessed:
                now = [after.statement] if after.status is valid else []
                then = [before.statement] if before is not None and was_valid else []
                if now == then and not reapply:
                    unchanged += now
                else:
                    reprocessed_after += now
                    reprocessed_before += then
            elif after.status is valid and not was_valid:
                added.append(after.statement)
            elif before is not None and was_valid and after.status is not valid:
                withdrawn.append(before.statement)
        for statement in list(withdrawn):
            # Orders only: if other facts are added or removed, their customer changes, whatever the evidence.
            if not self._now[statement.source, statement.id].order_key:
                continue
            replacement = next((candidate for candidate in added if _same_evidence(statement, candidate)), None)
            if replacement is not None:
                withdrawn.remove(statement)
                added.remove(replacement)
        return Delta(
            [*added, *reprocessed_after],
            [*withdrawn, *reprocessed_before],
            orders,
            tuple(overrides_set),
            tuple(overrides_removed),
            unchanged,
            self._causes,
            interaction_count_changes(
                (stored[key] for key in self._changed if key in stored),
                (receipts[key] for key in self._changed),
            ),
        )

    @property
    def renormalized(self) -> list[tuple[str, str]]:
        """What observations no longer name under the rules of now, each with what they name in its place."""
        pairs: dict[tuple[str, str], None] = {}
        for receipt in self.changed:
            if (before := self._stored.get(receipt.key)) is not None and before.keys != receipt.keys:
                gone, new = set(before.keys) - set(receipt.keys), set(receipt.keys) - set(before.keys)
                same = (
                    (old, key) for old in sorted(gone) for key in sorted(new) if namespace_of(old) == namespace_of(key)
                )
                pairs.update(dict.fromkeys(same))
        return list(pairs)

    @property
    def transitions(self) -> list[tuple[Receipt | None, Receipt]]:
        """The receipts to write, each with what is stored of it; complete after `delta`."""
        return [(self._stored.get(key), self._now[key]) for key in self._changed]

    @property
    def changed(self) -> list[Receipt]:
        """The receipts to write; complete after `delta`."""
        return [self._now[key] for key in self._changed]

    def status(self, key: ObservationKey) -> ObservationStatus:
        """Return the current status of an observation."""
        return self._now[key].status

    def receipt(self, key: ObservationKey) -> Receipt | None:
        """Return the current receipt of an observation; `None` if nothing is stored of it."""
        return self._now.get(key)


def interaction_count_changes(before: Iterable[Receipt], after: Iterable[Receipt]) -> dict[str, InteractionCounts]:
    """Return the interaction counts that start to count, less those that stop counting, by fact holder."""
    changes: dict[str, InteractionCounts] = {}
    for receipts, sign in ((before, -1), (after, 1)):
        for receipt in receipts:
            if not receipt.fact_holders or receipt.status is not ObservationStatus.VALID:
                continue
            if counted := interaction_counts_of(receipt.kind, receipt.facts, receipt.seen_at):
                for holder in receipt.fact_holders:
                    changes[holder] = add((changes.get(holder, {}), counted), sign)
    return {holder: change for holder, change in changes.items() if change}


def renormalized(receipt: Receipt, rules: Rules, source_revocations: Sequence[SourceRevocation] = ()) -> Receipt:
    """Return the receipt of an observation as if it had arrived under some rules and source revocations."""
    command = prepare(Observation.from_sent(*receipt.key, receipt.sent), rules, receipt.received_at)
    if receipt.status is ObservationStatus.REVOKED:
        status = ObservationStatus.REVOKED
    elif is_covered(receipt, source_revocations):
        status = ObservationStatus.SOURCE_REVOKED
    else:
        status = ObservationStatus.VALID if command.normalized.rejected is None else ObservationStatus.INACTIVE
    return replace(
        receipt,
        keys=command.normalized.keys,
        status=status,
        order_key=command.order_key,
        fact_holders=command.fact_holders,
        facts=stored_facts(command.observation),
    )


ReportsBySource = dict[str, tuple[Sequence[Receipt], tuple[Receipt, ...]]]
"""The live reports of one order by source, and those of them that are in effect: first the one whose facts count."""


def reports_by_source(receipts: Iterable[Receipt]) -> ReportsBySource:
    """Return by source the live reports of one order, oldest first, and those of them that are in effect."""
    by_source: dict[str, list[Receipt]] = {}
    for receipt in sorted(receipts, key=lambda receipt: (receipt.reported_at, receipt.id)):
        if receipt.status in (ObservationStatus.VALID, ObservationStatus.SUPERSEDED):
            by_source.setdefault(receipt.source, []).append(receipt)
    return {source: (reports, reports_in_effect(reports, _keeps_identifiers)) for source, reports in by_source.items()}


def order_in_effect(by_source: ReportsBySource) -> Order | None:
    """Return the facts that count of one order's reports; `None` without any."""
    newest = [in_effect[0] for _, in_effect in by_source.values()]
    if not newest:
        return None
    best = min(newest, key=lambda receipt: precedence(receipt.source, receipt.tier.value, receipt.reported_at))
    return Order.from_facts(best.source, best.facts)


def _keeps_identifiers(receipt: Receipt) -> bool:
    return keeps_identifiers(receipt.keys, receipt.facts)


def _conflict(observation: Observation) -> Problem:
    name = "this order with this reportedAt" if observation.kind == ORDER else f"observation {observation.id!r}"
    return Problem("ID_CONFLICT", f"{name} of source {observation.source!r} already exists with other content", ("id",))


def _repeats(command: Observe, stored: Receipt) -> bool:
    """Whether an observation of which a part has expired repeats a stored one whose part is still to be removed."""
    if command.retention is None:
        return False
    sent = Observation.from_sent(*stored.key, stored.sent)
    left = command.retention.remainder(sent, stored.seen_at, command.received_at)
    return isinstance(left, Remainder) and left.observation.digest == command.digest


def _same_evidence(a: EvidenceStatement, b: EvidenceStatement) -> bool:
    return replace(a, id="") == replace(b, id="")
