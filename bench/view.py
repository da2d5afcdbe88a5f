"""The 360° view over HTTP from Neo4j: Kith with all features, against a bare endpoint, the driver alone and others.

    python -m bench.view [--quick] [--store neo4j://127.0.0.1:7687] [--record]

All sides read the same database; those in Python run the same Cypher. `wrk` sends the requests from a process of its
own (the driver alone has no HTTP, so its clients are coroutines). The results are compared first.
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
from bench.report import Curve, Row, report_results, table
from bench.server import graph_over, neo4j, parse_options
from bench.wrk import QUIET, rate, require_wrk, server_process
from graph.domain.model.errors import KithError
from graph.domain.model.identifiers import Identifier
from graph.domain.model.orders import Order
from graph.domain.profile.pages import ByKey, IdentifierPage, LinkPage, OrderPage, Selection
from graph.ports import Store
from graph.stores.neo4j import Neo4jStore
from graph.stores.neo4j.customer_pages import query
from service.ingest.file_formats import open_file
from service.ingest.importer import ImportRun
from service.ingest.report import Report
from tools.neo4j.server import free_port

SELECTION = Selection.of([IdentifierPage(tuple(RULES.by_name), 20), OrderPage(10), LinkPage(20)])
DOCUMENT = """query View($i: IdentifierInput!) { customer(by: {identifier: $i}) {
  id known createdAt
  identifiers(first: 20) { nodes { namespace value firstSeenAt lastSeenAt } }
  orders(first: 10) { nodes { number placedAt status currency total lines { sku quantity total } } }
  metrics { orderCount revenue { amount currency } averageOrderValue { amount currency } firstOrderAt lastOrderAt }
  links(first: 20) { nodes { a { namespace value } b { namespace value } state observationCount lastSeenAt } }
} }"""
PLAIN_STRAWBERRY_DOCUMENT = """query View($key: String!) { customer(key: $key) {
  id known createdAt
  identifiers { namespace value firstSeenAt lastSeenAt }
  orders { number placedAt status currency total lines { sku quantity total } }
  metrics { orderCount revenue currency firstOrderAt lastOrderAt }
  links { a { namespace value } b { namespace value } state observationCount lastSeenAt }
} }"""


async def load(store: Store, customers: int) -> list[str]:
    """Fill a store with customers of some 200 values per view; return an email key of each."""
    lines: list[dict[str, Any]] = []
    for n in range(customers):
        email = {"namespace": "email", "value": f"p{n}@mail.example"}
        crm = [{"namespace": "crm_id", "value": f"C{n}"}, email, {"namespace": "phone", "value": f"+49171{n:07}"}]
        lines.append({"source": "crm", "id": f"crm-{n}", "seenAt": "2026-01-01T00:00:00Z", "identifiers": crm})
        for number in range(4):
            web = [email, {"namespace": "cookie", "value": f"cookie-{n}-{number}"}]
            seen = {"source": "web", "id": f"web-{n}-{number}", "seenAt": "2026-02-01T00:00:00Z"}
            lines.append({**seen, "identifiers": web})
        for number in range(12):
            at = f"2026-03-{number + 1:02}T12:00:00Z"
            order_lines = [{"sku": f"sku-{product}", "quantity": "1", "total": "9.95"} for product in range(2)]
            lines.append(
                {
                    "source": "shop",
                    "number": f"W-{n}-{number}",
                    "placedAt": at,
                    "reportedAt": at,
                    "currency": "EUR",
                    "total": "19.90",
                    "identifiers": [email],
                    "lines": order_lines,
                }
            )
    graph = await graph_over(store)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "load.ndjson"
        file.write_text("".join(json.dumps(line) + "\n" for line in lines))
        run = ImportRun(graph, Report(Path(folder) / "rejected"), lambda read_bytes, counts: None)
        await run.run(file, open_file(file, graph.rules))
    if run.counts.rejected:
        raise KithError(f"{run.counts.rejected} lines of the benchmark's data were rejected")
    await graph.close()
    return [f"email=p{n}@mail.example" for n in range(customers)]


async def driver_alone(uri: str, keys: list[str], clients: int, seconds: float) -> float:
    """Run the same Cypher from coroutines and read all records; return views per second."""
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
NEO4J_GRAPHQL_DOCUMENT = """query View($key: String!) { identifiers(where: {key: {eq: $key}}) { customers {
  id created_at order_totals
  identifiers(limit: 20, sort: [{key: ASC}]) { namespace value first_seen_at last_seen_at }
  orders: identifiers(where: {namespace: {eq: "order"}}, limit: 10, sort: [{placed_at: DESC}]) { facts }
  links: identifiers { namespace value
    linkedConnection { edges { properties { state observation_count last_seen_at } node { namespace value } } } }
} } }"""


@dataclass(slots=True)
class Side:
    """A server of the view over HTTP."""

    name: str
    command: list[str]
    port: int
    path: str
    body: Callable[[str], object]
    target: float | None = None
    ready: str = "/readyz"


def sides(uri: str) -> list[Side]:
    """Return Kith and its peers over HTTP; @neo4j/graphql only if npm is installed."""
    python = sys.executable
    ports = [free_port() for _ in range(4)]

    def kith_body(key: str) -> object:
        namespace, value = Identifier.from_key(key)
        return {"query": DOCUMENT, "variables": {"i": {"namespace": namespace, "value": value}}}

    def plain_body(key: str) -> object:
        return {"query": PLAIN_STRAWBERRY_DOCUMENT, "variables": {"key": key}}

    serve = [python, "-m", "service", "serve", "--port", str(ports[0]), "--store", uri]
    bare = [python, "-m", "bench.bare", uri, str(ports[1])]
    plain = [python, "-m", "bench.peers.plain_strawberry", uri, str(ports[2])]
    servers = [
        Side("Kith", serve, ports[0], "/graphql", kith_body),
        Side("bare Starlette endpoint", bare, ports[1], "/view", lambda key: {"key": key}, 0.8),
        Side("plain Strawberry", plain, ports[2], "/graphql/", plain_body),
    ]
    if shutil.which("npm") is None:
        print("npm is not installed: @neo4j/graphql is left out", file=sys.stderr)
        return servers
    if not (NODE / "node_modules").exists():
        install = ["npm", "ci", "--prefix", str(NODE), "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run(install, check=True)
    return [
        *servers,
        Side(
            "@neo4j/graphql with Apollo Server",
            ["node", str(NODE / "server.mjs"), uri, str(ports[3])],
            ports[3],
            "/",
            lambda key: {"query": NEO4J_GRAPHQL_DOCUMENT, "variables": {"key": key}},
            2.5,
            "/?query={__typename}",
        ),
    ]


@dataclass(slots=True)
class ResponseSummary:
    """The content of a response, in the same shape for all sides."""

    identifiers: list[str]
    orders: list[tuple[str, int]]
    links: list[tuple[str, str, int]]


def summarize(name: str, response: Any) -> ResponseSummary:
    """Summarize the response of a side."""
    if name == "bare Starlette endpoint":
        identifiers, links, stored_orders = response["pages"]
        orders = [Order.from_facts(source, facts) for _, source, facts in stored_orders[:10]]
        return ResponseSummary(
            [identifier["key"] for identifier in identifiers[:20]],
            [(order.number, len(order.lines)) for order in orders],
            [(a, b, link["observation_count"]) for a, b, link in links[:20]],
        )
    if name.startswith("@neo4j"):
        (customer,) = response["data"]["identifiers"][0]["customers"]
        orders = [Order.from_facts("", identifier["facts"]) for identifier in customer["orders"]]
        return ResponseSummary(
            [_key(identifier) for identifier in customer["identifiers"]],
            [(order.number, len(order.lines)) for order in orders],
            [
                (_key(identifier), _key(edge["node"]), edge["properties"]["observation_count"])
                for identifier in customer["links"]
                for edge in identifier["linkedConnection"]["edges"]
            ],
        )
    customer = response["data"]["customer"]
    lists = {name: customer[name]["nodes"] if isinstance(customer[name], dict) else customer[name] for name in LISTS}
    return ResponseSummary(
        [_key(identifier) for identifier in lists["identifiers"]],
        [(order["number"], len(order["lines"])) for order in lists["orders"]],
        [(_key(link["a"]), _key(link["b"]), link["observationCount"]) for link in lists["links"]],
    )


WARM_CLIENTS = 8
LISTS = ("identifiers", "orders", "links")


def _key(identifier: dict[str, str]) -> str:
    return f"{identifier['namespace']}={identifier['value']}"


def check_same_responses(urls: dict[str, str], servers: list[Side], keys: list[str]) -> None:
    """Compare the responses: the same identifiers and links, and the same orders in the same order."""
    for key in keys[:20]:
        summaries = {}
        for side in servers:
            response = httpx.post(f"{urls[side.name]}{side.path}", json=side.body(key), timeout=60)
            summaries[side.name] = summarize(side.name, response.json())
        expected = summaries["Kith"]
        if not (len(expected.identifiers) > 10 and len(expected.orders) == 10 and len(expected.links) > 10):
            raise AssertionError(f"the view of {key} is not the one that was loaded")
        for name, summary in summaries.items():
            same = (
                sorted(summary.identifiers) == sorted(expected.identifiers)
                and summary.orders == expected.orders
                and sorted(summary.links) == sorted(expected.links)
            )
            if not same:
                raise AssertionError(f"the view of {key} differs at {name}")


def rows(uri: str, keys: list[str], clients: list[int], rounds: int, seconds: int) -> tuple[list[Row], Curve]:
    """Measure the view at each number of clients, against each peer over HTTP and the driver alone."""
    servers = sides(uri)
    bodies = {side.name: [json.dumps(side.body(key)) for key in keys] for side in servers}
    result: list[Row] = []
    curve = Curve("The view over HTTP", "clients", "views per second", {side.name: [] for side in servers})
    curve.lines["driver alone"] = []
    with ExitStack() as stack:
        urls = {
            side.name: stack.enter_context(server_process(side.command, side.port, side.ready, **QUIET))
            for side in servers
        }

        def measure(side: Side, count: int, duration: int) -> float:
            return rate(f"{urls[side.name]}{side.path}", bodies[side.name], count, duration)

        check_same_responses(urls, servers, keys)
        # A database compiles its queries in the first half minute, at the expense of the side that is measured first.
        for side in servers:
            measure(side, WARM_CLIENTS, seconds)
        for count in clients:
            rates: dict[str, list[float]] = {name: [] for name in curve.lines}
            for side in servers:
                measure(side, count, 2)
            for _ in range(rounds):
                for side in servers:
                    rates[side.name].append(measure(side, count, seconds))
                rates["driver alone"].append(uvloop.run(driver_alone(uri, keys, count, seconds)))
            name = f"view over HTTP, {count} clients"
            kith = rates["Kith"]
            result += [Row(name, "views/s", kith, side.name, rates[side.name], side.target) for side in servers[1:]]
            result.append(Row(name, "views/s", kith, "driver alone, no HTTP", rates["driver alone"]))
            for side_name, values in rates.items():
                curve.lines[side_name].append((count, statistics.median(values)))
    return result, curve


def main() -> None:
    """Measure and print."""
    chosen = parse_options(__doc__, quick="8 clients only, fewer customers and rounds")
    require_wrk()
    with neo4j(chosen.store) as uri:
        keys = asyncio.run(load(Neo4jStore(uri), 300 if chosen.quick else 2_000))
        clients, rounds, seconds = ([8], 2, 2) if chosen.quick else ([1, 8, 32], 3, 4)
        results, curve = rows(uri, keys, clients, rounds, seconds)
    command = f"python -m bench.view{' --quick' if chosen.quick else ''}"
    report_results("The view over HTTP", command, table(results), [curve], record=chosen.record)


if __name__ == "__main__":
    main()
