"""Withdraw observations."""

from collections.abc import Collection, Sequence

from graph.commands.batch import check_count, run_batch
from graph.commands.commit import CommandResult
from graph.commands.group_commit import GroupCommit
from graph.domain.model.errors import Problem
from graph.domain.model.receipts import ObservationKey
from graph.domain.model.validation import check_text
from graph.domain.profile.derived_consents import derived_id
from graph.domain.resolution.preparation import Command, Revoke


async def revoke(
    writer: GroupCommit,
    observations: Sequence[ObservationKey | Problem],
    actor: str,
    reason: str,
    now: int,
    purposes: Collection[str],
) -> list[CommandResult]:
    """Withdraw 1 to 1,000 observations by source and id, including observations that have not arrived yet.

    The decisions that followed from an interaction or a TC string, each on one of `purposes`, are withdrawn with it. An
    entry that may not be revoked is a `Problem`, which is returned as `Rejected`.
    """
    check_count("observations", observations)

    def command(key: ObservationKey | Problem) -> Command | Problem:
        if isinstance(key, Problem):
            return key
        source, id = key
        if problem := check_text("source", source, 100) or check_text("id", id, 200):
            return problem
        return Revoke(source, id, now, actor, tuple(derived_id(id, purpose) for purpose in purposes), reason)

    return await run_batch(writer, observations, command)
