"""The cost of each protection of the API, and the time that hostile documents take.

    python -m bench.protections

The same view of one customer in SQLite is executed with all protections, and with each of them disabled, in turn. This
is repeated with new documents, since documents that were seen before are not analyzed again. Then come documents whose
fragments spread the next fragment twice, and flat documents of the same size, against graphql-armor's rules (in Node)
and Strawberry's.
"""

import asyncio
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest import mock

from graphql import parse, validate
from strawberry.extensions.max_aliases import create_validator as aliases_rule
from strawberry.extensions.query_depth_limiter import create_validator as depth_rule

from bench.report import report_results
from bench.server import graph_over
from bench.view import DOCUMENT
from graph.domain.model.observations import Observation
from graph.domain.model.orders import Order, OrderLine, OrderStatement
from graph.identity_graph import IdentityGraph
from graph.stores.sqlite import SQLiteStore
from graph.viewer_graph import ViewerGraph
from schema.execution import documents, runner
from schema.execution.document_weight import DocumentWeigher, SelectionWeight
from schema.execution.documents import Documents
from schema.execution.limits import Limits
from schema.execution.runner import QUERIES, GraphQLRequest, OperationRunner
from schema.root import new_context, schema
from service.access.authentication import LOCAL

ROUNDS, REQUESTS = 9, 60


class NoTimeout:
    """Replaces `SharedTimeout` by a timeout that never expires."""

    def __init__(self, _: float) -> None: ...

    def scope(self) -> contextlib.nullcontext[None]:
        return contextlib.nullcontext()


def disabled(name: str) -> Any:
    """Return a context manager that disables one protection."""
    match name:
        case "depth, aliases and cost":
            return mock.patch.object(DocumentWeigher, "operation", return_value=SelectionWeight())
        case "directives, introspection, federation":
            return mock.patch.object(Documents, "_disabled_features", return_value=[])
        case "tokens":
            return mock.patch.object(documents, "parse", lambda text, **_: parse(text))
        case "cost and page size of a request":
            return mock.patch.object(OperationRunner, "_exceeded_limit", return_value=None)
        case "time":
            return mock.patch.object(runner, "SharedTimeout", NoTimeout)
    return contextlib.nullcontext()


PROTECTIONS = (
    "depth, aliases and cost",
    "directives, introspection, federation",
    "tokens",
    "cost and page size of a request",
    "time",
)


async def filled(folder: str) -> IdentityGraph:
    """Return a graph with one customer of some 200 values."""
    store = SQLiteStore(Path(folder) / "kith.db")
    graph = await graph_over(store)
    email = ("email", "ann@example.com")
    await graph.link([Observation("web", (email, ("cookie", f"cookie-{n}")), seen_at=10**15) for n in range(18)])
    lines = tuple(OrderLine(f"sku-{n}", Decimal(1), Decimal("9.95")) for n in range(2))
    orders = [Order(f"W-{n}", "shop", 10**15 + n, 10**15, "EUR", Decimal("19.90"), lines=lines) for n in range(12)]
    await graph.record_orders([OrderStatement(order, (email,)) for order in orders])
    return graph


async def ratios(graph: IdentityGraph, fresh: bool) -> dict[str, float]:
    """Return the time with all protections divided by the time without each, from medians of alternating rounds."""
    variables = {"i": {"namespace": "email", "value": "ann@example.com"}}
    times: dict[str, list[float]] = {name: [] for name in ("", *PROTECTIONS)}
    for round_ in range(ROUNDS):
        for name in times:
            with disabled(name):
                operations = OperationRunner(schema, Limits())
                requests = [
                    GraphQLRequest(DOCUMENT.replace("View", f"View{round_}x{n}" if fresh else "View"), variables)
                    for n in range(REQUESTS)
                ]
                await operations.run(requests[0], new_context(ViewerGraph(graph, LOCAL)), QUERIES)
                start = time.perf_counter()
                for request in requests[1:]:
                    result = await operations.run(request, new_context(ViewerGraph(graph, LOCAL)), QUERIES)
                times[name].append((time.perf_counter() - start) / (REQUESTS - 1))
            if result.errors or len(result.data["customer"]["orders"]["nodes"]) != 10:
                raise AssertionError(result)
    everything = statistics.median(times.pop(""))
    total = {"all, milliseconds": everything * 1000}
    return total | {name: everything / statistics.median(values) for name, values in times.items()}


def nested(depth: int) -> str:
    """Return a document with fragments that each spread the next one twice."""
    text = 'query { customer(by: {id: "x"}) { ...F0 } } '
    text += "".join(f"fragment F{n} on Customer {{ ...F{n + 1} ...F{n + 1} }} " for n in range(depth))
    return text + f"fragment F{depth} on Customer {{ id }}"


def flat(size: int) -> str:
    """Return a document of about this size with one selection set."""
    return 'query { customer(by: {id: "x"}) { ' + " ".join(f"a{n}: id" for n in range((size - 45) // 9)) + " } }"


def seconds(work: Callable[[], object]) -> float:
    """Return the median time of a few runs."""
    times: list[float] = []
    for _ in range(5):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
        if sum(times) > 5:
            break
    return statistics.median(times)


def hostile_documents() -> list[tuple[str, int, float, float, float, float | None]]:
    """Return name, size in bytes, and seconds of Kith, Kith without limits, graphql-armor and Strawberry."""
    texts = {"fragments 20 deep": nested(20), "fragments 90 deep": nested(90)}
    texts |= {f"flat, as long as {name}": flat(len(text)) for name, text in list(texts.items())}
    done = subprocess.run(
        ["node", "tools/api/armor.mjs", "schema/schema.graphql"],
        input=json.dumps([nested(1), *texts.values()]),
        capture_output=True,
        text=True,
        check=True,
    )
    results = []
    for (name, text), armor in zip(texts.items(), json.loads(done.stdout)[1:], strict=True):
        limited = seconds(lambda text=text: Documents(schema._schema, Limits())._analyze(text))
        whole = seconds(lambda text=text: Documents(schema._schema, Limits(aliases=10**6))._analyze(text))
        strawberry = None
        if name != "fragments 90 deep":
            rules = [depth_rule(10, None), aliases_rule(30)]
            strawberry = seconds(lambda text=text, rules=rules: validate(schema._schema, parse(text), rules))
        results.append((name, len(text), limited, whole, armor["seconds"], strawberry))
    return results


async def main() -> None:
    """Measure and print both tables."""
    with tempfile.TemporaryDirectory() as folder:
        graph = await filled(folder)
        known, new = await ratios(graph, fresh=False), await ratios(graph, fresh=True)
        await graph.close()
    text = "| time with all / time without | document seen before | new document |\n| --- | --- | --- |\n"
    text += "".join(f"| {name} | {known[name]:.2f} | {new[name]:.2f} |\n" for name in known)
    text += (
        "\n| document | bytes | Kith, ms | Kith without limits, ms | graphql-armor, ms | Strawberry's limiters, ms |\n"
    )
    text += "| --- | --- | --- | --- | --- | --- |\n"
    for name, size, *times in hostile_documents():
        cells = " | ".join("unbounded" if value is None else f"{value * 1000:,.1f}" for value in times)
        text += f"| {name} | {size} | {cells} |\n"
    report_results("Cost of the protections", "python -m bench.protections", text, record="--record" in sys.argv)


if __name__ == "__main__":
    asyncio.run(main())
