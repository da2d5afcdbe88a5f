"""A history on a cluster: everything from its lines to tables in the shapes that stores load."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from graph.domain.model.erasures import HeldOrder
from service.ingest.parallel_reader import LineReader
from service.ingest.report import Report
from service.ingest.spark.evidence import fold_links, fold_members
from service.ingest.spark.files import History
from service.ingest.spark.frames import Tables
from service.ingest.spark.reading import read_lines
from service.ingest.spark.report_lines import report_lines
from service.ingest.spark.resolving import LargeComponent, resolve_components, with_codes
from service.ingest.spark.statements import decide_reports, decide_rows, evidence_rows, find_repeats
from service.ingest.spark.tables import write_changes, write_customers, write_links, write_members, write_observations

LARGE = 100_000
"""Identifiers of a component above which the summary names what holds it together."""


@dataclass(slots=True)
class Resolution:
    """What a load needs beside the tables, and the components above the stated size."""

    texts: Sequence[str]
    held_orders: Sequence[HeldOrder]
    large: Sequence[LargeComponent] = field(default_factory=list)


def resolve_history(
    history: History,
    reader: LineReader,
    new_id: Callable[[str], str],
    report: Report,
    tables: Tables,
    large: int = LARGE,
) -> Resolution:
    """Write the tables of a history and the report of its lines.

    `new_id` returns the id of a customer by its anchor's key; components of more than `large` identifiers are named.
    """
    rules = reader.rules
    lines = read_lines(history, reader, tables)
    repeats = find_repeats(lines, tables)
    results = report_lines(history, lines, repeats, report)
    rows = decide_rows(lines, repeats, tables)
    reports = decide_reports(rows, tables)
    rows = evidence_rows(rows, reports)
    statements = rows.where("valid and not superseded")
    folded = tables.write("folded_links", fold_links(statements, rules.min_confidence))
    members = fold_members(statements, folded, rules, tables)
    links = with_codes(folded, members, tables)
    resolved = resolve_components(members, links, rules, tables, large)
    members = write_members(members, resolved, reports, rows, tables)
    customers = write_customers(members, resolved, rules, new_id, tables)
    write_links(links, members, resolved, tables)
    write_observations(rows, members, tables)
    write_changes(customers, links, members, resolved, rules, tables)
    return Resolution(list(results.texts), list(results.held_orders.values()), resolved.large)
