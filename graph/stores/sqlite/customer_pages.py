"""Views of customers, read from SQLite."""

from collections.abc import Sequence
from contextlib import closing
from heapq import merge
from itertools import islice
from typing import Any

import orjson

from graph.domain.model.changes import Entry
from graph.domain.model.customers import Customer
from graph.domain.model.email_events import EMAIL_ARRIVED, EMAIL_BOUNCED, EmailEvent
from graph.domain.model.facts import Fact, InteractionSummary
from graph.domain.model.identifiers import Identifier
from graph.domain.model.interaction_counts import InteractionCounts
from graph.domain.model.json_text import compact
from graph.domain.model.links import Link
from graph.domain.model.observations import facts_sent
from graph.domain.model.orders import Order
from graph.domain.model.overrides import Override
from graph.domain.profile.pages import (
    ById,
    CustomerRef,
    CustomerView,
    EmailEventPage,
    FactPage,
    HistoryPage,
    IdentifierPage,
    IdentifierView,
    InteractionCountsPage,
    InteractionSummaryPage,
    LinkPage,
    Match,
    MatchPage,
    OrderPage,
    OrderView,
    Page,
    PageRequest,
    Selection,
    TimelinePage,
)
from graph.domain.profile.property_filters import matches_all, texts_of_names
from graph.domain.profile.timeline import NO_END, TimelineEntry, TimelineKind, TimelinePosition, bound, change_name
from graph.stores.sqlite import history, mapping
from graph.stores.sqlite.restrictions import RESTRICTED


def customer_views(
    db: mapping.Connection, refs: Sequence[CustomerRef], selection: Selection
) -> list[CustomerView | None]:
    """Return the requested views, in order. The caller holds a transaction, so all show the same moment."""
    return [_view(db, ref, selection) for ref in refs]


def _customer(db: mapping.Connection, condition: str, value: object) -> Customer | None:
    row = db.execute(f"SELECT {mapping.CUSTOMER} FROM {mapping.CUSTOMERS} WHERE {condition}", (value,)).fetchone()
    return None if row is None else mapping.customer(row)


def _view(db: mapping.Connection, ref: CustomerRef, selection: Selection) -> CustomerView | None:
    if isinstance(ref, ById):
        row = _row(db, "c.public_id = ?", ref.id)
        if row is not None and (target := mapping.customer(row[1:]).redirects_to) is not None:
            row = _row(db, "c.public_id = ?", target)
    else:
        row = _row(db, "c.id = (SELECT customer FROM identifiers WHERE key = ?)", ref.key)
    if row is None:
        return None
    restricted, customer = bool(row[0]), mapping.customer(row[1:])
    pages = {page: _page(db, customer.node, page) for page in selection.pages}
    return CustomerView(customer, ref.id if isinstance(ref, ById) else None, pages, restricted)


def _row(db: mapping.Connection, condition: str, value: str) -> mapping.Row | None:
    """Return whether a customer is restricted, followed by the customer."""
    sql = f"SELECT {RESTRICTED}, {mapping.CUSTOMER} FROM {mapping.CUSTOMERS} WHERE {condition}"
    row: mapping.Row | None = db.execute(sql, (value,)).fetchone()
    return row


def _page(db: mapping.Connection, customer_row: object, page: PageRequest) -> Page[Any]:
    match page:
        case IdentifierPage():
            return _identifiers(db, customer_row, page)
        case OrderPage():
            return _orders(db, customer_row, page)
        case LinkPage():
            return _links(db, customer_row, page)
        case MatchPage():
            return _matches(db, customer_row, page)
        case HistoryPage():
            return _history(db, customer_row, page)
        case FactPage():
            return _facts(db, customer_row, page)
        case TimelinePage():
            return _timeline(db, customer_row, page)
        case InteractionCountsPage():
            return _interaction_counts(db, customer_row)
        case InteractionSummaryPage():
            return _interaction_summaries(db, customer_row, page)
        case EmailEventPage():
            return _email_events(db, customer_row, page)


def _page_of(items: list[Any], first: int) -> Page[Any]:
    """Return a page of items that were read with one item more than the page holds."""
    return Page(items[:first], len(items) > first)


def _identifiers(db: mapping.Connection, customer_row: object, page: IdentifierPage) -> Page[IdentifierView]:
    views: list[IdentifierView] = []
    rank, after = page.after or (-1, "")
    for place, namespace in enumerate(page.namespaces):
        if len(views) > page.first or place < rank:
            continue
        rows = db.execute(
            """SELECT i.key, i.first_seen_at, i.last_seen_at, i.observation_count, i.sources, i.shared, i.blocked
                FROM identifiers i WHERE i.customer = ? AND i.namespace = ? AND i.key > ? ORDER BY i.key LIMIT ?""",
            (customer_row, namespace, after if place == rank else "", page.first + 1 - len(views)),
        )
        for key, first, last, count, sources, shared, blocked in rows:
            evidence = mapping.evidence(first, last, count, sources)
            views.append(IdentifierView(Identifier.from_key(key), evidence, bool(shared), bool(blocked)))
    return _page_of(views, page.first)


def _orders(db: mapping.Connection, customer_row: object, page: OrderPage) -> Page[OrderView]:
    values: list[Any] = [customer_row]
    condition = ""
    if page.after is not None:
        condition = "AND (o.placed_at, o.key) < (?, ?)"
        values += page.after
    rows = db.execute(
        f"""SELECT o.key, o.source, o.facts FROM orders o WHERE o.customer = ? {condition}
            ORDER BY o.placed_at DESC, o.key DESC LIMIT ?""",
        (*values, page.first + 1),
    )
    return _page_of([OrderView(key, Order.from_facts(source, facts)) for key, source, facts in rows], page.first)


def _facts(db: mapping.Connection, customer_row: object, page: FactPage) -> Page[Fact]:
    rows = db.execute(
        """SELECT i.key, f.at, o.source, o.public_id, o.tier, o.sent
            FROM identifiers i JOIN facts f ON f.identifier = i.id JOIN observations o ON o.id = f.observation
            WHERE i.customer = ? AND i.holds_facts = 1 AND f.kind = ?
            ORDER BY f.at DESC, o.tier, o.source, o.public_id, i.key LIMIT ?""",
        (customer_row, page.kind.value, page.first + 1),
    )
    return _page_of([mapping.fact(row) for row in rows], page.first)


def _interaction_counts(db: mapping.Connection, customer_row: object) -> Page[InteractionCounts]:
    rows = db.execute(
        """SELECT interaction_counts FROM identifiers
            WHERE customer = ? AND holds_facts = 1 AND interaction_counts <> '{}'""",
        (customer_row,),
    )
    return Page([orjson.loads(interaction_counts) for (interaction_counts,) in rows], has_more=False)


def _interaction_summaries(
    db: mapping.Connection, customer_row: object, page: InteractionSummaryPage
) -> Page[InteractionSummary]:
    sql = """SELECT f.at, o.source || ' ' || o.public_id AS name, f.type, f.channel, f.campaign, f.sku
        FROM facts f JOIN observations o ON o.id = f.observation WHERE f.identifier = ? AND f.kind = 'interaction'
        ORDER BY f.at DESC, name DESC LIMIT ?"""
    holders = db.execute(
        "SELECT id FROM identifiers WHERE customer = ? AND holds_facts = 1", (customer_row,)
    ).fetchall()
    rows = [row for (holder,) in holders for row in db.execute(sql, (holder, page.first + 1))]
    rows.sort(key=lambda row: row[:2], reverse=True)
    return _page_of([InteractionSummary(at, *filters) for at, _, *filters in rows], page.first)


def _email_events(db: mapping.Connection, customer_row: object, page: EmailEventPage) -> Page[EmailEvent]:
    # Reprocessed under other rules, an observation may no longer mention what it once did.
    rows = db.execute(
        """SELECT i.key, o.source, f.type = :bounced AS bounced, max(f.at)
            FROM identifiers i JOIN observation_identifiers n ON n.identifier = i.id
            CROSS JOIN facts f ON f.observation = n.observation JOIN observations o ON o.id = n.observation
            WHERE i.customer = :customer AND i.namespace IN (SELECT value FROM json_each(:namespaces))
            AND f.type IN (SELECT value FROM json_each(:types))
            AND EXISTS (SELECT 1 FROM json_each(o.keys) k WHERE k.value = i.key)
            GROUP BY i.key, o.source, bounced, CASE WHEN bounced THEN f.at END""",
        {
            "customer": customer_row,
            "namespaces": compact(page.namespaces),
            "bounced": EMAIL_BOUNCED,
            "types": compact((EMAIL_BOUNCED, *EMAIL_ARRIVED)),
        },
    )
    return Page([EmailEvent(key, source, bool(bounced), at) for key, source, bounced, at in rows], has_more=False)


NO_LIMIT = -1
"""The limit of a query that has none."""
_Item = tuple[TimelinePosition, Any]
"""The position of an item in a timeline, and its row: only rows that are returned are converted to values."""


def _timeline(db: mapping.Connection, customer_row: object, page: TimelinePage) -> Page[TimelineEntry]:
    lists: list[list[_Item]] = []
    for kind in page.kinds:
        at, name = bound(kind, page.after, page.until)
        lists += _READERS[kind](
            db, {"customer": customer_row, "first": page.first + 1, "since": page.since, "at": at, "name": name}, page
        )
    newest = merge(*lists, key=lambda item: item[0], reverse=True)
    return _page_of([_timeline_entry(*item) for item in islice(newest, page.first + 1)], page.first)


def _timeline_entry(position: TimelinePosition, row: Any) -> TimelineEntry:
    match TimelineKind(position[1]):
        case TimelineKind.INTERACTION:
            return TimelineEntry.interaction(mapping.fact(row[1:]))
        case TimelineKind.ORDER:
            return TimelineEntry.order(row[1], Order.from_facts(*row[2:]))
    return TimelineEntry.change(history.entry(row))


def _interactions(db: mapping.Connection, values: dict[str, Any], page: TimelinePage) -> list[list[_Item]]:
    """Return a list for each identifier that facts are attached to and each requested type.

    Each is read along an index, no further than the page. Conditions on properties are decided here, row by row.
    """
    values["channels"] = None if page.channels is None else compact(page.channels)
    values |= {"campaign": page.campaign, "sku": page.sku}
    sql = f"""SELECT o.source || ' ' || o.public_id AS name, :key, f.at, o.source, o.public_id, o.tier, o.sent
        FROM facts f JOIN observations o ON o.id = f.observation
        WHERE f.identifier = :holder AND {"f.kind = 'interaction'" if page.types is None else "f.type = :type"}
        AND f.at <= :at AND f.at >= :since AND (f.at < :at OR name < :name)
        AND (:channels IS NULL OR f.channel IN (SELECT value FROM json_each(:channels)))
        AND (:campaign IS NULL OR f.campaign = :campaign) AND (:sku IS NULL OR f.sku = :sku)
        ORDER BY f.at DESC, name DESC LIMIT :first"""
    needed = values["first"]
    if page.properties:
        values["first"] = NO_LIMIT
    lists: list[list[_Item]] = []
    holders = db.execute(
        "SELECT key, id FROM identifiers WHERE customer = :customer AND holds_facts = 1", values
    ).fetchall()
    for key, holder in holders:
        for type in ("",) if page.types is None else page.types:
            with closing(db.execute(sql, {**values, "key": key, "holder": holder, "type": type})) as rows:
                shown = islice((row for row in rows if _has_properties(row, page)), needed)
                lists.append([((row[2], TimelineKind.INTERACTION, row[0]), row) for row in shown])
    return lists


def _has_properties(row: mapping.Row, page: TimelinePage) -> bool:
    if not page.properties:
        return True
    sent: str = row[-1]
    named = all(text in sent for text in texts_of_names(page.properties))
    return named and matches_all(page.properties, facts_sent(sent))


def _placed_orders(db: mapping.Connection, values: dict[str, Any], page: TimelinePage) -> list[list[_Item]]:
    rows = db.execute(
        """SELECT placed_at, key, source, facts FROM orders WHERE customer = :customer AND placed_at <= :at
            AND placed_at >= :since AND (placed_at < :at OR key < :name)
            ORDER BY placed_at DESC, key DESC LIMIT :first""",
        values,
    )
    return [[((row[0], TimelineKind.ORDER, row[1]), row) for row in rows]]


def _changes(db: mapping.Connection, values: dict[str, Any], page: TimelinePage) -> list[list[_Item]]:
    rows = _entries(db, {**values, "before": int(values["name"] or 0)})
    return [[((row[1], TimelineKind.CHANGE, change_name(row[0])), row) for row in rows]]


def _entries(db: mapping.Connection, values: dict[str, Any]) -> list[Any]:
    """Return entries before a time and a number, newest first. Each side of a change is read along its index."""
    side = f"""SELECT * FROM (SELECT {history.CHANGE} FROM changes WHERE %s =
        (SELECT public_id FROM customers WHERE id = :customer) AND recorded_at >= :since
        AND (recorded_at, id) < (:at, :before) ORDER BY recorded_at DESC, id DESC LIMIT :first)"""
    sides = " UNION ".join((side % "customer", side % "other_customer <> '' AND other_customer"))
    sql = f"{sides} ORDER BY recorded_at DESC, id DESC LIMIT :first"
    return db.execute(sql, values).fetchall()


_READERS = {
    TimelineKind.INTERACTION: _interactions,
    TimelineKind.ORDER: _placed_orders,
    TimelineKind.CHANGE: _changes,
}


def _link_rows(
    db: mapping.Connection,
    customer_row: object,
    first: int,
    after: tuple[str, str] | None,
    states: Sequence[str],
    code: str = "",
) -> list[Any]:
    """Return links with an end at the customer, by both keys. A link inside the customer is returned once."""
    values: dict[str, Any] = {"customer": customer_row, "first": first + 1, "states": compact(states), "code": code}
    condition = "l.state IN (SELECT value FROM json_each(:states))"
    if code:
        condition += " AND l.reason_code = :code"
    if after is not None:
        condition += " AND (x.key, y.key) > (:after_a, :after_b)"
        values |= {"after_a": after[0], "after_b": after[1]}
    return db.execute(
        f"""SELECT x.key, y.key, x.customer, y.customer, {mapping.LINK} FROM (
                SELECT l.* FROM identifiers i JOIN links l ON l.a = i.id WHERE i.customer = :customer
                UNION SELECT l.* FROM identifiers i JOIN links l ON l.b = i.id WHERE i.customer = :customer
            ) l JOIN identifiers x ON x.id = l.a JOIN identifiers y ON y.id = l.b
            WHERE {condition} ORDER BY x.key, y.key LIMIT :first""",
        values,
    ).fetchall()


def _links(db: mapping.Connection, customer_row: object, page: LinkPage) -> Page[Link]:
    rows = _link_rows(db, customer_row, page.first, page.after, [state.value for state in page.states])
    return _page_of([mapping.link(row[0], row[1], row[4:]) for row in rows], page.first)


def _matches(db: mapping.Connection, customer_row: object, page: MatchPage) -> Page[Match]:
    matches: list[Match] = []
    for row in _link_rows(db, customer_row, page.first, page.after, ["excluded"], "BELOW_THRESHOLD"):
        customer_a, customer_b = (_customer(db, "c.id = ?", row_id) for row_id in row[2:4])
        if customer_a is None or customer_b is None:
            continue
        link = mapping.link(row[0], row[1], row[4:])
        matches.append(Match(link, customer_a, customer_b, _overrides_at(db, row[2]), _overrides_at(db, row[3])))
    return _page_of(matches, page.first)


def _overrides_at(db: mapping.Connection, customer_row: object) -> list[Override]:
    columns = mapping.of("m", history.OVERRIDE)
    rows = db.execute(
        f"""SELECT DISTINCT {columns} FROM identifiers i JOIN overrides m ON i.key IN (m.a, m.b)
            WHERE i.customer = ? AND i.override_count > 0 AND m.kind <> 'blocked'""",
        (customer_row,),
    )
    return [history.override(row) for row in rows]


def _history(db: mapping.Connection, customer_row: object, page: HistoryPage) -> Page[Entry]:
    at, before = NO_END, 0
    if page.after is not None:
        row = db.execute("SELECT recorded_at FROM changes WHERE id = ?", (page.after,)).fetchone()
        at, before = (-NO_END if row is None else row[0]), page.after
    rows = _entries(
        db, {"customer": customer_row, "first": page.first + 1, "since": -NO_END, "at": at, "before": before}
    )
    return _page_of([history.entry(row) for row in rows], page.first)
