"""Prints whose data a caller accessed: the table of customers, and what the log cannot answer in sentences."""

import csv
import json
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TextIO

from graph.domain.access.audit import AccessReport, CustomerAccess
from graph.domain.model.times import iso
from graph.queries.later_ids import LaterIds

COLUMNS = ("customer", "present", "erased", "first", "last", "accesses", "fields")


class Format(StrEnum):
    """How customers are printed."""

    TEXT = "text"
    CSV = "csv"
    JSON = "json"


def write(file: TextIO, customers: Iterable[CustomerAccess], present: Mapping[str, LaterIds], format: Format) -> None:
    """Write one line for each customer; of CSV the first one has the names of the columns."""
    rows = (
        (access.id, *_present(present[access.id]), iso(access.first), iso(access.last), access.accesses, access.fields)
        for access in customers
    )
    match format:
        case Format.JSON:
            for row in rows:
                print(json.dumps(dict(zip(COLUMNS, row, strict=True))), file=file)
        case Format.CSV:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows(
                [id, " ".join(ids), "yes" if erased else "no", *times, " ".join(fields)]
                for id, ids, erased, *times, fields in rows
            )
        case Format.TEXT:
            for id, ids, erased, first, last, count, fields in rows:
                now = "" if ids == (id,) else f"now {', '.join(ids)}" if ids else "nothing is stored now"
                now = f"{now} (erased)" if erased else now
                times = f"{count} accesses from {first} to {last}" if count > 1 else f"1 access at {first}"
                print("  ".join(filter(None, (id, now, times, ", ".join(fields)))), file=file)


def _present(later: LaterIds) -> tuple[tuple[str, ...], bool]:
    return later.ids, later.erased


def summary(report: AccessReport) -> list[str]:
    """Return sentences about a report: what was accessed in all, and what is not in the table."""
    lines = [
        f"{len(report.customers)} customers, in {report.entries} entries of the log ({report.denied} denied)",
        f"{report.asked} ids and identifiers were asked for; {report.refused} that exist were not shown",
    ]
    if report.statements:
        lines.append(f"{report.statements} statements were sent to be recorded")
    if report.unnamed:
        lines.append(
            f"{len(report.unnamed)} of them are in entries that name no customer, such as what was not found: "
            "`kith audit entries --caller` lists these"
        )
    lines += [
        f"everything was exported: kith {export.command} at {iso(export.time)}" for export in report.whole_exports
    ]
    lines += [
        f"not complete: the content of {expired.count} entries of all callers, written from {iso(expired.begin)} to "
        f"{iso(expired.end)}, was removed after KITH_AUDIT_DAYS"
        for expired in report.expired
    ]
    if report.unreadable:
        lines.append(f"not complete: {report.unreadable} lines are damaged; run `kith audit verify`")
    return lines
