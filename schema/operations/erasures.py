"""Queries and mutations of erasures and suppressions."""

from typing import Annotated

import strawberry
from msgspec.structs import replace

from graph.commands.erase import ErasureRequest
from graph.domain.access.scopes import ERASURE_ACKNOWLEDGE, ERASURE_READ, ERASURE_WRITE
from graph.domain.model.errors import InvalidInput
from graph.domain.model.tombstones import TombstoneMode
from graph.domain.privacy.erasure_plan import OrderHold
from graph.viewer_graph import ViewerGraph
from schema.operations.actors import ACTOR, REASON
from schema.operations.customers import CustomerBy
from schema.operations.identifier_input import IdentifierInput
from schema.shared.connections import After, Connection, First, connection
from schema.shared.context import Info
from schema.shared.cursors import decode, encode, page_size
from schema.shared.problems import Problem
from schema.shared.required_scopes import requires
from schema.shared.scalars import Timestamp, require_valid
from schema.types.erasure import (
    AcknowledgeErasurePayload,
    Erasure,
    ErasurePayload,
    ErasurePlan,
    ErasurePlanPayload,
    HeldOrder,
    LiftSuppressionPayload,
    Suppression,
)

MAX_IDENTIFIERS = 1_000


@strawberry.input(description="That orders are kept without a person, because the law requires it.")
class KeepOrdersInput:
    """The hold of orders."""

    until: Timestamp = strawberry.field(description="Until when they are kept. They are removed afterwards.")
    ground: str = strawberry.field(description="On which ground, 1 to 200 characters. E.g. `tax law, 10 years`.")

    def to_domain(self) -> OrderHold:
        """Convert to the domain's value; raises `InvalidInput`."""
        try:
            until = require_valid(self.until, "until")
        except InvalidInput as error:
            raise InvalidInput(error.code, error.message, ("keepOrders", *error.path)) from None
        return OrderHold(until, self.ground)


@strawberry.input
class ErasureScopeInput:
    """The fields that say who is erased."""

    by: CustomerBy | None = strawberry.field(
        default=None, description="The customer: all its identifiers that are only its own are erased."
    )
    identifiers: list[IdentifierInput] = strawberry.field(
        default_factory=list,
        description="Identifiers to erase, up to 1,000, whatever they belong to and whether or not they are stored. "
        "With `by`, in addition to those of the customer.",
    )
    mode: TombstoneMode = strawberry.field(
        default=TombstoneMode.ERASED, description="What may bring the identifiers back."
    )
    keep_orders: KeepOrdersInput | None = strawberry.field(
        default=None, description="Keep number, time, lines and totals of orders without a person. Null: erase them."
    )

    def request(self, graph: ViewerGraph) -> ErasureRequest:
        """Convert to the domain's value; raises `InvalidInput`."""
        if self.by is None and not self.identifiers:
            raise InvalidInput("INVALID_VALUE", "neither by nor identifiers says who is erased", ("by",))
        if len(self.identifiers) > MAX_IDENTIFIERS:
            message = f"identifiers holds {len(self.identifiers)} entries; {MAX_IDENTIFIERS} are allowed"
            raise InvalidInput("INVALID_COUNT", message, ("identifiers",))
        keys = tuple(
            graph.key(identifier.namespace, identifier.raw, ("identifiers", at))
            for at, identifier in enumerate(self.identifiers)
        )
        hold = None if self.keep_orders is None else self.keep_orders.to_domain()
        ref = None if self.by is None else self.by.ref(graph)
        return ErasureRequest(ref, tuple(dict.fromkeys(keys)), self.mode, hold=hold)


@strawberry.input(description="The input of `planErasure`.")
class PlanErasureInput(ErasureScopeInput):
    """The input of `planErasure`."""


@strawberry.input(description="The input of `eraseSubject`. It names the same as that of `planErasure`.")
class EraseSubjectInput(ErasureScopeInput):
    """The input of `eraseSubject`."""

    plan_hash: str = strawberry.field(description="The `hash` of the plan that is confirmed.")
    request_id: str = strawberry.field(
        description="The caller's id of the request, 1 to 200 characters; the same one again, with the same plan, "
        "returns the first result."
    )
    reason: str = strawberry.field(default="", description=f"{REASON}`request of the person, case 4711`.")
    actor: str | None = strawberry.field(default=None, description=ACTOR)


@strawberry.input(description="The input of `acknowledgeErasure`.")
class AcknowledgeErasureInput:
    """The input of `acknowledgeErasure`."""

    erasure_id: strawberry.ID = strawberry.field(description="The id of the erasure, from `Change.cause` in the feed.")
    service: str | None = strawberry.field(
        default=None, description="The service that has erased its copies. Without it, the caller. E.g. `mail-tool`."
    )


@strawberry.input(description="The input of `liftSuppression`.")
class LiftSuppressionInput:
    """The input of `liftSuppression`."""

    identifier: IdentifierInput = strawberry.field(description="The identifier that may be stored again.")
    reason: str = strawberry.field(default="", description=f"{REASON}`the person asked for it`.")


@requires(erasures=ERASURE_READ, erasure=ERASURE_READ, held_orders=ERASURE_READ, suppression=ERASURE_READ)
@strawberry.type
class ErasureQueries:
    """Queries of erasures."""

    @strawberry.field(description="The erasures that were carried out, oldest first.")
    async def erasures(self, info: Info, first: First = 20, after: After = None) -> Connection[Erasure]:
        """Return a page of erasures."""
        position = None if after is None else decode(after, int, str)
        page = await info.context.graph.erasures(position, page_size(first))
        result: Connection[Erasure] = connection(
            page, Erasure.of, lambda item: encode(item.domain.at, item.domain.id), after
        )
        return result

    @strawberry.field(
        description="The erasure with this id, with this id of the request, or of the customer that had this id. Null "
        "if there is none."
    )
    async def erasure(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="The id.")]
    ) -> Erasure | None:
        """Return an erasure."""
        found = await info.context.graph.erasure(str(id))
        return None if found is None else Erasure.of(found)

    @strawberry.field(description="The orders that are kept without a person, in an arbitrary order that stays.")
    async def held_orders(self, info: Info, first: First = 20, after: After = None) -> Connection[HeldOrder]:
        """Return a page of held orders."""
        (position,) = ("",) if after is None else decode(after, str)
        page = await info.context.graph.held_orders(position, page_size(first))
        cursors = iter([encode(order.hash) for order in page.items])
        result: Connection[HeldOrder] = connection(page, HeldOrder.of, lambda _: next(cursors), after)
        return result

    @strawberry.field(description="Whether an identifier must not be stored. Null if it may, and always could.")
    async def suppression(
        self,
        info: Info,
        identifier: Annotated[IdentifierInput, strawberry.argument(description="The identifier.")],
    ) -> Suppression | None:
        """Return the suppression of an identifier."""
        graph = info.context.graph
        found = await graph.suppression(graph.key(identifier.namespace, identifier.raw, ("identifier",)))
        return None if found is None else Suppression.of(found)


@requires(
    plan_erasure=ERASURE_WRITE,
    erase_subject=ERASURE_WRITE,
    lift_suppression=ERASURE_WRITE,
    acknowledge_erasure=ERASURE_ACKNOWLEDGE,
)
@strawberry.type
class ErasureMutations:
    """Mutations of erasures."""

    @strawberry.mutation(
        description="Plan an erasure without changing any data: what goes, what is kept and why, and who else is "
        "touched. `eraseSubject` confirms the plan by its hash."
    )
    async def plan_erasure(self, info: Info, input: PlanErasureInput) -> ErasurePlanPayload:
        """Plan an erasure."""
        graph = info.context.graph
        try:
            plan = await graph.plan_erasure(input.request(graph))
        except InvalidInput as error:
            return ErasurePlanPayload(plan=None, errors=[Problem.of(error.problem())])
        return ErasurePlanPayload(plan=ErasurePlan.of(plan), errors=[])

    @strawberry.mutation(
        description="Erase a person for good, as a plan says. It cannot be undone. What arrives later and was seen "
        "before is not stored again, in whatever order. Services that follow the feed get `CUSTOMER_ERASED`."
    )
    async def erase_subject(self, info: Info, input: EraseSubjectInput) -> ErasurePayload:
        """Carry out a plan."""
        graph = info.context.graph
        try:
            request = input.request(graph)
            confirmed = replace(request, request_id=input.request_id, reason=input.reason, plan_hash=input.plan_hash)
            planned = await graph.erase(confirmed, input.actor or "")
        except InvalidInput as error:
            return ErasurePayload(erasure=None, repeated=False, errors=[Problem.of(error.problem())])
        erasure = None if planned.erasure is None else Erasure.of(planned.erasure)
        return ErasurePayload(erasure=erasure, repeated=planned.repeated, errors=[])

    @strawberry.mutation(
        description="Let an erased or suppressed identifier be stored again, by what is seen from now on. What was "
        "seen before does not come back; a statement that does not say when it was seen counts as seen when it arrives."
    )
    async def lift_suppression(self, info: Info, input: LiftSuppressionInput) -> LiftSuppressionPayload:
        """Lift a suppression."""
        graph = info.context.graph
        identifier = input.identifier
        try:
            key = graph.key(identifier.namespace, identifier.raw, ("identifier",))
            lifted = await graph.lift_suppression(key, input.reason)
        except InvalidInput as error:
            return LiftSuppressionPayload(suppression=None, errors=[Problem.of(error.problem())])
        return LiftSuppressionPayload(suppression=Suppression.of(lifted), errors=[])

    @strawberry.mutation(
        description="Confirm that a service has erased its copies of an erased customer. The receipt lists it."
    )
    async def acknowledge_erasure(self, info: Info, input: AcknowledgeErasureInput) -> AcknowledgeErasurePayload:
        """Acknowledge an erasure."""
        try:
            await info.context.graph.acknowledge_erasure(str(input.erasure_id), input.service or "")
        except InvalidInput as error:
            return AcknowledgeErasurePayload(acknowledged=False, errors=[Problem.of(error.problem())])
        return AcknowledgeErasurePayload(acknowledged=True, errors=[])
