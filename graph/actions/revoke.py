"""Withdraw observations."""

from collections.abc import Sequence

from graph.actions.batch import check_count, run_batch
from graph.actions.commit import Answer
from graph.actions.group_commit import GroupCommit
from graph.domain.errors import Problem
from graph.domain.intake import Command, Revoke
from graph.domain.observations import check_text
from graph.domain.receipts import ObservationKey


async def revoke(writer: GroupCommit, observations: Sequence[ObservationKey], actor: str, now: int) -> list[Answer]:
    """Withdraw 1 to 1,000 observations by source and id. It holds for one that has not come yet, too."""
    check_count("observations", observations)

    def command(key: ObservationKey) -> Command | Problem:
        source, id = key
        return check_text("source", source, 100) or check_text("id", id, 200) or Revoke(source, id, now, actor)

    return await run_batch(writer, observations, command)
