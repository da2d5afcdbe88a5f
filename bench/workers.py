"""Views and single links by the number of workers of one service, on Neo4j or on one SQLite file.

    python -m bench.workers [--store sqlite] [--workers 1,2] [--clients 8,32] [--rounds 3] [--seconds 4] [--quick]

There is a service for each number of workers, all over one store; they are measured in turn, and results are medians of
the rounds. Besides the views alone, each is measured with as many views beside single links, as a till sends them.
`--store` is `sqlite`, `neo4j`, or the address of a Neo4j database, which is emptied.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from bench.links_in import body, observations, service
from bench.report import Curve, report_results
from bench.server import neo4j
from bench.view import DOCUMENT, load
from bench.wrk import percentiles, rate, require_wrk, wrk_output
from graph.domain.model.identifiers import Identifier
from graph.stores.neo4j import Neo4jStore
from graph.stores.sqlite import SQLiteStore

CUSTOMERS, QUICK_CUSTOMERS = 1_000, 200
LINKS = 20_000
"""Links that are sent one by one, more than can be stored in the time."""
TILLS = 4
"""Clients that send single links beside the views."""
START_SECONDS = 60


@contextmanager
def store_of(kind: str, folder: Path) -> Iterator[str]:
    """Yield the URI of a store with customers to look up."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'kith.db'}"
        return
    with neo4j("" if kind == "neo4j" else kind) as uri:
        yield uri


def fill(uri: str, customers: int) -> list[str]:
    """Fill the store; return a key of each customer."""
    store = SQLiteStore(Path(uri.removeprefix("sqlite:///"))) if uri.startswith("sqlite:") else Neo4jStore(uri)
    return asyncio.run(load(store, customers))


def wait_for_workers(url: str, count: int) -> None:
    """Wait until all workers serve."""
    metrics = url.replace("/graphql", "/metrics")
    for _ in range(START_SECONDS * 10):
        text = httpx.get(metrics, timeout=60).text
        if count == 1 or all(f'kith_ready{{worker="{number}"}} 1.0' in text for number in range(1, count + 1)):
            return
        time.sleep(0.1)
    raise AssertionError(f"of {count} workers, not all serve after {START_SECONDS} s")


def processor_seconds(url: str) -> float:
    """Return the processor time that all workers have used."""
    lines = httpx.get(url.replace("/graphql", "/metrics"), timeout=60).text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith("process_cpu_seconds_total"))


def alone(url: str, views: list[str], clients: int, seconds: int) -> tuple[float, float]:
    """Send views; return views per second, and the milliseconds of the workers' processor time for each."""
    began = processor_seconds(url)
    views_per_second = rate(url, views, clients, seconds)
    return views_per_second, (processor_seconds(url) - began) * 1000 / (views_per_second * seconds)


def beside(url: str, views: list[str], links: list[str], clients: int, seconds: int) -> tuple[float, float]:
    """Send views and single links at the same time; return views per second, and the p99 of a link in milliseconds."""
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(wrk_output, url, links, TILLS, seconds)
        views_per_second = rate(url, views, clients, seconds)
        return views_per_second, percentiles(sending.result())[1]


def main() -> None:
    """Serve, measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--store", default="sqlite")
    options.add_argument("--workers", default="1,2")
    options.add_argument("--clients", default="8,32")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seconds", type=int, default=4)
    options.add_argument("--quick", action="store_true", help="fewer customers")
    options.add_argument("--record", action="store_true", help="write the results to RESULTS.md")
    chosen = options.parse_args()
    require_wrk()
    counts = [int(count) for count in chosen.workers.split(",")]
    table = (
        "| workers | clients | views/s | processor time of each, ms | beside single links: views/s | p99 of a link |\n"
    )
    table += "| --- | --- | --- | --- | --- | --- |\n"
    curve = Curve("Views by the number of workers", "clients", "views per second", {f"{n} workers": [] for n in counts})
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        uri = stack.enter_context(store_of(chosen.store, Path(folder)))
        keys = map(Identifier.from_key, fill(uri, QUICK_CUSTOMERS if chosen.quick else CUSTOMERS))
        views = [
            json.dumps({"query": DOCUMENT, "variables": {"i": {"namespace": namespace, "value": value}}})
            for namespace, value in keys
        ]
        urls = {count: stack.enter_context(service(uri, KITH_WORKERS=str(count))) for count in counts}
        # Each run sends links of its own: the same ones again would change nothing.
        runs = iter(range(1_000))
        for count, url in urls.items():
            wait_for_workers(url, count)
            rate(url, views, 32, chosen.seconds)
        for clients in map(int, chosen.clients.split(",")):
            only: dict[int, list[tuple[float, float]]] = {count: [] for count in counts}
            both: dict[int, list[tuple[float, float]]] = {count: [] for count in counts}
            for _ in range(chosen.rounds):
                for count, url in urls.items():
                    only[count].append(alone(url, views, clients, chosen.seconds))
                for count, url in urls.items():
                    links = [body([seen]) for seen in observations(LINKS, next(runs))]
                    both[count].append(beside(url, views, links, clients, chosen.seconds))
            for count in counts:
                middle, each = (statistics.median(values) for values in zip(*only[count], strict=True))
                mixed, p99 = (statistics.median(values) for values in zip(*both[count], strict=True))
                table += f"| {count} | {clients} | {middle:,.0f} | {each:.2f} | {mixed:,.0f} | {p99:.1f} ms |\n"
                curve.lines[f"{count} workers"].append((clients, middle))
                print(table.splitlines()[-1], flush=True)
    command = f"python -m bench.workers --store {'sqlite' if chosen.store == 'sqlite' else 'neo4j'}"
    report_results(f"Workers, {uri.partition(':')[0]}", command, table, [curve], chosen.record)


if __name__ == "__main__":
    main()
