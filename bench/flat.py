"""The view of a customer with 10,000 orders and 100,000 interactions against that of a customer with 10 of each.

    python -m bench.flat [--store neo4j://127.0.0.1:7687] [--interactions 100000] [--orders 10000]

The same pages (identifiers, newest orders, metrics, profile, consents, the first page of the timeline) are read from
the store for both customers in turn. The target is a ratio of medians of at most 2.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path

from bench.report import report_results
from bench.server import graph_over
from bench.view import RULES
from graph.domain.model.dates import SECOND
from graph.domain.model.orders import Order, OrderLine, OrderStatement
from graph.domain.profile.attributes import AttributesStatement
from graph.domain.profile.insights import CONSENTS, ORDERS, PROFILE, RECENT_INTERACTIONS
from graph.domain.profile.interactions import Interaction, InteractionStatement
from graph.domain.profile.pages import (
    ByKey,
    HistoryPage,
    IdentifierPage,
    InteractionCountsPage,
    LinkPage,
    OrderPage,
    PageRequest,
    Selection,
    TimelinePage,
)
from graph.identity_graph import IdentityGraph
from graph.ports import Store
from graph.stores.neo4j import Neo4jStore
from graph.stores.sqlite import SQLiteStore

BATCH = 1_000
ORDERS_PER_WRITE = 10
START = 1_600_000_000 * SECOND
PAGES: dict[str, PageRequest] = {
    "identifiers": IdentifierPage(tuple(RULES.by_name), 20),
    "orders": OrderPage(10),
    "timeline": TimelinePage(20),
    "profile": PROFILE,
    "consents": CONSENTS,
    "engagement": InteractionCountsPage(),
    "history": HistoryPage(20),
}
"""The pages of the view. The order totals are part of every view."""
EXTRA_PAGES: dict[str, PageRequest] = {
    "links": LinkPage(20),
    "100 orders": ORDERS,
    "500 interactions": RECENT_INTERACTIONS,
}
"""Pages that are measured in addition: the longest lists, and links, all of which are sorted for a page."""


async def fill(graph: IdentityGraph, name: str, orders: int, interactions: int) -> None:
    """Record a customer with an email address, a card and three cookies."""
    email, cookies = ("email", f"{name}@mail.example"), [("cookie", f"{name}-cookie-{n}") for n in range(3)]
    identifiers = (email, ("loyalty_card", f"KC-{name}"), *cookies)
    await graph.record_attributes([AttributesStatement("crm", identifiers, {"given_name": name}, reported_at=START)])
    # Orders are written a few at a time, as in production, so that each write adds an entry to the history.
    for start in range(0, orders, ORDERS_PER_WRITE):
        numbers = range(start, min(start + ORDERS_PER_WRITE, orders))
        line = (OrderLine("sku-1", Decimal(1), Decimal("9.95")),)
        batch = [
            Order(f"{name}-{n}", "shop", START + n * SECOND, START, "EUR", Decimal("9.95"), lines=line) for n in numbers
        ]
        await graph.record_orders([OrderStatement(order, (email,)) for order in batch])
    for start in range(0, interactions, BATCH):
        await graph.record_interactions(
            [
                InteractionStatement(
                    Interaction("web", "page_viewed", START + n * SECOND, f"{name}-{n}", "web"), (cookies[n % 3],)
                )
                for n in range(start, min(start + BATCH, interactions))
            ]
        )


async def measure(store: Store, pages: list[PageRequest], rounds: int) -> tuple[float, float]:
    """Read the small and the large customer in turn; return both medians in seconds."""
    selection = Selection.of(pages)
    times: dict[str, list[float]] = {"small": [], "large": []}
    for _ in range(rounds):
        for name, seconds in times.items():
            start = time.perf_counter()
            (view,) = await store.customers([ByKey(f"email={name}@mail.example")], selection)
            seconds.append(time.perf_counter() - start)
            if view is None:
                raise AssertionError(f"customer {name} does not exist")
    return statistics.median(times["small"]), statistics.median(times["large"])


async def main() -> None:
    """Fill a store, measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--store", default="")
    options.add_argument("--interactions", type=int, default=100_000)
    options.add_argument("--orders", type=int, default=10_000)
    options.add_argument("--record", action="store_true", help="write the results to RESULTS.md")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store: Store = Neo4jStore(chosen.store) if chosen.store else SQLiteStore(Path(folder) / "kith.db")
        graph = await graph_over(store)
        start = time.perf_counter()
        await fill(graph, "small", 10, 10)
        await fill(graph, "large", chosen.orders, chosen.interactions)
        print(f"filled in {time.perf_counter() - start:.0f} s\n", file=sys.stderr)
        text = "| page | small, ms | large, ms | large / small |\n| --- | --- | --- | --- |\n"
        single_pages = [(name, [page]) for name, page in (PAGES | EXTRA_PAGES).items()]
        for name, pages in [*single_pages, ("the view", list(PAGES.values()))]:
            small, large = await measure(store, pages, 60)
            text += f"| {name} | {small * 1000:.2f} | {large * 1000:.2f} | {large / small:.2f} |\n"
        kind = "Neo4j" if chosen.store else "SQLite"
        command = f"python -m bench.flat --orders {chosen.orders} --interactions {chosen.interactions}"
        report_results(f"A large customer against a small customer, {kind}", command, text, record=chosen.record)
        await graph.close()


if __name__ == "__main__":
    asyncio.run(main())
