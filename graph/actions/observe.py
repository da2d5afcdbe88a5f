"""Take in what sources state: observations, orders, and facts about people."""

from collections.abc import Sequence

from graph.actions.batch import check_count, run_batch
from graph.actions.commit import Answer
from graph.actions.group_commit import GroupCommit
from graph.domain.errors import Problem
from graph.domain.rules import Rules
from graph.domain.statements import Statement, Terms, command


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
