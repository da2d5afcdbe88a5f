"""`kith rules`: show the rules in effect; check a rules file, preview it on the stored data, and apply it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from graph.domain.model.errors import StoreUnavailable
from graph.queries.rules_preview import PreviewImpact
from service.bootstrap import Wiring
from service.cli.shared import Store, console, errors, run_with_wiring
from service.config import rules_file
from service.config import settings as settings_module

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, help="Show the rules; check, preview and apply rules files.")
File = Annotated[Path, typer.Argument(help="A rules file.", exists=True, dir_okay=False)]


@app.command()
def check(file: File) -> None:
    """Check a rules file. Exit status 2, with the reason, if it cannot be used."""
    rules = rules_file.parse(rules_file.read_text(file), str(file))
    console.print(f"{file} is valid: {len(rules.namespaces)} namespaces, strongest first: {', '.join(rules.by_name)}")


@app.command()
def show(store: Store = None) -> None:
    """Print the rules of the store, or the default rules if it has none yet. Nothing is written."""
    settings = settings_module.load(store=store).model_copy(update={"rules": None})
    stored = run_with_wiring(settings, lambda wiring: wiring.read_rules(), prepare=False, read_only=True)
    typer.echo(rules_file.default_text() if stored is None else stored.text, nl=False)


def _run(store: str | None, run: Callable[[Wiring], Awaitable[T]]) -> T:
    # The current rules are those of the store, not those of the settings.
    return run_with_wiring(settings_module.load(store=store).model_copy(update={"rules": None}), run)


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=errors)


@app.command()
def preview(
    file: File,
    store: Store = None,
    show: Annotated[bool, typer.Option("--show", help="Do not mask the values in samples.")] = False,
) -> None:
    """Show what a rules file would change in the stored data. Nothing is written."""
    text = rules_file.read_text(file)
    rules_file.parse(text, str(file))

    async def run(wiring: Wiring) -> PreviewImpact:
        rules_preview = wiring.graph.rules_previews.begin(text, mask_values=not show)
        with _bar() as bar:
            task = bar.add_task("preview", total=None)
            while rules_preview.running:
                await rules_preview.wait(0.2)
                bar.update(task, completed=rules_preview.processed, total=rules_preview.total or None)
        if rules_preview.impact is None:
            raise StoreUnavailable("the preview failed: the database is unavailable")
        return rules_preview.impact

    impact: PreviewImpact = _run(store, run)
    console.print(f"customers: {impact.current_customers} now, {impact.projected_customers} under these rules")
    console.print(
        f"current customers: {impact.merging_customers} would merge, {impact.splitting_customers} would split, "
        f"{impact.changed_customers} would change in total"
    )
    console.print(
        f"observations: {impact.newly_rejected} would be rejected (they stay stored), "
        f"{impact.newly_accepted} would be accepted again"
    )
    for title, samples in (("would merge", impact.sample_merges), ("would split", impact.sample_splits)):
        for sample in samples:
            groups = "  |  ".join(", ".join(group) for group in sample.groups)
            console.print(f"{title}: {', '.join(sample.ids)}: {groups}", soft_wrap=True)


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
        with _bar() as bar:
            task = bar.add_task("apply", total=None)
            while (progress := await rules.progress()).running:
                bar.update(task, completed=progress.processed, total=progress.total)
                await asyncio.sleep(0.2)
        await rules.applied()
        return progress.version

    console.print(f"version {_run(store, run)} of the rules is in effect")
