"""The files of a history on a cluster, and the place of each of their lines."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from msgspec import Struct
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as sql

from graph.domain.model.errors import InvalidInput
from service.ingest.file_formats import TEXT_TABLES
from service.ingest.spark.frames import Values, mapped
from service.ingest.xlsx_rows import SUFFIXES

_UNREADABLE = frozenset({".parquet", *TEXT_TABLES, *SUFFIXES})
"""Formats that an executor cannot read by parts as `kith backfill` does as a whole."""
LINES = "file int, block bigint, seq bigint, content binary"


class HistoryFile(Struct, frozen=True):
    """A file: the name for people, its address for Spark, its bytes, and when it was changed (as Spark writes it)."""

    name: str
    address: str
    size: int
    modified: str


@dataclass(slots=True)
class History:
    """Files in the order in which their lines count."""

    spark: SparkSession
    files: Sequence[HistoryFile]

    def lines(self) -> DataFrame:
        """Return all lines: the number of the file, the byte at which its block begins, and the place in the block."""
        addresses = [file.address for file in self.files]
        number_of = {address: number for number, address in enumerate(addresses)}
        # Only \n ends a line, as for an import.
        text = self.spark.read.option("lineSep", "\n").text([unquote(address) for address in addresses])
        columns = "_metadata.file_path", "_metadata.file_block_start", sql.col("value").cast("binary")

        def place(rows: Iterator[Values]) -> Iterable[Values]:
            """Count the lines of each block: a task reads a block in its order, and perhaps several blocks."""
            current, seq = None, 0
            for address, block, content in rows:
                if (address, block) != current:
                    current, seq = (address, block), 0
                yield number_of[address], block, seq, content
                seq += 1

        return mapped(text.select(*columns), place, LINES)


def find_files(spark: SparkSession, paths: Sequence[str]) -> History:
    """Return the files at paths that Spark reads: files, folders and globs, on any file system of the cluster.

    Those of a folder or a glob come in the order of their names. Raises `InvalidInput` if there is none, or if one is
    of a format that cannot be read.
    """
    found: list[HistoryFile] = []
    for path in paths:
        reader = spark.read.format("binaryFile").option("recursiveFileLookup", "true")
        columns = "_metadata.file_path", "length", sql.col("modificationTime").cast("string"), "path"
        try:
            rows = sorted(reader.load(path).select(*columns).collect(), key=lambda row: str(row[3]))
        except AnalysisException as error:
            raise InvalidInput("INVALID_FILE", f"{path} cannot be read: {error.getCondition()}") from error
        if not rows:
            raise InvalidInput("INVALID_FILE", f"{path} holds no file")
        for address, size, modified, shown in rows:
            # A single file has the name that it was given.
            name = path if len(rows) == 1 and Path(shown).name == Path(path).name else shown.removeprefix("file:")
            found.append(HistoryFile(name, address, size, modified))
    for file in found:
        if Path(file.name).suffix.lower() in _UNREADABLE:
            message = f"{file.name} is not NDJSON, which is what the engine spark reads; leave out --engine"
            raise InvalidInput("INVALID_FILE", message)
    if twice := [file.name for file in found if [other.address for other in found].count(file.address) > 1]:
        raise InvalidInput("INVALID_FILE", f"{twice[0]} is given twice")
    return History(spark, found)
