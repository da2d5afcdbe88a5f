"""Commands: the changes that callers ask for, prepared under the rules before any transaction."""

from msgspec import Struct
from msgspec.structs import replace

from graph.domain.model.changes import Cause
from graph.domain.model.errors import Problem
from graph.domain.model.facts import FactKind, fact_holders_of, stored_facts
from graph.domain.model.idempotency import IdempotencyKey
from graph.domain.model.identifiers import Identifier
from graph.domain.model.observations import ORDER, NormalizedObservation, Observation, normalize
from graph.domain.model.orders import Order, reported_at_of
from graph.domain.model.overrides import Override
from graph.domain.model.receipts import ObservationKey, ObservationStatus, Receipt
from graph.domain.model.retention import Retention
from graph.domain.model.rules import ORDER_NAMESPACE, DroppedIdentifier, Rules


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
    address_namespaces: frozenset[str] = frozenset()
    """The observation is rejected if an identifier of one of these namespaces is dropped."""
    derived: tuple["Observe", ...] = ()
    """The decisions that follow from it, from an interaction or a TC string. They are accepted and revoked with it."""
    sent_id: str = ""
    """The id under which it was sent, if only what an erasure has left of it is stored, under another id."""
    expired: tuple[DroppedIdentifier, ...] = ()
    """The identifiers that were sent and that the observation no longer has, because they have expired."""
    retention: Retention | None = None
    """By which parts of the observation have expired; `None` if it is as it was sent."""
    received_from: str = ""
    """The caller that sent it; empty if that is not known."""

    @property
    def key(self) -> ObservationKey:
        """Source and id; without an id the digest is the id."""
        return self.observation.source, self.observation.id or self.digest


class Revoke(Struct, frozen=True, gc=False):
    """Revoke an observation, whether it has arrived yet or not.

    `derived` are the ids of all decisions that may follow from it; those that do are revoked, too.
    """

    source: str
    id: str
    at: int
    actor: str = ""
    derived: tuple[str, ...] = ()
    reason: str = ""


class Reevaluate(Struct, frozen=True, gc=False):
    """Decide again whether an observation counts, after its source was revoked or restored, which is the `cause`.

    If it counts again, it is normalized by `rules`.
    """

    source: str
    id: str
    cause: Cause
    rules: Rules


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


Command = Observe | Revoke | Reevaluate | SetOverride | RemoveOverride


def prepare(
    observation: Observation,
    rules: Rules,
    now: int,
    address_namespaces: frozenset[str] = frozenset(),
    expired: tuple[DroppedIdentifier, ...] = (),
) -> Observe:
    """Return the command for an observation that `check` found valid; `now` in microseconds.

    It is rejected as a whole if an identifier of one of `address_namespaces` is dropped. `expired` are the identifiers
    that it had when it was sent.
    """
    normalized = normalize(observation, rules)
    if any(dropped.namespace in address_namespaces for dropped in normalized.dropped):
        normalized = NormalizedObservation((), (), _address_dropped(observation, rules, address_namespaces))
    order_key = ""
    if observation.kind == ORDER and ORDER_NAMESPACE in rules.by_name:
        value = rules.normalize_value(ORDER_NAMESPACE, observation.identifiers[0][1])
        if isinstance(value, DroppedIdentifier):
            message = f"number {value.value!r} {value.reason}"
            normalized = NormalizedObservation((), (), Problem("INVALID_ORDER_NUMBER", message, ("number",)))
        else:
            order_key = Identifier(ORDER_NAMESPACE, value).key
    fact_holders = fact_holders_of(FactKind(observation.kind), normalized.keys, rules)
    if expired:
        normalized = replace(normalized, dropped=(*normalized.dropped, *expired))
    return Observe(
        observation,
        normalized,
        observation.digest,
        now,
        order_key,
        rules,
        fact_holders,
        address_namespaces,
        expired=expired,
    )


def under_rules(command: Command, rules: Rules) -> Command:
    """Return a command as it is under the rules; those of the stewards are the same under any."""
    match command:
        case Observe() if command.rules is not rules:
            return prepare_again(command, rules)
        case Reevaluate() if command.rules is not rules:
            return replace(command, rules=rules)
        case _:
            return command


def prepare_again(command: Observe, rules: Rules) -> Observe:
    """Return the command of an observation, and of all that follows from it, under other rules."""
    again = prepare(command.observation, rules, command.received_at, command.address_namespaces, command.expired)
    derived = tuple(prepare_again(derived, rules) for derived in command.derived)
    return replace(again, retention=command.retention, derived=derived, received_from=command.received_from)


def received_from(command: Observe, caller: str) -> Observe:
    """Return the command of an observation, and of all that follows from it, as a caller sent it."""
    derived = tuple(replace(derived, received_from=caller) for derived in command.derived)
    return replace(command, derived=derived, received_from=caller)


def _address_dropped(observation: Observation, rules: Rules, address_namespaces: frozenset[str]) -> Problem | None:
    """Return the problem of the first address that is dropped."""
    for index, (namespace, raw) in enumerate(observation.identifiers):
        if namespace in address_namespaces:
            value = rules.normalize_value(namespace, raw, observation.source)
            if isinstance(value, DroppedIdentifier):
                message = f"{namespace} {value.value!r} {value.reason}, so the decision would not hold for it"
                return Problem("CONSENT_ADDRESS_DROPPED", message, ("identifiers", index, "value"))
    return None


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
        stored_facts(observation),
        observation.kind,
        command.fact_holders,
        received_from=command.received_from,
    )


def order_keys(receipt: Receipt, rules: Rules) -> list[str]:
    """Return the key of the order that a receipt reports, and its key under other rules; none for other receipts."""
    if not receipt.order_key:
        return []
    keys = [receipt.order_key]
    if ORDER_NAMESPACE in rules.by_name:
        value = rules.normalize_value(ORDER_NAMESPACE, Order.from_facts(receipt.source, receipt.facts).number)
        if not isinstance(value, DroppedIdentifier):
            keys.append(Identifier(ORDER_NAMESPACE, value).key)
    return keys
