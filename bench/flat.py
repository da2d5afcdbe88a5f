"""The view of a customer with 10,000 orders and 100,000 interactions beside that of one with 10 of each.

    python -m bench.flat [--store neo4j://127.0.0.1:7687] [--interactions 100000] [--orders 10000]

The same selection (identifiers, newest orders, figures, profile, consents, the first page of the timeline) is read from
the store for both in turn; the ratio of the medians is aimed to be at most 2.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path

from bench.report import tell
from bench.server import graph_over
from bench.view import RULES
from graph.domain.model.dates import SECOND
from graph.domain.model.orders import Order, OrderLine, OrderStatement
from graph.domain.profile.attributes import AttributesStatement
from graph.domain.profile.insights import CONSENTS, LATELY, ORDERS, PROFILE
from graph.domain.profile.interactions import Interaction, InteractionStatement
from graph.domain.profile.pages import (
    ByKey,
    HistoryPage,
    IdentifierPage,
    LinkPage,
    OrderPage,
    PageRequest,
    Selection,
    TallyPage,
    TimelinePage,
)
from graph.identity_graph import IdentityGraph
from graph.ports import Store
from graph.stores.neo4j import Neo4jStore
from graph.stores.sqlite import EmbeddedStore

BATCH = 1_000
ORDERS_AT_ONCE = 10
START = 1_600_000_000 * SECOND
PAGES: dict[str, PageRequest] = {
    "identifiers": IdentifierPage(tuple(RULES.by_name), 20),
    "orders": OrderPage(10),
    "timeline": TimelinePage(20),
    "profile": PROFILE,
    "consents": CONSENTS,
    "habits": TallyPage(),
    "history": HistoryPage(20),
}
"""The view: what its figures follow from comes with every page."""
BESIDE: dict[str, PageRequest] = {"links": LinkPage(20), "100 orders": ORDERS, "500 interactions": LATELY}
"""What is measured too: lists that are no longer than this, and links, of which all are sorted."""


async def fill(graph: IdentityGraph, name: str, orders: int, interactions: int) -> None:
    """One customer, of an e-mail address, a card and three cookies."""
    email, cookies = ("email", f"{name}@mail.example"), [("cookie", f"{name}-cookie-{n}") for n in range(3)]
    named = (email, ("loyalty_card", f"KC-{name}"), *cookies)
    await graph.record_attributes([AttributesStatement("crm", named, {"given_name": name}, stated_at=START)])
    # Orders come a few at a time, as they do, so that each time is an entry of the history.
    for start in range(0, orders, ORDERS_AT_ONCE):
        some = range(start, min(start + ORDERS_AT_ONCE, orders))
        line = (OrderLine("sku-1", Decimal(1), Decimal("9.95")),)
        facts = [
            Order(f"{name}-{n}", "shop", START + n * SECOND, START, "EUR", Decimal("9.95"), lines=line) for n in some
        ]
        await graph.record_orders([OrderStatement(one, (email,)) for one in facts])
    for start in range(0, interactions, BATCH):
        some = range(start, min(start + BATCH, interactions))
        seen = [Interaction("web", "page_view", START + n * SECOND, f"{name}-{n}", "web") for n in some]
        pairs = zip(seen, some, strict=True)
        await graph.record_interactions([InteractionStatement(one, (cookies[n % 3],)) for one, n in pairs])


async def measure(store: Store, pages: list[PageRequest], rounds: int) -> tuple[float, float]:
    """Medians in seconds: of the small one and of the large one, read in turn."""
    selection = Selection.of(pages)
    times: dict[str, list[float]] = {"small": [], "large": []}
    for _ in range(rounds):
        for name, taken in times.items():
            began = time.perf_counter()
            (view,) = await store.customers([ByKey(f"email={name}@mail.example")], selection)
            taken.append(time.perf_counter() - began)
            if view is None:
                raise AssertionError(name)
    return statistics.median(times["small"]), statistics.median(times["large"])


async def main() -> None:
    """Fill and measure."""
    options = argparse.ArgumentParser()
    options.add_argument("--store", default="")
    options.add_argument("--interactions", type=int, default=100_000)
    options.add_argument("--orders", type=int, default=10_000)
    options.add_argument("--record", action="store_true", help="write the figures into RESULTS.md")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store: Store = Neo4jStore(chosen.store) if chosen.store else EmbeddedStore(Path(folder) / "kith.db")
        graph = await graph_over(store)
        began = time.perf_counter()
        await fill(graph, "small", 10, 10)
        await fill(graph, "large", chosen.orders, chosen.interactions)
        print(f"filled in {time.perf_counter() - began:.0f} s\n", file=sys.stderr)
        text = "| page | small, ms | large, ms | large over small |\n| --- | --- | --- | --- |\n"
        one_by_one = [(name, [page]) for name, page in (PAGES | BESIDE).items()]
        for name, pages in [*one_by_one, ("the view", list(PAGES.values()))]:
            small, large = await measure(store, pages, 60)
            text += f"| {name} | {small * 1000:.2f} | {large * 1000:.2f} | {large / small:.2f} |\n"
        where = "Neo4j" if chosen.store else "SQLite"
        command = f"python -m bench.flat --orders {chosen.orders} --interactions {chosen.interactions}"
        tell(f"A customer with much beside one with little, {where}", command, text, record=chosen.record)
        await graph.close()


if __name__ == "__main__":
    asyncio.run(main())
