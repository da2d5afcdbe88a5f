"""Single links of one process, and of two processes that share one SQLite file.

    python -m bench.shared_file [--quick]

Each process has 32 clients that send links one by one. The table shows how long a link takes beside another process.
"""

import argparse
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from bench.links_in import body, observations, service
from bench.wrk import percentiles, require_wrk, wrk_output

CLIENTS = 32
LINKS = 20_000
"""Links of each process, more than it can store in the time."""


def measure(processes: int, seconds: int) -> Sequence[tuple[float, float]]:
    """Return the median and the 99th percentile of each process, in milliseconds."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack, ThreadPoolExecutor(processes) as pool:
        file = f"sqlite:///{Path(folder) / 'kith.db'}"
        urls = [stack.enter_context(service(file)) for _ in range(processes)]
        bodies = [[body([seen]) for seen in observations(LINKS, seed)] for seed in range(processes)]
        return list(pool.map(lambda url, lines: percentiles(wrk_output(url, lines, CLIENTS, seconds)), urls, bodies))


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="4 seconds instead of 20")
    seconds = 4 if parser.parse_args().quick else 20
    require_wrk()
    for processes in (1, 2):
        for p50, p99 in measure(processes, seconds):
            print(f"{processes} processes  p50 {p50:8.1f} ms  p99 {p99:8.1f} ms", flush=True)


if __name__ == "__main__":
    main()
