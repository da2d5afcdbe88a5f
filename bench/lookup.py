"""Looking a customer up as a till does (id, known, group, segments, name) among ever more identifiers, over HTTP.

    python -m bench.lookup [--sizes 10000,100000,1000000] [--clients 32] [--rounds 3] [--seconds 5]

A service for each size, each over a SQLite file of its own, asked in turn; medians of the rounds. The p50 of the last
over that of the first is aimed to be at most 1.3. `wrk` makes the load in a process of its own.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from bench.report import Curve, tell
from bench.wrk import QUIET, percentiles, served, told
from service.bootstrap import wire
from service.config.settings import Settings
from service.ingest import backfill
from service.ingest.importer import Report
from tools.neo4j.server import free_port

EACH = 8
"""Identifiers of a customer: an e-mail address, a card and cookies."""
AT = "2026-01-01T00:00:00Z"
DOCUMENT = """query LookUp($i: IdentifierInput!) { customer(by: {identifier: $i}) {
  id known comparison { segment } segments { segment { name } } profile { name { value } } } }"""


def history(size: int) -> Iterator[dict[str, object]]:
    """Customers of eight identifiers each, with names, as lines of a history."""
    for n in range(size // EACH):
        email = {"namespace": "email", "value": f"p{n}@mail.example"}
        card = {"namespace": "loyalty_card", "value": f"KC{n}"}
        told = {"source": "crm", "id": f"a{n}", "statedAt": AT, "attributes": {"name": f"Name {n}"}}
        yield {**told, "identifiers": [email, card]}
        for one in range(EACH - 2):
            cookie = {"namespace": "cookie", "value": f"c-{n}-{one}"}
            yield {"source": "web", "id": f"w{n}-{one}", "seenAt": AT, "identifiers": [email, cookie]}


async def fill(path: Path, size: int) -> list[str]:
    """A store of so many identifiers; some e-mail addresses to ask for."""
    file = path.with_suffix(".ndjson")
    with file.open("w") as out:
        out.writelines(json.dumps(line) + "\n" for line in history(size))
    wiring = wire(Settings(store=f"sqlite:///{path}", _env_file=None))
    await backfill.run(wiring, [file], Report(path.with_suffix(".refused")), lambda *_: None)
    file.unlink()
    await wiring.prepare()
    await wiring.graph.segments.create("Anybody", {"namespace": "email"}, "bench")
    await wiring.graph.close()
    customers = size // EACH
    step = max(1, customers // 2_000)
    return [f"p{n}@mail.example" for n in range(0, customers, step)]


def ask(url: str, values: list[str], clients: int, seconds: int) -> tuple[float, float]:
    """p50 and p99 in milliseconds; fails where any answer was not 2xx."""
    bodies = [
        json.dumps({"query": DOCUMENT, "variables": {"i": {"namespace": "email", "value": one}}}) for one in values
    ]
    return percentiles(told(url, bodies, clients, seconds))


def main() -> None:
    """Fill, serve and measure."""
    options = argparse.ArgumentParser()
    options.add_argument("--sizes", default="10000,100000,1000000")
    options.add_argument("--clients", type=int, default=32)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seconds", type=int, default=5)
    options.add_argument("--record", action="store_true", help="write the figures into RESULTS.md")
    chosen = options.parse_args()
    sizes = [int(size) for size in chosen.sizes.split(",")]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        urls: dict[int, str] = {}
        values: dict[int, list[str]] = {}
        for size in sizes:
            path, port = Path(folder) / f"{size}.db", free_port()
            began = time.perf_counter()
            values[size] = asyncio.run(fill(path, size))
            print(f"{size:,} identifiers filled in {time.perf_counter() - began:.0f} s", file=sys.stderr)
            # The background has nothing to do while it is measured.
            command = [sys.executable, "-m", "service", "serve", "--port", str(port), "--store", f"sqlite:///{path}"]
            urls[size] = stack.enter_context(served(command, port, **QUIET)) + "/graphql"
        while any(not _filled(url) for url in urls.values()):
            time.sleep(1)
        times: dict[int, list[tuple[float, float]]] = {size: [] for size in sizes}
        for _ in range(chosen.rounds):
            for size in sizes:
                times[size].append(ask(urls[size], values[size], chosen.clients, chosen.seconds))
    middle = {size: [statistics.median(column) for column in zip(*times[size], strict=True)] for size in sizes}
    text = "| identifiers | p50, ms | p99, ms |\n| --- | --- | --- |\n"
    text += "".join(f"| {size:,} | {middle[size][0]:.2f} | {middle[size][1]:.2f} |\n" for size in sizes)
    first, last = middle[sizes[0]], middle[sizes[-1]]
    text += f"\np50 of the largest over the smallest {last[0] / first[0]:.2f}, p99 {last[1] / first[1]:.2f} (aim 1.3)"
    curve = Curve("Look-up by identifier", "identifiers", "milliseconds")
    for place, name in enumerate(("p50", "p99")):
        curve.lines[name] = [(size, middle[size][place]) for size in sizes]
    command = f"python -m bench.lookup --sizes {chosen.sizes} --clients {chosen.clients}"
    tell("Look-up by identifier, SQLite", command, text, [curve], chosen.record)


def _filled(url: str) -> bool:
    import httpx

    return all(
        one["filled"]
        for one in httpx.post(url, json={"query": "{ segments { nodes { filled } } }"}).json()["data"]["segments"][
            "nodes"
        ]
    )


if __name__ == "__main__":
    main()
