"""Columns of a history, stored in SQLite: the same rows as `Writer` stores, several in one statement.

A statement of several rows is faster than one for each row. It also runs without Python's lock, so that another thread
can make the next rows meanwhile.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice, repeat
from typing import Any

from graph.domain.model.facts import FactKind, detail
from graph.domain.model.guarded_values import to_json as guarded_values_to_json
from graph.domain.model.json_text import compact
from graph.domain.model.links import LinkState
from graph.domain.model.load_columns import (
    CustomerColumns,
    IdentifierColumns,
    LinkColumns,
    MentionColumns,
    OrderColumns,
    PortionColumns,
    ReceiptColumns,
)
from graph.domain.model.order_totals import order_totals_to_json
from graph.domain.profile.search import SearchField, text_of_facts, text_of_identifier
from graph.stores.sqlite import history, mapping

ROWS = 500
"""The most rows of one statement."""
MAX_VALUES = 32_000
"""The most values of one statement, a little less than SQLite allows."""


def insert_columns(db: mapping.Connection, portion: PortionColumns) -> None:
    """Store a portion. The caller holds a transaction."""
    _load_customers(db, portion.customers)
    _load_identifiers(db, portion.identifiers)
    _load_orders(db, portion.orders)
    _load_links(db, portion.links)
    _load_receipts(db, portion.receipts)
    _load_mentions(db, portion.mentions)
    ((last,),) = db.execute("SELECT coalesce(max(id), 0) FROM changes").fetchall()
    changes = [(number, *history.change_values(change)) for number, change in enumerate(portion.changes, last + 1)]
    _insert(db, "changes", history.CHANGE, changes)


def _insert(db: mapping.Connection, table: str, columns: str, rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows into a table, each with a value for each of `columns`."""
    width = columns.count(",") + 1
    size = min(ROWS, MAX_VALUES // width)
    row = f"({', '.join('?' * width)})"
    statement = f"INSERT INTO {table} ({columns}) VALUES "
    remaining = iter(rows)
    while batch := list(islice(remaining, size)):
        db.execute(statement + ", ".join([row] * len(batch)), list(chain.from_iterable(batch)))


def _mark(db: mapping.Connection, column: str, identifiers: Iterable[int]) -> None:
    """Set a column of identifiers to 1."""
    rows = ((number,) for number in sorted(identifiers))
    db.executemany(f"UPDATE identifiers SET {column} = 1 WHERE id = ? AND {column} = 0", rows)


def _load_customers(db: mapping.Connection, customers: CustomerColumns) -> None:
    rows = zip(
        range(customers.first, customers.first + len(customers.ids)),
        customers.ids,
        repeat(customers.created_at),
        customers.anchors,
        repeat(1),
        customers.anchors_first_seen_at,
        customers.counts.encoded(compact),
        customers.suspended,
        repeat(0),
        (order_totals_to_json(totals) if totals else "{}" for totals in customers.order_totals),
        (compact(sets) if sets else "{}" for sets in customers.value_sets) if customers.value_sets else repeat("{}"),
        strict=False,
    )
    columns = (
        "id, public_id, created_at, anchor, version, anchor_first_seen_at, counts, suspended, override_count, "
        "order_totals, value_sets"
    )
    _insert(db, "customers", columns, rows)


def _load_identifiers(db: mapping.Connection, identifiers: IdentifierColumns) -> None:
    size = len(identifiers.keys)
    numbers = range(identifiers.first, identifiers.first + size)
    counts, values = ["{}"] * size, ["{}"] * size
    for at, of_interactions in identifiers.interaction_counts.items():
        counts[at] = compact(dict(of_interactions))
    for at, guarded in identifiers.guarded_values.items():
        values[at] = guarded_values_to_json(guarded)
    rows = zip(
        numbers,
        identifiers.keys,
        identifiers.namespaces,
        identifiers.customers,
        identifiers.first_seen_at,
        identifiers.last_seen_at,
        identifiers.observation_counts,
        identifiers.sources.encoded(compact),
        identifiers.degrees.encoded(compact),
        identifiers.shared,
        counts,
        values,
        strict=True,
    )
    columns = (
        "id, key, namespace, customer, first_seen_at, last_seen_at, observation_count, sources, degree, shared, "
        "interaction_counts, guarded_values"
    )
    _insert(db, "identifiers", columns, rows)
    texts = zip(map(text_of_identifier, identifiers.keys), numbers, strict=True)
    _insert(db, "search", "words, identifier, observation, field", ((*text, 0, 0) for text in texts if text[0]))


def _load_orders(db: mapping.Connection, orders: OrderColumns) -> None:
    rows = zip(
        orders.identifiers, orders.keys, orders.customers, orders.placed_at, orders.sources, orders.facts, strict=True
    )
    _insert(db, "orders", "identifier, key, customer, placed_at, source, facts", rows)


def _load_links(db: mapping.Connection, links: LinkColumns) -> None:
    codes: list[str | None] = [None] * len(links.a)
    messages: list[str | None] = [None] * len(links.a)
    for at, reason in links.reasons.items():
        codes[at], messages[at] = reason.code.value, reason.message
    rows = zip(
        links.a,
        links.b,
        links.tiers,
        links.first_seen_at,
        links.last_seen_at,
        links.observation_counts,
        links.sources.encoded(compact),
        links.confidences,
        links.states,
        codes,
        messages,
        strict=True,
    )
    columns = (
        "a, b, tier, first_seen_at, last_seen_at, observation_count, sources, confidence, state, reason_code, reason"
    )
    _insert(db, "links", columns, rows)
    suspended = (at for at, state in enumerate(links.states) if state == LinkState.SUSPENDED.value)
    disputed = {end for at in suspended for end in (links.a[at], links.b[at])}
    _mark(db, "disputed", disputed)


def _load_receipts(db: mapping.Connection, receipts: ReceiptColumns) -> None:
    rows = zip(
        range(receipts.first, receipts.first + len(receipts.ids)),
        receipts.sources,
        receipts.ids,
        receipts.digests,
        receipts.statuses,
        repeat(receipts.received_at),
        receipts.seen_at,
        map(compact, receipts.keys),
        receipts.tiers,
        receipts.confidences,
        receipts.sent,
        receipts.order_keys,
        receipts.reported_at,
        receipts.kinds,
        repeat(0),
        repeat(receipts.received_from),
        strict=False,
    )
    _insert(db, "observations", f"id, {mapping.RECEIPT}", rows)
    _insert(db, "unindexed_observations", "observation", ((number,) for number in receipts.unindexed))
    _load_facts(db, receipts)


def _load_facts(db: mapping.Connection, receipts: ReceiptColumns) -> None:
    facts: list[tuple[Any, ...]] = []
    texts: list[tuple[str, int, int, int]] = []
    holders: set[int] = set()
    for number, (receipt, holding) in receipts.facts.items():
        filters = detail(receipt.kind, receipt.facts)
        facts += [(holder, receipt.kind, receipt.seen_at, number, *filters) for holder in holding]
        holders.update(holding)
        if words := text_of_facts(receipt.kind, receipt.facts):
            is_attributes = receipt.kind == FactKind.ATTRIBUTES.value
            field = SearchField.ATTRIBUTES if is_attributes else SearchField.INTERACTIONS
            texts += [(words, holder, number, field.value) for holder in holding]
    _insert(db, "facts", "identifier, kind, at, observation, type, channel, campaign, sku", facts)
    if texts:
        ((last,),) = db.execute("SELECT coalesce(max(rowid), 0) FROM search").fetchall()
        rows = [(row, *text) for row, text in enumerate(texts, last + 1)]
        _insert(db, "search", "rowid, words, identifier, observation, field", rows)
        _insert(db, "fact_search_rows", "observation, row", ((row[3], row[0]) for row in rows))
    _mark(db, "holds_facts", holders)


def _load_mentions(db: mapping.Connection, mentions: MentionColumns) -> None:
    pairs: Iterator[tuple[int, int]] = zip(mentions.identifiers, mentions.receipts, strict=True)
    _insert(db, "observation_identifiers", "identifier, observation", pairs)
