"""Products in Neo4j."""

from collections.abc import Sequence

from neo4j import AsyncManagedTransaction

from graph.domain.model.products import Product
from graph.stores.neo4j import cypher, mapping
from graph.stores.neo4j.connection import Connected

PRODUCTS = cypher.load("products")


class Products(Connected):
    """The part of a `Store` that keeps products."""

    async def put_products(self, products: Sequence[Product]) -> list[bool]:
        values = sorted((mapping.product_values(one) for one in products), key=lambda one: str(one["sku"]))

        async def run(tx: AsyncManagedTransaction) -> dict[str, bool]:
            result = await tx.run(PRODUCTS["put_products"], rows=values)
            return {record["sku"]: record["newer"] async for record in result}

        async with self._session() as session:
            newer = await session.execute_write(run)
        return [newer[one.sku] for one in products]

    async def products(self, skus: Sequence[str]) -> dict[str, Product]:
        found = [mapping.product(record["p"]) for record in await self._read(PRODUCTS["products"], skus=list(skus))]
        return {one.sku: one for one in found}
