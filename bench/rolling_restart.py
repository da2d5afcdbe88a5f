"""Requests that fail while one process takes over from another, again and again.

    python -m bench.rolling_restart [--restarts 10] [--store neo4j://127.0.0.1:7687] [--workers 2]

A proxy passes connections on to two ports and retries on the other one if a connection is refused, as load balancers
do. Behind it, a new process starts, becomes ready, and the old one gets SIGTERM. Clients read and write meanwhile: with
connections that they keep, with a new connection for each request, and over a subscription that they renew from the
last cursor. The target is no failed request, no lost write, and no change that a subscriber misses. With `--workers` a
single service gets SIGHUP instead, and replaces its workers.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import httpx

from bench.report import report_results
from tools.neo4j.server import free_port

LINK = """mutation Link($input: LinkIdentifiersInput!) { linkIdentifiers(input: $input) {
  results { __typename } errors { code message } } }"""
VIEW = """query View($i: IdentifierInput!) { customer(by: {identifier: $i}) { id identifiers { nodes { value } } } }"""
FOLLOW = "subscription Follow($after: String) { changes(after: $after) { cursor } }"
NEWEST = "query Newest($after: String) { changes(after: $after) { nodes { cursor } } }"
READY_SECONDS = 120


class Proxy:
    """A proxy of connections to several ports of this machine, in turn; a refused one is tried at the next port."""

    def __init__(self, ports: list[int]) -> None:
        self.ports = ports
        self._turn = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on one connection until one of its sides ends it."""
        self._turn = (self._turn + 1) % len(self.ports)
        for port in self.ports[self._turn :] + self.ports[: self._turn]:
            with suppress(ConnectionRefusedError):
                upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", port)
                break
        else:
            writer.close()
            return
        await asyncio.gather(_copy(reader, upstream_writer), _copy(upstream_reader, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    with suppress(ConnectionError):
        writer.close()
        await writer.wait_closed()


class Clients:
    """Clients that count their requests, and the reasons of those that failed."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.ending = False
        self.sent, self.received = 0, 0
        self.failed: Counter[str] = Counter()
        self.written: list[int] = []
        self.changes: list[str] = []

    async def ask(self, client: httpx.AsyncClient, query: str, variables: dict[str, object]) -> dict[str, object]:
        """Send a request; count it, and its failure."""
        self.sent += 1
        try:
            response = await client.post(self._url, json={"query": query, "variables": variables})
            body: dict[str, dict[str, object]] = response.json()
            if "errors" in body or response.status_code != 200:
                self.failed[f"{response.status_code} {body.get('errors')}"] += 1
            return body.get("data") or {}
        except (httpx.HTTPError, ValueError) as error:
            self.failed[repr(error)] += 1
            return {}

    async def read(self, keep: bool) -> None:
        """Read customers until the end."""
        limits = httpx.Limits() if keep else httpx.Limits(max_keepalive_connections=0)
        async with httpx.AsyncClient(timeout=60, limits=limits) as client:
            while not self.ending:
                await self.ask(client, VIEW, {"i": {"namespace": "cookie", "value": f"cookie-{len(self.written)}"}})

    async def write(self, name: int) -> None:
        """Send observations until the end, one a request."""
        async with httpx.AsyncClient(timeout=60) as client:
            number = name
            while not self.ending:
                keys = [
                    {"namespace": "cookie", "value": f"cookie-{number}"},
                    {"namespace": "device", "value": f"device-{number}"},
                ]
                observation = {"source": "bench", "id": str(number), "identifiers": keys}
                if await self.ask(client, LINK, {"input": {"observations": [observation]}}):
                    self.written.append(number)
                number += 1_000_000

    async def follow(self) -> None:
        """Follow all changes until it is canceled; a subscription that ends goes on from the last cursor."""
        headers = {"accept": "text/event-stream"}
        async with httpx.AsyncClient(timeout=60) as client:
            while True:
                after = self.changes[-1] if self.changes else None
                body = {"query": FOLLOW, "variables": {"after": after or "WzBd"}}
                with suppress(httpx.HTTPError):
                    async with client.stream("POST", self._url, json=body, headers=headers) as response:
                        async for line in response.aiter_lines():
                            if line.startswith("data: {"):
                                data = json.loads(line.removeprefix("data: ")).get("data")
                                self.changes += [data["changes"]["cursor"]] if data else []

    async def all_changes(self) -> list[str]:
        """Return the cursors of all changes."""
        cursors: list[str] = []
        async with httpx.AsyncClient(timeout=60) as client:
            while True:
                after = {"after": cursors[-1]} if cursors else {}
                page: dict[str, list[dict[str, str]]] = (await self.ask(client, NEWEST, dict(after)))["changes"]  # type: ignore[assignment]
                if not page["nodes"]:
                    return cursors
                cursors += [change["cursor"] for change in page["nodes"]]


async def start(port: int, store: str, workers: int = 1) -> asyncio.subprocess.Process:
    """Start a process and wait until it is ready."""
    command = [sys.executable, "-m", "service", "serve", "--port", str(port), "--store", store]
    command += ["--workers", str(workers)]
    nothing = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*command, stdout=nothing, stderr=nothing, env=dict(os.environ))
    async with asyncio.timeout(READY_SECONDS), httpx.AsyncClient() as client:
        while True:
            with suppress(httpx.TransportError):
                if (await client.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200:
                    return process
            await asyncio.sleep(0.1)


async def take_over(old: asyncio.subprocess.Process, port: int, store: str) -> tuple[asyncio.subprocess.Process, float]:
    """Replace a process by a new one; return it, and the seconds that the old one took to end."""
    successor = await start(port, store)
    began = time.monotonic()
    old.terminate()
    await old.wait()
    return successor, time.monotonic() - began


def workers_of(service: asyncio.subprocess.Process) -> set[str]:
    """Return the ids of a service's workers."""
    return set(Path(f"/proc/{service.pid}/task/{service.pid}/children").read_text().split())


async def replace_workers(service: asyncio.subprocess.Process, count: int) -> float:
    """Have a service replace its workers; return the seconds that this took."""
    old, began = workers_of(service), time.monotonic()
    service.send_signal(signal.SIGHUP)
    async with asyncio.timeout(READY_SECONDS):
        while len(workers := workers_of(service)) != count or workers & old:  # noqa: ASYNC110 - it sends no event
            await asyncio.sleep(0.05)
    return time.monotonic() - began


async def restart(
    store: str, restarts: int, progress: Callable[[str], None] = print, workers: int = 1
) -> tuple[Clients, list[float]]:
    """Replace the process `restarts` times under load; return the clients, and the seconds that each old one took.

    With several `workers`, the service replaces them, and the seconds are those of all of them.
    """
    ports = [free_port(), free_port()]
    took: list[float] = []
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(await asyncio.start_server(Proxy(ports).serve, "127.0.0.1", 0))
        address = f"127.0.0.1:{proxy.sockets[0].getsockname()[1]}" if workers == 1 else f"127.0.0.1:{ports[0]}"
        clients = Clients(f"http://{address}/graphql")
        current = await start(ports[0], store, workers)
        stack.callback(lambda: current.returncode is None and current.kill())
        work = [
            asyncio.create_task(task)
            for task in (
                clients.read(keep=True),
                clients.read(keep=False),
                clients.write(0),
                clients.write(1),
                clients.follow(),
            )
        ]
        for number in range(1, restarts + 1):
            if workers == 1:
                current, seconds = await take_over(current, ports[number % 2], store)
            else:
                seconds = await replace_workers(current, workers)
            took.append(seconds)
            progress(f"restart {number}: {took[-1]:.1f} s, {clients.sent} requests, failed: {dict(clients.failed)}")
        clients.ending = True
        *others, following = work
        await asyncio.wait(others)
        changes = await clients.all_changes()
        for _ in range(300):
            if len(clients.changes) >= len(changes):
                break
            await asyncio.sleep(0.1)
        following.cancel()
        await asyncio.wait(work)
        if clients.changes != changes:
            clients.failed["a subscriber missed changes or got them twice"] += 1
        clients.received = await count_stored(clients)
        current.terminate()
        await current.wait()
    return clients, took


async def count_stored(clients: Clients) -> int:
    """Return how many of the answered writes are stored."""
    stored = 0
    async with httpx.AsyncClient(timeout=60) as client:
        for number in clients.written:
            key = {"namespace": "device", "value": f"device-{number}"}
            stored += (await clients.ask(client, VIEW, {"i": key})).get("customer") is not None
    return stored


def main() -> None:
    """Restart, count and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--restarts", type=int, default=10)
    options.add_argument("--store", default="")
    options.add_argument("--workers", type=int, default=1)
    options.add_argument("--record", action="store_true", help="write the results to RESULTS.md")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = chosen.store or f"sqlite:///{folder}/kith.db"
        clients, took = asyncio.run(restart(store, chosen.restarts, workers=chosen.workers))
    text = (
        "| restarts | requests | failed | answered writes | of them stored | longest end of a process, s |\n"
        "| --- | --- | --- | --- | --- | --- |\n"
        f"| {chosen.restarts} | {clients.sent:,} | {clients.failed.total()} | {len(clients.written):,} | "
        f"{clients.received:,} | {max(took):.1f} |"
    )
    if clients.failed:
        text += f"\n\nFailed: {dict(clients.failed)}"
    command = f"python -m bench.rolling_restart --restarts {chosen.restarts}"
    title = "Rolling restart"
    if chosen.workers > 1:
        command, title = f"{command} --workers {chosen.workers}", f"{title} of workers"
    report_results(title, command, text, (), chosen.record)


if __name__ == "__main__":
    main()
