"""Looking up a customer (id, known, RFM group, segments, name) among ever more identifiers, over HTTP.

    python -m bench.lookup [--sizes 10000,100000,1000000] [--clients 32] [--rounds 3] [--seconds 5]

There is a service for each size, each over a SQLite file of its own. They are measured in turn; results are medians of
the rounds. The target is a p50 of the largest size of at most 1.3 times that of the smallest. `wrk` sends the requests.
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

import httpx

from bench.report import Curve, report_results
from bench.wrk import QUIET, percentiles, server_process, wrk_output
from service.bootstrap import wire
from service.config.settings import Settings
from service.ingest import backfill
from service.ingest.report import Report
from tools.neo4j.server import free_port

IDENTIFIERS_PER_CUSTOMER = 8
"""The identifiers of each customer: an email address, a card and cookies."""
AT = "2026-01-01T00:00:00Z"
DOCUMENT = """query LookUp($i: IdentifierInput!) { customer(by: {identifier: $i}) {
  id known rfm { group } segments { segment { name } } profile { name { value } } } }"""


def history(size: int) -> Iterator[dict[str, object]]:
    """Yield customers with names, as lines of a history."""
    for n in range(size // IDENTIFIERS_PER_CUSTOMER):
        email = {"namespace": "email", "value": f"p{n}@mail.example"}
        card = {"namespace": "loyalty_card", "value": f"KC{n}"}
        attributes = {"source": "crm", "id": f"a{n}", "reportedAt": AT, "attributes": {"name": f"Name {n}"}}
        yield {**attributes, "identifiers": [email, card]}
        for number in range(IDENTIFIERS_PER_CUSTOMER - 2):
            cookie = {"namespace": "cookie", "value": f"c-{n}-{number}"}
            yield {"source": "web", "id": f"w{n}-{number}", "seenAt": AT, "identifiers": [email, cookie]}


async def fill(path: Path, size: int) -> list[str]:
    """Fill a store with `size` identifiers; return email addresses to look up."""
    file = path.with_suffix(".ndjson")
    with file.open("w") as out:
        out.writelines(json.dumps(line) + "\n" for line in history(size))
    wiring = wire(Settings(store=f"sqlite:///{path}", _env_file=None))
    await backfill.run(wiring, [file], Report(path.with_suffix(".rejected")), lambda *_: None)
    file.unlink()
    await wiring.prepare()
    await wiring.graph.segments.create("Anybody", {"hasNamespace": "email"}, "bench")
    await wiring.graph.close()
    customers = size // IDENTIFIERS_PER_CUSTOMER
    step = max(1, customers // 2_000)
    return [f"p{n}@mail.example" for n in range(0, customers, step)]


def measure(url: str, values: list[str], clients: int, seconds: int) -> tuple[float, float]:
    """Look up email addresses; return p50 and p99 in milliseconds."""
    bodies = [
        json.dumps({"query": DOCUMENT, "variables": {"i": {"namespace": "email", "value": value}}}) for value in values
    ]
    return percentiles(wrk_output(url, bodies, clients, seconds))


def main() -> None:
    """Fill stores, serve, measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--sizes", default="10000,100000,1000000")
    options.add_argument("--clients", type=int, default=32)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seconds", type=int, default=5)
    options.add_argument("--record", action="store_true", help="write the results to RESULTS.md")
    chosen = options.parse_args()
    sizes = [int(size) for size in chosen.sizes.split(",")]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        urls: dict[int, str] = {}
        values: dict[int, list[str]] = {}
        for size in sizes:
            path, port = Path(folder) / f"{size}.db", free_port()
            start = time.perf_counter()
            values[size] = asyncio.run(fill(path, size))
            print(f"{size:,} identifiers filled in {time.perf_counter() - start:.0f} s", file=sys.stderr)
            # Background work would disturb the measurement.
            command = [sys.executable, "-m", "service", "serve", "--port", str(port), "--store", f"sqlite:///{path}"]
            urls[size] = stack.enter_context(server_process(command, port, **QUIET)) + "/graphql"
        while any(not _segments_ready(url) for url in urls.values()):
            time.sleep(1)
        times: dict[int, list[tuple[float, float]]] = {size: [] for size in sizes}
        for _ in range(chosen.rounds):
            for size in sizes:
                times[size].append(measure(urls[size], values[size], chosen.clients, chosen.seconds))
    medians = {size: [statistics.median(column) for column in zip(*times[size], strict=True)] for size in sizes}
    text = "| identifiers | p50, ms | p99, ms |\n| --- | --- | --- |\n"
    text += "".join(f"| {size:,} | {medians[size][0]:.2f} | {medians[size][1]:.2f} |\n" for size in sizes)
    first, last = medians[sizes[0]], medians[sizes[-1]]
    text += (
        f"\np50 of the largest over the smallest {last[0] / first[0]:.2f}, p99 {last[1] / first[1]:.2f} (target 1.3)"
    )
    curve = Curve("Lookup by identifier", "identifiers", "milliseconds")
    for place, name in enumerate(("p50", "p99")):
        curve.lines[name] = [(size, medians[size][place]) for size in sizes]
    command = f"python -m bench.lookup --sizes {chosen.sizes} --clients {chosen.clients}"
    report_results("Lookup by identifier, SQLite", command, text, [curve], chosen.record)


def _segments_ready(url: str) -> bool:
    response = httpx.post(url, json={"query": "{ segments { nodes { ready } } }"}).json()
    return all(segment["ready"] for segment in response["data"]["segments"]["nodes"])


if __name__ == "__main__":
    main()
