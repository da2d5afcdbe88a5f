"""`make bench` and `make bench-quick`: all figures, as ratios of one run."""

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
from pathlib import Path

from bench import links_in, view
from bench.machine import machine
from bench.report import table, write
from tools.neo4j.server import CannotStart, Server


def main() -> int:
    """Run the benchmarks and write the report."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller data and fewer rounds: about 2 minutes")
    quick = parser.parse_args().quick
    if shutil.which("wrk") is None:
        print("wrk is needed for the load: apt-get install wrk", file=sys.stderr)
        return 1
    rounds, seconds = (2, 3) if quick else (5, 8)
    seen = links_in.observations(10_000 if quick else 60_000, seed=1)
    few = seen[: 1_000 if quick else 4_000]
    rows = [links_in.sqlite_row(seen, 1000, 1, rounds), links_in.sqlite_row(few, 1, 32, rounds)]
    with tempfile.TemporaryDirectory() as folder:
        try:
            with Server(Path(folder), heap_mb=2048, page_cache_mb=1024) as server:
                uri = os.environ.get("NEO4J_URI", server.uri)
                for batch, clients, reach in ((1000, 1, 0.5), (100, 8, 0.5), (1, 32, 0.8)):
                    rows.append(links_in.neo4j_row(uri, few if batch == 1 else seen, batch, clients, rounds, reach))
                asyncio.run(links_in.wipe(uri))
                keys = asyncio.run(view.load(uri, 300 if quick else 2_000))
                found, curve = view.rows(uri, keys, [1, 8, 32], rounds, seconds)
        except CannotStart as error:
            print(f"Neo4j cannot be started: {error}", file=sys.stderr)
            return 1
    print(table([*rows, *found]))
    write([*rows, *found], [curve], machine(), "make bench-quick" if quick else "make bench")
    return 0


if __name__ == "__main__":
    sys.exit(main())
