"""Lines that several processes parse."""

import json
import subprocess
import sys

from graph.bulk.spool import Row
from graph.domain.commands import Terms
from graph.domain.model.errors import Problem
from service.bootstrap import currencies
from service.config.rules_file import default_text
from service.ingest.file_formats import RawLine
from service.ingest.parallel_reader import CHUNK_LINES, LineReader, ReaderPool


def line(number: int) -> bytes:
    """An observation; every tenth line is not valid JSON."""
    if number % 10 == 9:
        return b"{nope"
    identifiers = [{"namespace": "crm_id", "value": f"C{number}"}]
    return json.dumps({"source": "crm", "id": str(number), "identifiers": identifiers}).encode()


def test_results_are_in_the_order_of_the_lines() -> None:
    # given
    count = 5 * CHUNK_LINES + 3
    reader = LineReader(default_text(), Terms(currencies()), 0, "")
    # when
    with ReaderPool(reader, 2) as readers:
        raw_lines = (RawLine(number, 0, line(number)) for number in range(count))
        pairs = [pair for chunk, results in readers.read(raw_lines) for pair in zip(chunk, results, strict=True)]
    # then
    assert [raw_line.line for raw_line, _ in pairs] == list(range(count))
    for raw_line, (row, problem) in pairs:
        if raw_line.line % 10 == 9:
            assert row is None
            assert isinstance(problem, Problem)
        else:
            assert row is not None
            assert problem is None
            assert Row._make(row).id == str(raw_line.line)


def test_a_reader_process_imports_no_store_and_no_arrays() -> None:
    heavy = "{'neo4j', 'numpy', 'numba', 'polars'}"
    code = f"import sys, service.ingest.parallel_reader; print(sorted({heavy} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
