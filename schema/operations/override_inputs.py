"""The inputs of the mutations of overrides."""

import strawberry

from schema.operations.actors import ACTOR, REASON
from schema.operations.idempotency import IdempotentInput
from schema.operations.identifier_input import IdentifierInput

_A = "The first identifier. It need not have been seen before."
_B = "The second identifier. It need not have been seen before."
_REASON = f"{REASON}`confirmed by phone`."


@strawberry.input(description="The input of `keepTogether`.")
class KeepTogetherInput(IdempotentInput):
    """The input of `keepTogether`."""

    a: IdentifierInput = strawberry.field(description=_A)
    b: IdentifierInput = strawberry.field(description=_B)
    reason: str = strawberry.field(default="", description=_REASON)
    actor: str | None = strawberry.field(default=None, description=ACTOR)


@strawberry.input(description="The input of `keepApart`.")
class KeepApartInput(IdempotentInput):
    """The input of `keepApart`."""

    a: IdentifierInput = strawberry.field(description=_A)
    b: IdentifierInput = strawberry.field(description=_B)
    reason: str = strawberry.field(default="", description=_REASON)
    actor: str | None = strawberry.field(default=None, description=ACTOR)


@strawberry.input(description="The input of `blockIdentifier`.")
class BlockIdentifierInput(IdempotentInput):
    """The input of `blockIdentifier`."""

    identifier: IdentifierInput = strawberry.field(
        description="The identifier to block. It need not have been seen before."
    )
    reason: str = strawberry.field(default="", description=_REASON)
    actor: str | None = strawberry.field(default=None, description=ACTOR)


@strawberry.input(description="The input of `unblockIdentifier`.")
class UnblockIdentifierInput(IdempotentInput):
    """The input of `unblockIdentifier`."""

    identifier: IdentifierInput = strawberry.field(description="The identifier to unblock.")
    actor: str | None = strawberry.field(default=None, description=ACTOR)


@strawberry.input(description="The input of `removeOverride`.")
class RemoveOverrideInput(IdempotentInput):
    """The input of `removeOverride`."""

    id: strawberry.ID = strawberry.field(description="The id of the override.")
    actor: str | None = strawberry.field(default=None, description=ACTOR)


@strawberry.input(description="The input of `undoMerge`.")
class UndoMergeInput(IdempotentInput):
    """The input of `undoMerge`."""

    change_id: strawberry.ID = strawberry.field(
        description="The id of a change of kind `CUSTOMERS_MERGED`. See `Customer.history`."
    )
    reason: str = strawberry.field(default="", description=_REASON)
    actor: str | None = strawberry.field(default=None, description=ACTOR)
