"""The Spark session of a backfill."""

import os
import shutil
import sys
import warnings
from collections.abc import Mapping

from pyspark.errors import PySparkRuntimeError
from pyspark.sql import SparkSession

from graph.domain.model.errors import InvalidInput


def open_session(master: str = "", options: Mapping[str, str] | None = None) -> SparkSession:
    """Return the session that `spark-submit` or spark-defaults.conf configures, at `master` if one is given.

    Without either it is `local[*]`. Raises `InvalidInput` if Java is missing or the master cannot be reached.
    """
    java_home = os.environ.get("JAVA_HOME", "")
    if shutil.which("java") is None and shutil.which("java", path=os.path.join(java_home, "bin")) is None:
        raise InvalidInput("MISSING_JAVA", "Spark requires Java 17 or later: no java in PATH or JAVA_HOME")
    # Executors on this machine run the Python that has Kith; a cluster sets its own.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    # It warns of the newest pandas, of which nothing is used here.
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas")
    builder = SparkSession.builder.appName("kith backfill")
    if master:
        builder = builder.master(master)
    for name, value in (options or {}).items():
        builder = builder.config(name, value)
    try:
        return builder.getOrCreate()
    except PySparkRuntimeError as error:
        raise InvalidInput("INVALID_SETTING", f"Spark cannot be started: {error}") from error


def is_local(spark: SparkSession) -> bool:
    """Whether all executors are on this machine, so that they share its temporary folder."""
    return (spark.sparkContext.master or "").startswith("local")
