"""Records that were refused."""

from graph.domain.model.errors import Problem
from graph.domain.model.refused_records import RefusedRecord


def refused(
    content: str = '{"type": "track"}',
    source: str = "shop",
    code: str = "NO_VALID_IDENTIFIERS",
    at: int = 1_000,
    record_id: str = "",
    message: str = "the event names no identifier",
    mapping: str = "segment",
    path: tuple[str | int, ...] = ("identifiers", 0),
    beside: str = "{}",
) -> RefusedRecord:
    """A record that was refused when it was delivered at a time in microseconds."""
    return RefusedRecord.of(source, mapping, content, Problem(code, message, path), at, record_id, beside)
