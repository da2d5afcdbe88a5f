"""Intake: from commands and stored receipts to the statements that start or stop counting.

See docs/internals/resolution-rule.md, step 1.
"""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from graph.domain.model.errors import Problem
from graph.domain.model.facts import FactKind, fact_holders_of
from graph.domain.model.idempotency import IdempotencyKey
from graph.domain.model.identifiers import Identifier
from graph.domain.model.interaction_counts import InteractionCounts, add, interaction_counts_of
from graph.domain.model.observations import (
    ORDER,
    REJECTED_BY_RULES,
    EvidenceStatement,
    NormalizedObservation,
    Observation,
    normalize,
)
from graph.domain.model.orders import ORDER_NAMESPACE, Order, reported_at_of
from graph.domain.model.overrides import Override
from graph.domain.model.receipts import ObservationKey, ObservationStatus, Receipt
from graph.domain.model.rules import DroppedIdentifier, Rules


class Observe(Struct, frozen=True, gc=False):
    """Accept an observation that `check` found valid.

    `normalized` is the observation under the rules. `digest` identifies its content, `order_key` (empty without order
    facts) its order. They are computed once, before any transaction. `received_at` is in microseconds.
    """

    observation: Observation
    normalized: NormalizedObservation
    digest: str
    received_at: int
    order_key: str = ""
    rules: Rules | None = None
    """The rules that `normalized` follows from."""
    fact_holders: tuple[str, ...] = ()
    """The identifiers that its fact is attached to."""

    @property
    def key(self) -> ObservationKey:
        """Source and id; without an id the digest is the id."""
        return self.observation.source, self.observation.id or self.digest


class Revoke(Struct, frozen=True, gc=False):
    """Revoke an observation, whether it has arrived yet or not."""

    source: str
    id: str
    at: int
    actor: str = ""


class SetOverride(Struct, frozen=True, gc=False):
    """Set an override; its keys are normalized."""

    override: Override
    idempotency_key: IdempotencyKey | None = None


class RemoveOverride(Struct, frozen=True, gc=False):
    """Remove an override by its id."""

    id: str
    at: int
    actor: str = ""
    idempotency_key: IdempotencyKey | None = None


Command = Observe | Revoke | SetOverride | RemoveOverride


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
    actors: Mapping[ObservationKey, str] = field(default_factory=dict)
    """The actor who revoked a withdrawn statement."""
    interaction_counts: Mapping[str, InteractionCounts] = field(default_factory=dict)
    """The changes to interaction counts, by key."""

    @property
    def statements(self) -> Sequence[EvidenceStatement]:
        """All statements of the delta."""
        return *self.added, *self.withdrawn, *self.unchanged


class IntakeResult(Struct, frozen=True, gc=False):
    """The result of one observation before resolution.

    `keys` are the identifiers it names, `dropped` those that were dropped; a `duplicate` had arrived before.
    """

    key: ObservationKey
    keys: tuple[str, ...]
    dropped: tuple[DroppedIdentifier, ...]
    duplicate: bool


class Intake:
    """Applies commands one by one and tracks the receipts that they change."""

    def __init__(self, stored: Mapping[ObservationKey, Receipt]) -> None:
        self._stored = stored
        self._now = dict(stored)
        self._changed: dict[ObservationKey, None] = {}
        self._actors: dict[ObservationKey, str] = {}
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
        current = self._now.get(command.key)
        if current is not None and current.digest not in ("", command.digest):
            return _conflict(command.observation)
        duplicate = current is not None and current.digest == command.digest
        if current is None or not duplicate:
            receipt = receipt_of(command)
            # A receipt without a digest records that the observation was revoked before it arrived.
            self._set(receipt if current is None else replace(receipt, status=ObservationStatus.REVOKED))
            if receipt.order_key:
                self._receipts_by_order.setdefault(receipt.order_key, set()).add(receipt.key)
        if rejected is not None:
            return rejected
        return IntakeResult(command.key, command.normalized.keys, command.normalized.dropped, duplicate)

    def revoke(self, command: Revoke) -> bool:
        """Revoke an observation and return whether it had arrived; a revocation also holds if it arrives later."""
        key = command.source, command.id
        current = self._now.get(key)
        if current is None:
            self._set(Receipt(*key, "", ObservationStatus.REVOKED, command.at))
            return False
        if current.status is not ObservationStatus.REVOKED:
            self._actors[key] = command.actor
            self._set(replace(current, status=ObservationStatus.REVOKED))
        return bool(current.digest)

    def reprocess(self, key: ObservationKey, rules: Rules, version: int) -> None:
        """Normalize an observation, as it was sent, under other rules; everything that it supports is counted again."""
        current = self._now[key]
        if not current.digest:
            return
        command = prepare(Observation.from_sent(*key, current.sent), rules, current.received_at)
        status = ObservationStatus.VALID if command.normalized.rejected is None else ObservationStatus.INACTIVE
        if current.status is ObservationStatus.REVOKED:
            status = ObservationStatus.REVOKED
        self._set(
            replace(
                current,
                keys=command.normalized.keys,
                status=status,
                order_key=command.order_key,
                fact_holders=command.fact_holders,
                facts=command.observation.facts,
                rules_version=version,
            )
        )
        if command.order_key:
            self._receipts_by_order.setdefault(command.order_key, set()).add(key)
        self._reprocessed.add(key)

    def _set(self, receipt: Receipt) -> None:
        self._now[receipt.key] = receipt
        self._changed[receipt.key] = None

    def _select_orders(self) -> dict[str, Order | None]:
        """Return the facts of the touched orders: the newest report of each source counts, then the latest source."""
        orders: dict[str, Order | None] = {}
        touched = {self._now[key].order_key for key in self._changed}
        touched |= {self._stored[key].order_key for key in self._changed if key in self._stored}
        for order_key in sorted(touched - {""}):
            newest: dict[str, Receipt] = {}
            live = [
                self._now[key]
                for key in self._receipts_by_order[order_key]
                if self._now[key].order_key == order_key
                and self._now[key].status in (ObservationStatus.VALID, ObservationStatus.SUPERSEDED)
            ]
            for receipt in sorted(live, key=lambda receipt: (receipt.reported_at, receipt.id)):
                newest[receipt.source] = receipt
            for receipt in live:
                status = ObservationStatus.VALID if receipt is newest[receipt.source] else ObservationStatus.SUPERSEDED
                if receipt.status is not status:
                    self._set(replace(receipt, status=status))
            best: Order | None = None
            for receipt in newest.values():
                order = Order.from_facts(receipt.source, receipt.facts)
                best = order if order.takes_precedence_over(best) else best
            orders[order_key] = best
        return orders

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
        for key in self._changed:
            before, after = self._stored.get(key), self._now[key]
            was_valid = before is not None and before.status is ObservationStatus.VALID
            if key in self._reprocessed:
                now = [after.statement] if after.status is ObservationStatus.VALID else []
                then = [before.statement] if before is not None and was_valid else []
                if now == then and not reapply:
                    unchanged += now
                else:
                    reprocessed_after += now
                    reprocessed_before += then
            elif after.status is ObservationStatus.VALID and not was_valid:
                added.append(after.statement)
            elif before is not None and was_valid and after.status is not ObservationStatus.VALID:
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
            self._actors,
            self._interaction_count_changes(),
        )

    def _interaction_count_changes(self) -> dict[str, InteractionCounts]:
        """Return the interaction counts that start to count, less those that stop counting, by fact holder."""
        changes: dict[str, InteractionCounts] = {}
        for key in self._changed:
            for receipt, sign in ((self._stored.get(key), -1), (self._now[key], 1)):
                if receipt is None or receipt.status is not ObservationStatus.VALID or not receipt.fact_holders:
                    continue
                if counted := interaction_counts_of(receipt.kind, receipt.facts, receipt.seen_at):
                    for holder in receipt.fact_holders:
                        changes[holder] = add((changes.get(holder, {}), counted), sign)
        return {holder: change for holder, change in changes.items() if change}

    @property
    def changed(self) -> list[Receipt]:
        """The receipts to write; complete after `delta`."""
        return [self._now[key] for key in self._changed]

    def status(self, key: ObservationKey) -> ObservationStatus:
        """Return the current status of an observation."""
        return self._now[key].status


def receipt_of(command: Observe) -> Receipt:
    """Return the receipt of an observation that arrives for the first time."""
    observation, normalized = command.observation, command.normalized
    reported_at = reported_at_of(observation.facts) if command.order_key else 0
    return Receipt(
        *command.key,
        command.digest,
        ObservationStatus.VALID if normalized.rejected is None else ObservationStatus.INACTIVE,
        command.received_at,
        command.received_at if observation.seen_at is None else observation.seen_at,
        normalized.keys,
        observation.tier,
        observation.confidence,
        observation.as_sent(),
        command.order_key,
        reported_at,
        observation.facts,
        observation.kind,
        command.fact_holders,
    )


def _conflict(observation: Observation) -> Problem:
    name = "this order with this reportedAt" if observation.kind == ORDER else f"observation {observation.id!r}"
    return Problem("ID_CONFLICT", f"{name} of source {observation.source!r} already exists with other content", ("id",))


def prepare(observation: Observation, rules: Rules, now: int) -> Observe:
    """Return the command for an observation that `check` found valid; `now` in microseconds."""
    normalized = normalize(observation, rules)
    order_key = ""
    if observation.kind == ORDER and ORDER_NAMESPACE in rules.by_name:
        value = rules.normalize_value(ORDER_NAMESPACE, observation.identifiers[0][1])
        if isinstance(value, DroppedIdentifier):
            message = f"number {value.value!r} {value.reason}"
            normalized = NormalizedObservation((), (), Problem("INVALID_ORDER_NUMBER", message, ("number",)))
        else:
            order_key = Identifier(ORDER_NAMESPACE, value).key
    fact_holders = fact_holders_of(FactKind(observation.kind), normalized.keys, rules)
    return Observe(observation, normalized, observation.digest, now, order_key, rules, fact_holders)


def _same_evidence(a: EvidenceStatement, b: EvidenceStatement) -> bool:
    return replace(a, id="") == replace(b, id="")
