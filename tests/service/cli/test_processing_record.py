"""`kith processing-record`: the record in each format, and the check that nothing is missing."""

import csv
import io
import json
from pathlib import Path

import pytest

from tests.builders.services import kith

DECLARED = """
[controller]
name = "Berg GmbH"
contact = "privacy@berg.example"

[[purpose]]
name = "newsletter"
description = "Letters | about offers"
legal_basis = "consent"
data_subjects = ["customers"]
data_categories = ["names", "email addresses"]
recipients = []
retention = "until consent is withdrawn"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an empty store and with files that declare everything."""
    (tmp_path / "attributes.toml").write_text(DECLARED)
    (tmp_path / ".env").write_text("KITH_ATTRIBUTES=attributes.toml\n")
    assert kith(tmp_path, "migrate").returncode == 0
    return tmp_path


def test_a_person_reads_it_as_markdown(folder: Path) -> None:
    # when
    printed = kith(folder, "processing-record")
    # then
    assert printed.returncode == 0, printed.stderr
    lines = printed.stdout.splitlines()
    assert "| name | Berg GmbH |" in lines
    assert "| legal basis | consent (Art. 6(1)(a)) |" in lines
    assert "| description | Letters \\| about offers |" in lines
    assert "| recipients | none |" in lines
    assert "| transfers to third countries | not declared |" in lines
    assert lines[-1] == "Nothing is missing."


def test_other_programs_read_it(folder: Path) -> None:
    record = json.loads(kith(folder, "processing-record", "--format", "json").stdout)
    header, row = csv.reader(io.StringIO(kith(folder, "processing-record", "--format", "csv").stdout))
    assert record["purposes"][0]["purpose"]["legal_basis"] == "consent"
    assert record["gaps"] == []
    assert dict(zip(header, row, strict=True))["data_categories"] == "names; email addresses"


def test_the_check_names_what_is_missing(folder: Path) -> None:
    # given
    complete = kith(folder, "processing-record", "--check")
    kith(folder, "keys", "add", "till-7", "--role", "till", "--source", "till", "--purpose", "checkout")
    # when
    gaps = kith(folder, "processing-record", "--check")
    # then
    assert (complete.returncode, complete.stdout + complete.stderr) == (0, "")
    assert (gaps.returncode, gaps.stdout) == (1, "")
    assert gaps.stderr.splitlines() == ["not declared: purpose checkout: declaration"]
    # and: printing it is no failure
    printed = kith(folder, "processing-record")
    assert (printed.returncode, printed.stdout.splitlines()[-1]) == (0, "- purpose checkout: declaration")
