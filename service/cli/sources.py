"""`kith revoke-source` and `kith restore-source`: what a source sent in a window of time counts no longer, or again."""

import asyncio
from typing import Annotated

import typer
from rich.markup import escape

from graph.domain.model.errors import InvalidInput, StoreUnavailable
from graph.domain.model.source_revocations import SourceRevocation, SourceWindow
from graph.domain.model.times import iso, parse_time
from graph.queries.rules_preview import Preview
from service.bootstrap import Wiring
from service.cli.operator import Operator, Purpose
from service.cli.previews import bar, impact_of, print_customers, print_samples
from service.cli.shared import Store, console, run_with_stored_rules
from service.config import settings as settings_module

PreviewOnly = Annotated[bool, typer.Option("--preview", help="Show what would change, and change nothing.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not show what would change, and do not ask.")]
Show = Annotated[bool, typer.Option("--show", help="Do not mask the values in samples.")]
Actor = Annotated[str, typer.Option(help="Who does this, for the history.")]


def _time(option: str, text: str | None) -> int | None:
    try:
        return None if text is None else parse_time(text).microseconds
    except ValueError as error:
        raise InvalidInput("INVALID_TIMESTAMP", f"{option}: {error}") from error


def _window(revocation: SourceRevocation) -> str:
    begin = "the beginning" if revocation.recorded_from is None else iso(revocation.recorded_from)
    return f"source {revocation.source!r}, recorded from {begin} to {iso(revocation.recorded_to)}"


async def _confirmed(preview: Preview, preview_only: bool, after: str, operator: Operator) -> bool:
    """Show a preview and ask whether to go on."""
    impact = await impact_of(preview)
    print_customers(impact, after)
    console.print(
        f"observations: {impact.newly_rejected} would no longer count (they stay stored), "
        f"{impact.newly_accepted} would count again"
    )
    print_samples(impact, operator)
    return not preview_only and typer.confirm("Go on?", err=True)


async def _wait(wiring: Wiring, id: str) -> SourceRevocation:
    """Wait until the observations of a source revocation are evaluated."""
    revocations = wiring.graph.source_revocations
    with bar() as shown:
        task = shown.add_task("observations", total=None)
        while True:
            (revocation,) = [revocation for revocation in await revocations.revocations() if revocation.id == id]
            shown.update(task, completed=revocation.processed, total=revocation.total)
            if not revocation.pending:
                return revocation
            if revocations.stopped:
                raise StoreUnavailable("not all observations were evaluated; the next start of Kith continues")
            await asyncio.sleep(0.2)


def revoke_source(
    source: Annotated[str, typer.Argument(help="The source.")],
    recorded_from: Annotated[
        str | None,
        typer.Option("--from", help="Revoke what was recorded at this time or later; without it, from the beginning."),
    ] = None,
    recorded_to: Annotated[
        str | None, typer.Option("--to", help="Revoke what was recorded before this time; without it, until now.")
    ] = None,
    include_refusals: Annotated[
        bool, typer.Option("--include-refusals", help="Revoke refusals and withdrawals of consent too.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why, for the history.")] = "",
    actor: Actor = "command line",
    preview: PreviewOnly = False,
    yes: Yes = False,
    show: Show = False,
    purpose: Purpose = "",
    store: Store = None,
) -> None:
    """Revoke what a source sent in a window of time, after a preview. If this is stopped, run it again to continue."""
    begin, end = _time("--from", recorded_from), _time("--to", recorded_to)
    operator = Operator(settings_module.load(store=store), "revoke-source", purpose, reason, shows_values=show)

    async def run(wiring: Wiring) -> None:
        revocations = wiring.graph.source_revocations
        draft = await revocations.draft(SourceWindow(source, begin, end, include_refusals), actor, reason)
        if preview or not yes:
            started = wiring.graph.previews.begin_revocation(draft, mask_values=not show)
            if not await _confirmed(started, preview, "without the source", operator):
                return
        revoked = await revocations.revoke(draft)
        revocation = await _wait(wiring, revoked.revocation.id)
        console.print(f"{escape(_window(revocation))}: revoked, {revocation.processed} observations", soft_wrap=True)
        console.print(f"undo it with: kith restore-source {revocation.id}")

    run_with_stored_rules(store, run, read_only=preview)


def restore_source(
    id: Annotated[str, typer.Argument(help="The id of a source revocation; without it, list those in effect.")] = "",
    actor: Actor = "command line",
    preview: PreviewOnly = False,
    yes: Yes = False,
    show: Show = False,
    purpose: Purpose = "",
    store: Store = None,
) -> None:
    """Restore what `kith revoke-source` revoked, after a preview. If this is stopped, run it again to continue."""
    operator = Operator(settings_module.load(store=store), "restore-source", purpose, shows_values=show)

    async def run(wiring: Wiring) -> None:
        revocations = wiring.graph.source_revocations
        if not id:
            for revocation in await revocations.revocations():
                if revocation.in_effect:
                    console.print(f"{revocation.id}: {escape(_window(revocation))}", soft_wrap=True)
            return
        if not any(
            known.id == id and known.pending and not known.in_effect for known in await revocations.revocations()
        ):
            revocation = await revocations.in_effect(id)
            if preview or not yes:
                started = wiring.graph.previews.begin_restoration(revocation, mask_values=not show)
                if not await _confirmed(started, preview, "with the source", operator):
                    return
            await revocations.restore(id, actor)
        restored = await _wait(wiring, id)
        console.print(f"{escape(_window(restored))}: restored, {restored.processed} observations", soft_wrap=True)

    run_with_stored_rules(store, run, read_only=preview or not id)
