"""Commands against receipts: which statements come to count, and which cease to (design.md §4, step 1)."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from graph.domain.model.errors import Problem
from graph.domain.model.facts import FactKind, carriers
from graph.domain.model.idempotency import Once
from graph.domain.model.identifiers import Identifier
from graph.domain.model.interaction_counts import Tally, add, tally_of
from graph.domain.model.observations import ORDER, REFUSED_BY_RULES, Observation, Read, Statement, read
from graph.domain.model.orders import NAMESPACE, Order, stated_at_of
from graph.domain.model.overrides import Mark
from graph.domain.model.receipts import ObservationKey, Receipt, Standing
from graph.domain.model.rules import Dropped, Rules


class Observe(Struct, frozen=True, gc=False):
    """Take in an observation that `check` found nothing against.

    `outcome` is what the rules make of it, `digest` and `order_key` (empty without order facts) what it is known by;
    they are computed once, before any transaction. `received_at` is in microseconds.
    """

    observation: Observation
    outcome: Read
    digest: str
    received_at: int
    order_key: str = ""
    rules: Rules | None = None
    """The rules that `outcome` was read under."""
    told_at: tuple[str, ...] = ()
    """The identifiers on which its fact hangs."""

    @property
    def key(self) -> ObservationKey:
        """Source and id; without an id the digest is the id."""
        return self.observation.source, self.observation.id or self.digest


class Revoke(Struct, frozen=True, gc=False):
    """Withdraw an observation, whether it has come yet or not."""

    source: str
    id: str
    at: int
    actor: str = ""


class SetMark(Struct, frozen=True, gc=False):
    """Set a steward's mark; its keys are normalised."""

    mark: Mark
    once: Once | None = None


class RemoveMark(Struct, frozen=True, gc=False):
    """Remove a steward's mark by its id."""

    id: str
    at: int
    actor: str = ""
    once: Once | None = None


Command = Observe | Revoke | SetMark | RemoveMark


class Delta(Struct, frozen=True, gc=False):
    """What changes for resolution."""

    added: Sequence[Statement] = ()
    withdrawn: Sequence[Statement] = ()
    orders: Mapping[str, Order | None] = field(default_factory=dict)
    """Order keys whose facts are to be looked at, with the facts that hold now."""
    marks_set: Sequence[Mark] = ()
    marks_removed: Sequence[Mark] = ()
    same: Sequence[Statement] = ()
    """Read anew, and what they were before."""
    actors: Mapping[ObservationKey, str] = field(default_factory=dict)
    """Who revoked a withdrawn statement."""
    tallies: Mapping[str, Tally] = field(default_factory=dict)
    """What the tally of an identifier changes by."""

    @property
    def statements(self) -> Sequence[Statement]:
        """All that it speaks of."""
        return *self.added, *self.withdrawn, *self.same


class Taken(Struct, frozen=True, gc=False):
    """What became of one observation before resolution: whether it had come before, what it names, what was dropped."""

    key: ObservationKey
    keys: tuple[str, ...]
    dropped: tuple[Dropped, ...]
    repeated: bool


class Intake:
    """Takes commands one after the other and keeps account of the receipts they change."""

    def __init__(self, stored: Mapping[ObservationKey, Receipt]) -> None:
        self._stored = stored
        self._now = dict(stored)
        self._changed: dict[ObservationKey, None] = {}
        self._actors: dict[ObservationKey, str] = {}
        self._reread: set[ObservationKey] = set()
        self._statements_of: dict[str, set[ObservationKey]] = {}
        for receipt in stored.values():
            if receipt.order_key:
                self._statements_of.setdefault(receipt.order_key, set()).add(receipt.key)

    def observe(self, command: Observe) -> Taken | Problem:
        """Take in one observation; a problem where it is refused."""
        refused = command.outcome.refused
        if refused is not None and refused.code not in REFUSED_BY_RULES:
            return refused
        known = self._now.get(command.key)
        if known is not None and known.digest not in ("", command.digest):
            return _conflict(command.observation)
        repeated = known is not None and known.digest == command.digest
        if known is None or not repeated:
            receipt = receipt_of(command)
            # It was revoked before it came.
            self._put(receipt if known is None else replace(receipt, standing=Standing.REVOKED))
            if receipt.order_key:
                self._statements_of.setdefault(receipt.order_key, set()).add(receipt.key)
        if refused is not None:
            return refused
        return Taken(command.key, command.outcome.keys, command.outcome.dropped, repeated)

    def revoke(self, command: Revoke) -> bool:
        """Withdraw an observation; answers whether it was known. The revocation holds before it comes too."""
        key = command.source, command.id
        known = self._now.get(key)
        if known is None:
            self._put(Receipt(*key, "", Standing.REVOKED, command.at))
            return False
        if known.standing is not Standing.REVOKED:
            self._actors[key] = command.actor
            self._put(replace(known, standing=Standing.REVOKED))
        return bool(known.digest)

    def reread(self, key: ObservationKey, rules: Rules, version: int) -> None:
        """Read an observation anew, as it was sent, under other rules; all that it supports is counted anew."""
        known = self._now[key]
        if not known.digest:
            return
        command = prepare(Observation.from_sent(*key, known.sent), rules, known.received_at)
        standing = Standing.VALID if command.outcome.refused is None else Standing.INACTIVE
        if known.standing is Standing.REVOKED:
            standing = Standing.REVOKED
        self._put(
            replace(
                known,
                keys=command.outcome.keys,
                standing=standing,
                order_key=command.order_key,
                told_at=command.told_at,
                facts=command.observation.facts,
                read_under=version,
            )
        )
        if command.order_key:
            self._statements_of.setdefault(command.order_key, set()).add(key)
        self._reread.add(key)

    def _put(self, receipt: Receipt) -> None:
        self._now[receipt.key] = receipt
        self._changed[receipt.key] = None

    def _settle_orders(self) -> dict[str, Order | None]:
        """Of each source's statements of an order the newest counts; of the sources the one that stated last."""
        orders: dict[str, Order | None] = {}
        touched = {self._now[key].order_key for key in self._changed}
        touched |= {self._stored[key].order_key for key in self._changed if key in self._stored}
        for order_key in sorted(touched - {""}):
            newest: dict[str, Receipt] = {}
            live = [
                self._now[key]
                for key in self._statements_of[order_key]
                if self._now[key].order_key == order_key
                and self._now[key].standing in (Standing.VALID, Standing.SUPERSEDED)
            ]
            for receipt in sorted(live, key=lambda receipt: (receipt.stated_at, receipt.id)):
                newest[receipt.source] = receipt
            for receipt in live:
                standing = Standing.VALID if receipt is newest[receipt.source] else Standing.SUPERSEDED
                if receipt.standing is not standing:
                    self._put(replace(receipt, standing=standing))
            best: Order | None = None
            for receipt in newest.values():
                order = Order.from_facts(receipt.source, receipt.facts)
                best = order if order.newer(best) else best
            orders[order_key] = best
        return orders

    def settle(self, marks_set: Iterable[Mark] = (), marks_removed: Iterable[Mark] = (), refold: bool = True) -> Delta:
        """What all commands so far change for resolution. A restatement with the same evidence changes none.

        With `refold` what was read anew supports nothing any more and then what it supports now, even the same.
        """
        orders = self._settle_orders()
        added: list[Statement] = []
        withdrawn: list[Statement] = []
        gone: list[Statement] = []
        again: list[Statement] = []
        same: list[Statement] = []
        for key in self._changed:
            before, after = self._stored.get(key), self._now[key]
            was = before is not None and before.standing is Standing.VALID
            if key in self._reread:
                now = [after.statement] if after.standing is Standing.VALID else []
                then = [before.statement] if before is not None and was else []
                if now == then and not refold:
                    same += now
                else:
                    again += now
                    gone += then
            elif after.standing is Standing.VALID and not was:
                added.append(after.statement)
            elif before is not None and was and after.standing is not Standing.VALID:
                withdrawn.append(before.statement)
        for statement in list(withdrawn):
            # Orders only: where other facts go or come, their customer changes, whatever the evidence.
            if not self._now[statement.source, statement.id].order_key:
                continue
            restated = next((other for other in added if _same_evidence(statement, other)), None)
            if restated is not None:
                withdrawn.remove(statement)
                added.remove(restated)
        return Delta(
            [*added, *again],
            [*withdrawn, *gone],
            orders,
            tuple(marks_set),
            tuple(marks_removed),
            same,
            self._actors,
            self._tallied(),
        )

    def _tallied(self) -> dict[str, Tally]:
        """What comes to count at the identifiers that facts hang on, less what ceases to."""
        changes: dict[str, Tally] = {}
        for key in self._changed:
            for receipt, sign in ((self._stored.get(key), -1), (self._now[key], 1)):
                if receipt is None or receipt.standing is not Standing.VALID or not receipt.told_at:
                    continue
                if counted := tally_of(receipt.kind, receipt.facts, receipt.seen_at):
                    for carrier in receipt.told_at:
                        changes[carrier] = add((changes.get(carrier, {}), counted), sign)
        return {carrier: change for carrier, change in changes.items() if change}

    @property
    def changed(self) -> list[Receipt]:
        """The receipts to write; complete after `settle`."""
        return [self._now[key] for key in self._changed]

    def standing(self, key: ObservationKey) -> Standing:
        """The standing of an observation now."""
        return self._now[key].standing


def receipt_of(command: Observe) -> Receipt:
    """How an observation is remembered that comes for the first time."""
    observation, outcome = command.observation, command.outcome
    stated_at = stated_at_of(observation.facts) if command.order_key else 0
    return Receipt(
        *command.key,
        command.digest,
        Standing.VALID if outcome.refused is None else Standing.INACTIVE,
        command.received_at,
        command.received_at if observation.seen_at is None else observation.seen_at,
        outcome.keys,
        observation.tier,
        observation.confidence,
        observation.as_sent(),
        command.order_key,
        stated_at,
        observation.facts,
        observation.kind,
        command.told_at,
    )


def _conflict(observation: Observation) -> Problem:
    what = "this order with this statedAt" if observation.kind == ORDER else f"observation {observation.id!r}"
    return Problem(
        "ID_CONFLICT", f"{what} of source {observation.source!r} is already known with other content", ("id",)
    )


def prepare(observation: Observation, rules: Rules, now: int) -> Observe:
    """What the rules make of an observation that `check` found nothing against, as a command; `now` in microseconds."""
    outcome = read(observation, rules)
    order_key = ""
    if observation.kind == ORDER and NAMESPACE in rules.by_name:
        value = rules.clean(NAMESPACE, observation.identifiers[0][1])
        if isinstance(value, Dropped):
            message = f"number {value.value!r} {value.reason}"
            outcome = Read((), (), Problem("BAD_NUMBER", message, ("number",)))
        else:
            order_key = Identifier(NAMESPACE, value).key
    told_at = carriers(FactKind(observation.kind), outcome.keys, rules)
    return Observe(observation, outcome, observation.digest, now, order_key, rules, told_at)


def _same_evidence(a: Statement, b: Statement) -> bool:
    return replace(a, id="") == replace(b, id="")
