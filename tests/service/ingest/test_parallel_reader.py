"""Lines that several processes read."""

import json
import subprocess
import sys

from graph.bulk.spool import Row
from graph.domain.commands import Terms
from graph.domain.model.errors import Problem
from service.bootstrap import currencies
from service.config.rules_file import default_text
from service.ingest.files import Raw
from service.ingest.parallel_reader import LINES, Reader, Readers


def line(number: int) -> bytes:
    """An observation; each tenth line is none."""
    if number % 10 == 9:
        return b"{nope"
    identifiers = [{"namespace": "crm_id", "value": f"C{number}"}]
    return json.dumps({"source": "crm", "id": str(number), "identifiers": identifiers}).encode()


def test_lines_come_back_in_their_order_with_what_they_come_to() -> None:
    # Given
    many = 5 * LINES + 3
    reader = Reader(default_text(), Terms(currencies()), 0, "")
    # When
    with Readers(reader, 2) as readers:
        raw = (Raw(number, 0, line(number)) for number in range(many))
        found = [pair for chunk, made in readers.read(raw) for pair in zip(chunk, made, strict=True)]
    # Then
    assert [one.line for one, _ in found] == list(range(many))
    for one, (row, problem) in found:
        if one.line % 10 == 9:
            assert row is None
            assert isinstance(problem, Problem)
        else:
            assert row is not None
            assert problem is None
            assert Row._make(row).id == str(one.line)


def test_such_a_process_loads_no_store_and_no_arrays() -> None:
    heavy = "{'neo4j', 'numpy', 'numba', 'polars'}"
    code = f"import sys, service.ingest.parallel_reader; print(sorted({heavy} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
