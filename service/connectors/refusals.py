"""Refused records as they are kept: as they were sent, with what came beside them and the mapping reads."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from graph.domain.model.errors import Problem
from graph.domain.model.refused_records import RefusedRecord
from service.connectors.mapping import RecordMapping

NOT_KEPT = frozenset({"CONSENT_REQUIRED", "EXPIRED", "IDENTIFIER_SUPPRESSED"})
"""Codes of records that must not be stored anywhere: they are counted only."""


def refused(
    source: str, mapping: RecordMapping, record: Any, beside: Mapping[str, Any], problem: Problem, at: int
) -> RefusedRecord:
    """Return a record that was refused at a time, in microseconds."""
    # Beside the content and not in it: a redelivery with a later time of sending is the same record.
    came_with = {name: value for name, value in beside.items() if f"@{name}" in mapping.paths_beside}
    content, context = (orjson.dumps(value, default=str).decode() for value in (record, came_with))
    return RefusedRecord.of(source, mapping.name, content, problem, at, mapping.id_of(record, beside), context)


def sent(kept: RefusedRecord) -> tuple[Any, Mapping[str, Any]]:
    """Return a refused record as it was sent, and what came beside it. It must not be cut."""
    return orjson.loads(kept.content), orjson.loads(kept.beside)


def must_not_be_kept(problems: Sequence[Problem]) -> bool:
    """Return whether a record with these problems holds something that must not be stored."""
    return any(problem.code in NOT_KEPT for problem in problems)
