"""A Neo4j server, and a graph over a store, for benchmarks."""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from neo4j import AsyncGraphDatabase

from bench.peers.unions import RULES
from graph.identity_graph import IdentityGraph
from graph.ports import Store
from service.bootstrap import SystemClock, currencies
from service.config.rules_file import default_text, parse
from service.runtime.ids import RandomIds
from tools.neo4j.server import CannotStart, Server


def parse_options(doc: str | None, quick: str) -> argparse.Namespace:
    """Parse the options of a benchmark that needs Neo4j; `quick` is the help of `--quick`."""
    options = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help=quick)
    options.add_argument(
        "--store", default="", help="a Neo4j database, which is emptied; without it, a server is started"
    )
    options.add_argument("--record", action="store_true", help="write the results to RESULTS.md")
    return options.parse_args()


@contextmanager
def neo4j(uri: str) -> Iterator[str]:
    """Yield the URI of an empty database: `uri`, which is emptied, or a new server if `uri` is empty."""
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
    """Delete everything in a database."""
    async with AsyncGraphDatabase.driver(uri, notifications_min_severity="OFF") as driver, driver.session() as session:
        await (await session.run("MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 5000 ROWS")).consume()


async def graph_over(store: Store) -> IdentityGraph:
    """Return a graph over a store, with the default rules."""
    await store.migrate()
    graph = IdentityGraph(store, RULES, SystemClock(), RandomIds(), currencies(), parse)
    await graph.rules_control.open(default_text())
    return graph
