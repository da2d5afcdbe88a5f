"""Recovery after a restart of Neo4j: Kith over HTTP against a bare driver, and what Kith's callers see meanwhile.

    python -m bench.recovery [--rounds 3] [--kill]

In each round, both write every 50 ms while the server stops and starts again. The recovery is the time from the start
of the server's process to the first write that is answered.
"""

import argparse
import asyncio
import logging
import statistics
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from neo4j import AsyncGraphDatabase

from bench.wrk import QUIET, server_process
from tools.neo4j.server import Server, free_port

PAUSE = 0.05
LINK = """mutation($input: LinkIdentifiersInput!) { linkIdentifiers(input: $input) {
  results { ... on ObservationAccepted { id } } errors { code } } }"""


@dataclass(slots=True)
class Writer:
    """What a writer has seen since the server stopped."""

    first_answer: float = 0.0
    longest_failure: float = 0.0
    failures: Counter[str] = field(default_factory=Counter)

    def failed(self, how: str, began: float) -> None:
        """Count a failure, and how long its caller waited for it."""
        self.failures[how] += 1
        self.longest_failure = max(self.longest_failure, time.monotonic() - began)


async def bare(uri: str, stopped: asyncio.Event) -> Writer:
    """Write with nothing but the driver, which tries each write once, until one succeeds after the stop."""
    seen = Writer()
    async with AsyncGraphDatabase.driver(uri, connection_timeout=2, connection_acquisition_timeout=2) as driver:
        number = 0
        while True:
            began, after_stop = time.monotonic(), stopped.is_set()
            try:
                async with driver.session() as session:
                    number += 1
                    await (await session.run("MERGE (n:Bare {number: $n})", n=number)).consume()
            except Exception as error:
                seen.failed(type(error).__name__, began)
            else:
                if after_stop:
                    seen.first_answer = time.monotonic()
                    return seen
            await asyncio.sleep(PAUSE)


async def kith(url: str, stopped: asyncio.Event) -> Writer:
    """Link identifiers over HTTP until a link is answered after the stop."""
    seen = Writer()
    async with httpx.AsyncClient(timeout=60) as http:
        number = 0
        while True:
            number += 1
            began, after_stop = time.monotonic(), stopped.is_set()
            observation = {
                "source": "web",
                "id": f"{began}",
                "identifiers": [{"namespace": "email", "value": f"a{number}@example.com"}],
                "seenAt": "2026-01-01T00:00:00Z",
            }
            body = {"query": LINK, "variables": {"input": {"observations": [observation]}}}
            response = await http.post(f"{url}/graphql", json=body)
            if response.status_code == 200 and "errors" not in response.json():
                if after_stop:
                    seen.first_answer = time.monotonic()
                    return seen
            else:
                seen.failed(f"{response.status_code} {response.json()['errors'][0]['extensions']['code']}", began)
            await asyncio.sleep(PAUSE)


async def restart(server: Server, url: str, kill: bool) -> tuple[float, float, Writer]:
    """Restart the server while both write; return the seconds of recovery of Kith and of the driver."""
    stopped = asyncio.Event()
    writers = asyncio.gather(kith(url, stopped), bare(server.uri, stopped))
    await asyncio.sleep(1)
    await asyncio.to_thread(server.kill if kill else server.stop)
    stopped.set()
    await asyncio.sleep(3)
    began = time.monotonic()
    await asyncio.to_thread(server.__enter__)
    by_kith, by_driver = await writers
    return by_kith.first_answer - began, by_driver.first_answer - began, by_kith


def main() -> int:
    """Measure and print. Return 1 if Kith takes more than 1.5 times as long, or lets a caller wait for 2 seconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kill", action="store_true", help="kill the server instead of stopping it")
    options = parser.parse_args()
    logging.getLogger("neo4j").setLevel(logging.CRITICAL)
    ratios, waits = [], []
    with tempfile.TemporaryDirectory() as folder, Server(Path(folder), heap_mb=768, page_cache_mb=128) as server:
        port = free_port()
        command = [sys.executable, "-m", "service", "serve", "--port", str(port), "--store", server.uri]
        with server_process(command, port, **QUIET) as url:
            for _ in range(options.rounds):
                by_kith, by_driver, seen = asyncio.run(restart(server, url, options.kill))
                ratios.append(by_kith / by_driver)
                waits.append(seen.longest_failure)
                print(
                    f"Kith {by_kith:.2f} s, driver {by_driver:.2f} s, ratio {ratios[-1]:.2f}; "
                    f"longest wait for an error {seen.longest_failure:.2f} s; {dict(seen.failures)}",
                    flush=True,
                )
    print(f"median ratio {statistics.median(ratios):.2f}, longest wait {max(waits):.2f} s")
    return int(statistics.median(ratios) > 1.5 or max(waits) >= 2)


if __name__ == "__main__":
    sys.exit(main())
