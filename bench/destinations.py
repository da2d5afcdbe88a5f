"""What destinations cost: one that never answers costs the others, and all of them cost a till.

    python -m bench.destinations [--rounds 3] [--seconds 20] [--quick] [--record]

People decide about newsletters ten times a second. Five destinations of type `webhook` keep an audience each; how long
one waits is the time from the decision until it has the addition or the removal. One of them is paused in every second
round, and in the others accepts connections and never answers: the others should wait at most 1.2 times as long.

A till looks up 32 customers a second meanwhile, in turn on a service with these audiences and on one without. Both run
over SQLite, with the same people who decide as often.
"""

import argparse
import asyncio
import itertools
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from bench.lookup import fill
from bench.report import report_results
from bench.till_beside_events import WARM_SECONDS, look_ups, percentile
from bench.wrk import QUIET, server_process
from tools.neo4j.server import free_port

IDENTIFIERS = 20_000
DECISIONS = 10
"""A second."""
DESTINATIONS = 5
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
WAIT_SECONDS = 120
TARGET = 1.2
DECIDE = """mutation($input: RecordConsentsInput!) { recordConsents(input: $input) {
  results { __typename ... on Rejected { problem { message } } } errors { message } } }"""
CREATE = """mutation($input: CreateAudienceInput!) { createAudience(input: $input) {
  audience { id } errors { message } } }"""

PAUSE = "mutation($input: PauseDestinationInput!) { pauseDestination(input: $input) { errors { message } } }"
RESUME = "mutation($input: ResumeDestinationInput!) { resumeDestination(input: $input) { errors { message } } }"


@dataclass(slots=True)
class Receiver:
    """A receiver of webhooks, which measures how long it waits for what people decide.

    `awaited` is what it should hold of an address, and since when (seconds), `delays` how long that took (seconds).
    """

    awaited: dict[str, tuple[bool, float]] = field(default_factory=dict)
    delays: list[float] = field(default_factory=list)
    is_silent: bool = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of a connection."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                length = int(head.partition("content-length:")[2].partition("\r\n")[0])
                data = json.loads(await reader.readexactly(length))["data"]
                while self.is_silent:  # noqa: ASYNC110 - set by another thread
                    await asyncio.sleep(0.1)
                self._take(data["address"]["value"], data["present"])
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _take(self, address: str, present: bool) -> None:
        state, since = self.awaited.get(address, (None, 0.0))
        if state == present:
            del self.awaited[address]
            self.delays.append(time.monotonic() - since)


@contextmanager
def serving(receivers: Sequence[Receiver]) -> Iterator[list[str]]:
    """Serve receivers on loopback, in a thread of their own; yield their URLs."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()

    async def start() -> list[str]:
        servers = [await asyncio.start_server(receiver.serve, "127.0.0.1", 0) for receiver in receivers]
        return [f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}" for server in servers]

    yield asyncio.run_coroutine_threadsafe(start(), loop).result()
    loop.call_soon_threadsafe(loop.stop)


class Shop:
    """A service whose people decide about newsletters, and the receivers of what they decide."""

    def __init__(self, url: str, people: Sequence[str], receivers: Sequence[Receiver] = ()) -> None:
        self.url, self.receivers = url, receivers
        self.people = people
        self._numbers = itertools.count()
        self._client = httpx.Client(timeout=60)

    def ask(self, query: str, input: dict[str, Any]) -> Any:
        """Return what a mutation answers."""
        body = {"query": query, "variables": {"input": input}}
        (payload,) = self._client.post(f"{self.url}/graphql", json=body).raise_for_status().json()["data"].values()
        if payload["errors"]:
            raise AssertionError(payload)
        return payload

    def create_audiences(self) -> None:
        """Send everybody who agrees to newsletters to each receiver; return once all people were decided about."""
        body = {"query": "{ segments { nodes { id } } }"}
        (segment,) = self._client.post(f"{self.url}/graphql", json=body).json()["data"]["segments"]["nodes"]
        for number in range(len(self.receivers)):
            values = {"segmentId": segment["id"], "destination": f"d{number}", "purpose": "newsletter"}
            self.ask(CREATE, {**values, "channel": "EMAIL"})
        body = {"query": "{ destinations { audiences { status } } }"}
        while True:
            found = self._client.post(f"{self.url}/graphql", json=body).json()["data"]["destinations"]
            if all(audience["status"] == "ACTIVE" for one in found for audience in one["audiences"]):
                return
            time.sleep(0.2)

    def decide(self) -> None:
        """Let the next person decide: each changes its mind each time, so that as many agree as withdraw."""
        number = next(self._numbers)
        turn, person = divmod(number, len(self.people))
        self._record(number + 1, self.people[person], agrees=(turn + person) % 2 == 0)

    def let_half_agree(self) -> None:
        """Let all those agree who withdraw first."""
        for address in self.people[1::2]:
            self._record(0, address, agrees=True)
        self.settle(self.receivers)

    def _record(self, number: int, address: str, agrees: bool) -> None:
        now = time.monotonic()
        for receiver in self.receivers:
            receiver.awaited[address] = agrees, now
        consent = {
            "source": "shop",
            "identifiers": [{"namespace": "email", "value": address}],
            "decidedAt": f"2026-01-01T{number // 3_600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}Z",
            "purpose": "newsletter",
            "decision": "GIVEN" if agrees else "WITHDRAWN",
        }
        self.ask(DECIDE, {"consents": [consent]})

    def decide_until(self, stopped: threading.Event) -> None:
        """Let people decide at a steady rate."""
        due = time.monotonic()
        while not stopped.wait(max(0.0, due - time.monotonic())):
            self.decide()
            due = max(due + 1 / DECISIONS, time.monotonic())

    @contextmanager
    def deciding(self) -> Iterator[None]:
        """Let people decide while a block runs, and wait until those that answer have what was decided."""
        stopped = threading.Event()
        thread = threading.Thread(target=self.decide_until, args=(stopped,))
        thread.start()
        try:
            yield
        finally:
            stopped.set()
            thread.join()
        self.settle([receiver for receiver in self.receivers if not receiver.is_silent])

    def settle(self, receivers: Sequence[Receiver]) -> None:
        """Wait until receivers have all that was decided."""
        until = time.monotonic() + WAIT_SECONDS
        while any(receiver.awaited for receiver in receivers):
            if time.monotonic() > until:
                raise AssertionError(f"not received within {WAIT_SECONDS} s")
            time.sleep(0.05)


@contextmanager
def served(folder: Path, receivers: Sequence[Receiver]) -> Iterator[Shop]:
    """Serve a new store with an audience for each receiver."""
    path, port = folder / "store.db", free_port()
    values = asyncio.run(fill(path, IDENTIFIERS))
    command = [sys.executable, "-m", "service", "serve", "--port", str(port), "--store", f"sqlite:///{path}"]
    (folder / "secret").write_text(SECRET)
    with serving(receivers) as urls:
        tables = [
            f'[[destination]]\nname = "d{number}"\ntype = "webhook"\n'
            f'[[destination.endpoints]]\nurl = "{url}"\nsecrets = ["file:secret"]\n'
            for number, url in enumerate(urls)
        ]
        (folder / "destinations.toml").write_text("\n".join(tables))
        with server_process(command, port, **QUIET, KITH_DESTINATIONS=str(folder / "destinations.toml")) as url:
            shop = Shop(url, values[: DECISIONS * 20], receivers)
            shop.create_audiences()
            shop.let_half_agree()
            yield shop


def delays(shop: Shop, is_paused: bool, seconds: float) -> list[float]:
    """Return how long all destinations but the last one waited for decisions, in milliseconds.

    The last one is paused, or never answers.
    """
    *others, last = shop.receivers
    for receiver in others:
        receiver.delays = []
    last.is_silent = True
    name = f"d{len(others)}"
    shop.ask(PAUSE if is_paused else RESUME, {"destination": name})
    with shop.deciding():
        time.sleep(seconds)
    last.is_silent = False
    shop.ask(RESUME, {"destination": name})
    shop.settle([last])
    return [delay * 1_000 for receiver in others for delay in receiver.delays]


def summary(name: str, rounds: Sequence[Sequence[float]]) -> tuple[str, float]:
    """Return a row with the median and the range of the rounds' percentiles, and the median p99."""
    figures = [[percentile(one, share) for one in rounds] for share in (0.5, 0.99, 1)]
    cells = " | ".join(f"{statistics.median(one):.1f} ({min(one):.1f} to {max(one):.1f})" for one in figures)
    return f"| {name} | {cells} |\n", statistics.median(figures[1])


def table(baseline: str, first: Sequence[Sequence[float]], beside: str, second: Sequence[Sequence[float]]) -> str:
    """Return a table of two sides that were measured in turn, and the ratio of their p99."""
    row, before = summary(baseline, first)
    other, after = summary(beside, second)
    head = "| | p50, ms | p99, ms | max, ms |\n| --- | --- | --- | --- |\n"
    return f"{head}{row}{other}\nRatio of the p99 {after / before:.2f}."


def main() -> None:
    """Serve two stores, measure in turn and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seconds", type=int, default=20)
    options.add_argument("--quick", action="store_true", help="two rounds of ten seconds")
    options.add_argument("--record", action="store_true", help="write the results to RESULTS.md")
    chosen = options.parse_args()
    rounds, seconds = (2, 10) if chosen.quick else (chosen.rounds, chosen.seconds)
    paused: list[list[float]] = []
    silent: list[list[float]] = []
    without: list[list[float]] = []
    beside: list[list[float]] = []
    with tempfile.TemporaryDirectory() as folder:
        kept, plain = Path(folder) / "kept", Path(folder) / "plain"
        kept.mkdir()
        plain.mkdir()
        with served(kept, [Receiver() for _ in range(DESTINATIONS)]) as shop, served(plain, []) as other:
            delays(shop, True, WARM_SECONDS)
            for _ in range(rounds):
                paused.append(delays(shop, True, seconds))
                silent.append(delays(shop, False, seconds))
            for _ in range(rounds):
                for one, took in ((other, without), (shop, beside)):
                    with one.deciding():
                        look_ups(one.url, shop.people, WARM_SECONDS)
                        took.append(look_ups(one.url, shop.people, seconds))
    text = (
        f"Delays of {DESTINATIONS - 1} destinations at {DECISIONS} decisions a second (target: at most {TARGET}):\n\n"
        + table("another one is paused", paused, "another one never answers", silent)
        + "\n\nA till's look-ups while people decide as often:\n\n"
        + table("no audience", without, f"{DESTINATIONS} audiences", beside)
    )
    report_results("Destinations, SQLite", "python -m bench.destinations", text, record=chosen.record)


if __name__ == "__main__":
    main()
