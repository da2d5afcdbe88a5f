"""One session of Spark for all tests, small and without what only large data needs."""

import shutil
from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from service.ingest.spark.session import open_session

OPTIONS = {
    "spark.sql.shuffle.partitions": "2",
    "spark.default.parallelism": "2",
    "spark.sql.adaptive.enabled": "false",
    # As for other short runs of Java: compiling well takes longer than it saves.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.driver.memory": "1g",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # Compiling code takes longer than these tables.
    "spark.sql.codegen.wholeStage": "false",
    # Several blocks of a small file.
    "spark.sql.files.maxPartitionBytes": "80000",
    "spark.sql.files.openCostInBytes": "0",
}


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    if shutil.which("java") is None:
        pytest.skip("no Java")
    with open_session("local[2]", OPTIONS) as session:
        session.sparkContext.setLogLevel("ERROR")
        yield session
