"""A Neo4j to measure on."""

import asyncio
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from neo4j import AsyncGraphDatabase

from tools.neo4j.server import CannotStart, Server


@contextmanager
def neo4j(uri: str) -> Iterator[str]:
    """The address of an empty database: that at `uri`, emptied, or one of our own where none is given."""
    if uri:
        asyncio.run(wipe(uri))
        yield uri
        return
    with tempfile.TemporaryDirectory() as folder:
        try:
            with Server(Path(folder), heap_mb=2048, page_cache_mb=1024) as server:
                yield server.uri
        except CannotStart as error:
            sys.exit(f"Neo4j cannot be started: {error}")


async def wipe(uri: str) -> None:
    """Empty the database of the benchmark."""
    async with AsyncGraphDatabase.driver(uri, notifications_min_severity="OFF") as driver, driver.session() as session:
        await (await session.run("MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 5000 ROWS")).consume()
