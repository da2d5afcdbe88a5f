"""A batch of items that callers send: the good ones are stored, each bad one is answered with its problem."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from graph.commands.commit import Answer, Refused
from graph.commands.group_commit import GroupCommit
from graph.domain.model.errors import InvalidInput, Problem
from graph.domain.resolution.intake import Command
from graph.runtime.scheduling import in_turns

T = TypeVar("T")
MOST_ITEMS = 1_000
"""Items of one call."""


def check_count(name: str, items: Sequence[object]) -> None:
    """Raise where a call holds no item or too many."""
    if not 1 <= len(items) <= MOST_ITEMS:
        raise InvalidInput("BAD_COUNT", f"{name} holds {len(items)} entries; 1 to {MOST_ITEMS} are allowed", (name,))


async def run_batch(writer: GroupCommit, items: Sequence[T], command: Callable[[T], Command | Problem]) -> list[Answer]:
    """Turn items into commands, run them together, and answer in the order of the items."""
    drafts = await in_turns(items, command)
    commands = [draft for draft in drafts if not isinstance(draft, Problem)]
    answers = iter(await writer.run(commands))
    return [Refused(draft) if isinstance(draft, Problem) else next(answers) for draft in drafts]
