"""`make bench` and `make bench-quick`: all figures, as ratios of one run."""

import argparse
import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import links_in, view
from bench.report import table, tell
from tools.neo4j.server import CannotStart, Server

ALONE = ("lookup", "flat", "bulk", "backfill", "worst", "subscribers", "protections", "soak")
"""Modules that measure by themselves, on SQLite."""
ON_NEO4J = ("flat", "worst", "backfill")


def main() -> int:
    """Run the benchmarks and write the report."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller data and fewer rounds: about 2 minutes")
    quick = parser.parse_args().quick
    if shutil.which("wrk") is None:
        print("wrk is needed for the load: apt-get install wrk", file=sys.stderr)
        return 1
    command = "make bench-quick" if quick else "make bench"
    rounds, seconds = (2, 2) if quick else (5, 8)
    seen = links_in.observations(10_000 if quick else 60_000, seed=1)
    few = seen[: 1_000 if quick else 4_000]
    rows = [links_in.sqlite_row(seen, 1000, 1, rounds), links_in.sqlite_row(few, 1, 32, rounds)]
    with tempfile.TemporaryDirectory() as folder:
        try:
            with Server(Path(folder), heap_mb=2048, page_cache_mb=1024) as server:
                uri = os.environ.get("NEO4J_URI", server.uri)
                for batch, clients, reach in ((1000, 1, 0.5), (100, 8, 0.5), (1, 32, 0.8)):
                    rows.append(links_in.neo4j_row(uri, few if batch == 1 else seen, batch, clients, rounds, reach))
                tell("Links in", command, table(rows), record=True)
                asyncio.run(links_in.wipe(uri))
                keys = asyncio.run(view.load(uri, 300 if quick else 2_000))
                found, curve = view.rows(uri, keys, [1, 8, 32], rounds, seconds)
                tell("The view over HTTP", command, table(found), [curve], record=True)
                for name in () if quick else ON_NEO4J:
                    asyncio.run(links_in.wipe(uri))
                    subprocess.run([sys.executable, "-m", f"bench.{name}", "--record", "--store", uri], check=True)
        except CannotStart as error:
            print(f"Neo4j cannot be started: {error}", file=sys.stderr)
            return 1
    for name in () if quick else ALONE:
        subprocess.run([sys.executable, "-m", f"bench.{name}", "--record"], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
