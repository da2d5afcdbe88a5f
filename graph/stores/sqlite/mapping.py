"""Rows of SQLite to plain values and back."""

import sqlite3
from collections.abc import Sequence
from typing import Any

import orjson

from graph.domain.model.changes import Cause, Change, ChangeKind, Entry
from graph.domain.model.customers import Anchor, Customer, Member
from graph.domain.model.facts import Told
from graph.domain.model.idempotency import Answered, Once, RequestKey
from graph.domain.model.json_text import compact
from graph.domain.model.links import Link, Reason, State
from graph.domain.model.observations import TIERS, Evidence, Observation, Statement
from graph.domain.model.order_totals import figures_from_json, figures_to_json
from graph.domain.model.orders import Order
from graph.domain.model.overrides import Mark, MarkKind
from graph.domain.model.products import Product
from graph.domain.model.receipts import Receipt, Standing

MEMBER = """i.no, i.key, i.first_seen, i.last_seen, i.seen, i.sources, i.degree, i.shared, i.blocked, i.marks,
    i.customer, o.source, o.facts, i.tally"""
LINK = "l.tier, l.first_seen, l.last_seen, l.count, l.sources, l.confidence, l.state, l.reason_code, l.reason"
CUSTOMER = """c.no, c.id, c.created_at, c.version, c.anchor, c.anchor_seen, c.counts, c.suspended, c.marks, c.figures,
    c.retired_at, t.id"""
CUSTOMERS = "customers c LEFT JOIN customers t ON t.no = c.redirects_to"
RECEIPT = (
    "source, id, digest, standing, received_at, seen_at, keys, tier, confidence, sent, order_key, stated_at, kind, "
    "read_under"
)
STATEMENT = "source, id, keys, tier, seen_at, confidence"
MARK = "id, kind, a, b, actor, reason, at"

Row = Sequence[Any]
Connection = sqlite3.Connection


def of(table: str, columns: str) -> str:
    """Columns as those of a table."""
    return ", ".join(f"{table}.{name}" for name in columns.split(", "))


def column(db: Connection, sql: str, *values: object) -> list[Any]:
    """The one column of all rows."""
    return [one for (one,) in db.execute(sql, values)]


def evidence(first: int | None, last: int | None, seen: int, sources: str) -> Evidence | None:
    """The evidence columns of an identifier."""
    if first is None or last is None:
        return None
    return Evidence(first, last, tuple(orjson.loads(sources)), seen)


def member(row: Row) -> Member:
    """A row of `MEMBER`."""
    (_, key, first, last, seen, sources, degree, shared, blocked, marks, customer, source, facts, tally) = row
    order = None if facts is None else Order.from_facts(source, facts)
    return Member(
        key,
        evidence(first, last, seen, sources),
        orjson.loads(degree) if degree != "{}" else {},
        bool(shared),
        bool(blocked),
        marks,
        customer,
        order,
        orjson.loads(tally) if tally != "{}" else {},
    )


def member_values(one: Member) -> tuple[Any, ...]:
    """The columns of an identifier that a write may change, from `first_seen` to `tally`."""
    seen = one.evidence
    return (
        *(
            (None, None, 0, "[]")
            if seen is None
            else (seen.first_seen, seen.last_seen, seen.count, compact(seen.sources))
        ),
        compact(dict(one.degree)) if one.degree else "{}",
        one.shared,
        one.blocked,
        one.marks,
        compact(dict(one.tally)) if one.tally else "{}",
    )


def link(a: str, b: str, row: Row) -> Link:
    """A row of `LINK` between two keys."""
    tier, first, last, count, sources, confidence, state, code, text = row
    return Link(
        a,
        b,
        TIERS[tier],
        first,
        last,
        count,
        tuple(orjson.loads(sources)),
        confidence,
        State(state),
        None if code is None else Reason(code, text),
    )


def link_values(one: Link) -> tuple[Any, ...]:
    """The columns of `LINK`."""
    code, text = one.reason or (None, None)
    sources = compact(one.sources)
    return (
        one.tier.value,
        one.first_seen,
        one.last_seen,
        one.count,
        sources,
        one.confidence,
        one.state.value,
        code,
        text,
    )


def customer(row: Row) -> Customer:
    """A row of `CUSTOMER`."""
    no, id, created, version, anchor, anchor_seen, counts, suspended, marks, figures, retired, target = row
    return Customer(
        no,
        id,
        created,
        Anchor(anchor, anchor_seen),
        version,
        orjson.loads(counts),
        suspended,
        marks,
        figures_from_json(figures),
        retired,
        target,
    )


def customer_values(one: Customer) -> tuple[Any, ...]:
    """The columns of a customer: `id`, `created_at`, `anchor`, `retired_at`, then those that change as it grows."""
    return one.id, one.created_at, one.anchor.key, one.retired_at, *growing_values(one)


def growing_values(one: Customer) -> tuple[Any, ...]:
    """Those that change with what it holds: `version`, `anchor_seen`, `counts`, `suspended`, `marks`, `figures`."""
    anchor_seen, counts = one.anchor.first_seen, compact(dict(one.counts))
    return one.version, anchor_seen, counts, one.suspended, one.marks, figures_to_json(one.figures)


TOLD_AT = """(SELECT json_group_array(i.key) FROM told t JOIN identifiers i ON i.no = t.identifier
    WHERE t.observation = o.no)"""


def receipt(row: Row, told_at: str = "[]") -> Receipt:
    """A row of `RECEIPT`, and of `TOLD_AT` where the fact may be unsaid."""
    source, id, digest, standing, received, seen, keys, tier, confidence, sent, order_key, stated, kind, under = row
    hangs_on = tuple(orjson.loads(told_at))
    facts = Observation.from_sent(source, id, sent).facts if order_key or hangs_on else ""
    return Receipt(
        source,
        id,
        digest,
        Standing(standing),
        received,
        seen,
        tuple(orjson.loads(keys)),
        TIERS[tier],
        confidence,
        sent,
        order_key,
        stated,
        facts,
        kind,
        hangs_on,
        under,
    )


def statement(row: Row) -> Statement:
    """A row of `STATEMENT`."""
    source, id, keys, tier, seen_at, confidence = row
    return Statement(source, id, tuple(orjson.loads(keys)), TIERS[tier], seen_at, confidence)


def receipt_values(one: Receipt) -> tuple[Any, ...]:
    """The columns of `RECEIPT`."""
    return (
        one.source,
        one.id,
        one.digest,
        one.standing.value,
        one.received_at,
        one.seen_at,
        compact(one.keys),
        one.tier.value,
        one.confidence,
        one.sent,
        one.order_key,
        one.stated_at,
        one.kind,
        one.read_under,
    )


def told(row: Row) -> Told:
    """A fact: the identifier it hangs on, its time, and of its observation source, id, tier and what was sent."""
    key, at, source, id, tier, sent = row
    return Told(key, at, source, id, TIERS[tier], Observation.from_sent(source, id, sent).facts)


def mark(row: Row) -> Mark:
    """A row of `MARK`."""
    id, kind, a, b, actor, reason, at = row
    return Mark(id, MarkKind(kind), a, b, actor, reason, at)


def mark_values(one: Mark) -> tuple[Any, ...]:
    """The columns of `MARK`."""
    return one.id, one.kind.value, one.a, one.b, one.actor, one.reason, one.at


def answered(db: Connection, key: RequestKey) -> Answered | None:
    """A request that was carried out, by its caller and idempotency key."""
    row = db.execute("SELECT digest, mark, new, at FROM answered WHERE caller = ? AND key = ?", key).fetchone()
    return None if row is None else Answered.from_text(Once(*key, row[0]), row[1], bool(row[2]), row[3])


def answered_values(one: Answered) -> tuple[Any, ...]:
    """The columns of a request that was carried out."""
    return *one.once.key, one.once.digest, one.as_text(), one.new, one.at


def product(row: Row) -> Product:
    """A row of a product."""
    sku, name, source, stated, brand, categories = row
    return Product(sku, name, source, stated, brand, tuple(orjson.loads(categories)))


def product_values(one: Product) -> tuple[Any, ...]:
    """The columns of a product."""
    return one.sku, one.name, one.source, one.stated_at, one.brand, compact(one.categories)


CHANGE = "no, at, kind, customer, other, keys, rule, how, source, cause, actor, party, anchors"


def change_values(one: Change) -> tuple[Any, ...]:
    """The columns of `CHANGE` from `at` on."""
    cause = one.cause
    return (
        one.at,
        one.kind.value,
        one.customer,
        one.other,
        compact(one.keys),
        one.rule,
        cause.how,
        cause.source,
        cause.id,
        cause.actor,
        cause.party,
        compact(one.anchors),
    )


def entry(row: Row) -> Entry:
    """A row of `CHANGE`."""
    no, at, kind, customer, other, keys, rule, how, source, cause, actor, party, anchors = row
    return Entry(
        no,
        Change(
            ChangeKind(kind),
            at,
            Cause(how, source, cause, actor, party),
            customer,
            other,
            tuple(orjson.loads(keys)),
            rule,
            tuple(orjson.loads(anchors)),
        ),
    )
