"""Conversion between rows of SQLite and plain values.

Changes, overrides, segments, rules and products are converted in the files of these names.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson
from msgspec.structs import replace

from graph.domain.model.customers import Anchor, Customer, Member
from graph.domain.model.facts import Fact, stored_facts
from graph.domain.model.guarded_values import from_json as guarded_values_from_json
from graph.domain.model.guarded_values import to_json as guarded_values_to_json
from graph.domain.model.idempotency import IdempotencyKey, IdempotentResult, RequestKey
from graph.domain.model.json_text import compact
from graph.domain.model.links import Link, LinkReason, LinkReasonCode, LinkState
from graph.domain.model.observations import PARTIES, TIERS, Evidence, EvidenceStatement, Observation
from graph.domain.model.order_totals import order_totals_from_json, order_totals_to_json
from graph.domain.model.orders import Order
from graph.domain.model.receipts import ObservationStatus, Receipt

MEMBER = """i.id, i.key, i.first_seen_at, i.last_seen_at, i.observation_count, i.sources, i.degree, i.shared, i.blocked,
    i.override_count, i.customer, o.source, o.facts, i.interaction_counts, i.guarded_values"""
LINK = (
    "l.tier, l.first_seen_at, l.last_seen_at, l.observation_count, l.sources, l.confidence, l.state, l.reason_code, "
    "l.reason"
)
CUSTOMER = """c.id, c.public_id, c.created_at, c.version, c.anchor, c.anchor_first_seen_at, c.counts,
    c.suspended, c.override_count, c.order_totals, c.retired_at, t.public_id, c.value_sets"""
CUSTOMERS = "customers c LEFT JOIN customers t ON t.id = c.redirects_to"
RECEIPT = (
    "source, public_id, digest, status, received_at, seen_at, keys, tier, confidence, sent, order_key, reported_at, "
    "kind, rules_version, received_from"
)
FACT_HOLDERS = """(SELECT json_group_array(i.key) FROM facts f JOIN identifiers i ON i.id = f.identifier
    WHERE f.observation = o.id)"""
STATEMENT = "source, public_id, keys, tier, seen_at, confidence"

Row = Sequence[Any]
Connection = sqlite3.Connection

# Faster than a call of the enum, as `TIERS`.
_STATES = {state.value: state for state in LinkState}
REASON_CODES = {code.value: code for code in LinkReasonCode}
"""Codes by their stored text."""


def of(table: str, columns: str) -> str:
    """Return columns qualified with a table."""
    return ", ".join(f"{table}.{name}" for name in columns.split(", "))


def column(db: Connection, sql: str, *values: object) -> list[Any]:
    """Return the only column of all rows."""
    return [value for (value,) in db.execute(sql, values)]


@lru_cache(maxsize=20_000)
def _sources(text: str) -> tuple[str, ...]:
    """Return names of sources from their stored text. Few texts occur, over and over."""
    return tuple(orjson.loads(text))


@lru_cache(maxsize=20_000)
def _sources_text(sources: tuple[str, ...]) -> str:
    return compact(sources)


@lru_cache(maxsize=20_000)
def _counts(text: str) -> Mapping[str, int]:
    """Return counts by name from their stored text. Nobody may change them: others have the same object."""
    counts: Mapping[str, int] = orjson.loads(text)
    return counts


def evidence(first: int | None, last: int | None, count: int, sources: str) -> Evidence | None:
    """Return the evidence for an identifier; `None` if no valid observation mentions it."""
    if first is None or last is None:
        return None
    return Evidence(first, last, _sources(sources), count)


def member(row: Row) -> Member:
    """Return the identifier of a row of `MEMBER`."""
    (
        _,
        key,
        first,
        last,
        count,
        sources,
        degree,
        shared,
        blocked,
        override_count,
        customer,
        source,
        facts,
        interaction_counts,
        guarded_values,
    ) = row
    order = None if facts is None else Order.from_facts(source, facts)
    return Member(
        key,
        evidence(first, last, count, sources),
        _counts(degree),
        bool(shared),
        bool(blocked),
        override_count,
        customer,
        order,
        _counts(interaction_counts),
        guarded_values_from_json(guarded_values),
    )


def member_values(member: Member) -> tuple[Any, ...]:
    """Return the columns of an identifier that a write may change, `first_seen_at` to `guarded_values`."""
    return (
        *evidence_values(member.evidence),
        compact(member.degree) if member.degree else "{}",
        # SQLite's driver looks for an adapter of each value that is not exactly of a plain type, a boolean included.
        int(member.shared),
        int(member.blocked),
        member.override_count,
        compact(member.interaction_counts) if member.interaction_counts else "{}",
        guarded_values_to_json(member.guarded_values),
    )


def evidence_values(evidence: Evidence | None) -> tuple[Any, ...]:
    """Return the columns of the evidence for an identifier, `first_seen_at` to `sources`."""
    if evidence is None:
        return None, None, 0, "[]"
    return (
        evidence.first_seen_at,
        evidence.last_seen_at,
        evidence.observation_count,
        _sources_text(evidence.sources),
    )


def link(a: str, b: str, row: Row) -> Link:
    """Return the link of a row of `LINK` between two keys."""
    tier, first, last, count, sources, confidence, state, code, message = row
    return Link(
        a,
        b,
        TIERS[tier],
        first,
        last,
        count,
        _sources(sources),
        confidence,
        _STATES[state],
        None if code is None else LinkReason(REASON_CODES[code], message),
    )


def link_values(link: Link) -> tuple[Any, ...]:
    """Return the columns of `LINK`."""
    reason, state = link.reason, link.state
    return (
        int(link.tier),
        link.first_seen_at,
        link.last_seen_at,
        link.observation_count,
        _sources_text(link.sources),
        link.confidence,
        "active" if state is LinkState.ACTIVE else state.value,
        None if reason is None else reason.code.value,
        None if reason is None else reason.message,
    )


def customer(row: Row) -> Customer:
    """Return the customer of a row of `CUSTOMER`."""
    (
        row_id,
        id,
        created_at,
        version,
        anchor,
        anchor_first_seen_at,
        counts,
        suspended,
        override_count,
        order_totals,
        retired_at,
        target,
        value_sets,
    ) = row
    return Customer(
        row_id,
        id,
        created_at,
        Anchor(anchor, anchor_first_seen_at),
        version,
        _counts(counts),
        suspended,
        override_count,
        order_totals_from_json(order_totals),
        retired_at,
        target,
        orjson.loads(value_sets) if value_sets != "{}" else {},
    )


def customer_values(customer: Customer) -> tuple[Any, ...]:
    """Return the columns `public_id`, `created_at`, `anchor` and `retired_at`, then those of `growing_values`."""
    return customer.id, customer.created_at, customer.anchor.key, customer.retired_at, *growing_values(customer)


def growing_values(customer: Customer) -> tuple[Any, ...]:
    """Return the columns that change with what a customer holds, `version` to `value_sets`."""
    return (
        customer.version,
        customer.anchor.first_seen_at,
        compact(customer.counts),
        customer.suspended,
        customer.override_count,
        order_totals_to_json(customer.order_totals) if customer.order_totals else "{}",
        compact(customer.value_sets) if customer.value_sets else "{}",
    )


def receipt(row: Row, fact_holders: str = "[]") -> Receipt:
    """Return the receipt of a row of `RECEIPT`, with `FACT_HOLDERS` if the fact may be removed."""
    (
        source,
        id,
        digest,
        status,
        received_at,
        seen_at,
        keys,
        tier,
        confidence,
        sent,
        order_key,
        reported_at,
        kind,
        rules_version,
        received_from,
    ) = row
    holders = tuple(orjson.loads(fact_holders))
    facts = stored_facts(Observation.from_sent(source, id, sent)) if order_key or holders else ""
    return Receipt(
        source,
        id,
        digest,
        ObservationStatus(status),
        received_at,
        seen_at,
        tuple(orjson.loads(keys)),
        TIERS[tier],
        confidence,
        sent,
        order_key,
        reported_at,
        facts,
        kind,
        holders,
        rules_version,
        received_from,
    )


def statement(row: Row) -> EvidenceStatement:
    """Return what resolution needs of an observation, from a row of `STATEMENT`."""
    source, id, keys, tier, seen_at, confidence = row
    return EvidenceStatement(source, id, tuple(orjson.loads(keys)), TIERS[tier], seen_at, confidence)


def attributes_statement(row: Row, holder: str, sent: str) -> EvidenceStatement:
    """Return a statement of attributes that are attached to `holder`, from a row of `STATEMENT` and what was sent."""
    source, id, *_ = row
    return replace(statement(row), attributes=stored_facts(Observation.from_sent(source, id, sent)), holder=holder)


def receipt_values(receipt: Receipt) -> tuple[Any, ...]:
    """Return the columns of `RECEIPT`."""
    status = receipt.status
    return (
        receipt.source,
        receipt.id,
        receipt.digest,
        "valid" if status is ObservationStatus.VALID else status.value,
        receipt.received_at,
        receipt.seen_at,
        compact(receipt.keys),
        int(receipt.tier),
        receipt.confidence,
        receipt.sent,
        receipt.order_key,
        receipt.reported_at,
        receipt.kind,
        receipt.rules_version,
        receipt.received_from,
    )


def fact(row: Row) -> Fact:
    """Return a fact from the key that it is attached to, its time, and its observation's source, id, tier and text."""
    key, at, source, id, tier, sent = row
    return Fact(key, at, source, id, PARTIES[tier], stored_facts(Observation.from_sent(source, id, sent)))


def idempotent_result(db: Connection, key: RequestKey) -> IdempotentResult | None:
    """Return the result of an executed request by its caller and idempotency key."""
    row = db.execute(
        "SELECT digest, override, new, at FROM idempotency_keys WHERE caller = ? AND key = ?", key
    ).fetchone()
    if row is None:
        return None
    digest, override, new, at = row
    return IdempotentResult.from_text(IdempotencyKey(*key, digest), override, bool(new), at)


def idempotent_result_values(result: IdempotentResult) -> tuple[Any, ...]:
    """Return the columns of an executed request."""
    return *result.idempotency_key.key, result.idempotency_key.digest, result.as_text(), result.new, result.at
