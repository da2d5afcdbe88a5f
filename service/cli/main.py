"""The command line: `kith` and `python -m service`."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from graph.domain.model.errors import InvalidInput, KithError
from graph.domain.model.rules import with_country
from graph.domain.profile.pages import ById, ByKey
from graph.domain.resolution import scenario
from graph.viewer_graph import ViewerGraph
from schema.root import sdl
from service.bootstrap import Wiring
from service.cli import (
    audit,
    backfill,
    backup,
    connector,
    consent,
    consume,
    destination,
    erasure_keys,
    export,
    ingest,
    keys,
    migrate,
    processing_record,
    receipts,
    refused,
    retention,
    rules,
    serve,
    singer,
    sources,
    subject,
    verify,
    watch,
)
from service.cli.customer_page import print_customer, selection
from service.cli.operator import Operator, Purpose, Reason
from service.cli.shared import Rules, Store, console, errors, run_with_wiring
from service.config import settings as settings_module
from service.runtime import interpreter, version

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.add_typer(rules.app, name="rules")
app.add_typer(keys.app, name="keys")
app.add_typer(audit.app, name="audit")
app.add_typer(erasure_keys.app, name="erasure-keys")
app.add_typer(receipts.app, name="receipt")
app.add_typer(subject.app, name="subject")
app.add_typer(retention.app, name="retention")
app.add_typer(refused.app, name="refused")
app.add_typer(consent.app, name="consent")
app.add_typer(consume.app, name="consume")
app.add_typer(connector.app, name="connector")
app.add_typer(destination.app, name="destination")


def main() -> None:
    """Run the command line. An expected error is printed as one line, with exit status 2."""
    interpreter.tune_interpreter()
    try:
        app()
    except KithError as error:
        errors.print(f"[red]kith: {escape(error.message)}[/red]")
        sys.exit(2)


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo(version.describe())
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print version and commit, and exit."),
    ] = False,
) -> None:
    """Kith, an identity graph for customer data."""


app.command()(serve.serve)
app.command(name="migrate")(migrate.migrate)
app.command(name="import")(ingest.import_)
app.command()(backfill.backfill)
app.command("finish-import")(backfill.finish_import)
app.command()(watch.watch)
app.command()(singer.singer)
app.command()(sources.revoke_source)
app.command()(sources.restore_source)
app.command("backup")(backup.back_up)
app.command()(backup.restore)
app.command()(backup.copy)
app.command("export")(export.export)
app.command()(verify.verify)
app.command("processing-record")(processing_record.processing_record)


@app.command()
def lookup(
    customer: Annotated[str, typer.Argument(help="An identifier as NAMESPACE=VALUE, or a customer id.")],
    country: Annotated[
        str, typer.Option(help="The country of a phone number without a calling code: an ISO 3166 code such as CH.")
    ] = "",
    store: Store = None,
    rules: Rules = None,
    purpose: Purpose = "",
    reason: Reason = "",
) -> None:
    """Show the 360° view of a customer. Exit status 1 if there is no such customer."""
    settings = settings_module.load(store=store, rules=rules)
    operator = Operator(settings, "lookup", purpose, reason)

    async def run(wiring: Wiring) -> bool:
        graph = ViewerGraph(wiring.graph, operator.viewer)
        namespace, equals, value = customer.partition("=")
        key = graph.rules.key(namespace, with_country(value, country)) if equals else ""
        (view,) = await graph.customers([ByKey(key) if equals else ById(customer)], selection(graph))
        operator.record(graph.take_accessed())
        if view is None:
            errors.print(f"no customer found for {escape(key or customer)}", soft_wrap=True)
        else:
            await print_customer(console, graph, view)
        return view is not None

    if not run_with_wiring(settings, run, read_only=True):
        raise typer.Exit(1)


@app.command()
def schema(
    federation_scopes: Annotated[
        bool,
        typer.Option(
            "--federation-scopes",
            help="State the scope of each field as @requiresScopes, too, for routers that compare it with tokens.",
        ),
    ] = False,
) -> None:
    """Print the schema as SDL, for code generators and for the composition of a supergraph."""
    typer.echo(sdl(federation_scopes), nl=False)


@app.command()
def simulate(file: Annotated[Path, typer.Argument(help="A scenario file.", exists=True, dir_okay=False)]) -> None:
    """Resolve a scenario file and print the result as JSON. Exit status 1 if the result differs from its `expect`."""
    try:
        parsed = scenario.parse(file.read_text("utf-8"))
    except (InvalidInput, UnicodeDecodeError) as error:
        reason = error.message if isinstance(error, InvalidInput) else "is not UTF-8"
        raise InvalidInput("INVALID_SCENARIO", f"{file}: {reason}") from error
    outcome = scenario.simulate(parsed)
    result = outcome.as_json()
    differs = parsed.expect is not None and parsed.expect != outcome.customers
    if differs:
        result["expected"] = parsed.expect
    print(json.dumps(result, ensure_ascii=False))
    if differs:
        raise typer.Exit(1)
