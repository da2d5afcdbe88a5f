"""A batch of items from one request: valid items are stored, and each invalid item is rejected with its problem."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from graph.commands.commit import CommandResult, Rejected
from graph.commands.group_commit import GroupCommit
from graph.domain.model.errors import InvalidInput, Problem
from graph.domain.resolution.preparation import Command
from graph.runtime.scheduling import map_cooperatively

T = TypeVar("T")
MAX_ITEMS = 1_000
"""Items of one request."""


def check_count(name: str, items: Sequence[object]) -> None:
    """Raise `InvalidInput` if a request holds no items or too many."""
    if not 1 <= len(items) <= MAX_ITEMS:
        raise InvalidInput("INVALID_COUNT", f"{name} holds {len(items)} entries; 1 to {MAX_ITEMS} are allowed", (name,))


async def run_batch(
    writer: GroupCommit, items: Sequence[T], command: Callable[[T], Command | Problem]
) -> list[CommandResult]:
    """Turn items into commands, run them together, and return the results in the order of the items."""
    drafts = await map_cooperatively(items, command)
    commands = [draft for draft in drafts if not isinstance(draft, Problem)]
    results = iter(await writer.run(commands))
    return [Rejected(draft) if isinstance(draft, Problem) else next(results) for draft in drafts]
