"""Mutations and queries of stewards' overrides."""

from collections.abc import Sequence
from typing import Annotated

import strawberry

from graph.commands.undo_merge import Unrestored
from graph.domain.access.scopes import GRAPH_READ, OVERRIDE_WRITE
from graph.domain.model.errors import InvalidInput
from graph.domain.model.overrides import Override as DomainOverride
from graph.domain.model.overrides import OverrideKind
from graph.domain.model.sentences import MessageCode, Sentence
from graph.domain.profile.pages import ById, ByKey, CustomerRef
from graph.domain.resolution.explanation import Explanation
from schema.operations.idempotency import idempotency_key_of
from schema.operations.identifier_input import IdentifierInput
from schema.operations.override_inputs import (
    BlockIdentifierInput,
    KeepApartInput,
    KeepTogetherInput,
    RemoveOverrideInput,
    UnblockIdentifierInput,
    UndoMergeInput,
)
from schema.shared.connections import After, Connection, First, connection
from schema.shared.context import Info
from schema.shared.cursors import decode, encode, page_size
from schema.shared.lookahead import selection_of
from schema.shared.problems import Problem
from schema.shared.required_scopes import requires
from schema.types.change import change_number
from schema.types.customer import Customer
from schema.types.identifier import IdentifierRef
from schema.types.message import MessageParts
from schema.types.override import Override, OverridePayload, UndoMergePayload, UnrestoredIdentifier


def _key(info: Info, identifier: IdentifierInput, field: str) -> str:
    return info.context.graph.key(identifier.namespace, identifier.raw, (field,))


async def _customers(info: Info, refs: Sequence[CustomerRef]) -> list[Customer]:
    """Return the customers that the payload shows, each once, in one read."""
    selection = selection_of(info, "customers")
    if selection is None:
        return []
    graph = info.context.graph
    views = await graph.customers(refs, selection)
    customers = {view.customer.id: info.context.present_customer(view) for view in views if view is not None}
    return list(customers.values())


async def _conflict(info: Info, override: DomainOverride) -> Sentence | None:
    """Return how an *apart* override conflicts with a *together* override, of the same pair or a chain between it."""
    graph = info.context.graph
    if override.kind is OverrideKind.APART:
        for candidate in (await graph.overrides(override.a, None, 100)).items:
            if candidate.kind is OverrideKind.TOGETHER and candidate.pair == override.pair:
                return Sentence(MessageCode.APART_TAKES_PRECEDENCE, override=candidate.id)
    if override.kind is OverrideKind.TOGETHER:
        try:
            explanation = await graph.why(override.a, override.b)
        except InvalidInput:
            # It names a customer that is restricted: the caller learns nothing about it.
            return None
        if not explanation.same_customer:
            return Sentence(MessageCode.KEPT_APART_TAKES_PRECEDENCE, reason=explanation.summary)
    return None


async def _payload(info: Info, override: DomainOverride, created: bool) -> OverridePayload:
    customers = await _customers(info, [ByKey(key) for key in override.keys])
    return _of(info, override, created, customers, await _conflict(info, override))


def _of(
    info: Info, override: DomainOverride, created: bool, customers: list[Customer], conflict: Sentence | None = None
) -> OverridePayload:
    return OverridePayload(
        override=Override.of(info.context.graph.masks.override(override)),
        created=created,
        conflict=None if conflict is None else str(conflict),
        conflict_parts=None if conflict is None else MessageParts.of(conflict),
        customers=customers,
        errors=[],
    )


def _failed(error: InvalidInput) -> OverridePayload:
    return OverridePayload(
        override=None,
        created=False,
        conflict=None,
        conflict_parts=None,
        customers=[],
        errors=[Problem.of(error.problem())],
    )


async def _keep(info: Info, kind: OverrideKind, input: KeepTogetherInput | KeepApartInput) -> OverridePayload:
    try:
        idempotency_key = idempotency_key_of(info, kind.value, input)
        a, b = _key(info, input.a, "a"), _key(info, input.b, "b")
        actor, reason = input.actor or "", input.reason
        result = await info.context.graph.override_pair(kind, a, b, actor, reason, idempotency_key)
    except InvalidInput as error:
        return _failed(error)
    return await _payload(info, result.override, result.new)


@requires(
    keep_together=OVERRIDE_WRITE,
    keep_apart=OVERRIDE_WRITE,
    block_identifier=OVERRIDE_WRITE,
    unblock_identifier=OVERRIDE_WRITE,
    remove_override=OVERRIDE_WRITE,
    undo_merge=OVERRIDE_WRITE,
)
@strawberry.type
class OverrideMutations:
    """Mutations of overrides."""

    @strawberry.mutation(
        description="Declare that two identifiers belong to the same customer, regardless of limits and shared "
        "identifiers. It applies to all later data, too. `keepApart` takes precedence."
    )
    async def keep_together(self, info: Info, input: KeepTogetherInput) -> OverridePayload:
        """Set an override of kind `TOGETHER`."""
        return await _keep(info, OverrideKind.TOGETHER, input)

    @strawberry.mutation(
        description="Declare that two identifiers belong to different customers. It takes precedence over all other "
        "evidence, and applies to all later data, too."
    )
    async def keep_apart(self, info: Info, input: KeepApartInput) -> OverridePayload:
        """Set an override of kind `APART`."""
        return await _keep(info, OverrideKind.APART, input)

    @strawberry.mutation(description="Block an identifier. Its links no longer affect resolution; no data is deleted.")
    async def block_identifier(self, info: Info, input: BlockIdentifierInput) -> OverridePayload:
        """Block an identifier."""
        try:
            key = _key(info, input.identifier, "identifier")
            actor, idempotency_key = input.actor or "", idempotency_key_of(info, "block", input)
            result = await info.context.graph.block(key, actor, input.reason, idempotency_key)
        except InvalidInput as error:
            return _failed(error)
        return await _payload(info, result.override, result.new)

    @strawberry.mutation(description="Unblock an identifier. Its links affect resolution again.")
    async def unblock_identifier(self, info: Info, input: UnblockIdentifierInput) -> OverridePayload:
        """Unblock an identifier."""
        try:
            key = _key(info, input.identifier, "identifier")
            actor, idempotency_key = input.actor or "", idempotency_key_of(info, "unblock", input)
            override = await info.context.graph.unblock(key, actor, idempotency_key)
        except InvalidInput as error:
            return _failed(error)
        return await _payload(info, override, False)

    @strawberry.mutation(description="Remove an override. The customers are resolved again without it.")
    async def remove_override(self, info: Info, input: RemoveOverrideInput) -> OverridePayload:
        """Remove an override."""
        try:
            actor, idempotency_key = input.actor or "", idempotency_key_of(info, "remove", input)
            override = await info.context.graph.remove_override(str(input.id), actor, idempotency_key)
        except InvalidInput as error:
            return _failed(error)
        customers = await _customers(info, [ByKey(key) for key in override.keys])
        return _of(info, override, False, customers)

    @strawberry.mutation(
        description="Undo a merge: keep the two customers apart and restore their ids. Identifiers with newer evidence "
        "may stay where they are (see `notRestored`)."
    )
    async def undo_merge(self, info: Info, input: UndoMergeInput) -> UndoMergePayload:
        """Undo a merge."""
        try:
            actor, idempotency_key = input.actor or "", idempotency_key_of(info, "undo", input)
            number = change_number(str(input.change_id))
            result = await info.context.graph.undo_merge(number, actor, input.reason, idempotency_key)
        except InvalidInput as error:
            return UndoMergePayload(override=None, customers=[], not_restored=[], errors=[Problem.of(error.problem())])
        not_restored = [_unrestored(info, unrestored) for unrestored in result.not_restored]
        customers = await _customers(info, [ById(id) for id in result.customers])
        override = Override.of(info.context.graph.masks.override(result.override))
        return UndoMergePayload(override=override, customers=customers, not_restored=not_restored, errors=[])


def _unrestored(info: Info, unrestored: Unrestored) -> UnrestoredIdentifier:
    masks, reason = info.context.graph.masks, unrestored.reason
    sentence = masks.explanation(reason).summary if isinstance(reason, Explanation) else reason
    return UnrestoredIdentifier(
        identifier=IdentifierRef.of(masks.key(unrestored.key)),
        previous_customer_id=strawberry.ID(unrestored.previous_customer_id),
        current_customer_id=strawberry.ID(unrestored.current_customer_id) if unrestored.current_customer_id else None,
        reason=str(sentence),
        reason_parts=MessageParts.of(sentence),
    )


@requires(overrides=GRAPH_READ)
@strawberry.type
class OverrideQueries:
    """Queries of overrides."""

    @strawberry.field(description="The overrides in effect, in the order in which they were set.")
    async def overrides(
        self,
        info: Info,
        first: First = 20,
        after: After = None,
        identifier: Annotated[
            IdentifierInput | None,
            strawberry.argument(description="Return only overrides that name this identifier."),
        ] = None,
    ) -> Connection[Override]:
        """Return a page of overrides."""
        graph = info.context.graph
        position = None if after is None else decode(after, int, str)
        key = None
        if identifier is not None:
            key = graph.key(identifier.namespace, identifier.raw, ("identifier",))
        page = await graph.overrides(key, position and (position[0], position[1]), page_size(first))

        def cursor(override: DomainOverride) -> str:
            return encode(override.at, override.id)

        result: Connection[Override] = connection(page, Override.of, cursor, after)
        return result
