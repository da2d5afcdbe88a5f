"""What each protection of the API costs, and how long hostile documents keep it busy.

    python -m bench.protections

The same view of one customer in SQLite is answered with all protections and without one of them in turn; a new document
each time as well, since documents that were seen before are not looked through again. Then documents whose fragments
spread the next one twice, and flat ones of the same size, beside graphql-armor's rules (in Node) and Strawberry's.
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
from pathlib import Path
from typing import Any
from unittest import mock

from graphql import parse, validate
from strawberry.extensions.max_aliases import create_validator as aliases_rule
from strawberry.extensions.query_depth_limiter import create_validator as depth_rule

from bench.report import tell
from bench.server import graph_over
from bench.view import DOCUMENT
from graph.domain.model.observations import Observation
from graph.domain.model.orders import Order, OrderLine, OrderStatement
from graph.identity_graph import IdentityGraph
from graph.stores.sqlite import EmbeddedStore
from schema.execution import documents, runner
from schema.execution.document_weight import Measure, Measuring
from schema.execution.documents import Documents
from schema.execution.limits import Limits
from schema.execution.runner import QUERIES, Asked, Operations
from schema.root import new_context, schema
from schema.shared.context import Caller

ROUNDS, REQUESTS = 9, 60


class Timeless:
    """An `asyncio.timeout` that never comes."""

    def __init__(self, _: float) -> None: ...

    async def __aenter__(self) -> None: ...

    async def __aexit__(self, *_: object) -> None: ...


def without(name: str) -> Any:
    """Switches one protection off."""
    match name:
        case "depth, aliases and cost":
            return mock.patch.object(Measuring, "operation", return_value=Measure())
        case "directives, introspection, federation":
            return mock.patch.object(Documents, "_closed", return_value=[])
        case "tokens":
            return mock.patch.object(documents, "parse", lambda text, **_: parse(text))
        case "cost and page size of a request":
            return mock.patch.object(Operations, "_too_heavy", return_value=None)
        case "time":
            return mock.patch.object(runner.asyncio, "timeout", Timeless)
    return contextlib.nullcontext()


PROTECTIONS = (
    "depth, aliases and cost",
    "directives, introspection, federation",
    "tokens",
    "cost and page size of a request",
    "time",
)


async def filled(folder: str) -> IdentityGraph:
    """A graph with one customer of some 200 values."""
    from decimal import Decimal

    store = EmbeddedStore(Path(folder) / "kith.db")
    graph = await graph_over(store)
    email = ("email", "ann@example.com")
    await graph.link([Observation("web", (email, ("cookie", f"cookie-{n}")), seen_at=10**15) for n in range(18)])
    lines = tuple(OrderLine(f"sku-{n}", Decimal(1), Decimal("9.95")) for n in range(2))
    orders = [Order(f"W-{n}", "shop", 10**15 + n, 10**15, "EUR", Decimal("19.90"), lines=lines) for n in range(12)]
    await graph.record_orders([OrderStatement(one, (email,)) for one in orders])
    return graph


async def ratios(graph: IdentityGraph, fresh: bool) -> dict[str, float]:
    """Time with everything over time without one protection, of medians of alternating rounds."""
    variables = {"i": {"namespace": "email", "value": "ann@example.com"}}
    times: dict[str, list[float]] = {name: [] for name in ("", *PROTECTIONS)}
    for round_ in range(ROUNDS):
        for name in times:
            with without(name):
                ours = Operations(schema, Limits())
                asked = [
                    Asked(DOCUMENT.replace("View", f"View{round_}x{n}" if fresh else "View"), variables)
                    for n in range(REQUESTS)
                ]
                await ours.run(asked[0], new_context(graph, Caller("bench")), QUERIES)
                began = time.perf_counter()
                for one in asked[1:]:
                    answer = await ours.run(one, new_context(graph, Caller("bench")), QUERIES)
                times[name].append((time.perf_counter() - began) / (REQUESTS - 1))
            if answer.errors or len(answer.data["customer"]["orders"]["nodes"]) != 10:
                raise AssertionError(answer)
    everything = statistics.median(times.pop(""))
    found = {"all, milliseconds": everything * 1000}
    return found | {name: everything / statistics.median(values) for name, values in times.items()}


def nested(depth: int) -> str:
    """Fragments that spread the next one twice."""
    text = 'query { customer(by: {id: "x"}) { ...F0 } } '
    text += "".join(f"fragment F{n} on Customer {{ ...F{n + 1} ...F{n + 1} }} " for n in range(depth))
    return text + f"fragment F{depth} on Customer {{ id }}"


def flat(size: int) -> str:
    """A document of about the same size that holds one selection."""
    return 'query { customer(by: {id: "x"}) { ' + " ".join(f"a{n}: id" for n in range((size - 45) // 9)) + " } }"


def seconds(work: Callable[[], object]) -> float:
    """The median of a few runs."""
    times: list[float] = []
    for _ in range(5):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
        if sum(times) > 5:
            break
    return statistics.median(times)


def hostile() -> list[tuple[str, int, float, float, float, float | None]]:
    """Name, bytes, and seconds: ours with our limits, and looked through whole; graphql-armor's rules; Strawberry's."""
    texts = {"fragments 20 deep": nested(20), "fragments 90 deep": nested(90)}
    texts |= {f"flat, as long as {name}": flat(len(text)) for name, text in list(texts.items())}
    done = subprocess.run(
        ["node", "tools/api/armor.mjs", "schema/schema.graphql"],
        input=json.dumps([nested(1), *texts.values()]),
        capture_output=True,
        text=True,
        check=True,
    )
    found = []
    for (name, text), armor in zip(texts.items(), json.loads(done.stdout)[1:], strict=True):
        limited = seconds(lambda text=text: Documents(schema._schema, Limits())._look_through(text))
        whole = seconds(lambda text=text: Documents(schema._schema, Limits(aliases=10**6))._look_through(text))
        theirs = None
        if name != "fragments 90 deep":
            rules = [depth_rule(10, None), aliases_rule(30)]
            theirs = seconds(lambda text=text, rules=rules: validate(schema._schema, parse(text), rules))
        found.append((name, len(text), limited, whole, armor["seconds"], theirs))
    return found


async def main() -> None:
    """Print both tables."""
    with tempfile.TemporaryDirectory() as folder:
        graph = await filled(folder)
        known, new = await ratios(graph, fresh=False), await ratios(graph, fresh=True)
        await graph.close()
    text = "| time with all, over without | document seen before | new document |\n| --- | --- | --- |\n"
    text += "".join(f"| {name} | {known[name]:.2f} | {new[name]:.2f} |\n" for name in known)
    text += (
        "\n| document | bytes | Kith, ms | Kith without limits, ms | graphql-armor, ms | Strawberry's limiters, ms |\n"
    )
    text += "| --- | --- | --- | --- | --- | --- |\n"
    for name, size, *times in hostile():
        cells = " | ".join("endless" if one is None else f"{one * 1000:,.1f}" for one in times)
        text += f"| {name} | {size} | {cells} |\n"
    tell("What protections cost", "python -m bench.protections", text, record="--record" in sys.argv)


if __name__ == "__main__":
    asyncio.run(main())
