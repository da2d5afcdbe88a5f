"""Load a whole history into an empty store: the time, the processor time and the memory of each stage.

    python -m bench.backfill [--links 1000000] [--store neo4j://127.0.0.1:7687]

The file is NDJSON of a population: observations and orders. For comparison, SciPy connects the same links, given as
arrays.
"""

import argparse
import asyncio
import gc
import resource
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from bench.bulk import edges, install, run_peer, save
from bench.report import report_results
from service.bootstrap import wire
from service.config.settings import Settings
from service.ingest import backfill
from service.ingest.report import Report

STAGES = ("read", "resolve", "load")


def history(file: Path, links: int) -> Path:
    """Write the history of a population in a process of its own, so that its memory does not count here."""
    command = [sys.executable, "-m", "bench.population", str(file), "--links", str(links)]
    subprocess.run(command, check=True)
    return file


def scipy(links: int, folder: Path) -> float:
    """Return the seconds in which SciPy connects the same links, in a process of its own."""
    install()
    save(folder / "edges.npz", *edges(links))
    seconds, _ = run_peer("scipy", folder / "edges.npz")
    return seconds


class Moment(NamedTuple):
    """The end of a stage: seconds of the clock and of the processor (without readers), and memory in MiB."""

    clock: float
    processor: float
    memory: float


def moment() -> Moment:
    """Measure now. Memory that only repeats files, such as the spool, is left out."""
    status = Path("/proc/self/status").read_text()
    anonymous = next(line for line in status.splitlines() if line.startswith("RssAnon"))
    return Moment(time.perf_counter(), time.process_time(), int(anonymous.split()[1]) / 2**10)


async def run(file: Path, store: str) -> tuple[backfill.Backfill, dict[str, Moment]]:
    """Backfill a file; return the run with its counts, and the end of each stage."""
    gc.disable()  # as the command does
    wiring = wire(Settings(store=store, _env_file=None))
    ended: dict[str, Moment] = {}

    def on_progress(stage: str, *_: int) -> None:
        ended[stage] = moment()

    try:
        result = await backfill.run(wiring, [file], Report(file.with_suffix(".rejected")), on_progress)
    finally:
        await wiring.graph.close()
    ended["indexes"] = moment()
    return result, ended


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--links", type=int, default=1_000_000)
    options.add_argument("--store", default="")
    options.add_argument("--scipy", action="store_true", help="measure SciPy only, for the other run of this module")
    options.add_argument("--record", action="store_true", help="write the results to RESULTS.md")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if chosen.scipy:
            print(scipy(chosen.links, folder))
            return
        file = history(folder / "history.ndjson", chosen.links)
        peer = subprocess.run(
            [sys.executable, "-m", "bench.backfill", "--scipy", "--links", str(chosen.links)],
            capture_output=True,
            text=True,
            check=True,
        )
        connecting = float(peer.stdout.split()[-1])
        start = moment()
        result, ended = asyncio.run(run(file, chosen.store or f"sqlite:///{folder}/kith.db"))
        ends = [ended[stage] for stage in (*STAGES, "indexes")]
        spans = list(pairwise([start, *ends]))
        seconds = [end.clock - begin.clock for begin, end in spans]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    text = (
        "| lines | links | read, s | resolve, s | load, s | indexes, s | links/s in total | peak memory, GiB | "
        "SciPy alone, s | file to customers over SciPy |\n" + "| --- " * 10 + "|\n"
        f"| {result.counts.lines:,} | {result.links:,} | "
        + " | ".join(f"{value:.1f}" for value in seconds)
        + f" | {result.links / sum(seconds):,.0f} | {peak:.2f} | {connecting:.2f} | "
        f"{sum(seconds[:2]) / connecting:.0f} |\n\n"
        "| stage | processor, s | memory at its end, MiB |\n" + "| --- " * 3 + "|\n"
    ) + "".join(
        f"| {stage} | {end.processor - begin.processor:.1f} | {end.memory:,.0f} |\n"
        for stage, (begin, end) in zip((*STAGES, "indexes"), spans, strict=True)
    )
    kind = "Neo4j" if chosen.store else "SQLite"
    report_results(f"Backfill, {kind}", f"python -m bench.backfill --links {chosen.links}", text, record=chosen.record)


if __name__ == "__main__":
    main()
