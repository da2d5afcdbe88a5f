"""`kith rules`: check a file, preview it on what is stored, apply it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from graph.domain.model.errors import StoreUnavailable
from graph.queries.rules_preview import Difference
from service.bootstrap import Wiring, wire
from service.config import rules_file
from service.config import settings as settings_module

app = typer.Typer(no_args_is_help=True, help="Check, preview and apply rules files.")
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

File = Annotated[Path, typer.Argument(help="A rules file.", exists=True, dir_okay=False)]
Store = Annotated[str | None, typer.Option(help="sqlite:///FILE or neo4j://HOST:PORT; else KITH_STORE.")]


@app.command()
def check(file: File) -> None:
    """Tell whether a rules file can be used; exit status 2 with the reason where not."""
    rules = rules_file.parse(rules_file.read_text(file), str(file))
    console.print(f"{file} is good: {len(rules.namespaces)} namespaces, strongest first: {', '.join(rules.by_name)}")


def _with(store: str | None, run: Callable[[Wiring], Awaitable[Any]]) -> Any:
    async def whole() -> Any:
        # The rules of the store hold here, not those of the settings.
        wiring = wire(settings_module.load(store=store).model_copy(update={"rules": None}))
        try:
            await wiring.prepare()
            return await run(wiring)
        finally:
            await wiring.graph.close()

    return asyncio.run(whole())


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=errors)


@app.command()
def preview(
    file: File,
    store: Store = None,
    show: Annotated[bool, typer.Option("--show", help="Show values in samples unmasked.")] = False,
) -> None:
    """Tell what the rules of a file would change in what is stored; nothing is written."""
    text = rules_file.read_text(file)
    rules_file.parse(text, str(file))

    async def run(wiring: Wiring) -> Difference:
        found = wiring.graph.rules_previews.begin(text, masked=not show)
        with _bar() as bar:
            task = bar.add_task("preview", total=None)
            while found.running:
                await found.wait(0.2)
                bar.update(task, completed=found.done, total=found.total or None)
        if found.difference is None:
            raise StoreUnavailable("the preview did not come to its end: the database did not answer")
        return found.difference

    found = _with(store, run)
    console.print(f"customers: {found.customers_now} now, {found.customers_then} then")
    console.print(f"of now: {found.merging} would merge, {found.splitting} would split, {found.changed} change in all")
    console.print(f"observations: {found.refused} would be refused (they stay stored), {found.accepted} would return")
    for title, samples in (("would merge", found.merges), ("would split", found.splits)):
        for sample in samples:
            groups = "  |  ".join(", ".join(group) for group in sample.groups)
            console.print(f"{title}: {', '.join(sample.ids)}: {groups}", soft_wrap=True)


@app.command()
def apply(
    file: File,
    store: Store = None,
    expected_version: Annotated[
        int | None, typer.Option(help="The version in force as you know it; else whichever it is.")
    ] = None,
) -> None:
    """Put the rules of a file in force and read everything stored anew; can be stopped and run again."""
    text = rules_file.read_text(file)
    new = rules_file.parse(text, str(file))

    async def run(wiring: Wiring) -> int:
        rules = wiring.graph.rules_control
        kept = await rules.newest()
        version = kept.version if kept else 0
        # Run again after it was stopped, it goes on (prepare has started that) and is no new version.
        if kept is None or rules_file.parse(kept.text) != new:
            await rules.apply(text, version if expected_version is None else expected_version)
        with _bar() as bar:
            task = bar.add_task("apply", total=None)
            while (progress := await rules.progress()).running:
                bar.update(task, completed=progress.done, total=progress.total)
                await asyncio.sleep(0.2)
        await rules.applied()
        return progress.version

    console.print(f"version {_with(store, run)} of the rules is in force")
