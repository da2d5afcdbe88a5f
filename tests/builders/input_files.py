"""Files as `kith import` opens them, with the default rules."""

from pathlib import Path
from typing import Any, NamedTuple

from graph.domain.model.errors import Problem
from service.config.rules_file import default_text, parse
from service.ingest.file_formats import open_file
from service.ingest.located import located
from service.ingest.raw_lines import RawLine, ReadOptions
from service.ingest.records import parse_record

RULES = parse(default_text())


class ReadFile(NamedTuple):
    """All that was read from a file. `accepted` and `rejected` are by the number of the line."""

    findings: tuple[str, ...]
    accepted: dict[int, Any]
    rejected: dict[int, str]
    blank: int
    lines: list[RawLine]

    @property
    def rows(self) -> int:
        """The data rows of the file that are accepted, rejected or blank."""
        return sum(line.rows for line in self.lines) + self.blank


def read_file(path: Path, content: bytes | str | None = None, **options: Any) -> ReadFile:
    """Read a file, with the content if it is given, and parse its lines."""
    if content is not None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    file = open_file(path, RULES, ReadOptions(**options))
    lines = list(file.lines())
    accepted: dict[int, Any] = {}
    rejected: dict[int, str] = {}
    for line in lines:
        statement = parse_record(line.value, "default").statement
        if isinstance(statement, Problem):
            rejected[line.line] = located(statement, line).message
        else:
            accepted[line.line] = statement
    return ReadFile(file.findings, accepted, rejected, file.blank, lines)
