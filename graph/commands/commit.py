"""The write behind most of the others: decides and stores commands in one transaction, with a result for each."""

from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from graph.commands.consent_changes import record_consent_changes
from graph.commands.consent_gate import ConsentGate
from graph.commands.suppression import NO_TOMBSTONES, Suppression
from graph.domain.model.changes import Change
from graph.domain.model.errors import Problem, RulesChanged
from graph.domain.model.facts import Fact, FactKind
from graph.domain.model.idempotency import IdempotencyKey, IdempotentResult, RequestKey
from graph.domain.model.identifiers import Pair
from graph.domain.model.links import Link
from graph.domain.model.overrides import Override, OverrideKind
from graph.domain.model.receipts import ObservationKey, ObservationStatus, Receipt
from graph.domain.model.rules import DroppedIdentifier, Rules
from graph.domain.model.segments import DUE_FIRST
from graph.domain.model.store_values import EvidenceByKey, Neighborhood, Writes
from graph.domain.resolution.departures import MAX_LINKS
from graph.domain.resolution.disputes import MAX_DISPUTES
from graph.domain.resolution.erased import TombstoneRules
from graph.domain.resolution.incremental import IncrementalResolution
from graph.domain.resolution.intake import Delta, Intake, IntakeResult
from graph.domain.resolution.preparation import (
    Command,
    Observe,
    Reevaluate,
    RemoveOverride,
    Revoke,
    SetOverride,
    order_keys,
)
from graph.ports import (
    Ids,
    ReadConsents,
    ReadDisputes,
    ReadEvidence,
    ReadLinksAt,
    ReadNeighborhood,
    ReadRegion,
    ReadStatedAttributes,
    ReadValues,
    Request,
    Write,
)


class Accepted(Struct, frozen=True, gc=False):
    """An accepted observation.

    `status` says whether it counts: a revocation or a newer statement of the order may have arrived before it.
    `duplicate` is true if it was stored already. `customer` is the id of the customer that holds its identifiers (empty
    if none does), `key` one of the identifiers. `links` are the links between its identifiers that this write touched,
    `merges` the merges that it caused. `decisions` are the receipts of the consent decisions in it.
    """

    source: str
    id: str
    key: str
    customer: str
    status: ObservationStatus
    duplicate: bool
    dropped_identifiers: Sequence[DroppedIdentifier]
    links: Sequence[Link]
    merges: Sequence[Change]
    decisions: tuple[Receipt, ...] = ()


class Rejected(Struct, frozen=True, gc=False):
    """An item that was rejected, with the reason.

    `decisions` are the receipts of consent decisions that are stored all the same: other rules may accept them.
    """

    problem: Problem
    decisions: tuple[Receipt, ...] = ()


class Revocation(Struct, frozen=True, gc=False):
    """A stored revocation; `found` is true if the observation had arrived before it."""

    source: str
    id: str
    found: bool


class Reevaluation(Struct, frozen=True, gc=False):
    """An observation that was evaluated again; `changed` is true if it started or stopped counting."""

    source: str
    id: str
    changed: bool


class OverrideResult(Struct, frozen=True, gc=False):
    """An override in effect; `new` is true if this request set it."""

    override: Override
    new: bool


CommandResult = Accepted | Rejected | Revocation | Reevaluation | OverrideResult
_OVERRIDES = SetOverride, RemoveOverride


def commit(
    sent: Sequence[Command],
    rules: Rules,
    now: int,
    ids: Ids,
    version: int = 0,
    tombstone_rules: TombstoneRules = NO_TOMBSTONES,
) -> Generator[Request, Any, list[CommandResult]]:
    """Decide and store commands in one step; a rejected command does not affect the others. `now` is in microseconds.

    Raises `RulesChanged` if the store's version of the rules is not `version`.
    """
    suppression = Suppression(sent, rules, tombstone_rules)
    neighborhood: Neighborhood = yield suppression.extended(_first_read(sent))
    if neighborhood.rules_version != version:
        raise RulesChanged(f"the rules are at version {neighborhood.rules_version}, not {version}")
    if neighborhood.tombstones and (left := suppression.second_read(neighborhood)) is not None:
        neighborhood = _merged(neighborhood, (yield left))
    commands = suppression.applied(neighborhood)
    gate = ConsentGate(commands, rules)
    if gate.keys:
        consents: Mapping[str, Sequence[Fact]] = yield ReadConsents(gate.keys)
        commands = gate.applied(consents, neighborhood)
    orders = _orders_with_revoked_reports(commands, neighborhood)
    reevaluated = frozenset([(command.source, command.id) for command in commands if isinstance(command, Reevaluate)])
    if orders:
        # Other reports may start or stop being in effect.
        of_orders: Neighborhood = yield ReadNeighborhood(orders=orders, keys=orders)
        neighborhood = _merged(neighborhood, of_orders)
    intake = Intake(neighborhood.receipts, neighborhood.source_revocations)
    overrides = _Overrides(neighborhood, now)
    drafts = [_decide(command, intake, overrides) for command in commands]
    delta = intake.delta(overrides.set, overrides.removed)
    evidence: EvidenceByKey = {}
    stated: EvidenceByKey = {}
    if delta.withdrawn or delta.overrides_removed or orders or reevaluated:
        second: Neighborhood = yield _second_read(delta, orders, reevaluated)
        neighborhood = _merged(neighborhood, second)
        # Without guards, values that were stored under earlier rules are to be removed all the same.
        holders = {key for key in delta.holders if rules.guards or neighborhood.members[key].guarded_values}
        evidence, stated = yield from read_evidence(delta, holders)
    resolution = IncrementalResolution(delta, neighborhood, evidence, rules, now, ids.customer, stated=stated)
    writes = yield from finish_resolution(resolution)
    yield from record_consent_changes(intake.transitions, delta.causes, resolution)
    _make_blocked_due(resolution, (*overrides.set, *overrides.removed))
    writes.receipts.extend(intake.changed)
    if reevaluated:
        writes.renormalized.extend(intake.renormalized)
    writes.idempotent_results.extend(overrides.results)
    writes.held_orders.extend(suppression.held_orders)
    if not writes.empty:
        yield Write(writes)
    return [_result(command, draft, intake, resolution) for command, draft in zip(commands, drafts, strict=True)]


def read_evidence(
    delta: Delta, holders: Collection[str]
) -> Generator[Request, Any, tuple[EvidenceByKey, EvidenceByKey]]:
    """Read what else the identifiers of withdrawn statements are evidence of, and what attributes `holders` state."""
    withdrawn = sorted({key for statement in delta.withdrawn for key in statement.keys})
    evidence: EvidenceByKey = (yield ReadEvidence(withdrawn)) if withdrawn else {}
    stated: EvidenceByKey = (yield ReadStatedAttributes(sorted(holders))) if holders else {}
    return evidence, stated


def finish_resolution(resolution: IncrementalResolution) -> Generator[Request, Any, Writes]:
    """Read what a resolution needs until nothing is missing, and finish it."""
    plan = resolution.plan
    while True:
        if (key := plan.unread_key) is not None:
            plan.add_links_at(key, (yield ReadLinksAt(key, MAX_LINKS)))
        elif nodes := plan.unread_customers:
            plan.add_disputes(nodes, (yield ReadDisputes(frozenset(nodes), MAX_DISPUTES)))
        elif (place := plan.unread_values) is not None:
            plan.add_values(place, (yield ReadValues(*place)))
        elif (missing := plan.missing()) is not None:
            seeds, opened = missing
            plan.add_region((yield ReadRegion(frozenset(seeds), frozenset(opened))))
        else:
            return resolution.finish()


def _make_blocked_due(resolution: IncrementalResolution, overrides: Iterable[Override]) -> None:
    """Let the customers of identifiers that are blocked, or no longer, be segmented before others."""
    for override in overrides:
        if override.kind is OverrideKind.BLOCKED:
            ids = {resolution.id_before(override.a), resolution.id_of([override.a])} - {""}
            resolution.writes.segmentation_due.update(dict.fromkeys(sorted(ids), DUE_FIRST))


def _first_read(commands: Sequence[Command]) -> ReadNeighborhood:
    receipts: dict[ObservationKey, None] = {}
    orders: dict[str, None] = {}
    keys: dict[str, None] = {}
    pairs: dict[Pair, None] = {}
    override_keys: dict[str, None] = {}
    override_ids: list[str] = []
    idempotency_keys: list[RequestKey] = []
    for command in commands:
        match command:
            case Observe():
                named = command.normalized.keys
                receipts[command.key] = None
                # The identifiers of derived decisions are among those of the observation.
                for derived in command.derived:
                    receipts[derived.key] = None
                for key in named:
                    keys[key] = None
                for pair in combinations(named, 2):
                    pairs[pair] = None
                if command.order_key:
                    orders[command.order_key] = None
            case Reevaluate():
                receipts[command.source, command.id] = None
            case Revoke():
                receipts.update(dict.fromkeys((command.source, id) for id in (command.id, *command.derived)))
            case SetOverride(override):
                keys.update(dict.fromkeys(override.keys))
                override_keys.update(dict.fromkeys(override.keys))
            case RemoveOverride():
                override_ids.append(command.id)
        if isinstance(command, _OVERRIDES) and command.idempotency_key is not None:
            idempotency_keys.append(command.idempotency_key.key)
    return ReadNeighborhood(
        list(receipts), list(orders), sorted(keys), list(pairs), list(override_keys), override_ids, idempotency_keys
    )


def _orders_with_revoked_reports(commands: Sequence[Command | Problem], neighborhood: Neighborhood) -> list[str]:
    """Return the keys of the orders of which a stored report is revoked or evaluated again."""
    orders: set[str] = set()
    for command in commands:
        if isinstance(command, (Revoke, Reevaluate)):
            receipt = neighborhood.receipts.get((command.source, command.id))
            if receipt is not None and receipt.order_key:
                orders.update(
                    [receipt.order_key] if isinstance(command, Revoke) else order_keys(receipt, command.rules)
                )
    return sorted(orders)


def _second_read(delta: Delta, orders: Sequence[str], reevaluated: frozenset[ObservationKey]) -> ReadNeighborhood:
    """Return the read of the neighborhood of statements and overrides that the first read may not have named.

    A report of one of `orders` may be in effect again, and an observation that is `reevaluated` may count again.
    """
    revoked = frozenset(orders)
    statements = [
        *delta.withdrawn,
        *(
            statement
            for statement in delta.added
            if (statement.source, statement.id) in reevaluated or not revoked.isdisjoint(statement.keys)
        ),
    ]
    keys = {key for statement in statements for key in statement.keys}
    keys.update(key for override in delta.overrides_removed for key in override.keys)
    pairs = {pair for statement in statements for pair in combinations(statement.keys, 2)}
    return ReadNeighborhood(keys=sorted(keys), pairs=sorted(pairs))


def _merged(a: Neighborhood, b: Neighborhood) -> Neighborhood:
    return replace(
        a,
        receipts={**b.receipts, **a.receipts},
        members={**a.members, **b.members},
        links={**a.links, **b.links},
        customers={**a.customers, **b.customers},
    )


class _Overrides:
    """The overrides that commands set and remove; a request with an idempotency key is carried out once."""

    def __init__(self, neighborhood: Neighborhood, now: int) -> None:
        self._now = now
        self._results = dict(neighborhood.idempotent_results)
        self.results: list[IdempotentResult] = []
        self._current = dict(neighborhood.overrides)
        self._stored = frozenset(neighborhood.overrides)
        self._removed: dict[str, Override] = {}

    def execute(self, command: SetOverride | RemoveOverride) -> OverrideResult | Rejected:
        idempotency_key = command.idempotency_key
        earlier = None if idempotency_key is None else self._results.get(idempotency_key.key)
        if idempotency_key is not None and earlier is not None:
            if earlier.idempotency_key.digest != idempotency_key.digest:
                return Rejected(idempotency_conflict(idempotency_key))
            return OverrideResult(earlier.override, earlier.new)
        result = self._set(command.override) if isinstance(command, SetOverride) else self._remove(command)
        if idempotency_key is not None and isinstance(result, OverrideResult):
            stored = IdempotentResult(idempotency_key, result.override, result.new, self._now)
            self._results[idempotency_key.key] = stored
            self.results.append(stored)
        return result

    def _set(self, override: Override) -> OverrideResult:
        for current in self._current.values():
            if (current.kind, current.a, current.b) == (override.kind, override.a, override.b):
                return OverrideResult(current, new=False)
        self._current[override.id] = override
        return OverrideResult(override, new=True)

    def _remove(self, command: RemoveOverride) -> OverrideResult | Rejected:
        override = self._current.pop(command.id, None)
        if override is None:
            return Rejected(Problem("OVERRIDE_NOT_FOUND", f"override {command.id[:60]!r} does not exist", ("id",)))
        # The history records who removed it.
        self._removed[command.id] = replace(override, actor=command.actor)
        return OverrideResult(override, new=False)

    @property
    def set(self) -> list[Override]:
        return [override for id, override in self._current.items() if id not in self._stored]

    @property
    def removed(self) -> list[Override]:
        return [override for id, override in self._removed.items() if id in self._stored]


def idempotency_conflict(idempotency_key: IdempotencyKey) -> Problem:
    """Return the problem of an idempotency key that was used for a different request before."""
    message = f"idempotencyKey {idempotency_key.value!r} was already used for a different request"
    return Problem("ID_CONFLICT", message, ("idempotencyKey",))


_CONSENT = FactKind.CONSENT.value
_Draft = IntakeResult | Problem | CommandResult


def _decide(command: Command | Problem, intake: Intake, overrides: _Overrides) -> _Draft:
    match command:
        case Observe():
            return intake.observe(command)
        case Problem():
            return command
        case Revoke():
            return Revocation(command.source, command.id, intake.revoke(command))
        case Reevaluate():
            return Reevaluation(command.source, command.id, intake.reevaluate(command))
        case SetOverride() | RemoveOverride():
            return overrides.execute(command)


def _result(
    command: Command | Problem, draft: _Draft, intake: Intake, resolution: IncrementalResolution
) -> CommandResult:
    if isinstance(draft, Problem):
        return Rejected(draft, _decisions(command, intake))
    if not isinstance(draft, IntakeResult):
        return draft
    source, id = draft.key
    keys = draft.keys
    return Accepted(
        source,
        id,
        keys[0],
        resolution.id_of(keys),
        intake.status(draft.key),
        draft.duplicate,
        draft.dropped,
        resolution.links_of(keys),
        resolution.merges_by(source, id),
        _decisions(command, intake),
    )


def _decisions(command: Command | Problem, intake: Intake) -> tuple[Receipt, ...]:
    """Return the receipts of the consent decisions that are stored of an observation."""
    if not isinstance(command, Observe) or (command.observation.kind != _CONSENT and not command.derived):
        return ()
    receipts: list[Receipt] = []
    for observed in (command, *command.derived):
        receipt = intake.receipt(observed.key) if observed.observation.kind == _CONSENT else None
        # Of one that conflicts with what is stored, nothing is.
        if receipt is not None and receipt.digest == observed.digest:
            # Its facts are in what was sent; stores return them only if they count.
            receipts.append(replace(receipt, facts="", fact_holders=()))
    return tuple(receipts)
