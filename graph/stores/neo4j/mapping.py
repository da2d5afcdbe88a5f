"""Nodes and relationships of Neo4j to plain values and back."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import orjson

from graph.domain.model.changes import Cause, Change, ChangeKind, Entry
from graph.domain.model.customers import Anchor, Customer, Member, Node
from graph.domain.model.facts import Told
from graph.domain.model.idempotency import Answered, Once
from graph.domain.model.interaction_counts import Tally
from graph.domain.model.json_text import compact
from graph.domain.model.links import Link, Reason, State
from graph.domain.model.observations import TIERS, Evidence, Observation, Statement
from graph.domain.model.order_totals import figures_from_json, figures_to_json
from graph.domain.model.orders import Order
from graph.domain.model.overrides import Mark, MarkKind
from graph.domain.model.products import Product
from graph.domain.model.receipts import Receipt, Standing
from graph.domain.model.rules import KeptRules
from graph.domain.model.segments import Belonging, Segment

Properties = Mapping[str, Any]


# As `TIERS`.
_STATES = {one.value: one for one in State}


@cache
def label(namespace: str) -> str:
    """The label of a namespace: `loyalty_card` is `LoyaltyCard`."""
    return "".join(word.capitalize() for word in namespace.split("_"))


def evidence(node: Properties) -> Evidence | None:
    """What was seen of an identifier."""
    first, last = node.get("first_seen"), node.get("last_seen")
    if first is None or last is None:
        return None
    return Evidence(first, last, tuple(node["sources"]), node["seen"])


def member(node: Properties, customer: Node | None) -> Member:
    """A node of an identifier."""
    facts, degree = node.get("facts"), node["degree"]
    return Member(
        node["key"],
        evidence(node),
        {} if degree == "{}" else orjson.loads(degree),
        node["shared"],
        node["blocked"],
        node["marks"],
        customer,
        None if facts is None else Order.from_facts(node["facts_source"], facts),
        tally(node),
    )


def tally(node: Properties) -> Tally:
    """What hangs on an identifier, counted."""
    text = node.get("tally")
    return {} if text is None else dict(orjson.loads(text))


def member_values(one: Member) -> dict[str, Any]:
    """The properties of an identifier that a write may change."""
    seen = one.evidence
    return {
        "first_seen": None if seen is None else seen.first_seen,
        "last_seen": None if seen is None else seen.last_seen,
        "seen": 0 if seen is None else seen.count,
        "sources": [] if seen is None else list(seen.sources),
        "degree": compact(dict(one.degree)) if one.degree else "{}",
        "shared": one.shared,
        "blocked": one.blocked,
        "marks": one.marks,
        "tally": compact(dict(one.tally)) if one.tally else None,
    }


def order_values(order: Order | None) -> dict[str, Any]:
    """The properties of an order's identifier that carry its facts."""
    if order is None:
        return {"facts": None, "facts_source": None, "placed_at": None}
    return {"facts": order.facts(), "facts_source": order.source, "placed_at": order.placed_at}


def link(a: str, b: str, values: Properties) -> Link:
    """A relationship of a link."""
    get = values.get
    code = get("reason_code")
    return Link(
        a,
        b,
        TIERS[values["tier"]],
        get("first_seen"),
        get("last_seen"),
        values["count"],
        tuple(values["sources"]),
        get("confidence"),
        _STATES[values["state"]],
        None if code is None else Reason(code, values["reason"]),
    )


def link_values(one: Link) -> dict[str, Any]:
    """The properties of a link."""
    code, text = one.reason or (None, None)
    return {
        "tier": one.tier.value,
        "first_seen": one.first_seen,
        "last_seen": one.last_seen,
        "count": one.count,
        "sources": list(one.sources),
        "confidence": one.confidence,
        "state": one.state.value,
        "reason_code": code,
        "reason": text,
    }


def customer(values: Properties, node: Node, target: str | None = None) -> Customer:
    """A node of a customer; `target` is the id that a retired one redirects to."""
    return Customer(
        node,
        values["id"],
        values["created_at"],
        Anchor(values["anchor"], values["anchor_seen"]),
        values["version"],
        orjson.loads(values["counts"]),
        values["suspended"],
        values["marks"],
        figures_from_json(values["figures"]),
        values.get("retired_at"),
        target,
    )


def customer_values(one: Customer) -> dict[str, Any]:
    """The properties of a customer."""
    return {
        "id": one.id,
        "created_at": one.created_at,
        "anchor": one.anchor.key,
        "retired_at": one.retired_at,
        **growing_values(one),
    }


def growing_values(one: Customer) -> dict[str, Any]:
    """Those that change with what it holds."""
    return {
        "version": one.version,
        "anchor_seen": one.anchor.first_seen,
        "counts": compact(dict(one.counts)),
        "suspended": one.suspended,
        "marks": one.marks,
        "figures": figures_to_json(one.figures),
        "due_at": 0,
    }


def segment(values: Properties) -> Segment:
    """A node of a segment."""
    return Segment(*(values[name] for name in ("id", "name", "rule", "version", "created_at", "created_by")))


def segment_values(one: Segment) -> dict[str, Any]:
    """The properties of a segment."""
    return {
        "id": one.id,
        "name": one.name,
        "rule": one.rule,
        "version": one.version,
        "created_at": one.created_at,
        "created_by": one.created_by,
    }


def belonging(row: Sequence[Any]) -> Belonging:
    """What is recorded of a customer."""
    id, version, live, segments = row
    return Belonging(id, version, live, dict(segments))


def receipt(values: Properties, told_at: Sequence[str] = ()) -> Receipt:
    """A node of an observation; `told_at` are the identifiers on which its fact hangs, where it may be unsaid."""
    kind = values.get("kind") or ("order" if values.get("order_key") else "")
    source, id, sent, order_key = values["source"], values["id"], values["sent"], values.get("order_key") or ""
    return Receipt(
        source,
        id,
        values["digest"],
        Standing(values["standing"]),
        values["received_at"],
        values["seen_at"],
        tuple(values["keys"]),
        TIERS[values["tier"]],
        values.get("confidence"),
        sent,
        order_key,
        values.get("stated_at") or 0,
        Observation.from_sent(source, id, sent).facts if order_key or told_at else "",
        kind,
        tuple(told_at),
        values.get("read_under") or 0,
    )


def statement(row: Sequence[Any]) -> Statement:
    """What resolution needs of an observation."""
    source, id, keys, tier, seen_at, confidence = row
    return Statement(source, id, tuple(keys), TIERS[tier], seen_at, confidence)


def receipt_values(one: Receipt) -> dict[str, Any]:
    """The properties of an observation."""
    return {
        "source": one.source,
        "id": one.id,
        "digest": one.digest,
        "standing": one.standing.value,
        "received_at": one.received_at,
        "seen_at": one.seen_at,
        "keys": list(one.keys),
        "tier": one.tier.value,
        "confidence": one.confidence,
        "sent": one.sent,
        "order_key": one.order_key or None,
        "stated_at": one.stated_at or None,
        "kind": one.kind or None,
        "read_under": one.read_under or None,
    }


def told(row: Sequence[Any]) -> Told:
    """A fact: the identifier it hangs on, its time, and of its observation source, id, tier and what was sent."""
    key, at, source, id, tier, sent = row
    return Told(key, at, source, id, TIERS[tier], Observation.from_sent(source, id, sent).facts)


def mark(values: Properties) -> Mark:
    """A node of a mark."""
    return Mark(
        values["id"],
        MarkKind(values["kind"]),
        values["a"],
        values["b"],
        values["actor"],
        values["reason"],
        values["at"],
    )


def mark_values(one: Mark) -> dict[str, Any]:
    """The properties of a mark."""
    return {
        "id": one.id,
        "kind": one.kind.value,
        "a": one.a,
        "b": one.b,
        "actor": one.actor,
        "reason": one.reason,
        "at": one.at,
    }


def answered(values: Properties) -> Answered:
    """A node of a request that was carried out."""
    once = Once(values["caller"], values["key"], values["digest"])
    return Answered.from_text(once, values["mark"], values["new"], values["at"])


def answered_values(one: Answered) -> dict[str, Any]:
    """The properties of a request that was carried out."""
    caller, key = one.once.key
    return {
        "caller": caller,
        "key": key,
        "digest": one.once.digest,
        "mark": one.as_text(),
        "new": one.new,
        "at": one.at,
    }


def product(values: Properties) -> Product:
    """A node of a product."""
    named = values["sku"], values["name"], values["source"], values["stated_at"]
    return Product(*named, values["brand"], tuple(values["categories"]))


def product_values(one: Product) -> dict[str, Any]:
    """The properties of a product."""
    return {
        "sku": one.sku,
        "name": one.name,
        "source": one.source,
        "stated_at": one.stated_at,
        "brand": one.brand,
        "categories": list(one.categories),
    }


def change_values(one: Change) -> dict[str, Any]:
    """The properties of a change but for its number."""
    return {
        "at": one.at,
        "kind": one.kind.value,
        "customer": one.customer,
        "other": one.other or None,
        "keys": list(one.keys),
        "rule": one.rule,
        "how": one.cause.how,
        "source": one.cause.source,
        "cause": one.cause.id,
        "actor": one.cause.actor,
        "party": one.cause.party,
        "anchors": list(one.anchors),
    }


def entry(values: Properties) -> Entry:
    """A node of a change."""
    return Entry(
        values["no"],
        Change(
            ChangeKind(values["kind"]),
            values["at"],
            Cause(values["how"], values["source"], values["cause"], values["actor"], values["party"]),
            values["customer"],
            values.get("other") or "",
            tuple(values["keys"]),
            values["rule"],
            tuple(values["anchors"]),
        ),
    )


def kept_rules(values: Properties) -> KeptRules:
    """A node of a version of the rules."""
    upto = values.get("upto")
    return KeptRules(
        values["version"],
        values["at"],
        values["text"],
        bool(values.get("pending")),
        None if upto is None else (upto[0], upto[1]),
    )
