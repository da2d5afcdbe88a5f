"""Record statements of sources: observations, orders, and facts about customers."""

from collections.abc import Sequence

from graph.commands.batch import check_count, run_batch
from graph.commands.commit import CommandResult
from graph.commands.group_commit import GroupCommit
from graph.domain.commands import SourceStatement, Terms, command
from graph.domain.model.errors import Problem
from graph.domain.model.rules import Rules


async def observe(
    writer: GroupCommit,
    name: str,
    statements: Sequence[SourceStatement | Problem],
    rules: Rules,
    terms: Terms,
    now: int,
) -> list[CommandResult]:
    """Store 1 to 1,000 statements; return `Accepted` or `Rejected` for each, in order.

    Messages call the statements `name`. An entry that could not be parsed is a `Problem`, which is returned as
    `Rejected`. `now` is in microseconds.
    """
    check_count(name, statements)
    return await run_batch(
        writer,
        statements,
        lambda statement: statement if isinstance(statement, Problem) else command(statement, rules, terms, now),
    )
