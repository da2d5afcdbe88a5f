"""What the commands share that preview or carry out background work: progress bars, and the impact of a preview."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from graph.domain.model.errors import StoreUnavailable
from graph.queries.rules_preview import Preview, PreviewImpact
from service.cli.operator import Operator
from service.cli.shared import console, errors


def bar() -> Progress:
    """Return a progress bar on standard error."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=errors)


def end(progress: Progress, task: TaskID, done: int) -> None:
    """Show a task as complete: its last part was done since the bar was last updated."""
    progress.update(task, completed=done, total=done)


@contextmanager
def show_progress(step: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show a progress bar, which reaches its end when the step does. Yields what is called with how much is done."""
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done = count
        shown.update(task, completed=count)

    with bar() as shown:
        task = shown.add_task(step, total=total)
        yield advance
        end(shown, task, done)


async def impact_of(preview: Preview) -> PreviewImpact:
    """Wait for a preview and return its impact; raises `StoreUnavailable` if it failed."""
    with bar() as progress:
        task = progress.add_task("preview", total=None)
        while preview.running:
            await preview.wait(0.2)
            progress.update(task, completed=preview.processed, total=preview.total or None)
        end(progress, task, preview.processed)
    if preview.impact is None:
        raise StoreUnavailable("the preview failed: the database is unavailable")
    return preview.impact


def print_customers(impact: PreviewImpact, after: str) -> None:
    """Print how many customers would change; `after` names what would be in effect."""
    console.print(f"customers: {impact.current_customers} now, {impact.projected_customers} {after}")
    console.print(
        f"current customers: {impact.merging_customers} would merge, {impact.splitting_customers} would split, "
        f"{impact.changed_customers} would change in total"
    )


def print_samples(impact: PreviewImpact, operator: Operator) -> None:
    """Print examples of customers that would merge or split, which are recorded."""
    samples = (*impact.sample_merges, *impact.sample_splits)
    if samples:
        operator.record_customers(id for sample in samples for id in sample.ids)
    for title, samples in (("would merge", impact.sample_merges), ("would split", impact.sample_splits)):
        for sample in samples:
            groups = "  |  ".join(", ".join(group) for group in sample.groups)
            console.print(f"{title}: {', '.join(sample.ids)}: {groups}", soft_wrap=True)
