"""`kith backfill` as a command: engines, options that do not fit together, and a run of Spark."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import typer

from graph.domain.model.errors import InvalidInput
from service.cli.backfill import backfill
from tests.builders.clients import identifiers
from tests.builders.services import kith


def history(folder: Path) -> Path:
    path = folder / "f.ndjson"
    lines = [
        {"source": "web", "id": "1", "identifiers": identifiers("email=ann@mail.example", "phone=unknown")},
        {"source": "web", "id": "2", "identifiers": identifiers("email=ann@mail.example", "cookie=ck-1")},
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return path


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"engine": "abacus"}, "--engine is 'abacus'; arrays and spark exist"),
        ({"output": "x"}, "--output keeps the tables of --engine spark"),
        ({"kept": "x"}, "name no files with it"),
        ({"engine": "spark", "delimiter": "tab"}, "has no options for reading"),
        ({"files": ["nothing.ndjson"]}, "does not exist, or is a folder"),
        ({"files": None}, "Missing argument"),
    ],
)
def test_what_does_not_fit_together_is_refused(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    # given
    chosen = {"files": [str(history(tmp_path))], "store": f"sqlite:///{tmp_path}/kith.db", **options}
    # when / then
    with pytest.raises((InvalidInput, typer.BadParameter)) as refused:
        backfill(**chosen)
    assert message in (refused.value.message or "")


def test_spark_is_configured_by_its_own_means_and_loads_the_store(tmp_path: Path) -> None:
    if shutil.which("java") is None:
        pytest.skip("no Java")
    # given
    history(tmp_path)
    options = "--conf spark.sql.shuffle.partitions=1 --conf spark.ui.enabled=false --driver-memory 512m pyspark-shell"
    environment = {**os.environ, "PYSPARK_SUBMIT_ARGS": options}
    # when
    done = kith(tmp_path, "backfill", "--engine", "spark", "--spark-master", "local[1]", "f.ndjson", env=environment)
    # then
    assert done.returncode == 0, done.stderr
    assert "2 lines accepted, 0 duplicates, 0 rejected, 0 blank; 1 identifiers dropped" in done.stdout
    assert "1 customers with 2 identifiers, 1 links" in done.stdout
    assert "dropped identifiers (BLOCKED 1) are in f.ndjson-report.ndjson" in done.stdout
