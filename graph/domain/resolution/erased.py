"""What is left of a statement once identifiers of it are erased.

One function decides it for statements that are stored and for those that arrive later, so the result does not depend
on the order (docs/internals/resolution-rule.md, step 1).
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from graph.domain.model.facts import FactKind, fact_holders_of, without_free_text
from graph.domain.model.identifiers import Identifier, namespace_of
from graph.domain.model.normalization import EMAIL, PHONE
from graph.domain.model.observations import Observation, identifiers_of, normalize
from graph.domain.model.receipts import Receipt
from graph.domain.model.rules import DroppedIdentifier, DroppedIdentifierCode, NamespaceRule, Rules
from graph.domain.model.tombstones import KEYED, Tombstone, TombstoneKeys
from graph.domain.resolution.preparation import Observe, prepare, receipt_of

REASON = "is suppressed: the person was erased, or must not be stored"


class TombstoneRules(Struct, frozen=True, gc=False):
    """What finds the tombstones of a statement: the keys, and the rules of earlier versions that made tombstones.

    A tombstone made under other rules than those of today is found by the value that an identifier had then.
    """

    keys: TombstoneKeys = field(default_factory=TombstoneKeys)
    former: tuple[Rules, ...] = ()

    def hashes(self, observation: Observation, rules: Rules) -> dict[str, tuple[str, ...]]:
        """Return the hashes of each identifier that an observation names, by its key under the rules."""
        return self.hashes_of_named(named_keys(observation, rules), observation.source)

    def hashes_of_named(self, named: Mapping[str, tuple[str, str]], source: str) -> dict[str, tuple[str, ...]]:
        """Return the hashes of identifiers, by key, that a source sent as namespaces and values."""
        return {key: self._hashes(key, namespace, raw, source) for key, (namespace, raw) in named.items()}

    def hashes_of_key(self, key: str) -> tuple[str, ...]:
        """Return the hashes of an identifier that is given by its key."""
        return self._hashes(key, *Identifier.from_key(key), "")

    def _hashes(self, key: str, namespace: str, raw: str, source: str) -> tuple[str, ...]:
        if not self.former:
            return self.keys.hashes(key)
        names = {key, *(name for former in self.former if (name := key_of(namespace, raw, former, source)))}
        return tuple(hash for name in names for hash in self.keys.hashes(name))


def key_of(namespace: str, raw: str, rules: Rules, source: str = "") -> str | None:
    """Return the key of an identifier as it was sent; `None` if the rules drop it."""
    if namespace not in rules.by_name:
        return None
    value = rules.normalize_value(namespace, raw, source)
    return None if isinstance(value, DroppedIdentifier) else Identifier(namespace, value).key


def named_keys(observation: Observation, rules: Rules) -> dict[str, tuple[str, str]]:
    """Return the identifiers that an observation names, as they were sent, by key, also if the rules reject it."""
    named = {}
    for namespace, raw in identifiers_of(observation, rules):
        if (key := key_of(namespace, raw, rules, observation.source)) is not None:
            named[key] = namespace, raw
    return named


def digest_keys(keys: Iterable[str], rules: Rules) -> frozenset[str]:
    """Return the identifiers that are digests of some email addresses and phone numbers, as other systems send them.

    Whoever knows an address finds its digest, so a digest is about the person, too. Digests are of the namespaces whose
    values must be such (the step `sha256`).
    """
    digests = [rule.name for rule in rules.namespaces if "sha256" in rule.normalize]
    addresses = {rule.name for rule in rules.namespaces if _is_of_addresses(rule)} if digests else ()
    found = (Identifier.from_key(key) for key in keys if namespace_of(key) in addresses)
    return frozenset(
        Identifier(name, hashlib.sha256(identifier.value.encode()).hexdigest()).key
        for identifier in found
        for name in digests
    )


def _is_of_addresses(rule: NamespaceRule) -> bool:
    return any(step == EMAIL or step.startswith(PHONE) for step in rule.normalize)


def dropped_keys(
    observation: Observation, received_at: int, tombstones: Mapping[str, Tombstone], returning: frozenset[str]
) -> frozenset[str]:
    """Return the keys that an observation loses; `tombstones` are those of its identifiers, by key."""
    seen_at = received_at if observation.seen_at is None else observation.seen_at
    return frozenset(key for key, tombstone in tombstones.items() if tombstone.drops(observation, seen_at, returning))


def what_remains(observation: Observation, erased: frozenset[str], rules: Rules) -> Observation | None:
    """Return what is left of an observation without some identifiers, `None` if nothing is.

    It loses its facts if they are attached to an erased identifier, or make one up, and free texts in any case. What
    the rules reject as a whole, or drop, may be about the person too, so it goes. A report of an erased order goes as a
    whole: which of several reports counts depends on their facts.
    """
    normalized = normalize(observation, rules)
    kept = frozenset(normalized.keys) - erased
    if normalized.rejected is not None or not kept:
        return None
    identifiers = tuple(
        (namespace, raw)
        for namespace, raw in observation.identifiers
        if (key_of(namespace, raw, rules, observation.source) or "") in kept
    )
    if not identifiers:
        return None
    kind = FactKind(observation.kind)
    if kind is FactKind.ORDER and not erased.isdisjoint(named_keys(_order_alone(observation), rules)):
        return None
    composite = {composite.namespace for composite in rules.composites}
    loses_facts = (kind is FactKind.ATTRIBUTES and any(namespace_of(key) in composite for key in erased)) or (
        kind is not FactKind.CONSENT and not erased.isdisjoint(fact_holders_of(kind, normalized.keys, rules))
    )
    facts = "" if loses_facts else without_free_text(observation.kind, observation.facts)
    return replace(
        observation, identifiers=identifiers, evidence="", facts=facts, kind="" if loses_facts else observation.kind
    )


def _order_alone(observation: Observation) -> Observation:
    """Return the report of an order without the other identifiers: the order is the first."""
    return replace(observation, identifiers=observation.identifiers[:1])


def without_erased(
    command: Observe, erased: frozenset[str], rules: Rules, keys: TombstoneKeys, stored_id: str = ""
) -> Observe | None:
    """Return the command of what is left of an observation, `None` if nothing is.

    It is stored as `stored_id`, by default the keyed hash of its source and id, with a keyed digest: both may have been
    made of what was erased.
    """
    remaining = what_remains(command.observation, erased, rules)
    if remaining is None:
        return None
    source, id = command.key
    remaining = replace(remaining, id=stored_id or keys.observation_ids((source, id))[0])
    again = prepare(remaining, rules, command.received_at, command.address_namespaces)
    dropped = (*again.normalized.dropped, *_dropped(command.observation, erased, rules))
    return replace(
        again,
        normalized=replace(again.normalized, dropped=dropped),
        digest=keys.digest(command.digest),
        sent_id=id,
        retention=command.retention,
        received_from=command.received_from,
    )


def _dropped(observation: Observation, erased: Iterable[str], rules: Rules) -> Sequence[DroppedIdentifier]:
    return [
        DroppedIdentifier(namespace, raw, DroppedIdentifierCode.SUPPRESSED, REASON)
        for namespace, raw in observation.identifiers
        if (key_of(namespace, raw, rules, observation.source) or "") in erased
    ]


def erased_receipt(receipt: Receipt, erased: frozenset[str], rules: Rules, keys: TombstoneKeys) -> Receipt | None:
    """Return the receipt of what is left of a stored observation, `None` if nothing is."""
    observation = Observation.from_sent(*receipt.key, receipt.sent)
    command = replace(
        prepare(observation, rules, receipt.received_at), digest=receipt.digest, received_from=receipt.received_from
    )
    already = receipt.digest.startswith(KEYED)
    remaining = without_erased(command, erased, rules, keys, receipt.id if already else "")
    if remaining is None:
        return None
    if already:
        remaining = replace(remaining, digest=receipt.digest)
    return replace(receipt_of(remaining), status=receipt.status, rules_version=receipt.rules_version)
