"""Conversion between nodes and relationships of Neo4j and plain values.

Changes, overrides, segments, rules and products are converted in the files of these names.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import orjson
from msgspec.structs import replace

from graph.domain.model.customers import Anchor, Customer, Member, Node
from graph.domain.model.facts import Fact, stored_facts
from graph.domain.model.guarded_values import from_json as guarded_values_from_json
from graph.domain.model.guarded_values import to_json as guarded_values_to_json
from graph.domain.model.idempotency import IdempotencyKey, IdempotentResult
from graph.domain.model.identifiers import Identifier
from graph.domain.model.interaction_counts import InteractionCounts
from graph.domain.model.json_text import compact
from graph.domain.model.links import Link, LinkReason, LinkReasonCode, LinkState
from graph.domain.model.observations import PARTIES, TIERS, Evidence, EvidenceStatement, Observation
from graph.domain.model.order_totals import order_totals_from_json, order_totals_to_json
from graph.domain.model.orders import Order
from graph.domain.model.receipts import ObservationStatus, Receipt

Properties = Mapping[str, Any]

# Faster than a call of the enum, as `TIERS`.
_STATES = {state.value: state for state in LinkState}
REASON_CODES = {code.value: code for code in LinkReasonCode}
"""Codes by their stored text."""


@cache
def label(namespace: str) -> str:
    """Return the label of a namespace: `LoyaltyCard` for `loyalty_card`."""
    return "".join(word.capitalize() for word in namespace.split("_"))


def present(values: Properties) -> dict[str, Any]:
    """Return the properties of a new node or relationship: those that are not null."""
    return {name: value for name, value in values.items() if value is not None}


def changed(values: Properties, before: Properties) -> dict[str, Any]:
    """Return the properties that differ from those of a stored node or relationship; a null removes one."""
    get = before.get
    return {name: value for name, value in values.items() if value != get(name)}


def evidence(node: Properties) -> Evidence | None:
    """Return the evidence for an identifier; `None` if no valid observation mentions it."""
    first, last = node.get("first_seen_at"), node.get("last_seen_at")
    if first is None or last is None:
        return None
    return Evidence(first, last, tuple(node["sources"]), node["observation_count"])


def member(node: Properties, customer: Node | None) -> Member:
    """Return the identifier of a node; `customer` is the node that it belongs to."""
    facts, degree = node.get("facts"), node["degree"]
    return Member(
        node["key"],
        evidence(node),
        {} if degree == "{}" else orjson.loads(degree),
        node["shared"],
        node["blocked"],
        node["override_count"],
        customer,
        None if facts is None else Order.from_facts(node["facts_source"], facts),
        interaction_counts(node),
        guarded_values_from_json(node.get("guarded_values")),
    )


def interaction_counts(node: Properties) -> InteractionCounts:
    """Return the interaction counts of an identifier."""
    text = node.get("interaction_counts")
    return {} if text is None else dict(orjson.loads(text))


def member_values(member: Member) -> dict[str, Any]:
    """Return the properties of an identifier that a write may change."""
    evidence = member.evidence
    return {
        "first_seen_at": None if evidence is None else evidence.first_seen_at,
        "last_seen_at": None if evidence is None else evidence.last_seen_at,
        "observation_count": 0 if evidence is None else evidence.observation_count,
        "sources": [] if evidence is None else list(evidence.sources),
        "degree": compact(dict(member.degree)) if member.degree else "{}",
        "shared": member.shared,
        "blocked": member.blocked,
        "override_count": member.override_count,
        "interaction_counts": compact(dict(member.interaction_counts)) if member.interaction_counts else None,
        "guarded_values": guarded_values_to_json(member.guarded_values) if member.guarded_values else None,
    }


def order_values(order: Order | None) -> dict[str, Any]:
    """Return the properties of an order's identifier; all are `None` without an order.

    `status`, `currency`, `total` and `refunded` are for people who query the database. Kith reads `facts`, which is
    exact.
    """
    if order is None:
        return dict.fromkeys(("facts", "facts_source", "placed_at", "status", "currency", "total", "refunded"))
    return {
        "facts": order.facts(),
        "facts_source": order.source,
        "placed_at": order.placed_at,
        "status": order.status.value,
        "currency": order.currency,
        "total": float(order.total),
        "refunded": float(order.refunded),
    }


def link(a: str, b: str, values: Properties) -> Link:
    """Return the link of a relationship between two keys."""
    get = values.get
    code = get("reason_code")
    return Link(
        a,
        b,
        TIERS[values["tier"]],
        get("first_seen_at"),
        get("last_seen_at"),
        values["observation_count"],
        tuple(get("sources") or ()),
        get("confidence"),
        _STATES[values["state"]],
        None if code is None else LinkReason(REASON_CODES[code], values["reason"]),
    )


def link_values(link: Link) -> dict[str, Any]:
    """Return the properties of a link. Suspended ones carry the keys of their ends, for the indexes of them alone."""
    reason = link.reason
    suspended = link.state is LinkState.SUSPENDED
    return {
        "tier": link.tier.value,
        "first_seen_at": link.first_seen_at,
        "last_seen_at": link.last_seen_at,
        "observation_count": link.observation_count,
        "sources": list(link.sources) or None,
        "confidence": link.confidence,
        "state": link.state.value,
        "reason_code": None if reason is None else reason.code.value,
        "reason": None if reason is None else reason.message,
        "suspended_a": link.a if suspended else None,
        "suspended_b": link.b if suspended else None,
    }


def customer(values: Properties, node: Node, target: str | None = None) -> Customer:
    """Return the customer of a node; `target` is the id that a retired one redirects to."""
    value_sets = values.get("value_sets")
    return Customer(
        node,
        values["id"],
        values["created_at"],
        Anchor(values["anchor"], values["anchor_first_seen_at"]),
        values["version"],
        orjson.loads(values["counts"]),
        values["suspended"],
        values["override_count"],
        order_totals_from_json(values["order_totals"]),
        values.get("retired_at"),
        target,
        {} if value_sets is None else orjson.loads(value_sets),
    )


def customer_values(customer: Customer) -> dict[str, Any]:
    """Return the properties of a customer. `caption` is for people who look at the graph: a name would be a fact."""
    return {
        "id": customer.id,
        "created_at": customer.created_at,
        "anchor": customer.anchor.key,
        "caption": Identifier.from_key(customer.anchor.key).value,
        "retired_at": customer.retired_at,
        "version": customer.version,
        "anchor_first_seen_at": customer.anchor.first_seen_at,
        "counts": compact(dict(customer.counts)),
        "suspended": customer.suspended,
        "override_count": customer.override_count,
        "order_totals": order_totals_to_json(customer.order_totals),
        "value_sets": compact(customer.value_sets) if customer.value_sets else None,
    }


def receipt(values: Properties, fact_holders: Sequence[str] = ()) -> Receipt:
    """Return the receipt of an observation's node.

    `fact_holders` are the identifiers that its fact is attached to; they are read if the fact may be removed.
    """
    kind = values.get("kind") or ("order" if values.get("order_key") else "")
    source, id, sent, order_key = values["source"], values["id"], values["sent"], values.get("order_key") or ""
    return Receipt(
        source,
        id,
        values["digest"],
        ObservationStatus(values["status"]),
        values["received_at"],
        values["seen_at"],
        tuple(values["keys"]),
        TIERS[values["tier"]],
        values.get("confidence"),
        sent,
        order_key,
        values.get("reported_at") or 0,
        stored_facts(Observation.from_sent(source, id, sent)) if order_key or fact_holders else "",
        kind,
        tuple(fact_holders),
        values.get("rules_version") or 0,
        values.get("received_from") or "",
    )


def statement(row: Sequence[Any]) -> EvidenceStatement:
    """Return what resolution needs of an observation."""
    source, id, keys, tier, seen_at, confidence = row
    return EvidenceStatement(source, id, tuple(keys), TIERS[tier], seen_at, confidence)


def attributes_statement(row: Sequence[Any], holder: str, sent: str) -> EvidenceStatement:
    """Return a statement of attributes that are attached to `holder`; `sent` is what was sent."""
    source, id, *_ = row
    return replace(statement(row), attributes=stored_facts(Observation.from_sent(source, id, sent)), holder=holder)


def receipt_values(receipt: Receipt) -> dict[str, Any]:
    """Return the properties of an observation."""
    return {
        "source": receipt.source,
        "id": receipt.id,
        "digest": receipt.digest,
        "status": receipt.status.value,
        "received_at": receipt.received_at,
        "seen_at": receipt.seen_at,
        "keys": list(receipt.keys),
        "tier": receipt.tier.value,
        "confidence": receipt.confidence,
        "sent": receipt.sent,
        "order_key": receipt.order_key or None,
        "reported_at": receipt.reported_at or None,
        "kind": receipt.kind or None,
        "rules_version": receipt.rules_version or None,
        "received_from": receipt.received_from or None,
    }


def fact_holders(receipt: Receipt) -> Sequence[str]:
    """Return the identifiers that an observation's fact is attached to: none if it is not valid."""
    return receipt.fact_holders if receipt.status is ObservationStatus.VALID else ()


def fact_values(receipt: Receipt, key: str) -> dict[str, Any]:
    """Return the properties of the relationship from an observation to an identifier that its fact is attached to."""
    return {"key": key, "kind": receipt.kind, "at": receipt.seen_at, "name": f"{receipt.source} {receipt.id}"}


def fact(row: Sequence[Any]) -> Fact:
    """Return a fact from the key that it is attached to, its time, and its observation's source, id, tier and text."""
    key, at, source, id, tier, sent = row
    return Fact(key, at, source, id, PARTIES[tier], stored_facts(Observation.from_sent(source, id, sent)))


def idempotent_result(values: Properties) -> IdempotentResult:
    """Return the result of an executed request."""
    key = IdempotencyKey(values["caller"], values["key"], values["digest"])
    return IdempotentResult.from_text(key, values["override"], values["new"], values["at"])


def idempotent_result_values(result: IdempotentResult) -> dict[str, Any]:
    """Return the properties of an executed request."""
    caller, key = result.idempotency_key.key
    return {
        "caller": caller,
        "key": key,
        "digest": result.idempotency_key.digest,
        "override": result.as_text(),
        "new": result.new,
        "at": result.at,
    }
