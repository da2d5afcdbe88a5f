"""Products in SQLite."""

from collections.abc import Sequence

from graph.domain.model.json_text import compact
from graph.domain.model.products import Product
from graph.stores.sqlite import mapping
from graph.stores.sqlite.connection import Connected


class Products(Connected):
    """The part of a `Store` that keeps products."""

    async def put_products(self, products: Sequence[Product]) -> list[bool]:
        return await self._alter(put_products, products)

    async def products(self, skus: Sequence[str]) -> dict[str, Product]:
        return await self._quick(products, skus)


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
