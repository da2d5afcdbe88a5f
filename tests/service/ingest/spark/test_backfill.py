"""A cluster of two executors stores what one machine stores, record by record."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from graph.domain.model.errors import InvalidInput
from graph.ports import LOADING
from service.bootstrap import wire
from service.config.settings import Settings
from service.ingest.report import Report
from service.ingest.spark.backfill import SparkBackfill
from tests.builders.backfill_files import write_files
from tests.builders.runs import Run

CLUSTER = "local-cluster[2,1,1024]"


@pytest.mark.timeout(900)
def test_a_cluster_of_two_executors_stores_what_arrays_store() -> None:
    # The benchmark compares every record of both stores, and ends with status 1 if any differs.
    command = [sys.executable, "-m", "bench.spark", "--links", "50000", "--partitions", "2", "--memory", "1g"]
    done = subprocess.run([*command, "--master", CLUSTER], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.rstrip().splitlines()[-1].endswith("| 0 |")


def test_a_run_that_fails_leaves_an_empty_store(spark: SparkSession, run: Run, tmp_path: Path) -> None:
    # given: a disk that is full after the first table
    wiring = wire(Settings(store=f"sqlite:///{tmp_path}/kith.db", _env_file=None))
    run(wiring.prepare())
    path, *_ = write_files(tmp_path, seed=1, count=40)

    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    report = Report(tmp_path / "report.ndjson")
    backfill = SparkBackfill(spark, wiring.store, wiring.graph, 1_790_000_000_000_000, report, fail)
    # when / then
    with pytest.raises(OSError, match="the disk is full"):
        run(backfill.run([str(path)]))
    assert run(wiring.store.get_value(LOADING)) is None
    # and files that are not there are named before anything begins
    with pytest.raises(InvalidInput, match="PATH_NOT_FOUND"):
        run(replace(backfill).run([str(tmp_path / "none.ndjson")]))
    assert run(wiring.store.get_value(LOADING)) is None
    run(wiring.graph.close())
