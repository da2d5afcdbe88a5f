"""Run all benchmarks: `make bench` and `make bench-quick`. Each module in this folder also runs on its own."""

import argparse
import asyncio
import importlib.util
import os
import subprocess
import sys
import time

from bench.server import neo4j, wipe
from bench.wrk import require_wrk

NEEDS_NEO4J = ("links_in", "collector", "view", "access")
"""Modules that always need Neo4j."""
ON_NEO4J = ("floors", "flat", "worst", "backfill", "workers")
"""Modules that can measure on Neo4j."""
ON_SQLITE = (
    "lookup",
    "till_beside_events",
    "destinations",
    "flat",
    "bulk",
    "backfill",
    "backfill_files",
    "worst",
    "explain",
    "subscribers",
    "protections",
    "soak",
    "rolling_restart",
    "workers",
    "erasure",
)
"""Modules that measure on SQLite, on a server of their own, or without a store."""
OPTIONAL = {"spark": "pyspark"}
"""Modules that measure if a package is installed."""
ALWAYS = ("accuracy",)
"""Modules that need no server, and have a small form."""


def main() -> int:
    """Run each benchmark in a process of its own and write the report. A failure does not stop the others."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller data, fewer rounds and rows")
    quick = parser.parse_args().quick
    small = ["--quick"] if quick else []
    require_wrk()
    failed: list[str] = []

    def run(name: str, *options: str) -> None:
        began = time.monotonic()
        command = [sys.executable, "-m", f"bench.{name}", "--record", *options]
        if subprocess.run(command, check=False).returncode:
            failed.append(name)
        print(f"bench.{name} took {time.monotonic() - began:.0f} s\n", file=sys.stderr)

    with neo4j(os.environ.get("NEO4J_URI", "")) as uri:
        for name in NEEDS_NEO4J:
            run(name, "--store", uri, *small)
        for name in () if quick else ON_NEO4J:
            asyncio.run(wipe(uri))
            run(name, "--store", uri)
    for name in () if quick else ON_SQLITE:
        run(name)
    for name, package in () if quick else OPTIONAL.items():
        if importlib.util.find_spec(package):
            run(name)
    for name in ALWAYS:
        run(name, *small)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
