"""`kith retention`: what has expired, and removing it."""

from collections.abc import Iterable
from typing import Annotated

import typer
from rich.markup import escape

from graph.domain.model.expiry_counts import ExpiryCount
from graph.domain.model.retention import RetainedPart, kind_name
from graph.domain.model.times import iso
from service.bootstrap import Wiring
from service.cli.operator import Operator
from service.cli.shared import Store, console, run_with_wiring
from service.config import settings as settings_module

app = typer.Typer(no_args_is_help=True, help="How long data is kept: retention.toml.")

File = Annotated[
    str | None,
    typer.Option(help="A retention file, or `default`; without it, the setting KITH_RETENTION."),
]
_NAMES = {RetainedPart.STATEMENT: "statements", RetainedPart.IDENTIFIER: "identifiers", RetainedPart.TEXT: "texts"}


@app.command()
def preview(file: File = None, store: Store = None) -> None:
    """Show what has expired and would be removed, by rule. Nothing is changed."""
    settings = settings_module.load(store=store, retention=file).model_copy(update={"rules": None})

    async def run(wiring: Wiring) -> None:
        retention = wiring.graph.retention.retention
        if not retention.rules:
            console.print("nothing expires: KITH_RETENTION names no file")
            return
        for rule in retention.rules:
            console.print(f"{escape(rule.label)}: {rule.days} days. {escape(rule.reason)}", soft_wrap=True)
        for hold in retention.holds:
            console.print(f"hold {escape(hold.label)}: {hold.days} days. {escape(hold.reason)}", soft_wrap=True)
        for namespace in _unknown_namespaces(wiring):
            console.print(f"the rules have no namespace {escape(namespace)}, or it is made of attributes")
        expired = await wiring.graph.retention.preview()
        _print(expired.counts, f"expired at {iso(expired.at)}")

    run_with_wiring(settings, run, read_only=True)


@app.command("run")
def run_(
    actor: Annotated[str, typer.Option(help="Who does this, for the record of the run.")] = "",
    store: Store = None,
) -> None:
    """Remove what has expired, for good. If this is stopped, run it again to continue."""
    settings = settings_module.load(store=store).model_copy(update={"rules": None})
    operator = Operator(settings, "retention run", shows_values=False)

    async def run(wiring: Wiring) -> None:
        if not wiring.graph.retention.retention.rules:
            console.print("nothing expires: KITH_RETENTION names no file")
        # Without rules, it ends the holds of orders.
        done = await wiring.graph.retention.run(actor or operator.viewer.caller)
        _print(done.counts, "removed")
        console.print(f"identifiers that nothing names any longer: {done.identifiers}")

    run_with_wiring(settings, run)


def _unknown_namespaces(wiring: Wiring) -> list[str]:
    """Return the namespaces of the file that no identifier of a statement can have."""
    rules = wiring.graph.rules
    made = {composite.namespace for composite in rules.composites}
    named = (rule.namespace for rule in wiring.graph.retention.retention.rules if rule.namespace)
    return [namespace for namespace in named if namespace not in rules.by_name or namespace in made]


def _print(counts: Iterable[ExpiryCount], title: str) -> None:
    console.print(f"{title}:")
    total = 0
    for count in counts:
        total += count.count
        examples = "".join(f" {source} {id}," for source, id in count.examples).rstrip(",")
        named = f", such as{examples}" if examples else ""
        console.print(
            f"  {count.count} {_NAMES[count.rule.part]} of kind {kind_name(count.kind)} "
            f"({escape(count.rule.label)}), the oldest of {iso(count.oldest)}{escape(named)}",
            soft_wrap=True,
        )
    if not total:
        console.print("  nothing")
