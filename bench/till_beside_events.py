"""A till's look-ups while a source sends events: the 99th percentile beside 2,000 events a second, and alone.

    python -m bench.till_beside_events [--events 2000] [--rounds 3] [--seconds 10] [--record]

A till looks up 32 customers a second by their email addresses, over HTTP, on SQLite. In every second round a sender
posts batches of 100 events to the collector, at a steady rate, from several connections; it slows down when it is asked
to. Both parts run in turn on one service, and the target is a ratio of at most 3.
"""

import argparse
import asyncio
import itertools
import math
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from bench.collector import KEY, event, events_body, sources
from bench.lookup import DOCUMENT, fill
from bench.report import report_results
from bench.wrk import QUIET, server_process
from tools.neo4j.server import free_port

LOOK_UPS = 32
"""A second."""
IDENTIFIERS = 100_000
BATCH = 100
CONNECTIONS = 8
WARM_SECONDS = 3


@dataclass(slots=True)
class Sender:
    """Sends batches at a steady rate from several threads until it is stopped, and counts what became of them."""

    url: str
    events_per_second: int
    bodies: Iterator[str]
    taken: int = 0
    postponed: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    stopped: threading.Event = field(default_factory=threading.Event)

    def run(self, number: int) -> None:
        """Send every eighth batch."""
        interval = BATCH * CONNECTIONS / self.events_per_second
        due = time.monotonic() + interval * number / CONNECTIONS
        with httpx.Client(timeout=60, headers={"Content-Type": "application/json"}) as client:
            while not self.stopped.wait(max(0.0, due - time.monotonic())):
                with self.lock:
                    body = next(self.bodies)
                while (status := client.post(self.url, content=body)).status_code == 429:
                    with self.lock:
                        self.postponed += 1
                    if self.stopped.wait(float(status.headers["Retry-After"])):
                        return
                status.raise_for_status()
                with self.lock:
                    self.taken += BATCH
                # A sender that is late does not catch up: it would send a burst.
                due = max(due + interval, time.monotonic())


def look_ups(url: str, values: Sequence[str], seconds: float) -> list[float]:
    """Look up customers at a steady rate; return how long each look-up took after it was due, in milliseconds."""
    took = []
    with httpx.Client(timeout=60) as client:
        start = time.monotonic()
        for number in range(int(seconds * LOOK_UPS)):
            due = start + number / LOOK_UPS
            time.sleep(max(0.0, due - time.monotonic()))
            body = {
                "query": DOCUMENT,
                "variables": {"i": {"namespace": "email", "value": values[number % len(values)]}},
            }
            # A till that waits does not ask more: what it waits for is one long time, not many.
            began = time.monotonic()
            found = client.post(f"{url}/graphql", json=body).json()
            took.append((time.monotonic() - began) * 1_000)
            if found["data"]["customer"] is None:
                raise AssertionError(f"{body} finds nobody")
    return took


def percentile(values: Sequence[float], share: float) -> float:
    """Return a percentile: the value that this share of the values does not exceed."""
    return sorted(values)[math.ceil(share * len(values)) - 1]


def beside(url: str, values: Sequence[str], sender: Sender, seconds: float) -> tuple[list[float], float]:
    """Look up customers beside a sender; return how long it took, and the events a second that were taken."""
    threads = [threading.Thread(target=sender.run, args=(number,)) for number in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    try:
        look_ups(url, values, WARM_SECONDS)
        taken, began = sender.taken, time.monotonic()
        took = look_ups(url, values, seconds)
        return took, (sender.taken - taken) / (time.monotonic() - began)
    finally:
        sender.stopped.set()
        for thread in threads:
            thread.join()


def main() -> None:
    """Fill a store, serve, measure in turn and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--events", type=int, default=2_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seconds", type=int, default=10)
    options.add_argument("--record", action="store_true", help="write the results to RESULTS.md")
    chosen = options.parse_args()
    numbers = itertools.count()
    bodies = (events_body([event(number) for number in itertools.islice(numbers, BATCH)]) for _ in itertools.count())
    alone: list[list[float]] = []
    during: list[list[float]] = []
    rates: list[float] = []
    postponed = 0
    with tempfile.TemporaryDirectory() as folder:
        path, port = Path(folder) / "store.db", free_port()
        values = asyncio.run(fill(path, IDENTIFIERS))
        command = [sys.executable, "-m", "service", "serve", "--port", str(port), "--store", f"sqlite:///{path}"]
        with server_process(command, port, **QUIET, KITH_CONNECTORS=str(sources(Path(folder)))) as url:
            look_ups(url, values, WARM_SECONDS)
            for _ in range(chosen.rounds):
                alone.append(look_ups(url, values, chosen.seconds))
                sender = Sender(f"{url}/v1/batch?writeKey={KEY}", chosen.events, bodies)
                took, rate = beside(url, values, sender, chosen.seconds)
                during.append(took)
                rates.append(rate)
                postponed += sender.postponed
    text = "| | p50, ms | p99, ms | max, ms |\n| --- | --- | --- | --- |\n"
    medians = {}
    for name, rounds in (("alone", alone), ("beside events", during)):
        figures = [[percentile(one, share) for one in rounds] for share in (0.5, 0.99, 1)]
        medians[name] = [statistics.median(one) for one in figures]
        text += f"| {name} | " + " | ".join(
            f"{statistics.median(one):.1f} ({min(one):.1f} to {max(one):.1f})" for one in figures
        )
        text += " |\n"
    ratio = medians["beside events"][1] / medians["alone"][1]
    text += (
        f"\nEvents: {statistics.median(rates):,.0f} a second taken of {chosen.events:,}; {postponed} batches were "
        f"postponed by 429. Ratio of the p99 {ratio:.2f} (target at most 3)."
    )
    report_results(
        "A till beside events, SQLite",
        f"python -m bench.till_beside_events --events {chosen.events}",
        text,
        record=chosen.record,
    )


if __name__ == "__main__":
    main()
