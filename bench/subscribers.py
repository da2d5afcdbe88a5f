"""An import while many follow the feed: what it costs, and whether all of them are told everything.

    python -m bench.subscribers [--subscribers 200] [--links 20000] [--rounds 2]

Batches of links go in over HTTP from four clients, in turn without anybody following and with all subscribers on
WebSockets (`changes`), while a till looks customers up. Each subscriber must be told every entry once, in order,
without a gap.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import websockets

from bench.report import tell
from bench.wrk import QUIET, percentiles, served, told
from tools.neo4j.server import free_port

BATCH = 100
CLIENTS = 4
FIRST = "first"
"""The name of what is there before."""
TILL_SECONDS = 2
LINK = """mutation Link($input: LinkIdentifiersInput!) { linkIdentifiers(input: $input) { results { __typename } } }"""
FOLLOW = "subscription { changes { cursor } }"
LOOK_UP = "query Till($by: IdentifierInput!) { customer(by: { identifier: $by }) { id known } }"


async def put_in(url: str, links: int, name: str) -> float:
    """Links a second."""
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
    began = time.perf_counter()
    async with httpx.AsyncClient(timeout=60) as client:

        async def one() -> None:
            for batch in queue:
                body = {"query": LINK, "variables": {"input": {"observations": batch}}}
                answer = (await client.post(url, json=body)).json()
                if "errors" in answer:
                    raise AssertionError(answer)

        await asyncio.gather(*(one() for _ in range(CLIENTS)))
    return links / (time.perf_counter() - began)


async def beside_a_till(url: str, links: int, name: str) -> tuple[float, tuple[float, float]]:
    """The same, and p50 and p99 in milliseconds of a till's look-ups at the beginning of it."""
    known = [{"namespace": "email", "value": f"{FIRST}-{n}@mail.example"} for n in range(200)]
    looks = [json.dumps({"query": LOOK_UP, "variables": {"by": one}}) for one in known]
    till = asyncio.to_thread(told, url, looks, 1, TILL_SECONDS)
    rate, text = await asyncio.gather(put_in(url, links, name), till)
    return rate, percentiles(text)


class Subscriber:
    """One that follows the feed and counts what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def follow(self, url: str, ready: asyncio.Event) -> None:
        """Follow until cancelled."""
        async with websockets.connect(url, subprotocols=["graphql-transport-ws"], max_queue=None) as socket:  # type: ignore[list-item]
            await socket.send(json.dumps({"type": "connection_init"}))
            await socket.recv()
            await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": FOLLOW}}))
            ready.set()
            async for message in socket:
                one = json.loads(message)
                if one["type"] == "next":
                    self.told.append(one["payload"]["data"]["changes"]["cursor"])


async def followed(http: str, links: int, name: str, count: int) -> tuple[float, tuple[float, float], float]:
    """Links a second with that many following, a till's times, and seconds until the last was told the last entry."""
    url = http.replace("http", "ws", 1)
    everyone = [Subscriber() for _ in range(count)]
    ready = [asyncio.Event() for _ in everyone]
    async with AsyncExitStack() as stack:
        tasks = [asyncio.create_task(one.follow(url, there)) for one, there in zip(everyone, ready, strict=True)]
        stack.callback(lambda: [task.cancel() for task in tasks])
        await asyncio.gather(*(one.wait() for one in ready))
        await asyncio.sleep(1)
        rate, till = await beside_a_till(http, links, name)
        began = time.perf_counter()
        while len({len(one.told) for one in everyone}) > 1 or not everyone[0].told or _grows(everyone):
            await asyncio.sleep(0.2)
            if time.perf_counter() - began > 120:
                raise AssertionError(f"told {sorted({len(one.told) for one in everyone})} entries after two minutes")
        late = time.perf_counter() - began
    first = everyone[0].told
    if any(one.told != first for one in everyone) or len(set(first)) != len(first):
        raise AssertionError("not all were told the same entries, each once")
    return rate, till, late


_SEEN: list[int] = [0]


def _grows(everyone: list[Subscriber]) -> bool:
    """Whether entries still come."""
    before, _SEEN[0] = _SEEN[0], len(everyone[0].told)
    return _SEEN[0] != before


async def run(url: str, subscribers: int, links: int, rounds: int) -> str:
    """Measure in turn; answers a table of Markdown."""
    await put_in(url, 1_000, FIRST)
    alone: list[tuple[float, float, float]] = []
    with_all: list[tuple[float, float, float]] = []
    late: list[float] = []
    for turn in range(rounds):
        rate, till = await beside_a_till(url, links, f"alone{turn}")
        alone.append((rate, *till))
        rate, till, seconds = await followed(url, links, f"all{turn}", subscribers)
        with_all.append((rate, *till))
        late.append(seconds)
    a, b = ([statistics.median(one) for one in zip(*side, strict=True)] for side in (alone, with_all))
    return (
        "| subscribers | links/s | a till's look-up beside it, p50, ms | p99, ms | the last was told all, seconds "
        "after the import |\n| --- | --- | --- | --- | --- |\n"
        f"| 0 | {a[0]:,.0f} | {a[1]:.1f} | {a[2]:.1f} | |\n"
        f"| {subscribers} | {b[0]:,.0f} | {b[1]:.1f} | {b[2]:.1f} | {statistics.median(late):.1f} |\n\n"
        f"ratio of links {b[0] / a[0]:.2f}"
    )


def main() -> None:
    """Serve over SQLite and measure."""
    options = argparse.ArgumentParser()
    options.add_argument("--subscribers", type=int, default=200)
    options.add_argument("--links", type=int, default=20_000)
    options.add_argument("--rounds", type=int, default=2)
    options.add_argument("--record", action="store_true", help="write the figures into RESULTS.md")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        store = f"sqlite:///{Path(folder) / 'kith.db'}"
        command = [sys.executable, "-m", "service", "serve", "--port", str(port), "--store", store]
        settings = {"KITH_MAX_CONNECTIONS": str(chosen.subscribers + 10), **QUIET}
        with served(command, port, **settings) as url:
            text = asyncio.run(run(f"{url}/graphql", chosen.subscribers, chosen.links, chosen.rounds))
    command = f"python -m bench.subscribers --subscribers {chosen.subscribers} --links {chosen.links}"
    tell("An import that many follow, SQLite", command, text, record=chosen.record)


if __name__ == "__main__":
    main()
