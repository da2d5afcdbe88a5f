"""The resident memory of a service over half an hour of reads and writes without a pause.

    python -m bench.soak [--minutes 30] [--store neo4j://127.0.0.1:7687]

Four clients look up customers, one client sends observations in batches of 100 and reads back what it sent, and one
client subscribes to changes over a WebSocket. The target is 250 MB, and no growth after the first third.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import httpx
import websockets

from bench.report import Curve, report_results
from bench.subscribers import Subscriber
from bench.wrk import server_process
from tools.neo4j.server import free_port

LINK = """mutation Link($input: LinkIdentifiersInput!) { linkIdentifiers(input: $input) {
  results { ... on ObservationAccepted { customer { id } } } errors { code message } } }"""
VIEW = """query View($i: IdentifierInput!) { customer(by: {identifier: $i}) { id known
  identifiers(first: 20) { nodes { namespace value lastSeenAt } }
  links(first: 20) { nodes { state observationCount a { value } b { value } } }
  metrics { orderCount } history(first: 5) { nodes { kind recordedAt } } } }"""
PEOPLE = 5_000


def observation(dice: random.Random, number: int) -> dict[str, object]:
    """Return an observation of a random person, with a cookie that may be new."""
    person = dice.randrange(PEOPLE)
    return {
        "source": "soak",
        "id": str(number),
        "identifiers": [
            {"namespace": "email", "value": f"p{person}@mail.example"},
            {"namespace": "cookie", "value": f"cookie-{person}-{dice.randrange(20)}"},
        ],
    }


class Soak:
    """The clients, with counts of their work. The first wrong response is an error."""

    def __init__(self, url: str, until: float) -> None:
        self._url, self._until = url, until
        self.reads = self.written = 0

    async def execute(self, client: httpx.AsyncClient, query: str, variables: dict[str, object]) -> dict[str, object]:
        response = (await client.post(self._url, json={"query": query, "variables": variables}, timeout=60)).json()
        if response.get("errors"):
            raise AssertionError(response["errors"])
        data: dict[str, object] = response["data"]
        return data

    async def write(self) -> None:
        dice, number = random.Random(1), 0
        async with httpx.AsyncClient() as client:
            while time.monotonic() < self._until:
                sent = [observation(dice, number + at) for at in range(100)]
                number += len(sent)
                data = await self.execute(client, LINK, {"input": {"observations": sent}})
                results: list[dict[str, dict[str, str]]] = data["linkIdentifiers"]["results"]  # type: ignore[index, call-overload]
                first = sent[0]["identifiers"][0]  # type: ignore[index]
                read = await self.execute(client, VIEW, {"i": first})
                if read["customer"]["id"] != results[0]["customer"]["id"]:  # type: ignore[index, call-overload]
                    raise AssertionError("a read after a write does not see the write")
                self.written += len(sent)

    async def read(self, seed: int) -> None:
        dice = random.Random(seed)
        async with httpx.AsyncClient() as client:
            while time.monotonic() < self._until:
                key = {"namespace": "email", "value": f"p{dice.randrange(PEOPLE)}@mail.example"}
                await self.execute(client, VIEW, {"i": key})
                self.reads += 1

    async def follow(self) -> None:
        with suppress(websockets.ConnectionClosed, asyncio.CancelledError):
            await Subscriber().follow(self._url.replace("http", "ws", 1), asyncio.Event())


def resident(port: int) -> float:
    """Return the resident megabytes of the process that serves at a port."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"--port\0{port}\0" in (folder / "cmdline").read_text():
                status = (folder / "status").read_text().splitlines()
                line = next(line for line in status if line.startswith("VmRSS"))
                return int(line.split()[1]) / 1024
    raise AssertionError("the service has ended")


async def run(url: str, port: int, minutes: float) -> tuple[str, Curve]:
    """Run the clients and record the memory every few seconds; return a Markdown table and a curve."""
    soak = Soak(url, time.monotonic() + minutes * 60)
    curve = Curve("Memory of a service under load", "minutes", "MB", {"resident": []})
    at_start = resident(port)
    start = time.monotonic()
    following = asyncio.create_task(soak.follow())
    tasks = [asyncio.create_task(soak.write()), *(asyncio.create_task(soak.read(seed)) for seed in range(4))]
    while not all(task.done() for task in tasks):
        await asyncio.sleep(min(10, minutes * 6))
        curve.lines["resident"].append(((time.monotonic() - start) / 60, resident(port)))
    following.cancel()
    for task in tasks:
        task.result()
    sizes = [size for _, size in curve.lines["resident"]]
    third = max(1, len(sizes) // 3)
    text = (
        "| at start, MB | first third, MB | last third, MB | maximum, MB | views read | observations sent |\n"
        "| --- | --- | --- | --- | --- | --- |\n"
        f"| {at_start:.0f} | {sum(sizes[:third]) / third:.0f} | {sum(sizes[-third:]) / third:.0f} | {max(sizes):.0f} | "
        f"{soak.reads:,} | {soak.written:,} |"
    )
    return text, curve


def main() -> None:
    """Serve, measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--minutes", type=float, default=30)
    options.add_argument("--store", default="")
    options.add_argument("--record", action="store_true", help="write the results to RESULTS.md")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        port, store = free_port(), chosen.store or f"sqlite:///{folder}/kith.db"
        command = [sys.executable, "-m", "service", "serve", "--port", str(port), "--store", store]
        with server_process(command, port) as url:
            text, curve = asyncio.run(run(f"{url}/graphql", port, chosen.minutes))
    curve.name += f", {'Neo4j' if chosen.store else 'SQLite'}"
    report_results(curve.name, f"python -m bench.soak --minutes {chosen.minutes:g}", text, [curve], chosen.record)


if __name__ == "__main__":
    main()
