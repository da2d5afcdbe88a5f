"""What is read from SQLite beside views: each function in a transaction that its caller began."""

from collections.abc import Sequence
from typing import Any

from graph.domain.model.changes import Entry
from graph.domain.model.json_text import compact
from graph.domain.model.order_totals import Figures, figures_from_json
from graph.domain.model.orders import Order
from graph.domain.model.overrides import Mark
from graph.domain.model.products import Product
from graph.domain.model.receipts import ObservationKey, Receipt
from graph.domain.model.rules import KeptRules
from graph.stores.sqlite import mapping


def column(db: mapping.Connection, sql: str, *values: object) -> list[Any]:
    """The one column of all mapping."""
    return [one for (one,) in db.execute(sql, values)]


def changes(db: mapping.Connection, after: int, first: int) -> list[Entry]:
    """The history behind an entry."""
    found = db.execute(f"SELECT {mapping.CHANGE} FROM changes WHERE no > ? ORDER BY no LIMIT ?", (after, first))
    return [mapping.entry(row) for row in found]


def history(db: mapping.Connection, ids: Sequence[str]) -> list[Entry]:
    """The entries that name one of some customers."""
    sql = f"""SELECT {mapping.CHANGE} FROM changes WHERE customer IN (SELECT value FROM json_each(?1))
        UNION SELECT {mapping.CHANGE} FROM changes
        WHERE other <> '' AND other IN (SELECT value FROM json_each(?1)) ORDER BY no"""
    return [mapping.entry(row) for row in db.execute(sql, (compact(ids),))]


def naming(db: mapping.Connection, key: str) -> list[str]:
    """The customers of entries that name an identifier."""
    sql = """SELECT customer FROM changes WHERE EXISTS (SELECT 1 FROM json_each(changes.keys) WHERE value = ?)
        ORDER BY no"""
    return list(dict.fromkeys(column(db, sql, key)))


def marks(db: mapping.Connection, key: str | None, after: tuple[int, str] | None, first: int) -> list[Mark]:
    """Marks by the time they were set."""
    at, id = after or (-1, "")
    sql = f"""SELECT {mapping.MARK} FROM marks WHERE (:key IS NULL OR a = :key OR b = :key) AND (at, id) > (:at, :id)
        ORDER BY at, id LIMIT :first"""
    return [mapping.mark(row) for row in db.execute(sql, {"key": key, "at": at, "id": id, "first": first})]


def mark(db: mapping.Connection, id: str) -> Mark | None:
    """A mark by its id."""
    row = db.execute(f"SELECT {mapping.MARK} FROM marks WHERE id = ?", (id,)).fetchone()
    return None if row is None else mapping.mark(row)


def orders(db: mapping.Connection, keys: Sequence[str]) -> list[Order | None]:
    """The facts of orders, in the order of their keys."""
    sql = """SELECT o.source, o.facts FROM json_each(?) asked LEFT JOIN identifiers i ON i.key = asked.value
        LEFT JOIN orders o ON o.identifier = i.no ORDER BY asked.key"""
    found = db.execute(sql, (compact(keys),))
    return [None if facts is None else Order.from_facts(source, facts) for source, facts in found]


def put_products(db: mapping.Connection, products: Sequence[Product]) -> list[bool]:
    """Store what is said of articles, where it is what counts."""
    sql = """INSERT INTO products (sku, name, source, stated_at, brand, categories) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (sku) DO UPDATE SET name = excluded.name, source = excluded.source,
        stated_at = excluded.stated_at, brand = excluded.brand, categories = excluded.categories
        WHERE (excluded.stated_at, products.source) > (products.stated_at, excluded.source)
        OR (excluded.stated_at, excluded.source) = (products.stated_at, products.source)"""
    return [db.execute(sql, mapping.product_values(one)).rowcount == 1 for one in products]


def products(db: mapping.Connection, skus: Sequence[str]) -> dict[str, Product]:
    """What counts of articles."""
    sql = """SELECT sku, name, source, stated_at, brand, categories FROM products
        WHERE sku IN (SELECT value FROM json_each(?))"""
    return {row[0]: mapping.product(row) for row in db.execute(sql, (compact(skus),))}


def figures(db: mapping.Connection, after: str, first: int) -> list[tuple[str, Figures]]:
    """The figures of live customers with orders."""
    sql = """SELECT id, figures FROM customers WHERE id > ? AND retired_at IS NULL AND figures <> '{}'
        ORDER BY id LIMIT ?"""
    return [(id, figures_from_json(text)) for id, text in db.execute(sql, (after, first))]


def kept(db: mapping.Connection, name: str) -> str | None:
    """The text under a name."""
    return next(iter(column(db, "SELECT text FROM kept WHERE name = ?", name)), None)


def newest_rules(db: mapping.Connection) -> list[KeptRules]:
    """The newest two versions of the rules."""
    found = db.execute(
        "SELECT version, at, text, pending, upto_source, upto_id FROM rules ORDER BY version DESC LIMIT 2"
    )
    return [
        KeptRules(version, at, text, bool(pending), None if source is None else (source, id))
        for version, at, text, pending, source, id in found
    ]


def observations(db: mapping.Connection, after: ObservationKey, version: int, first: int) -> list[ObservationKey]:
    """The observations behind one that were not read under a version yet, by source and id."""
    sql = """SELECT source, id FROM observations WHERE (source, id) > (?, ?) AND read_under < ?
        ORDER BY source, id LIMIT ?"""
    return [(source, id) for source, id in db.execute(sql, (*after, version, first))]


def beside(db: mapping.Connection, keys: Sequence[ObservationKey], version: int, first: int) -> list[ObservationKey]:
    """The observations not read under a version yet of the customers that some observations are of."""
    sql = """SELECT DISTINCT other.source, other.id
        FROM (
            SELECT DISTINCT i.customer FROM json_each(?) asked
            CROSS JOIN observations o ON o.source = asked.value ->> 0 AND o.id = asked.value ->> 1
            CROSS JOIN json_each(o.keys) named CROSS JOIN identifiers i ON i.key = named.value
        ) of
        CROSS JOIN identifiers i ON i.customer = of.customer AND i.shared = 0
        CROSS JOIN names n ON n.identifier = i.no
        CROSS JOIN observations other ON other.no = n.observation AND other.read_under < ? LIMIT ?"""
    return [(source, id) for source, id in db.execute(sql, (compact(keys), version, first))]


def receipts(db: mapping.Connection, after: ObservationKey, first: int) -> list[Receipt]:
    """The receipts behind one, by source and id."""
    sql = f"SELECT {mapping.RECEIPT} FROM observations WHERE (source, id) > (?, ?) ORDER BY source, id LIMIT ?"
    return [mapping.receipt(row) for row in db.execute(sql, (*after, first))]
