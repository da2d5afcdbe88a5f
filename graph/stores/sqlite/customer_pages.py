"""The views of customers, and lists of their orders and figures, read from SQLite."""

from collections.abc import Iterable, Sequence
from heapq import merge
from itertools import islice
from typing import Any

import orjson

from graph.domain.model.changes import Entry
from graph.domain.model.customers import Customer
from graph.domain.model.facts import Skimmed, Told
from graph.domain.model.identifiers import Identifier
from graph.domain.model.interaction_counts import Tally
from graph.domain.model.json_text import compact
from graph.domain.model.links import Link
from graph.domain.model.order_totals import Figures, figures_from_json
from graph.domain.model.orders import Order
from graph.domain.model.overrides import Mark
from graph.domain.profile.pages import (
    Asked,
    ById,
    CustomerView,
    FactPage,
    HistoryPage,
    IdentifierPage,
    IdentifierView,
    LinkPage,
    Match,
    MatchPage,
    OrderPage,
    OrderView,
    Page,
    PageRequest,
    Selection,
    SkimPage,
    TallyPage,
    TimelinePage,
)
from graph.domain.profile.timeline import NO_END, Moment, Place, TimelineKind, bound, change_name
from graph.stores.sqlite import mapping

Values = Iterable[Any]


def customer_views(db: mapping.Connection, asked: Sequence[Asked], selection: Selection) -> list[CustomerView | None]:
    """The views that were asked for, in order; the caller holds a transaction, so they are of one moment."""
    return [_view(db, one, selection) for one in asked]


def orders(db: mapping.Connection, keys: Sequence[str]) -> list[Order | None]:
    """The facts of orders, in the order of their keys."""
    sql = """SELECT o.source, o.facts FROM json_each(?) asked LEFT JOIN identifiers i ON i.key = asked.value
        LEFT JOIN orders o ON o.identifier = i.no ORDER BY asked.key"""
    found = db.execute(sql, (compact(keys),))
    return [None if facts is None else Order.from_facts(source, facts) for source, facts in found]


def figures(db: mapping.Connection, after: str, first: int) -> list[tuple[str, Figures]]:
    """The figures of live customers with orders."""
    sql = """SELECT id, figures FROM customers WHERE id > ? AND retired_at IS NULL AND figures <> '{}'
        ORDER BY id LIMIT ?"""
    return [(id, figures_from_json(text)) for id, text in db.execute(sql, (after, first))]


def _customer(db: mapping.Connection, condition: str, value: object) -> Customer | None:
    row = db.execute(f"SELECT {mapping.CUSTOMER} FROM {mapping.CUSTOMERS} WHERE {condition}", (value,)).fetchone()
    return None if row is None else mapping.customer(row)


def _view(db: mapping.Connection, asked: Asked, selection: Selection) -> CustomerView | None:
    if isinstance(asked, ById):
        customer = _customer(db, "c.id = ?", asked.id)
        if customer is not None and customer.redirects_to is not None:
            customer = _customer(db, "c.id = ?", customer.redirects_to)
    else:
        customer = _customer(db, "c.no = (SELECT customer FROM identifiers WHERE key = ?)", asked.key)
    if customer is None:
        return None
    no = customer.node
    return CustomerView(
        customer,
        asked.id if isinstance(asked, ById) else None,
        {page: _page(db, no, page) for page in selection.pages},
    )


def _page(db: mapping.Connection, no: object, page: PageRequest) -> Page[Any]:
    match page:
        case IdentifierPage():
            return _identifiers(db, no, page)
        case OrderPage():
            return _orders(db, no, page)
        case LinkPage():
            return _links(db, no, page)
        case MatchPage():
            return _matches(db, no, page)
        case HistoryPage():
            return _history(db, no, page)
        case FactPage():
            return _facts(db, no, page)
        case TimelinePage():
            return _timeline(db, no, page)
        case TallyPage():
            return _tallies(db, no)
        case SkimPage():
            return _skimmed(db, no, page)


def _cut(items: list[Any], first: int) -> Page[Any]:
    """A page of what was read with one item too many."""
    return Page(items[:first], len(items) > first)


def _identifiers(db: mapping.Connection, no: object, page: IdentifierPage) -> Page[IdentifierView]:
    found: list[IdentifierView] = []
    rank, after = page.after or (-1, "")
    for place, namespace in enumerate(page.namespaces):
        if len(found) > page.first or place < rank:
            continue
        read = db.execute(
            """SELECT i.key, i.first_seen, i.last_seen, i.seen, i.sources, i.shared, i.blocked FROM identifiers i
                WHERE i.customer = ? AND i.namespace = ? AND i.key > ? ORDER BY i.key LIMIT ?""",
            (no, namespace, after if place == rank else "", page.first + 1 - len(found)),
        )
        for key, first, last, seen, sources, shared, blocked in read:
            evidence = mapping.evidence(first, last, seen, sources)
            found.append(IdentifierView(Identifier.from_key(key), evidence, bool(shared), bool(blocked)))
    return _cut(found, page.first)


def _orders(db: mapping.Connection, no: object, page: OrderPage) -> Page[OrderView]:
    values: list[Any] = [no]
    condition = ""
    if page.after is not None:
        condition = "AND (o.placed_at, o.key) < (?, ?)"
        values += page.after
    read = db.execute(
        f"""SELECT o.key, o.source, o.facts FROM orders o WHERE o.customer = ? {condition}
            ORDER BY o.placed_at DESC, o.key DESC LIMIT ?""",
        (*values, page.first + 1),
    )
    return _cut([OrderView(key, Order.from_facts(source, facts)) for key, source, facts in read], page.first)


def _facts(db: mapping.Connection, no: object, page: FactPage) -> Page[Told]:
    read = db.execute(
        """SELECT i.key, t.at, o.source, o.id, o.tier, o.sent FROM identifiers i JOIN told t ON t.identifier = i.no
            JOIN observations o ON o.no = t.observation WHERE i.customer = ? AND i.told = 1 AND t.kind = ?
            ORDER BY t.at DESC, o.tier, o.source, o.id, i.key LIMIT ?""",
        (no, page.kind.value, page.first + 1),
    )
    return _cut([mapping.told(row) for row in read], page.first)


def _tallies(db: mapping.Connection, no: object) -> Page[Tally]:
    read = db.execute("SELECT tally FROM identifiers WHERE customer = ? AND told = 1 AND tally <> '{}'", (no,))
    return Page([orjson.loads(tally) for (tally,) in read], more=False)


def _skimmed(db: mapping.Connection, no: object, page: SkimPage) -> Page[Skimmed]:
    sql = """SELECT t.at, o.source || ' ' || o.id AS name, t.type, t.channel, t.campaign, t.sku
        FROM told t JOIN observations o ON o.no = t.observation WHERE t.identifier = ? AND t.kind = 'interaction'
        ORDER BY t.at DESC, name DESC LIMIT ?"""
    carriers = db.execute("SELECT no FROM identifiers WHERE customer = ? AND told = 1", (no,)).fetchall()
    found = [row for (carrier,) in carriers for row in db.execute(sql, (carrier, page.first + 1))]
    found.sort(key=lambda row: row[:2], reverse=True)
    return _cut([Skimmed(at, *filters) for at, _, *filters in found], page.first)


_Item = tuple[Place, Any]
"""The place of an item of a timeline, and its row: only rows that come to be shown are read into values."""


def _timeline(db: mapping.Connection, no: object, page: TimelinePage) -> Page[Moment]:
    lists: list[list[_Item]] = []
    for kind in page.kinds:
        at, name = bound(kind, page.after, page.until)
        lists += _READ[kind](db, {"no": no, "first": page.first + 1, "since": page.since, "at": at, "name": name}, page)
    newest = merge(*lists, key=lambda item: item[0], reverse=True)
    return _cut([_moment(*one) for one in islice(newest, page.first + 1)], page.first)


def _moment(place: Place, row: Any) -> Moment:
    match TimelineKind(place[1]):
        case TimelineKind.INTERACTION:
            return Moment.interaction(mapping.told(row[1:]))
        case TimelineKind.ORDER:
            return Moment.order(row[1], Order.from_facts(*row[2:]))
    return Moment.change(mapping.entry(row))


def _interactions(db: mapping.Connection, values: dict[str, Any], page: TimelinePage) -> list[list[_Item]]:
    """A list for each identifier that carries facts, and each type that is asked for.

    Each is read along an index, no further than the page.
    """
    values["channels"] = None if page.channels is None else compact(page.channels)
    values |= {"campaign": page.campaign, "sku": page.sku}
    sql = f"""SELECT o.source || ' ' || o.id AS name, :key, t.at, o.source, o.id, o.tier, o.sent
        FROM told t JOIN observations o ON o.no = t.observation
        WHERE t.identifier = :carrier AND {"t.kind = 'interaction'" if page.types is None else "t.type = :type"}
        AND t.at <= :at AND t.at >= :since AND (t.at < :at OR name < :name)
        AND (:channels IS NULL OR t.channel IN (SELECT value FROM json_each(:channels)))
        AND (:campaign IS NULL OR t.campaign = :campaign) AND (:sku IS NULL OR t.sku = :sku)
        ORDER BY t.at DESC, name DESC LIMIT :first"""
    found: list[list[_Item]] = []
    carriers = db.execute("SELECT key, no FROM identifiers WHERE customer = :no AND told = 1", values).fetchall()
    for key, carrier in carriers:
        for type in ("",) if page.types is None else page.types:
            read = db.execute(sql, {**values, "key": key, "carrier": carrier, "type": type})
            found.append([((row[2], TimelineKind.INTERACTION, row[0]), row) for row in read])
    return found


def _placed(db: mapping.Connection, values: dict[str, Any], page: TimelinePage) -> list[list[_Item]]:
    read = db.execute(
        """SELECT placed_at, key, source, facts FROM orders WHERE customer = :no AND placed_at <= :at
            AND placed_at >= :since AND (placed_at < :at OR key < :name)
            ORDER BY placed_at DESC, key DESC LIMIT :first""",
        values,
    )
    return [[((row[0], TimelineKind.ORDER, row[1]), row) for row in read]]


def _happened(db: mapping.Connection, values: dict[str, Any], page: TimelinePage) -> list[list[_Item]]:
    read = _entries(db, {**values, "before": int(values["name"] or 0)})
    return [[((row[1], TimelineKind.CHANGE, change_name(row[0])), row) for row in read]]


def _entries(db: mapping.Connection, values: dict[str, Any]) -> list[Any]:
    """Entries before a time and a number, newest first: each side of a change is read along its index."""
    side = f"""SELECT * FROM (SELECT {mapping.CHANGE} FROM changes WHERE %s = (SELECT id FROM customers WHERE no = :no)
        AND at >= :since AND (at, no) < (:at, :before) ORDER BY at DESC, no DESC LIMIT :first)"""
    both = " UNION ".join((side % "customer", side % "other <> '' AND other"))
    sql = f"{both} ORDER BY at DESC, no DESC LIMIT :first"
    return db.execute(sql, values).fetchall()


_READ = {
    TimelineKind.INTERACTION: _interactions,
    TimelineKind.ORDER: _placed,
    TimelineKind.CHANGE: _happened,
}


def _link_rows(
    db: mapping.Connection, no: object, first: int, after: tuple[str, str] | None, states: Sequence[str], code: str = ""
) -> list[Any]:
    """Links with an end at the customer, by both keys; a link inside the customer comes once."""
    values: dict[str, Any] = {"no": no, "first": first + 1, "states": compact(states), "code": code}
    condition = "l.state IN (SELECT value FROM json_each(:states))"
    if code:
        condition += " AND l.reason_code = :code"
    if after is not None:
        condition += " AND (x.key, y.key) > (:after_a, :after_b)"
        values |= {"after_a": after[0], "after_b": after[1]}
    return db.execute(
        f"""SELECT x.key, y.key, x.customer, y.customer, {mapping.LINK} FROM (
                SELECT l.* FROM identifiers i JOIN links l ON l.a = i.no WHERE i.customer = :no
                UNION SELECT l.* FROM identifiers i JOIN links l ON l.b = i.no WHERE i.customer = :no
            ) l JOIN identifiers x ON x.no = l.a JOIN identifiers y ON y.no = l.b
            WHERE {condition} ORDER BY x.key, y.key LIMIT :first""",
        values,
    ).fetchall()


def _links(db: mapping.Connection, no: object, page: LinkPage) -> Page[Link]:
    found = _link_rows(db, no, page.first, page.after, [state.value for state in page.states])
    return _cut([mapping.link(row[0], row[1], row[4:]) for row in found], page.first)


def _matches(db: mapping.Connection, no: object, page: MatchPage) -> Page[Match]:
    found: list[Match] = []
    for row in _link_rows(db, no, page.first, page.after, ["idle"], "BELOW_THRESHOLD"):
        at_a, at_b = (_customer(db, "c.no = ?", number) for number in row[2:4])
        if at_a is None or at_b is None:
            continue
        link = mapping.link(row[0], row[1], row[4:])
        found.append(Match(link, at_a, at_b, _marks_at(db, row[2]), _marks_at(db, row[3])))
    return _cut(found, page.first)


def _marks_at(db: mapping.Connection, no: object) -> list[Mark]:
    columns = mapping.of("m", mapping.MARK)
    found = db.execute(
        f"""SELECT DISTINCT {columns} FROM identifiers i JOIN marks m ON i.key IN (m.a, m.b)
            WHERE i.customer = ? AND i.marks > 0 AND m.kind <> 'blocked'""",
        (no,),
    )
    return [mapping.mark(row) for row in found]


def _history(db: mapping.Connection, no: object, page: HistoryPage) -> Page[Entry]:
    at, before = NO_END, 0
    if page.after is not None:
        row = db.execute("SELECT at FROM changes WHERE no = ?", (page.after,)).fetchone()
        at, before = (-NO_END if row is None else row[0]), page.after
    found = _entries(db, {"no": no, "first": page.first + 1, "since": -NO_END, "at": at, "before": before})
    return _cut([mapping.entry(row) for row in found], page.first)
