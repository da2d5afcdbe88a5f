"""What migrations need that Cypher cannot say: what came to be kept at write time, worked out for what is stored."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import neo4j

from graph.domain.model.facts import FactKind, detail
from graph.domain.model.interaction_counts import Tally, tally_of
from graph.domain.model.interaction_counts import add as add_tallies
from graph.domain.model.json_text import compact
from graph.domain.model.observations import Observation
from graph.domain.model.order_totals import add, figures_of, figures_to_json
from graph.domain.model.orders import Order
from graph.domain.profile.search import NOT_SEARCHED, text_of_identifier
from graph.stores.neo4j import cypher
from graph.stores.neo4j.customer_pages import SMALL

Read = Callable[..., Awaitable[list[neo4j.Record]]]
UPGRADES = cypher.load("upgrades")


async def words(read: Read) -> None:
    """Make identifiers searchable that are from before there was a search."""
    while found := await read(UPGRADES["without_words"], namespaces=sorted(NOT_SEARCHED)):
        rows = [[record["handle"], text_of_identifier(record["key"])] for record in found]
        await read(UPGRADES["give_words"], rows=rows)


async def metrics(read: Read) -> None:
    """Figures with the days of orders, what interactions are filtered by, and tallies."""
    after = ""
    while found := await read(UPGRADES["with_orders"], after=after):
        rows: list[list[Any]] = []
        for record in found:
            orders = [Order.from_facts(*facts) for facts in record["orders"]]
            rows.append([record["id"], figures_to_json(add(map(figures_of, orders)))])
        await read(UPGRADES["give_figures"], rows=rows)
        after = found[-1]["id"]
    after = ""
    while carriers := await read(UPGRADES["carriers"], after=after):
        for carrier in carriers:
            await _recount(read, carrier["key"])
        after = carriers[-1]["key"]


async def _recount(read: Read, key: str) -> None:
    kind = FactKind.INTERACTION.value
    tally: Tally = {}
    rows: list[list[Any]] = []
    for record in await read(UPGRADES["interactions"], key=key, kind=kind):
        facts = Observation.from_sent("", "", record["sent"]).facts
        tally = add_tallies((tally, tally_of(kind, facts, record["at"])))
        filters = {name: value or None for name, value in detail(kind, facts)._asdict().items()}
        rows.append([record["handle"], filters])
    if tally:
        text = compact(dict(tally))
        await read(UPGRADES["give_details"], rows=rows, key=key, tally=text)


async def due(read: Read) -> None:
    """Make customers due that are from before there were segments."""
    while (await read(UPGRADES["make_due"]))[0]["found"]:
        pass


async def places(read: Read) -> None:
    """Give customers their places, and the identifiers of large ones those of their customers."""
    while (await read(UPGRADES["give_places"], small=SMALL))[0]["found"]:
        pass


async def histories(read: Read) -> None:
    """Drop the indexes that are of no use any more."""
    await read(UPGRADES["drop_change_customer"])
    await read(UPGRADES["drop_change_other"])


AFTER: Mapping[str, Callable[[Read], Awaitable[None]]] = {
    "0018_told_type": metrics,
    "0023_customer_due": due,
    "0026_teller_place": places,
    "0028_change_other_at": histories,
    "0029_words": words,
}
"""By the migration that they follow."""

BEFORE: Mapping[str, Callable[[Read], Awaitable[object]]] = {
    "0029_words": lambda read: read(UPGRADES["drop_search"]),
}
"""By the migration that they make room for."""
