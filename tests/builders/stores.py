"""How tests get empty stores."""

from collections.abc import Callable

from graph.ports import Store
from graph.stores.neo4j import Neo4jStore

Fresh = Callable[[], Store]
"""Makes an empty store."""


async def wipe(store: Neo4jStore) -> None:
    """Empty a test database."""
    async with store._session() as session:
        await (await session.run("MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 5000 ROWS")).consume()
