"""`kith rules`: show the rules in effect; check a rules file, preview it on the stored data, and apply it."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from graph.domain.model.errors import StoreUnavailable
from graph.queries.rules_preview import PreviewImpact
from service.bootstrap import Wiring
from service.cli.operator import Operator, Purpose, Reason
from service.cli.previews import bar, end, impact_of, print_customers, print_samples
from service.cli.shared import Store, console, run_with_stored_rules, run_with_wiring
from service.config import attributes_file, rules_file
from service.config import settings as settings_module

app = typer.Typer(no_args_is_help=True, help="Show the rules; check, preview and apply rules files.")
File = Annotated[Path, typer.Argument(help="A rules file.", exists=True, dir_okay=False)]


@app.command()
def check(file: File) -> None:
    """Check a rules file. Exit status 2, with the reason, if it cannot be used."""
    rules = rules_file.parse(rules_file.read_text(file), str(file))
    attributes_file.read(settings_module.load().attributes).check_rules(rules)
    console.print(f"{file} is valid: {len(rules.namespaces)} namespaces, strongest first: {', '.join(rules.by_name)}")


@app.command()
def show(store: Store = None) -> None:
    """Print the rules of the store, or the default rules if it has none yet. Nothing is written."""
    settings = settings_module.load(store=store).model_copy(update={"rules": None})
    stored = run_with_wiring(settings, lambda wiring: wiring.read_rules(), prepare=False, read_only=True)
    typer.echo(rules_file.default_text() if stored is None else stored.text, nl=False)


@app.command()
def preview(
    file: File,
    store: Store = None,
    show: Annotated[bool, typer.Option("--show", help="Do not mask the values in samples.")] = False,
    purpose: Purpose = "",
    reason: Reason = "",
) -> None:
    """Show what a rules file would change in the stored data. Nothing is written."""
    text = rules_file.read_text(file)
    rules_file.parse(text, str(file))
    operator = Operator(settings_module.load(store=store), "rules preview", purpose, reason, shows_values=show)

    async def run(wiring: Wiring) -> PreviewImpact:
        return await impact_of(wiring.graph.previews.begin_rules(text, mask_values=not show))

    impact: PreviewImpact = run_with_stored_rules(store, run, read_only=True)
    print_customers(impact, "under these rules")
    console.print(
        f"observations: {impact.newly_rejected} would be rejected (they stay stored), "
        f"{impact.newly_accepted} would be accepted again"
    )
    print_samples(impact, operator)


@app.command()
def apply(
    file: File,
    store: Store = None,
    expected_version: Annotated[
        int | None, typer.Option(help="The version that you expect to be current; without it, any version.")
    ] = None,
) -> None:
    """Put a rules file into effect and reprocess the stored data. If this is stopped, run it again to continue."""
    text = rules_file.read_text(file)
    new = rules_file.parse(text, str(file))

    async def run(wiring: Wiring) -> int:
        rules = wiring.graph.rules_control
        stored = await rules.newest()
        version = stored.version if stored else 0
        # After an interrupted run, `prepare` has resumed the same version; the file is not applied a second time.
        if stored is None or rules_file.parse(stored.text) != new:
            await rules.apply(text, version if expected_version is None else expected_version)
        with bar() as shown:
            task = shown.add_task("apply", total=None)
            while (progress := await rules.progress()).running:
                shown.update(task, completed=progress.processed, total=progress.total)
                if rules.failed:
                    raise StoreUnavailable("not all observations were reprocessed; the next start of Kith continues")
                await asyncio.sleep(0.2)
            await rules.applied()
            end(shown, task, progress.processed)
        return progress.version

    console.print(f"version {run_with_stored_rules(store, run)} of the rules is in effect")
