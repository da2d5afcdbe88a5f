"""What a stored history takes on disk, and a service over it in memory: figures for sizing a machine.

    python -m bench.sizing [--links 300000] [--store neo4j://127.0.0.1:7687 --folder .neo4j/home/data]

A history is loaded with `kith backfill`. Then a service is started on the store, and serves reads and writes for half a
minute. For Neo4j, `--folder` is where its data is; its memory is what it was started with.
"""

import argparse
import asyncio
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from bench.backfill import history, run
from bench.report import report_results
from bench.soak import resident
from bench.soak import run as serve_load
from bench.wrk import QUIET, server_process
from tools.neo4j.server import free_port


def size_of(folder: Path, pattern: str = "**/*") -> int:
    """Return the bytes of the files in a folder that match a pattern."""
    return sum(file.stat().st_size for file in folder.glob(pattern) if file.is_file())


def load(file: Path, store: str) -> tuple[int, int, int]:
    """Backfill a history; return the numbers of identifiers, links and observations."""
    result, _ = asyncio.run(run(file, store))
    return result.identifiers, result.links, result.counts.lines


def main() -> None:
    """Load, serve, measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--links", type=int, default=300_000)
    options.add_argument("--store", default="", help="an empty Neo4j database")
    options.add_argument("--folder", type=Path, help="the folder of Neo4j's data")
    options.add_argument("--record", action="store_true", help="write the results to RESULTS.md")
    chosen = options.parse_args()
    if bool(chosen.store) != bool(chosen.folder):
        sys.exit("--store and --folder belong together")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = chosen.store or f"sqlite:///{folder}/kith.db"
        data, pattern = (chosen.folder, "databases/**/*") if chosen.store else (folder, "kith.db*")
        before = size_of(data, pattern)
        # In a process of its own, which gives its memory back.
        with ProcessPoolExecutor(1) as pool:
            file = history(folder / "history.ndjson", chosen.links)
            identifiers, links, observations = pool.submit(load, file, store).result()
        stored = size_of(data, pattern) - before
        port = free_port()
        command = [sys.executable, "-m", "service", "serve", "--port", str(port), "--store", store]
        with server_process(command, port, **QUIET) as url:
            at_rest = resident(port)
            _, curve = asyncio.run(serve_load(f"{url}/graphql", port, 0.5))
        under_load = max(size for _, size in curve.lines["resident"])
    text = (
        "| identifiers | links | observations | on disk, MB | MB for a million identifiers | "
        "service at rest, MB | service under load, MB |\n" + "| --- " * 7 + "|\n"
        f"| {identifiers:,} | {links:,} | {observations:,} | {stored / 1e6:.0f} | {stored / identifiers:.0f} | "
        f"{at_rest:.0f} | {under_load:.0f} |"
    )
    kind = "Neo4j" if chosen.store else "SQLite"
    report_results(f"Sizing, {kind}", f"python -m bench.sizing --links {chosen.links}", text, record=chosen.record)


if __name__ == "__main__":
    main()
