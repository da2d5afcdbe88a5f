"""The 360° view over HTTP from Neo4j: Kith with everything on, against a bare endpoint and the driver alone.

    python -m bench.view [--quick] [--store neo4j://127.0.0.1:7687] [--record]

All sides run the same Cypher on the same database. The load comes from `wrk` in a process of its own (the driver alone
has no HTTP, so its clients are coroutines). The answers are compared first.
"""

import asyncio
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvloop
from neo4j import AsyncGraphDatabase

from bench.peers.unions import RULES
from bench.report import Curve, Row, table, tell
from bench.server import chosen_by, graph_over, neo4j
from bench.wrk import QUIET, needed, rate, served
from graph.domain.model.errors import KithError
from graph.domain.model.identifiers import Identifier
from graph.domain.model.orders import Order
from graph.domain.profile.pages import ByKey, IdentifierPage, LinkPage, OrderPage, Selection
from graph.stores.neo4j import Neo4jStore
from graph.stores.neo4j.customer_pages import query
from service.ingest.importer import ImportRun, Report
from tools.neo4j.server import free_port

SELECTION = Selection.of([IdentifierPage(tuple(RULES.by_name), 20), OrderPage(10), LinkPage(20)])
DOCUMENT = """query View($i: IdentifierInput!) { customer(by: {identifier: $i}) {
  id known createdAt
  identifiers(first: 20) { nodes { namespace value firstSeen lastSeen } }
  orders(first: 10) { nodes { number placedAt status currency total lines { sku quantity total } } }
  metrics { orders revenue { amount currency } averageOrderValue { amount currency } firstOrderAt lastOrderAt }
  links(first: 20) { nodes { a { namespace value } b { namespace value } state count lastSeen } }
} }"""
AS_IT_COMES = """query View($key: String!) { customer(key: $key) {
  id known createdAt
  identifiers { namespace value firstSeen lastSeen }
  orders { number placedAt status currency total lines { sku quantity total } }
  metrics { orders revenue currency firstOrderAt lastOrderAt }
  links { a { namespace value } b { namespace value } state count lastSeen }
} }"""


async def load(uri: str, customers: int) -> list[str]:
    """Fill the database with customers of some 200 values a view; returns an e-mail key of each."""
    lines: list[dict[str, Any]] = []
    for one in range(customers):
        email = {"namespace": "email", "value": f"p{one}@mail.example"}
        crm = [{"namespace": "crm_id", "value": f"C{one}"}, email, {"namespace": "phone", "value": f"+49171{one:07}"}]
        lines.append({"source": "crm", "id": f"crm-{one}", "seenAt": "2026-01-01T00:00:00Z", "identifiers": crm})
        for place in range(4):
            keys = [email, {"namespace": "cookie", "value": f"cookie-{one}-{place}"}]
            lines.append(
                {"source": "web", "id": f"web-{one}-{place}", "seenAt": "2026-02-01T00:00:00Z", "identifiers": keys}
            )
        for number in range(12):
            at = f"2026-03-{number + 1:02}T12:00:00Z"
            articles = [{"sku": f"sku-{article}", "quantity": "1", "total": "9.95"} for article in range(2)]
            lines.append(
                {
                    "source": "shop",
                    "number": f"W-{one}-{number}",
                    "placedAt": at,
                    "statedAt": at,
                    "currency": "EUR",
                    "total": "19.90",
                    "identifiers": [email],
                    "lines": articles,
                }
            )
    store = Neo4jStore(uri)
    graph = await graph_over(store)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "load.ndjson"
        file.write_text("".join(json.dumps(line) + "\n" for line in lines))
        run = ImportRun(graph, Report(Path(folder) / "refused"), lambda read, done: None)
        await run.run(file)
    if run.counts.refused:
        raise KithError(f"{run.counts.refused} lines of the benchmark's data were refused")
    await graph.close()
    return [f"email=p{one}@mail.example" for one in range(customers)]


async def driver_alone(uri: str, keys: list[str], clients: int, seconds: float) -> float:
    """The same Cypher from coroutines, answers read to the end: rate a second."""
    done = 0
    end = time.perf_counter() + seconds
    async with AsyncGraphDatabase.driver(uri, notifications_min_severity="OFF") as driver:

        async def client(number: int) -> None:
            nonlocal done
            at = number
            async with driver.session() as session:
                while time.perf_counter() < end:
                    at = (at + 1) % len(keys)
                    text, values = query([ByKey(keys[at])], SELECTION)
                    result = await session.run(text, values)
                    async for _ in result:
                        pass
                    done += 1

        await asyncio.gather(*(client(number) for number in range(clients)))
    return done / seconds


NODE = Path(__file__).parent / "peers" / "neo4j-graphql"
THEIR_DOCUMENT = """query View($key: String!) { identifiers(where: {key: {eq: $key}}) { customers {
  id created_at figures
  identifiers(limit: 20, sort: [{key: ASC}]) { namespace value first_seen last_seen }
  orders: identifiers(where: {namespace: {eq: "order"}}, limit: 10, sort: [{placed_at: DESC}]) { facts }
  links: identifiers { namespace value
    linkedConnection { edges { properties { state count last_seen } node { namespace value } } } }
} } }"""


@dataclass(slots=True)
class Side:
    """One that serves the view over HTTP."""

    name: str
    command: list[str]
    port: int
    path: str
    body: Callable[[str], object]
    aim: float | None = None
    ready: str = "/readyz"


def sides(uri: str) -> list[Side]:
    """Kith and its peers over HTTP; @neo4j/graphql only where Node and npm are."""
    python = sys.executable
    ports = [free_port() for _ in range(4)]

    def ours(key: str) -> object:
        namespace, value = Identifier.from_key(key)
        return {"query": DOCUMENT, "variables": {"i": {"namespace": namespace, "value": value}}}

    serve = [python, "-m", "service", "serve", "--port", str(ports[0]), "--store", uri]
    plain = [python, "-m", "bench.peers.strawberry_as_it_comes", uri, str(ports[2])]
    found = [
        Side("Kith", serve, ports[0], "/graphql", ours),
        Side(
            "bare Starlette endpoint",
            [python, "-m", "bench.bare", uri, str(ports[1])],
            ports[1],
            "/view",
            lambda key: {"key": key},
            0.8,
        ),
        Side(
            "Strawberry as it comes",
            plain,
            ports[2],
            "/graphql/",
            lambda key: {"query": AS_IT_COMES, "variables": {"key": key}},
        ),
    ]
    if shutil.which("npm") is None:
        print("no npm here: @neo4j/graphql is left out", file=sys.stderr)
        return found
    if not (NODE / "node_modules").exists():
        command = ["npm", "ci", "--prefix", str(NODE), "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run(command, check=True)
    return [
        *found,
        Side(
            "@neo4j/graphql with Apollo Server",
            ["node", str(NODE / "server.mjs"), uri, str(ports[3])],
            ports[3],
            "/",
            lambda key: {"query": THEIR_DOCUMENT, "variables": {"key": key}},
            2.5,
            "/?query={__typename}",
        ),
    ]


@dataclass(slots=True)
class Told:
    """What an answer tells, in the same shape whoever gave it: to be compared."""

    identifiers: list[str]
    orders: list[tuple[str, int]]
    links: list[tuple[str, str, int]]


def told(name: str, answer: Any) -> Told:
    """What a side's answer tells."""
    if name == "bare Starlette endpoint":
        identifiers, links, orders = answer["pages"]
        facts = [Order.from_facts(source, text) for _, source, text in orders[:10]]
        return Told(
            [one["key"] for one in identifiers[:20]],
            [(one.number, len(one.lines)) for one in facts],
            [(a, b, values["count"]) for a, b, values in links[:20]],
        )
    if name.startswith("@neo4j"):
        (customer,) = answer["data"]["identifiers"][0]["customers"]
        orders = [Order.from_facts("", one["facts"]) for one in customer["orders"]]
        return Told(
            [_key(one) for one in customer["identifiers"]],
            [(one.number, len(one.lines)) for one in orders],
            [
                (_key(one), _key(edge["node"]), edge["properties"]["count"])
                for one in customer["links"]
                for edge in one["linkedConnection"]["edges"]
            ],
        )
    customer = answer["data"]["customer"]
    listed = {
        kind: found["nodes"] if isinstance(found, dict) else found for kind, found in customer.items() if kind in LISTS
    }
    return Told(
        [_key(one) for one in listed["identifiers"]],
        [(one["number"], len(one["lines"])) for one in listed["orders"]],
        [(_key(one["a"]), _key(one["b"]), one["count"]) for one in listed["links"]],
    )


WARM_CLIENTS = 8
LISTS = ("identifiers", "orders", "links")


def _key(one: dict[str, str]) -> str:
    return f"{one['namespace']}={one['value']}"


def same(running: dict[str, str], every: list[Side], keys: list[str]) -> None:
    """Compare answers: the same identifiers and links, and the same orders with lines in one order."""
    for key in keys[:20]:
        answers = {}
        for side in every:
            answer = httpx.post(f"{running[side.name]}{side.path}", json=side.body(key))
            answers[side.name] = told(side.name, answer.json())
        mine = answers["Kith"]
        if not (len(mine.identifiers) > 10 and len(mine.orders) == 10 and len(mine.links) > 10):
            raise AssertionError(f"the view of {key} is not the one that was loaded")
        for name, theirs in answers.items():
            alike = (
                sorted(mine.identifiers) == sorted(theirs.identifiers)
                and mine.orders == theirs.orders
                and sorted(mine.links) == sorted(theirs.links)
            )
            if not alike:
                raise AssertionError(f"the view of {key} differs at {name}")


def rows(uri: str, keys: list[str], clients: list[int], rounds: int, seconds: int) -> tuple[list[Row], Curve]:
    """The view at each concurrency, against each peer over HTTP and the driver alone."""
    every = sides(uri)
    bodies = {side.name: [json.dumps(side.body(key)) for key in keys] for side in every}
    found: list[Row] = []
    curve = Curve("The view over HTTP", "clients", "views a second", {side.name: [] for side in every})
    curve.lines["driver alone"] = []
    with ExitStack() as stack:
        running = {
            side.name: stack.enter_context(served(side.command, side.port, side.ready, **QUIET)) for side in every
        }
        same(running, every, keys)
        # A database that has just started compiles what it runs for half a minute; who is measured first would pay.
        for side in every:
            rate(f"{running[side.name]}{side.path}", bodies[side.name], WARM_CLIENTS, seconds)
        for count in clients:
            rates: dict[str, list[float]] = {name: [] for name in curve.lines}
            for side in every:
                rate(f"{running[side.name]}{side.path}", bodies[side.name], count, 2)
            for _ in range(rounds):
                for side in every:
                    rates[side.name].append(rate(f"{running[side.name]}{side.path}", bodies[side.name], count, seconds))
                rates["driver alone"].append(uvloop.run(driver_alone(uri, keys, count, seconds)))
            what = f"view over HTTP, {count} clients"
            found += [Row(what, "views/s", rates["Kith"], side.name, rates[side.name], side.aim) for side in every[1:]]
            found.append(Row(what, "views/s", rates["Kith"], "driver alone, no HTTP", rates["driver alone"]))
            for name, values in rates.items():
                curve.lines[name].append((count, statistics.median(values)))
    return found, curve


def main() -> None:
    """Measure and print."""
    chosen = chosen_by(__doc__, quick="at 8 clients alone, fewer customers and rounds")
    needed()
    with neo4j(chosen.store) as uri:
        keys = asyncio.run(load(uri, 300 if chosen.quick else 2_000))
        clients, rounds, seconds = ([8], 2, 2) if chosen.quick else ([1, 8, 32], 3, 4)
        found, curve = rows(uri, keys, clients, rounds, seconds)
    command = f"python -m bench.view{' --quick' if chosen.quick else ''}"
    tell("The view over HTTP", command, table(found), [curve], record=chosen.record)


if __name__ == "__main__":
    main()
