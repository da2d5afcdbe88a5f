"""Lines that several processes parse."""

import json
import subprocess
import sys

from graph.bulk.spool import Row
from graph.domain.commands import Terms
from graph.domain.model.errors import Problem
from graph.domain.model.rules import DroppedIdentifierCode
from graph.domain.model.times import TimeNote
from service.bootstrap import currencies
from service.config.rules_file import default_text
from service.ingest.parallel_reader import CHUNK_LINES, LineReader, ReaderPool
from service.ingest.raw_lines import RawLine


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
    for raw_line, (rows, problem, dropped, notes, *others) in pairs:
        assert (dropped, notes, others) == ((), (), ["", ()])
        if raw_line.line % 10 == 9:
            assert rows == ()
            assert isinstance(problem, Problem)
        else:
            assert problem is None
            assert [Row._make(row).id for row in rows] == [str(raw_line.line)]


def test_dropped_identifiers_and_notes_on_times_are_returned_with_the_line() -> None:
    # given
    reader = LineReader(default_text(), Terms(currencies()), 1_800_000_000_000_000, "crm")
    identifiers = [{"namespace": "crm_id", "value": "C1"}, {"namespace": "phone", "value": "unknown"}]
    content = json.dumps({"seenAt": 1_767_225_600_000, "identifiers": identifiers}).encode()
    # when
    rows, problem, dropped, notes, *_ = reader.read_line(content)
    # then
    assert (len(rows), problem) == (1, None)
    assert [(d.namespace, d.value, d.code) for d in dropped] == [("phone", "unknown", DroppedIdentifierCode.BLOCKED)]
    assert notes == (TimeNote.EPOCH_MILLISECONDS.value,)


def test_a_reader_process_imports_no_store_and_no_arrays() -> None:
    heavy = "{'neo4j', 'numpy', 'numba', 'polars'}"
    code = f"import sys, service.ingest.parallel_reader; print(sorted({heavy} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
