"""Refused records as they are kept: as they were sent, with what came beside them and the mapping reads."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from graph.domain.model.errors import Problem
from graph.domain.model.refused_records import RefusedRecord
from service.connectors.mapping import RecordMapping

NOT_KEPT = frozenset({"CONSENT_REQUIRED", "EXPIRED", "IDENTIFIER_SUPPRESSED"})
"""Codes of records that must not be stored anywhere: they are counted only."""
_BESIDE = "@"
_WHOLE = "@record"


def refused(
    source: str, mapping: RecordMapping, record: Any, beside: Mapping[str, Any], problem: Problem, at: int
) -> RefusedRecord:
    """Return a record that was refused at a time, in microseconds."""
    came_with = {f"@{name}": value for name, value in beside.items() if f"@{name}" in mapping.paths_beside}
    whole = {**came_with, **record} if isinstance(record, dict) else {**came_with, _WHOLE: record}
    content = orjson.dumps(whole, default=str).decode()
    return RefusedRecord.of(source, mapping.name, content, problem, at, mapping.id_of(record, beside))


def sent(kept: RefusedRecord) -> tuple[Any, Mapping[str, Any]] | None:
    """Return a refused record as it was sent, and what came beside it; `None` if it was cut."""
    if kept.is_cut:
        return None
    whole = orjson.loads(kept.content)
    beside = {name.removeprefix(_BESIDE): value for name, value in whole.items() if name.startswith(_BESIDE)}
    record = {name: value for name, value in whole.items() if not name.startswith(_BESIDE)}
    return beside.pop("record", record) if _WHOLE in whole else record, beside


def must_not_be_kept(problems: Sequence[Problem]) -> bool:
    """Return whether a record with these problems holds something that must not be stored."""
    return any(problem.code in NOT_KEPT for problem in problems)
