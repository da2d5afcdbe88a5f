"""docs/guides/from-spreadsheets.md shows what its commands print."""

import re
import shlex
from pathlib import Path

import pytest

from tests.builders.repository import ROOT, text_of
from tests.builders.services import kith

GUIDE = ROOT / "docs" / "guides" / "from-spreadsheets.md"
WIDTH = "140"
"""Columns of the terminal, to which tables are folded."""


def indented(text: str) -> str:
    return "".join(f"    {line}".rstrip() + "\n" for line in text.splitlines())


def test_the_guide_shows_what_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # given: the file of the guide, in the encoding of an office
    monkeypatch.setenv("COLUMNS", WIDTH)
    guide = text_of(GUIDE)
    (rows,) = re.findall(r"^    (crm_id;.*\n(?:    .+\n)+)", guide, re.MULTILINE)
    (tmp_path / "customers.csv").write_bytes(rows.replace("\n    ", "\n").encode("cp1252"))
    dry_run, first_import, second_import = re.findall(r"^    kith (import .*)$", guide, re.MULTILINE)
    # when
    printed = [kith(tmp_path, *shlex.split(command)).stdout for command in (dry_run, first_import)]
    # and: the report is corrected as the guide says
    (report,) = tmp_path.glob("*.ndjson")
    entries = report.read_text("utf-8")
    report.write_text(entries.replace("02.11.1975", "1975-11-02"), "utf-8")
    printed.append(kith(tmp_path, *shlex.split(second_import)).stdout)
    # then
    assert [output for output in printed if indented(output) not in guide] == []
    assert [line for line in entries.splitlines() if '"REJECTED"' in line and indented(line) not in guide] == []
    assert kith(tmp_path, "lookup", "crm_id=0013").returncode == 0
