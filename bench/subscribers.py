"""An import while many clients subscribe to changes: its cost, and whether all of them receive everything.

    python -m bench.subscribers [--subscribers 200] [--documents 1] [--links 20000] [--rounds 2]

Four clients send batches of links over HTTP, in turn without subscribers and with all of them on WebSockets
(`changes`), while another client looks up customers. Each subscriber must receive every change once, in order and
without gaps. Subscribers send as many different documents as is asked for; those with the same one share events.
The seconds of the processor that the service spends until the last delivery are less noisy than links a second.
"""

import argparse
import asyncio
import json
import re
import statistics
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import websockets

from bench.report import report_results
from bench.wrk import QUIET, percentiles, server_process, wrk_output
from tools.neo4j.server import free_port

BATCH = 100
CLIENTS = 4
FIRST = "first"
"""The name of the links that are stored before."""
LOOKUP_SECONDS = 2
LINK = """mutation Link($input: LinkIdentifiersInput!) { linkIdentifiers(input: $input) { results { __typename } } }"""
CHANGES = "subscription { changes { cursor } }"
LOOKUP = "query Lookup($by: IdentifierInput!) { customer(by: { identifier: $by }) { id known } }"


def document(number: int) -> str:
    """Return one of several documents with the same answers."""
    return CHANGES if number == 0 else CHANGES.replace("subscription", f"subscription Changes{number}")


async def send_links(url: str, links: int, name: str) -> float:
    """Send links; return links per second."""
    batches = [
        [
            {
                "source": "bench",
                "id": f"{name}-{n}",
                "identifiers": [
                    {"namespace": "email", "value": f"{name}-{n // 4}@mail.example"},
                    {"namespace": "cookie", "value": f"{name}-cookie-{n}"},
                ],
            }
            for n in range(start, min(start + BATCH, links))
        ]
        for start in range(0, links, BATCH)
    ]
    queue = iter(batches)
    start = time.perf_counter()
    async with httpx.AsyncClient(timeout=60) as client:

        async def send() -> None:
            for batch in queue:
                body = {"query": LINK, "variables": {"input": {"observations": batch}}}
                response = (await client.post(url, json=body)).json()
                if "errors" in response:
                    raise AssertionError(response)

        await asyncio.gather(*(send() for _ in range(CLIENTS)))
    return links / (time.perf_counter() - start)


async def send_links_with_lookups(url: str, links: int, name: str) -> tuple[float, tuple[float, float]]:
    """Send links; return links per second, and p50 and p99 in milliseconds of lookups at the beginning."""
    identifiers = [{"namespace": "email", "value": f"{FIRST}-{n}@mail.example"} for n in range(200)]
    bodies = [json.dumps({"query": LOOKUP, "variables": {"by": identifier}}) for identifier in identifiers]
    lookups = asyncio.to_thread(wrk_output, url, bodies, 1, LOOKUP_SECONDS)
    rate, text = await asyncio.gather(send_links(url, links, name), lookups)
    return rate, percentiles(text)


def processor_seconds(service: str) -> float:
    """Return the time of the processor that a service has used, in seconds."""
    match = re.search(r"^process_cpu_seconds_total (\S+)$", httpx.get(f"{service}/metrics").text, re.MULTILINE)
    if match is None:
        raise AssertionError("the service does not report its time of the processor")
    return float(match[1])


class Subscriber:
    """A subscriber to changes that keeps the cursors it receives."""

    def __init__(self) -> None:
        self.received: list[str] = []

    async def follow(self, url: str, ready: asyncio.Event, document: str = CHANGES) -> None:
        """Receive changes until the task is canceled."""
        async with websockets.connect(url, subprotocols=["graphql-transport-ws"], max_queue=None) as socket:  # type: ignore[list-item]
            await socket.send(json.dumps({"type": "connection_init"}))
            await socket.recv()
            await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": document}}))
            ready.set()
            async for message in socket:
                content = json.loads(message)
                if content["type"] == "next":
                    self.received.append(content["payload"]["data"]["changes"]["cursor"])


async def send_links_with_subscribers(
    http: str, links: int, name: str, count: int, documents: int
) -> tuple[float, tuple[float, float], float]:
    """Send links to subscribers; return links per second, lookup times, and seconds until the last delivery."""
    url = http.replace("http", "ws", 1)
    subscribers = [Subscriber() for _ in range(count)]
    ready = [asyncio.Event() for _ in subscribers]
    async with AsyncExitStack() as stack:
        tasks = [
            asyncio.create_task(subscriber.follow(url, event, document(number % documents)))
            for number, (subscriber, event) in enumerate(zip(subscribers, ready, strict=True))
        ]
        stack.callback(lambda: [task.cancel() for task in tasks])
        await asyncio.gather(*(event.wait() for event in ready))
        await asyncio.sleep(1)
        rate, lookup = await send_links_with_lookups(http, links, name)
        start = time.perf_counter()
        while _still_receiving(subscribers):
            await asyncio.sleep(0.2)
            if time.perf_counter() - start > 120:
                counts = sorted({len(subscriber.received) for subscriber in subscribers})
                raise AssertionError(f"subscribers received {counts} changes after two minutes")
        delay = time.perf_counter() - start
    first = subscribers[0].received
    if any(subscriber.received != first for subscriber in subscribers) or len(set(first)) != len(first):
        raise AssertionError("not all subscribers received the same changes, each once")
    return rate, lookup, delay


_LAST_COUNT: list[int] = [0]


def _still_receiving(subscribers: list[Subscriber]) -> bool:
    """Whether subscribers have received different numbers of changes, none at all, or more than at the last call."""
    counts = {len(subscriber.received) for subscriber in subscribers}
    if len(counts) > 1 or counts == {0}:
        return True
    before, _LAST_COUNT[0] = _LAST_COUNT[0], counts.pop()
    return _LAST_COUNT[0] != before


async def run(service: str, subscribers: int, links: int, rounds: int, documents: int = 1) -> str:
    """Measure in turn; return a Markdown table."""
    url = f"{service}/graphql"
    await send_links(url, 1_000, FIRST)
    alone: list[tuple[float, float, float, float]] = []
    with_subscribers: list[tuple[float, float, float, float]] = []
    delays: list[float] = []
    for number in range(rounds):
        before = processor_seconds(service)
        rate, lookup = await send_links_with_lookups(url, links, f"alone{number}")
        between = processor_seconds(service)
        alone.append((rate, between - before, *lookup))
        rate, lookup, delay = await send_links_with_subscribers(
            url, links, f"subscribed{number}", subscribers, documents
        )
        with_subscribers.append((rate, processor_seconds(service) - between, *lookup))
        delays.append(delay)
    a, b = ([statistics.median(column) for column in zip(*side, strict=True)] for side in (alone, with_subscribers))
    return (
        "| subscribers | links/s | processor, s | lookup during the import, p50, ms | p99, ms "
        "| last delivery after the import, s |\n"
        "| --- | --- | --- | --- | --- | --- |\n"
        f"| 0 | {a[0]:,.0f} | {a[1]:.1f} | {a[2]:.1f} | {a[3]:.1f} | |\n"
        f"| {subscribers} | {b[0]:,.0f} | {b[1]:.1f} | {b[2]:.1f} | {b[3]:.1f} | {statistics.median(delays):.1f} |\n\n"
        f"ratio of links/s {b[0] / a[0]:.2f}, of the processor's time {a[1] / b[1]:.2f}"
    )


def main() -> None:
    """Serve over SQLite, measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--subscribers", type=int, default=200)
    options.add_argument("--documents", type=int, default=1)
    options.add_argument("--links", type=int, default=20_000)
    options.add_argument("--rounds", type=int, default=2)
    options.add_argument("--record", action="store_true", help="write the results to RESULTS.md")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        store = f"sqlite:///{Path(folder) / 'kith.db'}"
        command = [sys.executable, "-m", "service", "serve", "--port", str(port), "--store", store]
        settings = {"KITH_MAX_CONNECTIONS": str(chosen.subscribers + 10), **QUIET}
        with server_process(command, port, **settings) as url:
            text = asyncio.run(run(url, chosen.subscribers, chosen.links, chosen.rounds, chosen.documents))
    command = f"python -m bench.subscribers --subscribers {chosen.subscribers} --documents {chosen.documents}"
    command += f" --links {chosen.links}"
    report_results("An import with many subscribers, SQLite", command, text, record=chosen.record)


if __name__ == "__main__":
    main()
