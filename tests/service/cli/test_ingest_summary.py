"""What is printed at the end of an import."""

from pathlib import Path

import pytest

from graph.domain.model.errors import Problem
from service.cli.ingest_summary import print_report
from service.ingest.raw_lines import RawLine
from service.ingest.report import Report


@pytest.mark.parametrize(
    ("codes", "printed"),
    [
        (["IDENTIFIER_SUPPRESSED"], "suppressed lines (1)"),
        (["INVALID_LINE", "IDENTIFIER_SUPPRESSED"], "rejected lines (INVALID_LINE 1) and suppressed lines (1)"),
    ],
)
def test_what_is_in_the_report_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], codes: list[str], printed: str
) -> None:
    # given
    report = Report(tmp_path / "report.ndjson")
    for code in codes:
        report.reject(tmp_path / "orders.ndjson", RawLine(1, 10, {"id": "1"}), Problem(code, "a reason"))
    # when
    print_report(report)
    report.close()
    # then
    assert capsys.readouterr().out.startswith(f"{printed} are in {tmp_path}")
