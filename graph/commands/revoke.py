"""Withdraw observations."""

from collections.abc import Sequence

from graph.commands.batch import check_count, run_batch
from graph.commands.commit import CommandResult
from graph.commands.group_commit import GroupCommit
from graph.domain.model.errors import Problem
from graph.domain.model.receipts import ObservationKey
from graph.domain.model.validation import check_text
from graph.domain.resolution.intake import Command, Revoke


async def revoke(
    writer: GroupCommit, observations: Sequence[ObservationKey], actor: str, now: int
) -> list[CommandResult]:
    """Withdraw 1 to 1,000 observations by source and id, including observations that have not arrived yet."""
    check_count("observations", observations)

    def command(key: ObservationKey) -> Command | Problem:
        source, id = key
        return check_text("source", source, 100) or check_text("id", id, 200) or Revoke(source, id, now, actor)

    return await run_batch(writer, observations, command)
