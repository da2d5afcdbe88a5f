"""Memory of a service that works for half an hour: reads and writes without a pause, the resident size over time.

    python -m bench.soak [--minutes 30] [--store neo4j://127.0.0.1:7687]

Four clients look customers up by GraphQL, one sends observations in batches of 100 and asks for what it has just
sent; one customer is followed over a WebSocket. What is aimed at: 250 MB, and no growth once all is warm.
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

from bench.report import Curve, tell
from bench.subscribers import Subscriber
from bench.wrk import served
from tools.neo4j.server import free_port

LINK = """mutation Link($input: LinkIdentifiersInput!) { linkIdentifiers(input: $input) {
  results { ... on ObservationAccepted { customer { id } } } errors { code message } } }"""
VIEW = """query View($i: IdentifierInput!) { customer(by: {identifier: $i}) { id known
  identifiers(first: 20) { nodes { namespace value lastSeen } }
  links(first: 20) { nodes { state count a { value } b { value } } }
  metrics { orders } history(first: 5) { nodes { kind at } } } }"""
PEOPLE = 5_000


def observation(dice: random.Random, number: int) -> dict[str, object]:
    """One of a limited number of people, with a cookie that may be new."""
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
    """What works, and what it counts; it fails at the first answer that is not as it should be."""

    def __init__(self, url: str, until: float) -> None:
        self._url, self._until = url, until
        self.reads = self.written = 0

    async def ask(self, client: httpx.AsyncClient, query: str, variables: dict[str, object]) -> dict[str, object]:
        answer = (await client.post(self._url, json={"query": query, "variables": variables}, timeout=60)).json()
        if answer.get("errors"):
            raise AssertionError(answer["errors"])
        data: dict[str, object] = answer["data"]
        return data

    async def write(self) -> None:
        dice, number = random.Random(1), 0
        async with httpx.AsyncClient() as client:
            while time.monotonic() < self._until:
                sent = [observation(dice, number + at) for at in range(100)]
                number += len(sent)
                data = await self.ask(client, LINK, {"input": {"observations": sent}})
                results: list[dict[str, dict[str, str]]] = data["linkIdentifiers"]["results"]  # type: ignore[index, call-overload]
                first = sent[0]["identifiers"][0]  # type: ignore[index]
                read = await self.ask(client, VIEW, {"i": first})
                if read["customer"]["id"] != results[0]["customer"]["id"]:  # type: ignore[index, call-overload]
                    raise AssertionError("a read after the answer to a write does not see it")
                self.written += len(sent)

    async def read(self, seed: int) -> None:
        dice = random.Random(seed)
        async with httpx.AsyncClient() as client:
            while time.monotonic() < self._until:
                key = {"namespace": "email", "value": f"p{dice.randrange(PEOPLE)}@mail.example"}
                await self.ask(client, VIEW, {"i": key})
                self.reads += 1

    async def follow(self) -> None:
        with suppress(websockets.ConnectionClosed, asyncio.CancelledError):
            await Subscriber().follow(self._url.replace("http", "ws", 1), asyncio.Event())


def resident(port: int) -> float:
    """Resident megabytes of the process that serves at a port."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"--port\0{port}\0" in (folder / "cmdline").read_text():
                line = next(x for x in (folder / "status").read_text().splitlines() if x.startswith("VmRSS"))
                return int(line.split()[1]) / 1024
    raise AssertionError("the service is gone")


async def run(url: str, port: int, minutes: float) -> tuple[str, Curve]:
    """Work, and look at the memory each few seconds."""
    soak = Soak(url, time.monotonic() + minutes * 60)
    curve = Curve("Memory of a service at work", "minutes", "MB", {"resident": []})
    rest = resident(port)
    began = time.monotonic()
    following = asyncio.create_task(soak.follow())
    tasks = [asyncio.create_task(soak.write()), *(asyncio.create_task(soak.read(seed)) for seed in range(4))]
    while not all(task.done() for task in tasks):
        await asyncio.sleep(min(10, minutes * 6))
        curve.lines["resident"].append(((time.monotonic() - began) / 60, resident(port)))
    following.cancel()
    for task in tasks:
        task.result()
    sizes = [size for _, size in curve.lines["resident"]]
    third = max(1, len(sizes) // 3)
    text = (
        "| at rest, MB | first third, MB | last third, MB | most, MB | views read | observations sent |\n"
        "| --- | --- | --- | --- | --- | --- |\n"
        f"| {rest:.0f} | {sum(sizes[:third]) / third:.0f} | {sum(sizes[-third:]) / third:.0f} | {max(sizes):.0f} | "
        f"{soak.reads:,} | {soak.written:,} |"
    )
    return text, curve


def main() -> None:
    """Serve and soak."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--minutes", type=float, default=30)
    options.add_argument("--store", default="")
    options.add_argument("--record", action="store_true", help="write the figures into RESULTS.md")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        port, store = free_port(), chosen.store or f"sqlite:///{folder}/kith.db"
        command = [sys.executable, "-m", "service", "serve", "--port", str(port), "--store", store]
        with served(command, port) as url:
            text, curve = asyncio.run(run(f"{url}/graphql", port, chosen.minutes))
    where = "Neo4j" if chosen.store else "SQLite"
    curve.name += f", {where}"
    tell(curve.name, f"python -m bench.soak --minutes {chosen.minutes:g}", text, [curve], chosen.record)


if __name__ == "__main__":
    main()
