"""The gate at intake: identifiers that are taken up only with a consent, such as cookies.

The rules name the purpose of a namespace (`requires_consent`). An identifier is dropped from a statement unless consent
for the purpose is in effect at it. What is dropped is not stored in any form. Unlike what resolution decides, this
depends on the order of arrival: consent does not reach back to what came before it.
"""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from graph.domain.model.errors import Problem
from graph.domain.model.facts import Fact, FactKind
from graph.domain.model.identifiers import namespace_of
from graph.domain.model.observations import PARTIES, Observation
from graph.domain.model.receipts import ObservationStatus, Receipt
from graph.domain.model.rules import DroppedIdentifier, DroppedIdentifierCode, Rules
from graph.domain.profile.consents import ConsentsInEffect, RecordedDecision
from graph.domain.resolution.erased import key_of
from graph.domain.resolution.preparation import Observe, prepare, receipt_of

CONSENT_REQUIRED = DroppedIdentifierCode.CONSENT_REQUIRED.value
"""The code of the problem of a statement of which nothing is left."""


def gated_keys(command: Observe, rules: Rules) -> frozenset[str]:
    """Return the identifiers of an observation that are taken up only with a consent.

    A decision names identifiers whatever was decided for them, or it could not be recorded; so does an interaction that
    is a decision, too.
    """
    purposes = rules.consent_purposes
    if not purposes or command.observation.kind == FactKind.CONSENT.value:
        return frozenset()
    named = frozenset(key for key in command.normalized.keys if namespace_of(key) in purposes)
    return named.difference(*(derived.normalized.keys for derived in command.derived)) if named else named


def unconsented(keys: Iterable[str], consents: ConsentsInEffect, rules: Rules) -> frozenset[str]:
    """Return those of some gated identifiers at which the consent that they need is not given."""
    purposes = rules.consent_purposes
    return frozenset(key for key in keys if not consents.is_given(key, purposes[namespace_of(key)]))


def admitted(command: Observe, dropped: frozenset[str], rules: Rules) -> Observe | Problem:
    """Return the command of an observation without some identifiers, or the problem if nothing is left of it.

    It keeps its id and its digest, so that the same observation is a repeat of it.
    """
    if not dropped:
        return command
    sent = command.observation
    remaining, left_out = _split(sent, dropped, rules)
    again = prepare(replace(sent, identifiers=remaining), rules, command.received_at, command.address_namespaces)
    if not again.normalized.keys:
        return _rejected(dropped, rules)
    # Those that were dropped before it, such as suppressed ones, are no longer among the identifiers.
    normalized = replace(again.normalized, dropped=(*command.normalized.dropped, *left_out))
    return replace(
        again,
        normalized=normalized,
        digest=command.digest,
        derived=command.derived,
        expired=command.expired,
        retention=command.retention,
        sent_id=command.sent_id,
        received_from=command.received_from,
    )


def admitted_receipt(
    receipt: Receipt, consents: ConsentsInEffect, rules: Rules, decided: frozenset[str] = frozenset()
) -> tuple[Receipt | None, tuple[DroppedIdentifier, ...]]:
    """Return the receipt of a history as the gate lets it in, `None` if nothing is left, and what is dropped.

    `decided` are the identifiers of the decisions that follow from it.
    """
    purposes = rules.consent_purposes
    if receipt.kind == FactKind.CONSENT.value:
        return receipt, ()
    gated = [key for key in receipt.keys if namespace_of(key) in purposes and key not in decided]
    dropped = unconsented(gated, consents, rules)
    if not dropped:
        return receipt, ()
    observation = Observation.from_sent(receipt.source, receipt.id, receipt.sent)
    command = replace(prepare(observation, rules, receipt.received_at), digest=receipt.digest)
    left = admitted(command, dropped, rules)
    _, left_out = _split(observation, dropped, rules)
    return None if isinstance(left, Problem) else replace(receipt_of(left), seen_at=receipt.seen_at), left_out


def stated_consents(receipt: Receipt) -> dict[str, RecordedDecision]:
    """Return the decision of a receipt by each identifier that it holds for; none if it does not count."""
    if receipt.kind != FactKind.CONSENT.value or receipt.status is not ObservationStatus.VALID:
        return {}
    party = PARTIES[receipt.tier]
    facts = (Fact(key, receipt.seen_at, receipt.source, receipt.id, party, receipt.facts) for key in receipt.keys)
    return {fact.key: RecordedDecision.of(fact) for fact in facts}


def consents_of(facts: Mapping[str, Iterable[Fact]]) -> ConsentsInEffect:
    """Return the consents in effect from the stored decisions of some identifiers, by key."""
    consents = ConsentsInEffect()
    for of_key in facts.values():
        for fact in of_key:
            consents.add(RecordedDecision.of(fact))
    return consents


def _split(
    sent: Observation, dropped: frozenset[str], rules: Rules
) -> tuple[tuple[tuple[str, str], ...], tuple[DroppedIdentifier, ...]]:
    """Return the identifiers that remain as they were sent, and those that are dropped."""
    remaining: list[tuple[str, str]] = []
    left_out: list[DroppedIdentifier] = []
    for namespace, raw in sent.identifiers:
        if key_of(namespace, raw, rules, sent.source) in dropped:
            reason = f"needs consent for {rules.consent_purposes[namespace]}, which is not given at it"
            left_out.append(DroppedIdentifier(namespace, raw, DroppedIdentifierCode.CONSENT_REQUIRED, reason))
        else:
            remaining.append((namespace, raw))
    return tuple(remaining), tuple(left_out)


def _rejected(dropped: frozenset[str], rules: Rules) -> Problem:
    purposes = ", ".join(dict.fromkeys(rules.consent_purposes[namespace_of(key)] for key in sorted(dropped)))
    message = f"no identifier is left: {len(dropped)} need consent for {purposes}, which is not given at them"
    return Problem("CONSENT_REQUIRED", message, ("identifiers",))
