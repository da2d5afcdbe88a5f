"""`kith audit`: verify the audit log, read it, and export it to other systems."""

import sys
from pathlib import Path
from typing import Annotated

import orjson
import typer
from msgspec.structs import replace
from rich.markup import escape

from graph.domain.access.accessed import Accessed
from graph.domain.access.audit import AccessQuery, AccessReport, AuditEntry, AuditQuery
from graph.domain.model.dates import DAY
from graph.domain.model.errors import InvalidInput
from graph.domain.model.times import iso, parse_time
from graph.domain.profile.pages import ById, ByKey
from graph.queries.later_ids import LaterIds
from graph.viewer_graph import ViewerGraph
from service.audit import accesses, checkpoints, files, ocsf, reader
from service.audit.key import AuditKey, PublicKey
from service.audit.verification import Finding
from service.audit.verification import verify as verify_log
from service.bootstrap import SystemClock, Wiring, audit_folder
from service.cli import access_table
from service.cli.access_table import Format
from service.cli.operator import Operator, Purpose, Reason
from service.cli.shared import Store, console, errors, run_with_wiring
from service.cli.startup import as_service
from service.config import settings as settings_module
from service.config.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Verify, read and export the audit log.")
Folder = Annotated[
    Path | None,
    typer.Argument(help="The folder of the log; without it, that of the settings.", exists=True, file_okay=False),
]
Since = Annotated[str | None, typer.Option(help="Only what was answered at this time or later.")]
Until = Annotated[str | None, typer.Option(help="Only what was answered before this time.")]
IDS_AT_ONCE = 500
"""Number of customers whose present ids are read at once."""


def _folder(settings: Settings) -> Path:
    folder = audit_folder(as_service(settings))
    if folder is None:
        raise InvalidInput("FEATURE_DISABLED", "no audit log is kept: see KITH_AUDIT")
    if not folder.is_dir():
        raise InvalidInput("INVALID_SETTING", f"KITH_AUDIT: {folder} does not exist; nothing has been recorded yet")
    return folder


def _time(option: str, text: str | None) -> int | None:
    try:
        return None if text is None else parse_time(text).microseconds
    except ValueError as error:
        raise InvalidInput("INVALID_TIMESTAMP", f"{option}: {error}") from error


@app.command()
def verify(
    folder: Folder = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="A file of checkpoints that were kept elsewhere; without it, those beside the log."),
    ] = None,
    public_key: Annotated[
        Path | None,
        typer.Option(help="A file with what `kith audit public-key` printed; without it, the key of the log."),
    ] = None,
    store: Store = None,
) -> None:
    """Verify that nobody has changed the audit log. Names each place; exit status 1 if there is one.

    Without checkpoints that are kept elsewhere, whoever can write the folder can replace the log as a whole.
    """
    settings = settings_module.load(store=store)
    folder = folder or _folder(settings)
    path = checkpoint or _kept(settings, folder)
    if checkpoint is not None and not checkpoint.is_file():
        raise InvalidInput("INVALID_FILE", f"{checkpoint} is not a file")
    if public_key is not None:
        key = PublicKey.parse(_read(public_key))
    elif (folder / "key").is_file():
        key = AuditKey.open(folder).public
    else:
        raise InvalidInput("INVALID_FILE", f"{folder} contains no key: pass --public-key")
    known = checkpoints.read(path) if path.is_file() else []
    oldest = SystemClock().now() - settings.audit_days * DAY
    result = verify_log(folder, known, key, oldest)
    for note in result.notes:
        _print("note", note)
    for finding in result.findings:
        _print("[red]changed[/red]", finding)
    counts = f"{result.files} files, {result.entries} entries ({result.expired} expired), "
    console.print(f"{'not clean' if result.findings else 'clean'}: {counts}{result.checkpoints} checkpoints")
    if not result.checkpoints:
        console.print("note: without a checkpoint, entries may be missing at the end")
    if result.findings:
        raise typer.Exit(1)


def _kept(settings: Settings, folder: Path) -> Path:
    kept = settings.audit_checkpoints
    return Path(kept) if kept and "://" not in kept else folder / files.CHECKPOINTS


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii")
    except (OSError, UnicodeDecodeError):
        raise InvalidInput("INVALID_FILE", f"{path} cannot be read") from None


def _print(kind: str, finding: Finding) -> None:
    console.print(f"{kind}: {escape(finding.file)}: {escape(finding.text)}", soft_wrap=True)


@app.command("public-key")
def public_key(store: Store = None) -> None:
    """Print the public key that verifies the checkpoints, in base64."""
    print(AuditKey.open(_folder(settings_module.load(store=store))).public.text)


@app.command()
def export(since: Since = None, until: Until = None, store: Store = None) -> None:
    """Write the entries to standard output as OCSF events of class 6003 (API Activity), one a line, oldest first."""
    settings = settings_module.load(store=store)
    folder, begin, end = _folder(settings), _time("--since", since), _time("--until", until)
    Operator(settings, "audit export", shows_values=False).record(Accessed(), "export")
    for entry in reader.oldest_first(folder, begin, end):
        sys.stdout.buffer.write(orjson.dumps(ocsf.event(entry), option=orjson.OPT_APPEND_NEWLINE))
    sys.stdout.buffer.flush()


@app.command()
def entries(
    subject: Annotated[
        str, typer.Option(help="Only what is about this person: an identifier as NAMESPACE=VALUE, or a customer id.")
    ] = "",
    caller: Annotated[str | None, typer.Option(help="Only what this caller sent.")] = None,
    since: Since = None,
    until: Until = None,
    first: Annotated[int, typer.Option(min=1, max=1000, help="Maximum number of entries.")] = 20,
    purpose: Purpose = "",
    reason: Reason = "",
    store: Store = None,
) -> None:
    """Print who accessed the data of people, newest first."""
    settings = settings_module.load(store=store)
    folder = _folder(settings)
    query = AuditQuery(caller=caller, since=_time("--since", since), until=_time("--until", until), first=first)
    operator = Operator(settings, "audit entries", purpose, reason)
    accessed = Accessed()

    async def traces(wiring: Wiring) -> AuditQuery:
        graph = ViewerGraph(wiring.graph, operator.viewer)
        namespace, equals, value = subject.partition("=")
        ref = ByKey(graph.rules.key(namespace, value)) if equals else ById(subject)
        found = await graph.traces_of(ref)
        accessed.customers, accessed.asked = graph.accessed.customers, graph.accessed.asked
        return replace(query, customers=found.customers, asked=found.asked)

    if subject:
        query = run_with_wiring(settings, traces, read_only=True)
    operator.record(accessed)
    page = reader.find(folder, AuditKey.open(folder), query)
    for entry in page.items:
        console.print(escape(_described(entry)), soft_wrap=True)
    if not page.items:
        errors.print("no entries found")
    if page.has_more:
        errors.print(f"there are more: pass --until {iso(page.items[-1].time)}")


@app.command()
def subjects(
    caller: Annotated[str, typer.Option(help="The caller: the name of a key, for example.")],
    since: Since = None,
    until: Until = None,
    format: Annotated[Format, typer.Option(help="How the customers are printed.")] = Format.TEXT,
    purpose: Purpose = "",
    reason: Reason = "",
    store: Store = None,
) -> None:
    """Print whose data a caller accessed, by customer id, with the ids of today, times, accesses and fields.

    What the log cannot answer is printed on standard error.
    """
    settings = settings_module.load(store=store)
    query = AccessQuery(caller, _time("--since", since), _time("--until", until))
    operator = Operator(settings, "audit subjects", purpose, reason, shows_values=False)
    operator.record(Accessed(asked={f"audit log={caller}": None}))
    folder = _folder(settings)
    found, key = accesses.find(folder, query), AuditKey.open(folder)

    async def completed(wiring: Wiring) -> tuple[AccessReport, dict[str, LaterIds]]:
        graph = ViewerGraph(wiring.graph, operator.viewer)
        holders = await graph.holders_of_orders(key.hash, [asked.id for asked in found.unnamed])
        report = found.with_holders(holders)
        present: dict[str, LaterIds] = {}
        for start in range(0, len(report.customers), IDS_AT_ONCE):
            present |= await graph.later_ids(report.customers[start : start + IDS_AT_ONCE])
        return report, present

    report, ids = run_with_wiring(settings, completed, read_only=True)
    access_table.write(sys.stdout, report.customers, ids, format)
    for line in access_table.summary(report):
        errors.print(escape(line))


def _described(entry: AuditEntry) -> str:
    parts = [
        iso(entry.time),
        entry.kind,
        f"{entry.caller} ({entry.role})",
        f"for {entry.purpose}" if entry.purpose else "",
        f"because {entry.reason!r}" if entry.reason else "",
        entry.operation or entry.document,
        f"customers {', '.join(entry.customers)}" if entry.customers else "",
        f"{entry.statements} statements of {', '.join(entry.sources)}" if entry.statements else "",
        f"about {', '.join(entry.recipients)}" if entry.recipients else "",
        f"fields {', '.join(entry.fields)}" if entry.fields else "",
        entry.outcome,
    ]
    return "  ".join(filter(None, parts))
