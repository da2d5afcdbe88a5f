"""Take in observations."""

from collections.abc import Sequence

from graph.actions.batch import check_count, run_batch
from graph.actions.commit import Answer
from graph.actions.group_commit import GroupCommit
from graph.domain.errors import Problem
from graph.domain.intake import Command, prepare
from graph.domain.observations import Observation, check
from graph.domain.rules import Rules


async def link(
    writer: GroupCommit, rules: Rules, observations: Sequence[Observation | Problem], now: int
) -> list[Answer]:
    """Store 1 to 1,000 observations; an entry that could not even be read is a `Problem` and comes back as such."""
    check_count("observations", observations)

    def command(observation: Observation | Problem) -> Command | Problem:
        if isinstance(observation, Problem):
            return observation
        return check(observation, now) or prepare(observation, rules, now)

    return await run_batch(writer, observations, command)
