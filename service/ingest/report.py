"""The report of an import or a backfill: rejected lines with their content, and dropped identifiers.

Values of people are in this file only, never in logs; a dry run prints some on the terminal.
"""

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from graph.domain.model.errors import InvalidInput, Problem
from graph.domain.model.rules import DroppedIdentifier, DroppedIdentifierCode
from service.ingest.counts import SUPPRESSED, LineCounts
from service.ingest.raw_lines import LineContent, RawLine
from service.ingest.report_lines import entry_of

_SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass(slots=True)
class Report:
    """A file of NDJSON that is created with its first entry, and the counts of all lines, reported or not."""

    path: Path
    counts: LineCounts = field(default_factory=LineCounts)
    _out: BinaryIO | None = None

    @classmethod
    def beside(cls, files: Sequence[Path], chosen: Path | None = None) -> "Report":
        """Return the report at the chosen path, or beside the first of the files.

        Raises `InvalidInput` if the report would replace one of the files or another file that is not a report, or
        cannot be written.
        """
        path = chosen or files[0].with_name(f"{files[0].name}-report.ndjson")
        if any(
            path.resolve() == file.resolve() or (path.exists() and file.exists() and path.samefile(file))
            for file in files
        ):
            raise InvalidInput(
                "INVALID_FILE",
                f"{path} is one of the files to read: leave it out, or name another report with --report",
            )
        if path.is_file() and not _is_report(path):
            raise InvalidInput(
                "INVALID_FILE", f"{path} exists and is not a report: name another file for the report with --report"
            )
        if not os.access(path if path.exists() else path.parent, os.W_OK) or path.is_dir():
            raise InvalidInput("INVALID_FILE", f"{path}: the report cannot be written; name another file with --report")
        return cls(path)

    def delete_earlier(self) -> None:
        """Delete the report of an earlier run, so that a run without entries leaves none. Devices are kept."""
        if self.path.is_file():
            self.path.unlink()

    @property
    def is_written(self) -> bool:
        """Whether the report has an entry."""
        return self._out is not None

    def reject(self, path: Path, line: RawLine, problem: Problem) -> None:
        """Count and write a rejected line of a file, with its content, so that it can be corrected and read again."""
        self.counts.reject(problem, line.rows)
        if problem.code == SUPPRESSED:
            # What was erased must not be stored here either.
            self._write({"file": str(path), "line": line.line, "result": "SUPPRESSED", "reason": problem.message})
            return
        entry: dict[str, Any] = {
            "file": str(path),
            "line": line.line,
            "result": "REJECTED",
            "code": problem.code,
            "reason": problem.message,
            "path": problem.path,
            "content": _content(line),
        }
        if isinstance(line.value, Problem) and line.header is not None:
            if line.record is None:
                entry["columns"] = line.header.names
                if line.header.delimiter and isinstance(line.text, str):
                    entry["delimiter"] = line.header.delimiter
            elif line.is_row_of_orders:
                entry["orderRow"] = True
        self._write(entry)

    def drop(self, path: Path, line: int, dropped: DroppedIdentifier) -> None:
        """Count and write a dropped identifier of a line of a file."""
        self.counts.drop((dropped.code.value,))
        is_suppressed = dropped.code is DroppedIdentifierCode.SUPPRESSED
        self._write(
            {
                "file": str(path),
                "line": line,
                "result": "DROPPED",
                "namespace": dropped.namespace,
                "value": None if is_suppressed else dropped.value,
                "code": dropped.code.value,
                "reason": dropped.reason,
            }
        )

    def name_large(self, key: str, identifiers: int, neighbors: int) -> None:
        """Write what holds a large component together: the identifier with most neighbors in it."""
        namespace, _, value = key.partition("=")
        reason = f"connects {identifiers} identifiers, and was itself seen with {neighbors}"
        entry = {"file": "", "line": 0, "result": "LARGE", "namespace": namespace, "value": value, "reason": reason}
        self._write(entry)

    def _write(self, entry: dict[str, Any]) -> None:
        if self._out is None:
            self._out = self.path.open("wb")
        try:
            self._out.write(orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE))
        except TypeError:
            # A text that is not Unicode, such as half of a surrogate pair.
            texts = {name: _replaced(value) if isinstance(value, str) else value for name, value in entry.items()}
            self._out.write(orjson.dumps(texts, default=str, option=orjson.OPT_APPEND_NEWLINE))

    def flush(self) -> None:
        """Write buffered entries to disk."""
        if self._out is not None:
            self._out.flush()

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._out is not None:
            self._out.close()


def _is_report(path: Path) -> bool:
    """Whether a file is empty or begins with an entry of a report."""
    with path.open("rb") as file:
        first = file.readline()
    return not first or entry_of(first) is not None


def _content(line: RawLine) -> Any:
    """Return the content of a line: a JSON object, exactly as it was, or the text of a line that cannot be read."""
    value: str | LineContent = line.value
    if isinstance(value, Problem):
        value = line.text if line.record is None else line.record
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return _json_or_text(value.strip())
    try:
        return orjson.Fragment(orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS))
    except TypeError:
        # An integer beyond 64 bits, or half of a surrogate pair, which is written as its code.
        text = json.dumps(value, default=str, ensure_ascii=False)
        return orjson.Fragment(_SURROGATES.sub(lambda half: rf"\\u{ord(half[0]):04x}", text))


def _json_or_text(line: bytes) -> Any:
    try:
        is_object = isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        is_object = False
    # The bytes as they are: parsed and written again, doubled keys and large numbers would be others.
    return orjson.Fragment(line) if is_object else line.decode("utf-8", "backslashreplace")


def _replaced(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
