"""`kith processing-record`: print the record of processing activities, and check that nothing is missing."""

import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import Annotated, TextIO

import msgspec
import typer
from rich.markup import escape

from graph.domain.access.processing_record import AudienceRecord, ProcessingRecord, Reader, RecordedPurpose
from graph.domain.model.times import iso
from graph.domain.profile.purposes import ARTICLES
from service.access.processing_records import ServiceProcessingRecords
from service.bootstrap import SystemClock, Wiring, audit_folder
from service.cli.shared import Store, errors, run_with_wiring
from service.cli.startup import as_service
from service.config import settings as settings_module

NOT_DECLARED = "not declared"
CSV_COLUMNS = (
    "purpose",
    "declared",
    "description",
    "legal_basis",
    "data_subjects",
    "data_categories",
    "recipients",
    "transfers",
    "retention",
    "readers",
    "policies",
    "sent_to",
)


class Format(StrEnum):
    """How the record is printed."""

    MARKDOWN = "markdown"
    JSON = "json"
    CSV = "csv"


def processing_record(
    format: Annotated[
        Format, typer.Option(help="How the record is printed; csv has the purposes only, one a line.")
    ] = Format.MARKDOWN,
    check: Annotated[
        bool, typer.Option("--check", help="Print only what nobody has declared; exit status 1 if there is any.")
    ] = False,
    store: Store = None,
) -> None:
    """Print the record of processing activities (Art. 30 GDPR), from files of the configuration, keys and settings."""
    settings = settings_module.load(store=store)
    audited = audit_folder(as_service(settings)) is not None

    async def read(wiring: Wiring) -> ProcessingRecord:
        now = SystemClock().now
        return await ServiceProcessingRecords(
            wiring.graph, wiring.store, wiring.access, settings, now, audited
        ).record()

    record = run_with_wiring(settings, read, read_only=True)
    if check:
        for line in _gaps(record):
            errors.print(escape(f"{NOT_DECLARED}: {line}"))
        if record.gaps:
            raise typer.Exit(1)
        return
    WRITERS[format](sys.stdout, record)


def _write_json(file: TextIO, record: ProcessingRecord) -> None:
    values = msgspec.to_builtins(record)
    json.dump({**values, "at": iso(record.at)}, file, ensure_ascii=False, indent=2)
    file.write("\n")


def _write_csv(file: TextIO, record: ProcessingRecord) -> None:
    writer = csv.writer(file)
    writer.writerow(CSV_COLUMNS)
    for recorded in record.purposes:
        purpose = recorded.purpose
        lists = (purpose.data_subjects, purpose.data_categories, purpose.recipients, purpose.transfers)
        writer.writerow(
            [
                purpose.name,
                "yes" if recorded.declared else "no",
                purpose.description or "",
                purpose.legal_basis.value if purpose.legal_basis else "",
                *("" if values is None else "; ".join(values) or "none" for values in lists),
                purpose.retention or "",
                "; ".join(reader.name for reader in recorded.readers),
                "; ".join(f"{policy.label.value} needs {policy.needs_consent}" for policy in recorded.policies),
                "; ".join(map(_audience, recorded.audiences)),
            ]
        )


def _write_markdown(file: TextIO, record: ProcessingRecord) -> None:
    for line in _markdown(record):
        print(line, file=file)


WRITERS: dict[Format, Callable[[TextIO, ProcessingRecord], None]] = {
    Format.MARKDOWN: _write_markdown,
    Format.JSON: _write_json,
    Format.CSV: _write_csv,
}


def _markdown(record: ProcessingRecord) -> Iterator[str]:
    yield "# Record of processing activities"
    yield ""
    yield f"Art. 30 GDPR; as of {iso(record.at)}."
    yield from _section("Controller")
    controller = record.controller
    yield from _table(
        ("what", "declared"),
        [
            ("name", _text(controller.name)),
            ("contact", _text(controller.contact)),
            ("joint controllers", _list(controller.joint_controllers)),
            ("representative", _text(controller.representative)),
            ("data protection officer", _text(controller.data_protection_officer)),
        ],
    )
    yield from _section("Purposes")
    for recorded in record.purposes:
        yield from _purpose(recorded)
    yield from _section("Who may read")
    yield from _table(("caller", "role", "purposes"), map(_reader, record.readers))
    yield ""
    yield from _table(
        ("role", "who", "reach"), ((role.name, role.description, role.reach.name) for role in record.roles)
    )
    if record.change_destinations:
        yield ""
        yield f"The changes of all customers are sent to: {_cell(', '.join(record.change_destinations))}."
    yield from _section("Data")
    yield from _table(
        ("label", "identifiers", "attributes"),
        ((data.label or "no label", ", ".join(data.namespaces), ", ".join(data.attributes)) for data in record.data),
    )
    yield from _section("Sources")
    yield from _table(("source", "named by"), ((one.name, ", ".join(one.named_by)) for one in record.sources))
    yield from _section("Channels")
    yield from _table(("channel", "addresses"), ((one.name, ", ".join(one.namespaces)) for one in record.channels))
    yield from _section("Segments")
    yield from [f"- {_cell(name)}" for name in record.segments] or ["None."]
    yield from _section("Retention")
    yield from _table(
        ("what", "days", "why"),
        ((one.what, f"{'at least ' if one.minimum else ''}{one.days}", one.reason) for one in record.retention),
    )
    yield from _section("Technical and organizational measures")
    yield from _table(
        ("measure", "what is in effect"),
        (
            (one.name, one.text if one.by_kith else f"{one.text} To be described by the operator.")
            for one in record.measures
        ),
    )
    yield from _section("Not declared")
    yield from (f"- {_cell(line)}" for line in _gaps(record))
    if not record.gaps:
        yield "Nothing is missing."


def _purpose(recorded: RecordedPurpose) -> Iterator[str]:
    purpose = recorded.purpose
    basis = purpose.legal_basis
    yield f"### {purpose.name}"
    yield ""
    if not recorded.declared:
        yield "Not declared in attributes.toml: only callers or policies name it."
        yield ""
    yield from _table(
        ("what", "declared"),
        [
            ("description", _text(purpose.description)),
            ("legal basis", NOT_DECLARED if basis is None else f"{basis.value} ({ARTICLES[basis]})"),
            ("data subjects", _list(purpose.data_subjects)),
            ("categories of data", _list(purpose.data_categories)),
            ("recipients", _list(purpose.recipients)),
            ("transfers to third countries", _list(purpose.transfers)),
            ("kept", _text(purpose.retention)),
            ("decisions of people are recorded", "yes" if purpose.consent else "no"),
            ("callers", ", ".join(f"{reader.name} ({reader.role})" for reader in recorded.readers) or "none"),
            ("sent to", "; ".join(map(_audience, recorded.audiences)) or "nobody"),
            (
                "shown with consent only",
                ", ".join(f"{policy.label.value} ({policy.needs_consent})" for policy in recorded.policies) or "none",
            ),
        ],
    )
    yield ""


def _gaps(record: ProcessingRecord) -> Iterator[str]:
    """Yield one line for each place at which something is missing."""
    missing: dict[str, list[str]] = {}
    for gap in record.gaps:
        missing.setdefault(gap.place, []).append(gap.missing)
    yield from (f"{place}: {', '.join(names)}" for place, names in missing.items())


def _section(title: str) -> Iterator[str]:
    yield from ("", f"## {title}", "")


def _audience(audience: AudienceRecord) -> str:
    what = [*audience.namespaces, *audience.attributes]
    segment = audience.segment or "a deleted segment"
    return f"{audience.destination} ({audience.type or 'not configured'}): {', '.join(what)} of {segment}"


def _reader(reader: Reader) -> tuple[str, ...]:
    return reader.name, reader.role or "as the token says", ", ".join(reader.purposes) or "none"


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    cells = [tuple(map(_cell, row)) for row in rows]
    if not cells:
        yield "None."
        return
    yield f"| {' | '.join(header)} |"
    yield f"| {' | '.join('---' for _ in header)} |"
    yield from (f"| {' | '.join(row)} |" for row in cells)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _text(text: str | None) -> str:
    return NOT_DECLARED if text is None else text


def _list(values: tuple[str, ...] | None) -> str:
    return NOT_DECLARED if values is None else ", ".join(values) or "none"
