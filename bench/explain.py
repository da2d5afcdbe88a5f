"""The time of `why`, and of previewing and applying other rules on stored data.

    python -m bench.explain [--links 10000,100000,1000000]

`why` runs in a component of 10,000 links. Other rules (two CRM numbers per customer instead of one) are previewed on
populations and then applied. For comparison, the same run measures the bare parts: reading the same receipts, and
resolving them from scratch. Everything runs on SQLite.
"""

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bench.links_in import batched
from bench.report import Curve, report_results
from bench.server import graph_over
from graph.domain.model.dates import SECOND
from graph.domain.model.observations import Observation
from graph.domain.model.receipts import ObservationStatus
from graph.domain.model.times import EARLIEST
from graph.domain.resolution.resolution import resolve
from graph.identity_graph import IdentityGraph
from graph.stores.sqlite import SQLiteStore
from service.config.rules_file import default_text, parse

LINKS = 10_000
LOOSE = default_text().replace('name = "crm_id"\nlimit = 1', 'name = "crm_id"\nlimit = 2')
PARTS = ("preview", "apply", "read alone", "resolve from scratch")


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[tuple[SQLiteStore, IdentityGraph]]:
    """Open a graph over a file, and close it."""
    store = SQLiteStore(path)
    graph = await graph_over(store)
    yield store, graph
    await graph.close()


async def why(folder: Path) -> str:
    """Measure `why` on a login with 10,000 cookies, one of which another login had before; return a Markdown table."""
    async with opened(folder / "why.db") as (_, graph):
        observations = [
            Observation("web", (("login", "collector"), ("cookie", f"cookie-{n}")), f"a{n}", seen_at=EARLIEST + SECOND)
            for n in range(LINKS - 2)
        ]
        other = ("login", "other")
        observations.append(Observation("web", (other, ("cookie", "cookie-1")), "b", seen_at=EARLIEST))
        observations.append(Observation("crm", (other, ("email", "other@mail.example")), "c", seen_at=EARLIEST))
        for batch in batched(observations, 1000):
            await graph.link(batch)
        text = "| why, in a component of 10,000 links | s | summary |\n| --- | --- | --- |\n"
        for a, b in (("cookie=cookie-1", "cookie=cookie-9000"), ("login=collector", "login=other")):
            times = []
            for _ in range(5):
                begin = time.perf_counter()
                explanation = await graph.why(a, b)
                times.append(time.perf_counter() - begin)
            text += f"| {a} {b} | {statistics.median(times):.3f} | {explanation.summary[:80]} … |\n"
        return text


def backfilled(folder: Path, links: int) -> Path:
    """Return a database with a population of this many links."""
    file, path = folder / "history.ndjson", folder / f"{links}.db"
    python = [sys.executable, "-m"]
    subprocess.run([*python, "bench.population", str(file), "--links", str(links)], check=True)
    load = [*python, "service", "backfill", str(file), "--store", f"sqlite:///{path}"]
    subprocess.run(load, check=True, capture_output=True)
    return path


async def other_rules(path: Path) -> tuple[int, dict[str, float]]:
    """Preview and apply other rules on a database; return its number of observations and the seconds of each part."""
    seconds = dict.fromkeys(PARTS, 0.0)
    async with opened(path) as (store, graph):
        begin = time.perf_counter()
        preview = graph.previews.begin_rules(LOOSE)
        while preview.running:
            await preview.wait(5)
        if preview.impact is None:
            raise AssertionError("the preview failed")
        seconds["preview"] = time.perf_counter() - begin

        begin, after, statements = time.perf_counter(), None, []
        while page := await store.receipts(after, 1_000):
            after = page[-1].key
            statements += [receipt.statement for receipt in page if receipt.status is ObservationStatus.VALID]
        seconds["read alone"] = time.perf_counter() - begin
        begin = time.perf_counter()
        groups = resolve(statements, (), parse(LOOSE)).groups
        seconds["resolve from scratch"] = time.perf_counter() - begin

        begin = time.perf_counter()
        version = (await graph.rules_control.progress()).version
        await graph.rules_control.apply(LOOSE, version)
        await graph.rules_control.applied()
        seconds["apply"] = time.perf_counter() - begin
        keys = [key for group in groups for key in group]
        ids = {id for batch in batched(keys, 50_000) for id in await store.customer_ids_of(batch)}
        if {len(ids), preview.impact.projected_customers} != {len(groups)}:
            raise AssertionError("the customers differ from those of the preview or of the rule")
    return preview.total, seconds


async def measure(sizes: list[int]) -> tuple[str, Curve]:
    """Return the results as Markdown, and the curve of other rules."""
    curve = Curve("Other rules on stored data, SQLite", "links", "seconds", {part: [] for part in PARTS})
    with tempfile.TemporaryDirectory() as folder:
        text = await why(Path(folder)) + "\n| links | observations | " + ", s | ".join(PARTS) + ", s |\n"
        text += "| --- " * (len(PARTS) + 2) + "|\n"
        for links in sizes:
            path = await asyncio.to_thread(backfilled, Path(folder), links)
            observations, seconds = await other_rules(path)
            text += f"| {links:,} | {observations:,} | {' | '.join(f'{seconds[part]:.1f}' for part in PARTS)} |\n"
            for part in PARTS:
                curve.lines[part].append((links, seconds[part]))
    return text, curve


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--links", default="10000,100000,1000000")
    options.add_argument("--record", action="store_true", help="write the results to RESULTS.md")
    chosen = options.parse_args()
    text, curve = asyncio.run(measure([int(links) for links in chosen.links.split(",")]))
    report_results(
        "Explanations and rule changes", f"python -m bench.explain --links {chosen.links}", text, [curve], chosen.record
    )


if __name__ == "__main__":
    main()
