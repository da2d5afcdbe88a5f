"""Who accessed the data of a person, counted from the audit log."""

from msgspec.structs import replace

from graph.domain.access.audit import AuditQuery, AuditReader, Traces
from graph.domain.export.document import Recipient
from graph.domain.model.errors import InvalidInput
from graph.domain.model.times import iso

ENTRIES = 1_000
"""Entries of the audit log that are read at a time."""


async def recipients(audit: AuditReader, traces: Traces) -> tuple[Recipient, ...] | None:
    """Return who accessed a person, by caller, role, purpose and kind, the latest first; `None` without an audit log.

    What was denied reached nobody, and is left out.
    """
    grouped: dict[tuple[str, str, str, str], tuple[int, int, int]] = {}
    query = AuditQuery(traces.customers, traces.asked, first=ENTRIES)
    has_more = True
    while has_more:
        try:
            page = await audit.entries(query)
        except InvalidInput as error:
            if error.code == "FEATURE_DISABLED":
                return None
            raise
        for entry in page.items:
            if entry.kind != "denied":
                key = entry.caller, entry.role, entry.purpose, entry.kind
                count, first, last = grouped.get(key, (0, entry.time, entry.time))
                grouped[key] = count + 1, min(first, entry.time), max(last, entry.time)
        has_more = page.has_more
        query = replace(query, after=page.items[-1].position) if page.items else query
    return tuple(Recipient(*key, count, iso(first), iso(last)) for key, (count, first, last) in grouped.items())
