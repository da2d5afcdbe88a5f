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

ALONE = ("lookup", "flat", "bulk", "backfill", "worst", "explain", "subscribers", "protections", "soak")
"""Modules that measure by themselves, on SQLite."""
ON_NEO4J = ("flat", "worst", "backfill")


def main() -> int:
    """Run the benchmarks and write the report."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller data, fewer rounds and rows")
    quick = parser.parse_args().quick
    if shutil.which("wrk") is None:
        print("wrk is needed for the load: apt-get install wrk", file=sys.stderr)
        return 1
    command = "make bench-quick" if quick else "make bench"
    rounds, seconds = (2, 2) if quick else (3, 4)
    seen = links_in.observations(60_000 if quick else 250_000, seed=1)

    def how(batch: int, clients: int, most: int, linked: int = 0) -> links_in.How:
        """With `linked` so many observations are there already, and come again."""
        return links_in.How(seen[:linked] if linked else seen, batch, clients, rounds, seconds, bool(linked), most)

    rows = [links_in.sqlite_row(how(1_000, 1, 0)), links_in.sqlite_row(how(1, 32, 10_000))]
    if not quick:
        rows += [links_in.sqlite_row(how(*one, linked=100_000)) for one in ((1_000, 1, 0), (1, 32, 10_000))]
    ways = [(1_000, 1, 30), (100, 8, 200), (1, 32, 2_000)]
    if not quick:
        ways += [(1_000, 8, 30), (1_000, 32, 30), (100, 1, 200), (100, 32, 200), (1, 1, 1_000), (1, 8, 2_000)]
    with tempfile.TemporaryDirectory() as folder:
        try:
            with Server(Path(folder), heap_mb=2048, page_cache_mb=1024) as server:
                uri = os.environ.get("NEO4J_URI", server.uri)
                rows += [links_in.neo4j_row(uri, how(*one)) for one in ways]
                rows += [] if quick else [links_in.neo4j_row(uri, how(*one, linked=25_000)) for one in ways[:3]]
                asyncio.run(links_in.wipe(uri))
                beside = ""
                if not quick:
                    beside = links_in.BESIDE + links_in.beside_import("Neo4j", uri, seen, seconds)
                    beside += links_in.beside_import("SQLite", f"sqlite:///{folder}/beside.db", seen, seconds)
                tell("Links in", command, table(rows) + beside, record=True)
                asyncio.run(links_in.wipe(uri))
                keys = asyncio.run(view.load(uri, 300 if quick else 2_000))
                found, curve = view.rows(uri, keys, [8] if quick else [1, 8, 32], rounds, seconds)
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
