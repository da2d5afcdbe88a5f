"""Set and remove stewards' overrides."""

from typing import Protocol

from msgspec.structs import replace

from graph.commands.commit import CommandResult, OverrideResult, Rejected, idempotency_conflict
from graph.commands.group_commit import GroupCommit
from graph.domain.model.errors import InvalidInput, KithError
from graph.domain.model.idempotency import IdempotencyKey
from graph.domain.model.identifiers import pair
from graph.domain.model.overrides import Override, OverrideKind
from graph.domain.resolution.preparation import RemoveOverride, SetOverride
from graph.ports import HistoryStore, WriteStore

MAX_OVERRIDES = 1_000
"""Overrides of one identifier that are searched for a block."""


class OverrideStore(WriteStore, HistoryStore, Protocol):
    """Writes, and the overrides in effect."""


async def set_override(
    writer: GroupCommit, override: Override, idempotency_key: IdempotencyKey | None = None
) -> OverrideResult:
    """Set an override; if an equal override is in effect already, return that one.

    Raises `InvalidInput` if both keys of the override are the same.
    """
    if override.b:
        if override.a == override.b:
            raise InvalidInput("DUPLICATE_IDENTIFIER", "a and b are the same identifier", ("b",))
        a, b = pair(override.a, override.b)
        override = replace(override, a=a, b=b)
    (result,) = await writer.run([SetOverride(override, idempotency_key)])
    return _override_result(result)


async def unblock(
    writer: GroupCommit,
    store: OverrideStore,
    key: str,
    actor: str,
    now: int,
    idempotency_key: IdempotencyKey | None = None,
) -> Override:
    """Unblock an identifier; raises `InvalidInput` if it is not blocked."""
    if (before := await earlier_result(store, idempotency_key)) is not None:
        return before.override
    for override in await store.overrides(key, None, MAX_OVERRIDES):
        if override.kind is OverrideKind.BLOCKED:
            return await remove_override(writer, override.id, actor, now, idempotency_key)
    raise InvalidInput("OVERRIDE_NOT_FOUND", "the identifier is not blocked", ("identifier",))


async def remove_override(
    writer: GroupCommit, id: str, actor: str, now: int, idempotency_key: IdempotencyKey | None = None
) -> Override:
    """Remove an override by its id; raises `InvalidInput` if it does not exist.

    Resolution continues as if the override had never been set.
    """
    (result,) = await writer.run([RemoveOverride(id, now, actor, idempotency_key)])
    return _override_result(result).override


def _override_result(result: CommandResult) -> OverrideResult:
    if isinstance(result, Rejected):
        raise InvalidInput(result.problem.code, result.problem.message, result.problem.path)
    if not isinstance(result, OverrideResult):
        raise KithError(f"an override resulted in {type(result).__name__}")
    return result


async def earlier_result(store: WriteStore, idempotency_key: IdempotencyKey | None) -> OverrideResult | None:
    """Return the result of the first request with this idempotency key, `None` if there was none.

    Raises `InvalidInput` if the key was used for a different request.
    """
    earlier = None if idempotency_key is None else await store.idempotent_result(idempotency_key.key)
    if idempotency_key is None or earlier is None:
        return None
    if earlier.idempotency_key.digest != idempotency_key.digest:
        problem = idempotency_conflict(idempotency_key)
        raise InvalidInput(problem.code, problem.message, problem.path)
    return OverrideResult(earlier.override, earlier.new)
