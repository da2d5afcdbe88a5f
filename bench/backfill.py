"""A whole history into an empty store: how long each part takes, and how much memory.

    python -m bench.backfill [--links 1000000] [--store neo4j://127.0.0.1:7687]

The file is NDJSON of a population: observations and orders. Beside it stands what SciPy takes to connect the links
alone, once they are arrays.
"""

import argparse
import asyncio
import gc
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.bulk import edges, install, peer, save
from bench.report import tell
from service.bootstrap import wire
from service.config.settings import Settings
from service.ingest import backfill
from service.ingest.importer import Report

PHASES = ("read", "resolve", "load")


def history(file: Path, links: int) -> Path:
    """A population's history in a file, written by a process of its own: memory is held against the backfill's."""
    command = [sys.executable, "-m", "bench.population", str(file), "--links", str(links)]
    subprocess.run(command, check=True)
    return file


def scipy(links: int, folder: Path) -> float:
    """Seconds in which SciPy connects the same links, in a process of its own."""
    install()
    save(folder / "edges.npz", *edges(links))
    seconds, _ = peer("scipy", folder / "edges.npz")
    return seconds


async def run(file: Path, store: str) -> tuple[backfill.Backfill, dict[str, float]]:
    """Backfill a file; answers what it counted, and when each part was done."""
    gc.disable()  # as the command does
    wiring = wire(Settings(store=store, _env_file=None))
    done: dict[str, float] = {}

    def told(what: str, *_: int) -> None:
        done[what] = time.perf_counter()

    try:
        counted = await backfill.run(wiring, [file], Report(file.with_suffix(".refused")), told)
    finally:
        await wiring.graph.close()
    done["indexes"] = time.perf_counter()
    return counted, done


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--links", type=int, default=1_000_000)
    options.add_argument("--store", default="")
    options.add_argument("--scipy", action="store_true", help="measure SciPy too, in another run of this module")
    options.add_argument("--record", action="store_true", help="write the figures into RESULTS.md")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if chosen.scipy:
            print(scipy(chosen.links, folder))
            return
        file = history(folder / "history.ndjson", chosen.links)
        beside = subprocess.run(
            [sys.executable, "-m", "bench.backfill", "--scipy", "--links", str(chosen.links)],
            capture_output=True,
            text=True,
            check=True,
        )
        connecting = float(beside.stdout.split()[-1])
        began = time.perf_counter()
        counted, done = asyncio.run(run(file, chosen.store or f"sqlite:///{folder}/kith.db"))
        times = [done[what] for what in (*PHASES, "indexes")]
        parts = [after - before for before, after in zip([began, *times], times, strict=False)]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    text = (
        "| lines | links | read, s | resolve, s | load, s | indexes, s | links/s in all | most memory, GiB | "
        "SciPy alone, s | file to customers over SciPy |\n" + "| --- " * 10 + "|\n"
        f"| {counted.counts.lines:,} | {counted.links:,} | "
        + " | ".join(f"{part:.1f}" for part in parts)
        + f" | {counted.links / sum(parts):,.0f} | {peak:.2f} | {connecting:.2f} | {sum(parts[:2]) / connecting:.0f} |"
    )
    where = "Neo4j" if chosen.store else "SQLite"
    tell(f"Backfill, {where}", f"python -m bench.backfill --links {chosen.links}", text, record=chosen.record)


if __name__ == "__main__":
    main()
