"""Products in SQLite."""

from collections.abc import Sequence
from typing import Any

import orjson

from graph.domain.model.json_text import compact
from graph.domain.model.products import Product
from graph.stores.sqlite import mapping
from graph.stores.sqlite.connection import Connected

COLUMNS = "sku, name, source, reported_at, brand, categories, details"


class Products(Connected):
    """The part of a `Store` that stores products."""

    async def save_products(self, products: Sequence[Product]) -> list[bool]:
        return await self._alter(save_products, products)

    async def products(self, skus: Sequence[str]) -> dict[str, Product]:
        return await self._read_batched(products, skus)


def save_products(db: mapping.Connection, products: Sequence[Product]) -> list[bool]:
    """Store descriptions of products; return for each whether it is the current one."""
    sql = f"""INSERT INTO products ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (sku) DO UPDATE SET name = excluded.name, source = excluded.source,
        reported_at = excluded.reported_at, brand = excluded.brand, categories = excluded.categories,
        details = excluded.details
        WHERE (excluded.reported_at, products.source) > (products.reported_at, excluded.source)
        OR (excluded.reported_at, excluded.source) = (products.reported_at, products.source)"""
    return [db.execute(sql, product_values(product)).rowcount == 1 for product in products]


def products(db: mapping.Connection, skus: Sequence[str]) -> dict[str, Product]:
    """Return the current descriptions of products by SKU."""
    sql = f"SELECT {COLUMNS} FROM products WHERE sku IN (SELECT value FROM json_each(?))"
    return {row[0]: product(row) for row in db.execute(sql, (compact(skus),))}


def product(row: mapping.Row) -> Product:
    """Return the product of a row."""
    sku, name, source, reported_at, brand, categories, details = row
    return Product.of(sku, name, source, reported_at, brand, orjson.loads(categories), details)


def product_values(product: Product) -> tuple[Any, ...]:
    """Return the columns of a product."""
    first = product.sku, product.name, product.source, product.reported_at, product.brand
    return *first, compact(product.categories), product.details()
