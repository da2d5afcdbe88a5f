"""Record statements of sources: observations, orders, and facts about customers."""

from collections.abc import Sequence

from graph.commands.batch import check_count, run_batch
from graph.commands.commit import CommandResult
from graph.commands.group_commit import GroupCommit
from graph.domain.commands import SourceStatement, Terms, command
from graph.domain.model.errors import Problem
from graph.domain.model.rules import Rules
from graph.domain.resolution.preparation import Observe, received_from


async def observe(
    writer: GroupCommit,
    name: str,
    statements: Sequence[SourceStatement | Problem],
    rules: Rules,
    terms: Terms,
    now: int,
    caller: str = "",
) -> list[CommandResult]:
    """Store 1 to 1,000 statements; return `Accepted` or `Rejected` for each, in order.

    Messages call the statements `name`. An entry that could not be parsed is a `Problem`, which is returned as
    `Rejected`. `now` is in microseconds. `caller` is who sent them, if that is known.
    """
    check_count(name, statements)

    def prepared(statement: SourceStatement | Problem) -> Observe | Problem:
        if isinstance(statement, Problem):
            return statement
        observe = command(statement, rules, terms, now)
        return received_from(observe, caller) if caller and isinstance(observe, Observe) else observe

    return await run_batch(writer, statements, prepared)
