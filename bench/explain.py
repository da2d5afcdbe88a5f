"""How long it takes to explain, and to try and apply other rules on what is stored.

    python -m bench.explain [--links 10000,100000,1000000]

`why` is asked in a component of 10,000 links. Other rules (two CRM numbers a customer instead of one) are previewed on
populations and then applied; beside them stands what the plain parts take in the same run: reading the same receipts,
and resolving them from scratch by `domain.resolution`. All on SQLite.
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
from bench.report import Curve, tell
from bench.server import graph_over
from graph.domain.model.dates import SECOND
from graph.domain.model.observations import Observation
from graph.domain.model.receipts import Standing
from graph.domain.resolution.resolution import resolve
from graph.identity_graph import IdentityGraph
from graph.stores.sqlite import EmbeddedStore
from service.config.rules_file import default_text, parse

LINKS = 10_000
LOOSE = default_text().replace('name = "crm_id"\nlimit = 1', 'name = "crm_id"\nlimit = 2')
PARTS = ("preview", "apply", "read alone", "resolve from scratch")


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[tuple[EmbeddedStore, IdentityGraph]]:
    """A graph over a file."""
    store = EmbeddedStore(path)
    graph = await graph_over(store)
    yield store, graph
    await graph.close()


async def why(folder: Path) -> str:
    """One person with 10,000 cookies, and another who had the last of them before: a table of Markdown."""
    async with opened(folder / "why.db") as (_, graph):
        seen = [
            Observation("web", (("login", "collector"), ("cookie", f"cookie-{n}")), f"a{n}", seen_at=SECOND)
            for n in range(LINKS - 2)
        ]
        seen.append(Observation("web", (("login", "other"), ("cookie", "cookie-1")), "b", seen_at=0))
        seen.append(Observation("crm", (("login", "other"), ("email", "other@mail.example")), "c", seen_at=0))
        for batch in batched(seen, 1000):
            await graph.link(batch)
        text = "| why, in a component of 10,000 links | s | answer |\n| --- | --- | --- |\n"
        for a, b in (("cookie=cookie-1", "cookie=cookie-9000"), ("login=collector", "login=other")):
            times = []
            for _ in range(5):
                begin = time.perf_counter()
                answer = await graph.why(a, b)
                times.append(time.perf_counter() - begin)
            text += f"| {a} {b} | {statistics.median(times):.3f} | {answer.sentence[:80]} … |\n"
        return text


def filled(folder: Path, links: int) -> Path:
    """A file with a population of so many links."""
    file, path = folder / "history.ndjson", folder / f"{links}.db"
    here = [sys.executable, "-m"]
    subprocess.run([*here, "bench.population", str(file), "--links", str(links)], check=True)
    load = [*here, "service", "backfill", str(file), "--store", f"sqlite:///{path}"]
    subprocess.run(load, check=True, capture_output=True)
    return path


async def other_rules(path: Path) -> tuple[int, dict[str, float]]:
    """Observations, and the seconds of each part, on what a file holds."""
    seconds = dict.fromkeys(PARTS, 0.0)
    async with opened(path) as (store, graph):
        begin = time.perf_counter()
        found = graph.rules_previews.begin(LOOSE)
        while found.running:
            await found.wait(5)
        if found.difference is None:
            raise AssertionError("the preview did not come to its end")
        seconds["preview"] = time.perf_counter() - begin

        begin, after, statements = time.perf_counter(), None, []
        while page := await store.receipts(after, 1_000):
            after = page[-1].key
            statements += [one.statement for one in page if one.standing is Standing.VALID]
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
        held = {id for some in batched(keys, 50_000) for id in await store.holders(some)}
        if {len(held), found.difference.customers_then} != {len(groups)}:
            raise AssertionError("what was applied is not what was previewed, or not what the rule says")
    return found.total, seconds


async def measure(sizes: list[int]) -> tuple[str, Curve]:
    """The figures as Markdown, and the curve of other rules."""
    curve = Curve("Other rules on what is stored, SQLite", "links", "seconds", {part: [] for part in PARTS})
    with tempfile.TemporaryDirectory() as folder:
        text = await why(Path(folder)) + "\n| links | observations | " + ", s | ".join(PARTS) + ", s |\n"
        text += "| --- " * (len(PARTS) + 2) + "|\n"
        for links in sizes:
            path = await asyncio.to_thread(filled, Path(folder), links)
            observations, seconds = await other_rules(path)
            text += f"| {links:,} | {observations:,} | {' | '.join(f'{seconds[part]:.1f}' for part in PARTS)} |\n"
            for part in PARTS:
                curve.lines[part].append((links, seconds[part]))
    return text, curve


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--links", default="10000,100000,1000000")
    options.add_argument("--record", action="store_true", help="write the figures into RESULTS.md")
    chosen = options.parse_args()
    text, curve = asyncio.run(measure([int(links) for links in chosen.links.split(",")]))
    tell("Why, and other rules", f"python -m bench.explain --links {chosen.links}", text, [curve], chosen.record)


if __name__ == "__main__":
    main()
