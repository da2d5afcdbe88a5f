"""Products in Neo4j."""

from collections.abc import Sequence
from typing import Any

from graph.domain.model.products import Product
from graph.stores.neo4j import cypher
from graph.stores.neo4j.connection import Connected, OpenTransaction
from graph.stores.neo4j.mapping import Properties
from graph.stores.neo4j.migrator import check_transaction

PRODUCTS = cypher.load("products")


class Products(Connected):
    """The part of a `Store` that stores products."""

    async def save_products(self, products: Sequence[Product]) -> list[bool]:
        rows = sorted((product_values(product) for product in products), key=lambda row: str(row["sku"]))

        async def run(tx: OpenTransaction) -> dict[str, bool]:
            await check_transaction(tx)
            records = await tx.run(PRODUCTS["save_products"], {"rows": rows})
            return {record["sku"]: record["newer"] for record in records}

        newer = await self._transact(run)
        return [newer[product.sku] for product in products]

    async def products(self, skus: Sequence[str]) -> dict[str, Product]:
        records = await self._read(PRODUCTS["products"], skus=list(skus))
        return {record["p"]["sku"]: product(record["p"]) for record in records}


def product(values: Properties) -> Product:
    """Return the product of a node."""
    required = values["sku"], values["name"], values["source"], values["reported_at"]
    # Products from before details were stored have none.
    return Product.of(*required, values["brand"], values["categories"], values.get("details", "{}"))


def product_values(product: Product) -> dict[str, Any]:
    """Return the properties of a product."""
    return {
        "sku": product.sku,
        "name": product.name,
        "source": product.source,
        "reported_at": product.reported_at,
        "brand": product.brand,
        "categories": list(product.categories),
        "details": product.details(),
    }
