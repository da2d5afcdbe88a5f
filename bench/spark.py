"""Backfill the same history by Spark and by arrays: the time of each, and whether both stores hold the same.

    python -m bench.spark [--links 1000000] [--master local[2]] [--partitions 8] [--file HISTORY]

Both load an empty SQLite store with the same secret and the same time; every record of both stores is then compared.
Exit status 1 if any differs.
"""

import argparse
import asyncio
import gc
import itertools
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

from bench.backfill import history
from bench.report import report_results
from graph.domain.model.rules import StoredRules
from graph.domain.model.stored_records import StoredValue
from graph.ports import Store
from service.bootstrap import Wiring, wire
from service.config.settings import Settings
from service.ingest.backfill import Backfill
from service.ingest.raw_lines import AS_FOUND
from service.ingest.report import Report
from service.ingest.spark.backfill import SparkBackfill
from service.ingest.spark.session import open_session

NOW, SEED = 1_790_000_000_000_000, "5eed" * 16
STAGES = {
    "read": ("read", "admitted"),
    "rows": ("repeats", "rows", "reports"),
    "pairs": ("folded_links",),
    "sharing": ("degrees", "identifiers", "coded_links"),
    "components": ("round-0", "round-1", "round-2", "components"),
    "resolve": ("undecided", "decided"),
    "tables": ("members", "customers", "links", "observations", "changes", "manifest"),
}
"""The tables that are written in each stage."""


def open_store(folder: Path, name: str) -> Wiring:
    """Return a wiring of a new SQLite store."""
    return wire(Settings(store=f"sqlite:///{folder}/{name}.db", _env_file=None))


def nothing(*_: object) -> None:
    """Show no progress."""


async def by_arrays(wiring: Wiring, file: Path, report: Report) -> float:
    """Backfill by arrays; return the seconds."""
    await wiring.prepare()
    begin = time.perf_counter()
    backfill = Backfill(wiring.store, wiring.graph, NOW, report, nothing, "", AS_FOUND, nothing, seed=SEED)
    await backfill.run([file])
    return time.perf_counter() - begin


async def by_spark(
    wiring: Wiring, file: Path, report: Report, master: str, options: dict[str, str]
) -> tuple[SparkBackfill, float, float]:
    """Backfill by Spark; return the run, the seconds until Spark had started, and those of the run."""
    await wiring.prepare()
    begin = time.perf_counter()
    with open_session(master, options) as spark:
        spark.sparkContext.setLogLevel("ERROR")
        started = time.perf_counter()
        run = SparkBackfill(spark, wiring.store, wiring.graph, NOW, report, nothing, seed=SEED)
        await run.run([str(file)])
        ended = time.perf_counter()
    return run, started - begin, ended - started


async def differences(a: Store, b: Store) -> tuple[int, int]:
    """Return the number of records of two stores, and how many differ."""
    count = different = 0
    for x, y in itertools.zip_longest(await records(a), await records(b)):
        count += 1
        different += x != y
    return count, different


async def records(store: Store) -> list[object]:
    """Return what a store holds, without what each has of its own: when it got its rules, and a secret."""
    own = StoredRules, StoredValue
    return [record async for batch in store.export() for record in batch if not isinstance(record, own)]


async def measure(chosen: argparse.Namespace, folder: Path) -> int:
    """Measure, compare and print; return the exit status."""
    gc.disable()  # as the command does
    file = chosen.file or history(folder / "history.ndjson", chosen.links)
    options = {
        "spark.sql.shuffle.partitions": str(chosen.partitions),
        "spark.driver.memory": chosen.memory,
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    wirings = open_store(folder, "arrays"), open_store(folder, "spark")
    reports = Report(folder / "arrays.ndjson"), Report(folder / "spark.ndjson")
    arrays = await by_arrays(wirings[0], file, reports[0])
    run, started, spark = await by_spark(wirings[1], file, reports[1], chosen.master, options)
    records, different = await differences(wirings[0].store, wirings[1].store)
    texts = [report.path.read_bytes() if report.path.exists() else b"" for report in reports]
    same_lines = texts[0] == texts[1] and reports[0].counts == reports[1].counts
    for wiring in wirings:
        await wiring.graph.close()
    seconds = {stage: sum(step.seconds for step in run.steps if step.name in names) for stage, names in STAGES.items()}
    rounds = sum(step.name.startswith("round-") for step in run.steps) - 1
    load = spark - sum(step.seconds for step in run.steps)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    links = 0 if run.loaded is None else run.loaded.links
    columns = {
        "links": f"{links:,}",
        "arrays, s": f"{arrays:.0f}",
        "Spark, s": f"{spark:.0f}",
        "start of Spark, s": f"{started:.0f}",
        **{f"{stage}, s": f"{value:.0f}" for stage, value in seconds.items()},
        "rounds": str(rounds),
        "load and rest, s": f"{load:.0f}",
        "driver's Python, GiB": f"{peak:.2f}",
        "records compared": f"{records:,}",
        "that differ": str(different),
    }
    text = f"| {' | '.join(columns)} |\n" + "| --- " * len(columns) + f"|\n| {' | '.join(columns.values())} |"
    command = f"python -m bench.spark --links {chosen.links} --master {chosen.master}"
    report_results("Backfill by Spark", command, text, record=chosen.record)
    if not same_lines:
        print("the reports or the counts of lines differ", file=sys.stderr)
    return int(bool(different) or not same_lines)


def main() -> int:
    """Read the options and measure."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--links", type=int, default=1_000_000)
    options.add_argument("--file", type=Path, help="a history, instead of that of a population")
    options.add_argument("--master", default=f"local[{os.cpu_count()}]")
    options.add_argument("--partitions", type=int, default=8)
    options.add_argument("--memory", default="3g", help="the heap of the driver")
    options.add_argument("--record", action="store_true", help="write the results to RESULTS.md")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        return asyncio.run(measure(chosen, Path(name)))


if __name__ == "__main__":
    sys.exit(main())
