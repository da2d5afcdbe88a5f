"""Functions of Kith over the rows of data frames, and data frames as tables of Parquet."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as sql
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

Values = tuple[Any, ...]
"""The values of a row, in the order of its columns."""
RowFunction = Callable[[Iterator[Values]], Iterable[Values]]
GroupFunction = Callable[[Sequence[Any], Iterator[Values]], Iterable[Values]]

BATCH_ROWS = 5_000
"""Rows of a function's result that are sent together."""
_PARTITION_BITS = 33
"""`monotonically_increasing_id` has the number of the partition above these bits, and that of the row below."""


def mapped(frame: DataFrame, function: RowFunction, schema: str) -> DataFrame:
    """Return what a function makes of the rows of each partition, in their order; `schema` is a DDL string."""
    struct = StructType.fromDDL(schema)
    if not isinstance(struct, StructType):
        raise TypeError(f"{schema} is not the schema of a row")
    arrow = to_arrow_schema(struct)

    def map_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        results = iter(function(_values(batches)))
        while chunk := list(islice(results, BATCH_ROWS)):
            columns = zip(*chunk, strict=True)
            arrays = [pa.array(column, field.type) for column, field in zip(columns, arrow, strict=True)]
            yield pa.RecordBatch.from_arrays(arrays, schema=arrow)

    return frame.mapInArrow(map_batches, struct)


def _values(batches: Iterable[pa.RecordBatch]) -> Iterator[Values]:
    for batch in batches:
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def map_groups(
    frame: DataFrame, by: Sequence[str], order: Sequence[str], function: GroupFunction, schema: str
) -> DataFrame:
    """Return what a function makes of the rows of each group, which have the columns `by` first and come in `order`.

    A group is read as a stream, so a large one need not fit into memory.
    """
    rest = [name for name in frame.columns if name not in by]
    grouped = frame.select(*by, *rest).repartition(*by).sortWithinPartitions(*by, *order)
    width = len(by)

    def map_rows(rows: Iterator[Values]) -> Iterator[Values]:
        for key, group in groupby(rows, itemgetter(slice(0, width))):
            yield from function(key, group)

    return mapped(grouped, map_rows, schema)


@dataclass(slots=True)
class Step:
    """A table that was written: its name, and the seconds that this took."""

    name: str
    seconds: float


@dataclass(slots=True)
class Tables:
    """Tables of Parquet in a folder that all executors reach. `on_step` is called with each that is written."""

    spark: SparkSession
    folder: str
    on_step: Callable[[Step], None] = lambda step: None
    steps: list[Step] = field(default_factory=list)

    def write(self, name: str, frame: DataFrame) -> DataFrame:
        """Write a table, and return it as read: what follows does not compute it again."""
        begin = time.perf_counter()
        path = f"{self.folder}/{name}"
        frame.write.mode("overwrite").parquet(path)
        written = self.spark.read.schema(frame.schema).parquet(path)
        step = Step(name, time.perf_counter() - begin)
        self.steps.append(step)
        self.on_step(step)
        return written

    def numbered(self, name: str, frame: DataFrame, order: Sequence[str], number: str) -> DataFrame:
        """Write a table in an order, and return it with the position of each row, from 0."""
        ordered = frame.orderBy(*order).withColumn("_at", sql.monotonically_increasing_id())
        written = self.write(name, ordered)
        partition = sql.shiftright("_at", _PARTITION_BITS)
        sizes = written.groupBy(partition.alias("partition")).count().orderBy("partition").collect()
        starts, start = list[tuple[int, int]](), 0
        for partition_number, size in sizes:
            starts.append((partition_number, start))
            start += size
        begins = self.spark.createDataFrame(starts, "_partition int, _start bigint")
        position = sql.col("_start") + sql.col("_at").bitwiseAND(sql.lit((1 << _PARTITION_BITS) - 1))
        joined = written.join(sql.broadcast(begins), partition == sql.col("_partition"))
        return joined.withColumn(number, position).drop("_partition", "_start", "_at")


def namespace_of(key: Column | str) -> Column:
    """Return the namespace of a key, as `identifiers.namespace_of` does."""
    return sql.substring_index(key, "=", 1)
