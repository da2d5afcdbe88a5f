"""Mutations on stewards' marks."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import orjson
import strawberry

from graph.domain.model.errors import InvalidInput
from graph.domain.model.idempotency import Once
from graph.domain.model.overrides import Mark as DomainMark
from graph.domain.model.overrides import MarkKind
from graph.domain.model.validation import check_text
from graph.domain.profile.pages import Asked, ById, ByKey
from schema.operations.identifier_input import IdentifierInput
from schema.shared.connections import After, Connection, First, connection
from schema.shared.context import Info
from schema.shared.cursors import decode, encode, page_size
from schema.shared.lookahead import selection_of
from schema.shared.problems import Problem
from schema.types.change import change_no
from schema.types.customer import Customer
from schema.types.identifier import IdentifierName
from schema.types.override import Mark, MarkPayload, StayedIdentifier, UndoPayload


@strawberry.input
class Keyed:
    """What all inputs have whose requests carry no id of their own."""

    idempotency_key: str | None = strawberry.field(
        default=None,
        description="A name of the caller's for this request, 1 to 200 characters: the same request again under it "
        "changes nothing and is answered as the first time; another request under it is an error.",
    )


@strawberry.input(description="Two identifiers that a steward knows about.")
class MarkInput(Keyed):
    """The input of `keepTogether` and `keepApart`."""

    a: IdentifierInput = strawberry.field(description="One identifier; it is created if it was never seen.")
    b: IdentifierInput = strawberry.field(description="The other one.")
    reason: str = strawberry.field(default="", description="Why, up to 1,000 characters.")
    actor: str | None = strawberry.field(default=None, description="Who says so; the caller if left out.")


@strawberry.input(description="An identifier that a steward knows about.")
class BlockInput(Keyed):
    """The input of `blockIdentifier` and `unblockIdentifier`."""

    identifier: IdentifierInput = strawberry.field(description="The identifier.")
    reason: str = strawberry.field(default="", description="Why, up to 1,000 characters.")
    actor: str | None = strawberry.field(default=None, description="Who says so; the caller if left out.")


@strawberry.input(description="A mark to take back.")
class RemoveMarkInput(Keyed):
    """The input of `removeMark`."""

    id: strawberry.ID = strawberry.field(description="The id of the mark.")
    actor: str | None = strawberry.field(default=None, description="Who says so; the caller if left out.")


@strawberry.input(description="A change to undo.")
class UndoChangeInput(Keyed):
    """The input of `undoChange`."""

    change: strawberry.ID = strawberry.field(description="The id of a merge in the history.")
    reason: str = strawberry.field(default="", description="Why, up to 1,000 characters.")
    actor: str | None = strawberry.field(default=None, description="Who says so; the caller if left out.")


def _actor(info: Info, actor: str | None, reason: str = "") -> str:
    """Who acts; raises where a text is too long to be kept."""
    name = actor or info.context.caller.name
    for problem in (check_text("actor", name, 100), check_text("reason", reason, 1000) if reason else None):
        if problem is not None:
            raise InvalidInput(problem.code, problem.message, problem.path)
    return name


def _once(info: Info, what: str, input: Keyed) -> Once | None:
    """That the request is to be carried out once, where the caller gave a key for it."""
    key = input.idempotency_key
    if key is None:
        return None
    if (problem := check_text("idempotencyKey", key, 200)) is not None:
        raise InvalidInput(problem.code, problem.message, problem.path)
    content = orjson.dumps([what, asdict(input)], option=orjson.OPT_SORT_KEYS)
    return Once(info.context.caller.name, key, hashlib.sha256(content).hexdigest())


def _key(info: Info, one: IdentifierInput, name: str) -> str:
    return info.context.graph.key(one.namespace, one.value, (name,))


async def _customers(info: Info, asked: Sequence[Asked]) -> list[Customer]:
    """The customers that the payload shows, each once, in one read."""
    selection = selection_of(info, "customers")
    if selection is None:
        return []
    graph = info.context.graph
    views = await graph.customers(asked, selection)
    found = {view.customer.id: info.context.present_customer(view) for view in views if view is not None}
    return list(found.values())


async def _note(info: Info, mark: DomainMark) -> str | None:
    """Which mark stands, where a *together* and an *apart* mark name the same two identifiers or the way between."""
    graph = info.context.graph
    if mark.kind is MarkKind.APART:
        for other in (await graph.marks(mark.a, None, 100)).items:
            if other.kind is MarkKind.TOGETHER and other.pair == mark.pair:
                return f"mark {other.id} keeps the same two together; apart stands, since it beats everything"
    if mark.kind is MarkKind.TOGETHER:
        answer = await graph.why(mark.a, mark.b)
        if not answer.same:
            return f"an apart mark beats it, so it has no effect: {answer.sentence}"
    return None


async def _payload(info: Info, mark: DomainMark, created: bool) -> MarkPayload:
    customers = await _customers(info, [ByKey(key) for key in mark.keys])
    return MarkPayload(
        mark=Mark.of(mark), created=created, note=await _note(info, mark), customers=customers, errors=[]
    )


def _failed(error: InvalidInput) -> MarkPayload:
    return MarkPayload(mark=None, created=False, note=None, customers=[], errors=[Problem.of(error.problem())])


async def _pair(info: Info, kind: MarkKind, input: MarkInput) -> MarkPayload:
    try:
        once = _once(info, kind.value, input)
        a, b = _key(info, input.a, "a"), _key(info, input.b, "b")
        actor = _actor(info, input.actor, input.reason)
        marking = await info.context.graph.mark(kind, a, b, actor, input.reason, once)
    except InvalidInput as error:
        return _failed(error)
    return await _payload(info, marking.mark, marking.new)


@strawberry.type
class MarkMutations:
    """What stewards can do."""

    @strawberry.mutation(
        description="Say that two identifiers belong to one customer, whatever limits or sharing say. An apart mark "
        "beats it. It holds against any later data."
    )
    async def keep_together(self, info: Info, input: MarkInput) -> MarkPayload:
        """Set a together mark."""
        return await _pair(info, MarkKind.TOGETHER, input)

    @strawberry.mutation(
        description="Say that two identifiers belong to different customers: this beats everything else. It holds "
        "against any later data."
    )
    async def keep_apart(self, info: Info, input: MarkInput) -> MarkPayload:
        """Set an apart mark."""
        return await _pair(info, MarkKind.APART, input)

    @strawberry.mutation(
        description="Say that an identifier is no one's own: all its links become idle and count nowhere; nothing is "
        "deleted."
    )
    async def block_identifier(self, info: Info, input: BlockInput) -> MarkPayload:
        """Block an identifier."""
        try:
            key = _key(info, input.identifier, "identifier")
            actor, once = _actor(info, input.actor, input.reason), _once(info, "block", input)
            marking = await info.context.graph.block(key, actor, input.reason, once)
        except InvalidInput as error:
            return _failed(error)
        return await _payload(info, marking.mark, marking.new)

    @strawberry.mutation(description="Take back the block of an identifier; its links come back.")
    async def unblock_identifier(self, info: Info, input: BlockInput) -> MarkPayload:
        """Unblock an identifier."""
        try:
            key = _key(info, input.identifier, "identifier")
            actor, once = _actor(info, input.actor, input.reason), _once(info, "unblock", input)
            mark = await info.context.graph.unblock(key, actor, once)
        except InvalidInput as error:
            return _failed(error)
        return await _payload(info, mark, False)

    @strawberry.mutation(description="Remove a mark; what would be without it comes back.")
    async def remove_mark(self, info: Info, input: RemoveMarkInput) -> MarkPayload:
        """Remove a mark."""
        try:
            actor, once = _actor(info, input.actor), _once(info, "remove", input)
            mark = await info.context.graph.remove_mark(str(input.id), actor, once)
        except InvalidInput as error:
            return _failed(error)
        customers = await _customers(info, [ByKey(key) for key in mark.keys])
        return MarkPayload(mark=Mark.of(mark), created=False, note=None, customers=customers, errors=[])

    @strawberry.mutation(
        description="Undo a merge: an apart mark between the anchors of the customers that were merged, so that their "
        "ids return; weaker identifiers follow the rule."
    )
    async def undo_change(self, info: Info, input: UndoChangeInput) -> UndoPayload:
        """Undo a merge."""
        try:
            actor = _actor(info, input.actor, input.reason)
            once = _once(info, "undo", input)
            undone = await info.context.graph.undo(change_no(str(input.change)), actor, input.reason, once)
        except InvalidInput as error:
            return UndoPayload(mark=None, customers=[], stayed=[], errors=[Problem.of(error.problem())])
        stayed = [
            StayedIdentifier(
                identifier=IdentifierName.of(one.key),
                was_with=strawberry.ID(one.was_with),
                is_with=strawberry.ID(one.is_with) if one.is_with else None,
                reason=one.reason,
            )
            for one in undone.stayed
        ]
        customers = await _customers(info, [ById(id) for id in undone.customers])
        return UndoPayload(mark=Mark.of(undone.mark), customers=customers, stayed=stayed, errors=[])


@strawberry.type
class MarkQueries:
    """What can be asked of marks."""

    @strawberry.field(description="The marks that stewards set, in the order they were set.")
    async def marks(
        self,
        info: Info,
        first: First = 20,
        after: After = None,
        identifier: Annotated[
            IdentifierInput | None, strawberry.argument(description="Only marks that name this identifier.")
        ] = None,
    ) -> Connection[Mark]:
        """A page of marks."""
        graph = info.context.graph
        place = None if after is None else decode(after, int, str)
        key = None
        if identifier is not None:
            key = graph.key(identifier.namespace, identifier.value, ("identifier",))
        page = await graph.marks(key, place and (place[0], place[1]), page_size(first))

        def cursor(mark: DomainMark) -> str:
            return encode(mark.at, mark.id)

        result: Connection[Mark] = connection(page, Mark.of, cursor, after)
        return result
