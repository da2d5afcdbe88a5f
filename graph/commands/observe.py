"""Take in what sources state: observations, orders, and facts about people."""

from collections.abc import Sequence

from graph.commands.batch import check_count, run_batch
from graph.commands.commit import Answer
from graph.commands.group_commit import GroupCommit
from graph.domain.commands import Statement, Terms, command
from graph.domain.model.errors import Problem
from graph.domain.model.rules import Rules


async def observe(
    writer: GroupCommit, name: str, statements: Sequence[Statement | Problem], rules: Rules, terms: Terms, now: int
) -> list[Answer]:
    """Store 1 to 1,000 statements, which messages call `name`; answers each in order (`Accepted` or `Refused`).

    An entry that could not even be read is a `Problem` and comes back as such. `now` is in microseconds.
    """
    check_count(name, statements)
    return await run_batch(
        writer,
        statements,
        lambda one: one if isinstance(one, Problem) else command(one, rules, terms, now),
    )
