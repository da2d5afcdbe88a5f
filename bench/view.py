"""The 360° view over HTTP from Neo4j: Kith with everything on, against a bare endpoint and the driver alone.

All sides run the same Cypher on the same database. The load comes from `wrk` in a process of its own (the driver alone
has no HTTP, so its clients are coroutines). The answers are compared first.
"""

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from neo4j import AsyncGraphDatabase

from bench.report import Curve, Row
from graph.domain.errors import KithError
from graph.domain.identifiers import Identifier
from graph.domain.orders import Order
from graph.domain.views import ByKey, IdentifierPage, LinkPage, OrderPage, Selection
from graph.identity_graph import IdentityGraph
from graph.stores.neo4j import Neo4jStore
from graph.stores.neo4j.views import query
from service.bootstrap import RandomIds, SystemClock, currencies
from service.import_run import ImportRun, Report
from service.rules_file import default_text, parse
from tools.neo4j.server import free_port

RULES = parse(default_text())
SELECTION = Selection.of([IdentifierPage(tuple(RULES.by_name), 20), OrderPage(10), LinkPage(20)])
DOCUMENT = """query View($i: IdentifierInput!) { customer(by: {identifier: $i}) {
  id known createdAt
  identifiers(first: 20) { nodes { namespace value firstSeen lastSeen } }
  orders(first: 10) { nodes { number placedAt status currency total lines { sku quantity total } } }
  metrics { orders revenue { amount currency } averageOrderValue { amount currency } firstOrderAt lastOrderAt }
  links(first: 20) { nodes { a { namespace value } b { namespace value } state count lastSeen } }
} }"""
LUA = """
local bodies = {}
for line in io.lines(os.getenv("BODIES")) do bodies[#bodies + 1] = line end
local at = 0
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
request = function()
  at = at % #bodies + 1
  return wrk.format(nil, nil, nil, bodies[at])
end
"""


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
    await store.migrate()
    graph = IdentityGraph(store, RULES, SystemClock(), RandomIds(), currencies(), parse)
    await graph.open(default_text())
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "load.ndjson"
        file.write_text("".join(json.dumps(line) + "\n" for line in lines))
        run = ImportRun(graph, Report(Path(folder) / "refused"), lambda read, done: None)
        await run.run(file)
    if run.counts.refused:
        raise KithError(f"{run.counts.refused} lines of the benchmark's data were refused")
    await graph.close()
    return [f"email=p{one}@mail.example" for one in range(customers)]


@contextmanager
def served(command: list[str], port: int, **environment: str) -> Iterator[str]:
    """A server as a process of its own."""
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **environment}
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                if httpx.get(f"{url}/readyz").status_code == 200:
                    break
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait()


def wrk(url: str, bodies: list[str], clients: int, seconds: int) -> float:
    """Requests a second; fails where any answer was not 2xx."""
    told = told_by_wrk(url, bodies, clients, seconds)
    found = re.search(r"Requests/sec:\s+([\d.]+)", told)
    if found is None:
        raise AssertionError(told)
    return float(found[1])


def told_by_wrk(url: str, bodies: list[str], clients: int, seconds: int) -> str:
    """What `wrk` prints of posting bodies in turn, latencies included; fails where any answer was not 2xx."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "post.lua").write_text(LUA)
        (Path(folder) / "bodies").write_text("\n".join(bodies) + "\n")
        command = ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--latency", "-s", f"{folder}/post.lua", url]
        done = subprocess.run(
            command, env={**os.environ, "BODIES": f"{folder}/bodies"}, capture_output=True, text=True, check=True
        )
    if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise AssertionError(done.stdout)
    return done.stdout


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
                    async for record in result:
                        record.data()
                    done += 1

        await asyncio.gather(*(client(number) for number in range(clients)))
    return done / seconds


def same(ours: str, bare: str, keys: list[str]) -> None:
    """Compare answers: the same identifiers, orders, lines and links, in the same order."""
    for key in keys[:20]:
        namespace, value = Identifier.from_key(key)
        body = {"query": DOCUMENT, "variables": {"i": {"namespace": namespace, "value": value}}}
        mine = httpx.post(f"{ours}/graphql", json=body).json()["data"]["customer"]
        identifiers, links, orders = httpx.post(f"{bare}/view", json={"key": key}).json()["pages"]
        told = [f"{one['namespace']}={one['value']}" for one in mine["identifiers"]["nodes"]]
        if told != [one["key"] for one in identifiers[:20]]:
            raise AssertionError(f"identifiers of {key} differ")
        facts = [Order.from_facts(source, text) for _, source, text in orders[:10]]
        shown = [(one["number"], len(one["lines"])) for one in mine["orders"]["nodes"]]
        if shown != [(one.number, len(one.lines)) for one in facts]:
            raise AssertionError(f"orders of {key} differ")
        ends = [(f"{one['a']['namespace']}={one['a']['value']}", one["count"]) for one in mine["links"]["nodes"]]
        if ends != [(a, values["count"]) for a, _, values in links[:20]]:
            raise AssertionError(f"links of {key} differ")


def rows(uri: str, keys: list[str], clients: list[int], rounds: int, seconds: int) -> tuple[list[Row], Curve]:
    """The view at each concurrency, against the bare endpoint and the driver alone."""
    python, port, bare_port = sys.executable, free_port(), free_port()
    ours = [python, "-m", "service", "serve", "--port", str(port), "--store", uri]
    bare = [python, "-m", "bench.bare", uri, str(bare_port)]
    bodies = [
        json.dumps({"query": DOCUMENT, "variables": {"i": {"namespace": "email", "value": key.partition("=")[2]}}})
        for key in keys
    ]
    bare_bodies = [json.dumps({"key": key}) for key in keys]
    found: list[Row] = []
    curve = Curve(
        "The view over HTTP", "clients", "views a second", {"Kith": [], "bare endpoint": [], "driver alone": []}
    )
    with served(ours, port) as mine, served(bare, bare_port) as theirs:
        same(mine, theirs, keys)
        for count in clients:
            row = Row(f"view over HTTP, {count} clients", "views/s", [], "bare Starlette endpoint", [], 0.8)
            alone = Row(f"view over HTTP, {count} clients", "views/s", row.ours, "driver alone, no HTTP", [])
            wrk(f"{mine}/graphql", bodies, count, 2)
            wrk(f"{theirs}/view", bare_bodies, count, 2)
            for _ in range(rounds):
                row.ours.append(wrk(f"{mine}/graphql", bodies, count, seconds))
                row.theirs.append(wrk(f"{theirs}/view", bare_bodies, count, seconds))
                alone.theirs.append(asyncio.run(driver_alone(uri, keys, count, seconds)))
            found += [row, alone]
            for name, values in (("Kith", row.ours), ("bare endpoint", row.theirs), ("driver alone", alone.theirs)):
                curve.lines[name].append((count, sorted(values)[len(values) // 2]))
    return found, curve
