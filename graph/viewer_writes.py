"""What a viewer may write: statements of its sources, in its own name, and the decisions of stewards."""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from typing import TypeVar

from msgspec.structs import replace

from graph.commands.commit import Accepted, CommandResult, OverrideResult
from graph.commands.erase import ErasureRequest, Planned
from graph.commands.restrictions import RestrictionResult
from graph.commands.retention import RetentionRun
from graph.commands.source_revocations import RevokedSource
from graph.commands.undo_merge import UndoResult
from graph.domain.access.accessed import Accessed
from graph.domain.access.decisions import acting, check_reason
from graph.domain.access.lookup_budget import LookupBudget
from graph.domain.access.scopes import CONTACT_READ, GRAPH_READ, OBSERVATION_CUSTOMER
from graph.domain.access.statements import Statement, check_revocation, check_source, permitted, source_of
from graph.domain.access.viewer import Reach, Viewer
from graph.domain.model.erasures import Erasure, HeldOrder
from graph.domain.model.errors import InvalidInput, Problem
from graph.domain.model.idempotency import IdempotencyKey
from graph.domain.model.observations import Observation
from graph.domain.model.orders import OrderStatement
from graph.domain.model.overrides import Override, OverrideKind
from graph.domain.model.products import Product
from graph.domain.model.receipts import ObservationKey
from graph.domain.model.restrictions import Restriction
from graph.domain.model.source_revocations import SourceRevocation, SourceWindow
from graph.domain.model.tombstones import Tombstone
from graph.domain.privacy.erasure_plan import ErasurePlan
from graph.domain.privacy.subject_requests import SubjectRequest
from graph.domain.profile.attributes import AttributesStatement
from graph.domain.profile.consent_texts import ConsentText, RegisteredText
from graph.domain.profile.consents import ConsentStatement
from graph.domain.profile.external_segments import ExternalSegmentStatement
from graph.domain.profile.interactions import InteractionStatement
from graph.domain.profile.pages import ById, CustomerRef, Page, Selection
from graph.identity_graph import IdentityGraph
from graph.queries.rules_preview import Preview, PreviewStatus
from graph.runtime.scheduling import map_cooperatively
from graph.viewer_masks import ViewerMasks
from graph.viewer_restrictions import ViewerRestrictions

S = TypeVar("S", bound=Statement)


class ViewerWrites(ViewerMasks):
    """The writes of one viewer. Each statement that it may not record is answered with a problem of its own."""

    __slots__ = ("_budget", "_restrictions", "accessed")

    def __init__(self, graph: IdentityGraph, viewer: Viewer, budget: LookupBudget) -> None:
        super().__init__(graph, viewer)
        self._budget = budget
        self._restrictions = ViewerRestrictions(graph, viewer)
        self.accessed = Accessed()
        """What was accessed since it was last taken."""

    # --- what is recorded of an operation, and counted

    def _ask(self, names: Collection[str]) -> None:
        """Record what is asked for: ids and keys. Raises `TooManyLookups` if the viewer has used up its look-ups."""
        asked = dict.fromkeys(names)
        self.accessed.asked.update(asked)
        self._budget.spend(asked)
        self._present(asked)

    def _note_keys(self, keys: Iterable[str]) -> None:
        """Record identifiers that an answer is about, with or without having been asked for."""
        self.accessed.asked.update(dict.fromkeys(keys))

    def _note_customers(self, ids: Iterable[str | None]) -> None:
        """Record customers that an answer names."""
        self.accessed.customers.update((id, None) for id in ids if id)

    def _require_reach(self, *others: Reach) -> None:
        if self.viewer.reach not in (Reach.ANY, *others):
            raise InvalidInput("FORBIDDEN", f"{self.viewer.caller} reaches some customers only, and this is about all")

    # --- statements; each returns a result for each statement, in order

    async def record_products(self, products: Sequence[Product | Problem]) -> list[bool | Problem]:
        """Record products."""

        def check(product: Product | Problem) -> Product | Problem:
            return product if isinstance(product, Problem) else check_source(product.source, self.viewer) or product

        return await self._graph.record_products(await map_cooperatively(products, check))

    async def link(self, observations: Sequence[Observation | Problem]) -> list[CommandResult]:
        """Record observations."""
        return await self._graph.link(await self._permitted(observations), self.viewer.sender)

    async def record_orders(self, orders: Sequence[OrderStatement | Problem]) -> list[CommandResult]:
        """Record orders."""
        return await self._graph.record_orders(await self._permitted(orders), self.viewer.sender)

    async def record_attributes(self, statements: Sequence[AttributesStatement | Problem]) -> list[CommandResult]:
        """Record attributes of customers."""
        return await self._graph.record_attributes(await self._permitted(statements), self.viewer.sender)

    async def record_consents(self, decisions: Sequence[ConsentStatement | Problem]) -> list[CommandResult]:
        """Record consent decisions."""
        return await self._graph.record_consents(await self._permitted(decisions), self.viewer.sender)

    async def record(self, statements: Sequence[Statement | Problem]) -> list[CommandResult]:
        """Record statements of any kinds together."""
        return await self._graph.record(await self._permitted(statements), self.viewer.sender)

    async def record_consent_texts(self, texts: Sequence[ConsentText | Problem]) -> list[RegisteredText | Problem]:
        """Register versions of consent texts; return each as it is registered, or its problem, in order."""
        return await self._graph.record_consent_texts(texts, self.viewer.sender)

    async def record_interactions(self, interactions: Sequence[InteractionStatement | Problem]) -> list[CommandResult]:
        """Record interactions."""
        return await self._graph.record_interactions(await self._permitted(interactions), self.viewer.sender)

    async def record_external_segments(
        self, segments: Sequence[ExternalSegmentStatement | Problem]
    ) -> list[CommandResult]:
        """Record memberships in segments of other systems."""
        return await self._graph.record_external_segments(await self._permitted(segments), self.viewer.sender)

    async def shown_results(self, results: Sequence[CommandResult]) -> list[CommandResult]:
        """Return the results of statements with what the viewer is shown of their values.

        Their customers are recorded, if the viewer may learn which they are. Links and merges of restricted customers
        are left out.
        """
        if self.viewer.may(OBSERVATION_CUSTOMER):
            self._note_customers(result.customer for result in results if isinstance(result, Accepted))
        if self.viewer.may(GRAPH_READ):
            accepted = [ById(result.customer) for result in results if isinstance(result, Accepted) and result.customer]
            if withheld := await self._restrictions.of(accepted):
                results = [
                    replace(result, links=(), merges=())
                    if isinstance(result, Accepted) and ById(result.customer) in withheld
                    else result
                    for result in results
                ]
        masks = self.masks
        if not masks.hides_anything:
            return list(results)
        return [
            replace(result, links=list(map(masks.link, result.links)), merges=list(map(masks.change, result.merges)))
            if isinstance(result, Accepted)
            else result
            for result in results
        ]

    async def _permitted(self, statements: Sequence[S | Problem]) -> list[S | Problem]:
        """Return statements as the viewer may record them; instead of others the problem why it may not."""
        readable = (statement for statement in statements if not isinstance(statement, Problem))
        self.accessed.wrote(len(statements), map(source_of, readable))
        rules, types = self._graph.rules, self._graph.catalog.consents_by_interaction_type

        def check(statement: S | Problem) -> S | Problem:
            if isinstance(statement, Problem):
                return statement
            return permitted(statement, self.viewer, rules, types)

        return await map_cooperatively(statements, check)

    async def revoke(
        self, observations: Sequence[ObservationKey], actor: str = "", reason: str = ""
    ) -> list[CommandResult]:
        """Withdraw observations by source and id."""
        self.accessed.wrote(len(observations), (source for source, _ in observations))
        check_reason(self.viewer, reason)
        checked = [check_revocation(key, self.viewer) or key for key in observations]
        return await self._graph.revoke(checked, acting(self.viewer, actor), reason)

    # --- decisions of stewards. `actor` is the person that the caller names, if any. All raise `InvalidInput` if the
    # name cannot be stored, or if a reason is missing. What they name is asked for, before anything is done.

    async def override_pair(
        self,
        kind: OverrideKind,
        a: str,
        b: str,
        actor: str = "",
        reason: str = "",
        idempotency_key: IdempotencyKey | None = None,
    ) -> OverrideResult:
        """Set a *together* or *apart* override on two keys."""
        self._ask((a, b))
        check_reason(self.viewer, reason)
        return await self._graph.override_pair(kind, a, b, acting(self.viewer, actor), reason, idempotency_key)

    async def block(
        self, key: str, actor: str = "", reason: str = "", idempotency_key: IdempotencyKey | None = None
    ) -> OverrideResult:
        """Block an identifier."""
        self._ask((key,))
        check_reason(self.viewer, reason)
        return await self._graph.block(key, acting(self.viewer, actor), reason, idempotency_key)

    async def unblock(self, key: str, actor: str = "", idempotency_key: IdempotencyKey | None = None) -> Override:
        """Unblock an identifier; raises `InvalidInput` if it is not blocked."""
        self._ask((key,))
        return await self._graph.unblock(key, acting(self.viewer, actor), idempotency_key)

    async def remove_override(
        self, id: str, actor: str = "", idempotency_key: IdempotencyKey | None = None
    ) -> Override:
        """Remove an override by its id."""
        override = await self._graph.remove_override(id, acting(self.viewer, actor), idempotency_key)
        self._note_keys(override.keys)
        return override

    async def undo_merge(
        self, number: int, actor: str = "", reason: str = "", idempotency_key: IdempotencyKey | None = None
    ) -> UndoResult:
        """Undo the merge with a number in the history; raises `InvalidInput` if it cannot be undone."""
        check_reason(self.viewer, reason)
        result = await self._graph.undo_merge(number, acting(self.viewer, actor), reason, idempotency_key)
        self._note_keys(result.override.keys)
        self._note_customers(result.customers)
        return result

    async def source_revocations(self) -> list[SourceRevocation]:
        """Return all source revocations, oldest first, those that were restored too."""
        return await self._graph.source_revocations.revocations()

    async def revoke_source(self, window: SourceWindow, actor: str = "", reason: str = "") -> RevokedSource:
        """Revoke what a source sent in a window; raises `InvalidInput` if there is nothing to revoke."""
        check_reason(self.viewer, reason)
        control = self._graph.source_revocations
        return await control.revoke(await control.draft(window, acting(self.viewer, actor), reason))

    async def restore_source(self, id: str, actor: str = "") -> SourceRevocation:
        """Restore a revoked source; raises `InvalidInput` if the revocation is not in effect."""
        return await self._graph.source_revocations.restore(id, acting(self.viewer, actor))

    # --- erasure

    async def plan_erasure(self, request: ErasureRequest) -> ErasurePlan:
        """Return what an erasure would do; raises `InvalidInput` if there is nobody to erase."""
        self._ask(_named(request))
        plan = await self._graph.plan_erasure(request)
        self._note_customers(plan.customers)
        return plan

    async def erase(self, request: ErasureRequest, actor: str = "") -> Planned:
        """Carry out a plan that the request confirms by its hash."""
        self._ask(_named(request))
        check_reason(self.viewer, request.reason)
        planned = await self._graph.erasures.erase(replace(request, actor=acting(self.viewer, actor)))
        self._note_customers(planned.plan.customers)
        return planned

    def shown_request(self, request: SubjectRequest) -> SubjectRequest:
        """Return a request of a person as the viewer may see it, and record that it does."""
        self._note_keys(request.keys)
        return replace(request, keys=tuple(map(self.masks.key, request.keys)))

    async def erasures(self, after: tuple[int, str] | None, first: int) -> Page[Erasure]:
        """Return erasures, oldest first."""
        return await self._graph.erasures.page(after, first)

    async def erasure(self, id: str) -> Erasure | None:
        """Return an erasure by its id, that of its request, or that of an erased customer."""
        return await self._graph.erasures.get(id) or await self._graph.erasures.of_customer(id)

    def erasure_receipt(self, erasure: Erasure) -> str:
        """Return the signed receipt of an erasure, with the services that have confirmed it so far."""
        return self._graph.erasures.receipt(erasure)

    async def acknowledge_erasure(self, id: str, service: str) -> Erasure:
        """Record that a service, by default the caller, has erased its copies."""
        return await self._graph.erasures.acknowledge(id, service or self.viewer.caller)

    async def held_orders(self, after: str, first: int) -> Page[HeldOrder]:
        """Return the orders that are kept without a person."""
        return await self._graph.erasures.held_orders(after, first)

    async def suppression(self, key: str) -> Tombstone | None:
        """Return the tombstone of an identifier."""
        self._ask((key,))
        return await self._graph.erasures.suppression_of(key)

    async def lift_suppression(self, key: str, reason: str = "") -> Tombstone:
        """Let an identifier be stored again; raises `InvalidInput` if it may be."""
        self._ask((key,))
        check_reason(self.viewer, reason)
        return await self._graph.erasures.lift(key)

    # --- restrictions, which privacy officers set

    async def restrict(
        self, ref: CustomerRef, actor: str = "", reason: str = "", request: IdempotencyKey | None = None
    ) -> RestrictionResult:
        """Restrict a customer; raises `InvalidInput` if it does not exist, or if the reason is missing."""
        self._ask((ref.id if isinstance(ref, ById) else ref.key,))
        result = await self._graph.restrictions.restrict(ref, acting(self.viewer, actor), reason, request)
        self._note_restriction(result.restriction)
        return result

    async def lift_restriction(self, id: str, actor: str = "", reason: str = "") -> Restriction:
        """Lift a restriction by its id; raises `InvalidInput` if it does not exist, or if the reason is missing."""
        restriction = await self._graph.restrictions.lift(id, acting(self.viewer, actor), reason)
        self._note_restriction(restriction)
        return restriction

    async def restrictions(
        self, ref: CustomerRef | None, in_effect: bool, after: tuple[int, str] | None, first: int
    ) -> Page[Restriction]:
        """Return restrictions in the order in which they were set: those of a customer, or all."""
        customer = None
        if ref is not None:
            self._ask((ref.id if isinstance(ref, ById) else ref.key,))
            (view,) = await self._graph.customers([ref], Selection())
            customer = view.customer.id if view is not None else ref.id if isinstance(ref, ById) else ""
        page = await self._graph.restrictions.restrictions(customer, in_effect, after, first)
        for restriction in page.items:
            self._note_restriction(restriction)
        return page

    def _note_restriction(self, restriction: Restriction) -> None:
        self._note_keys(restriction.keys)
        self._note_customers((restriction.customer,))

    # --- retention

    async def run_retention(self, actor: str, seconds: float) -> RetentionRun | None:
        """Begin to remove what has expired; wait until that is done, at most `seconds`, and return the newest run."""
        running = await self._graph.retention.start(acting(self.viewer, actor))
        done, _ = await asyncio.wait([running], timeout=seconds)
        return running.result() if done else await self._graph.retention.newest_run()

    # --- previews. Samples name identifiers, which are masked for a viewer that does not see contacts.

    def preview_rules(self, text: str, mask_values: bool) -> Preview:
        """Start a preview of rules; raises `InvalidInput` if they are not valid."""
        self._check_mask(mask_values)
        return self._graph.previews.begin_rules(text, mask_values)

    async def preview_revocation(self, window: SourceWindow, mask_values: bool) -> Preview:
        """Start a preview of `revoke_source`."""
        self._check_mask(mask_values)
        draft = await self._graph.source_revocations.draft(window)
        return self._graph.previews.begin_revocation(draft, mask_values)

    async def preview_restoration(self, id: str, mask_values: bool) -> Preview:
        """Start a preview of `restore_source`."""
        self._check_mask(mask_values)
        revocation = await self._graph.source_revocations.in_effect(id)
        return self._graph.previews.begin_restoration(revocation, mask_values)

    async def preview(self, id: str, cancel: bool = False) -> PreviewStatus | None:
        """Return a preview, `None` if its samples show what the viewer may not see; with `cancel` it is stopped."""
        found = await self._graph.previews.status(id)
        if found is None or not (found.mask_values or self.sees_all_values):
            return None
        return await self._graph.previews.status(id, cancel=True) if cancel else found

    def _check_mask(self, mask_values: bool) -> None:
        if not mask_values and not self.sees_all_values:
            message = f"maskValues is false, which requires the scope {CONTACT_READ}"
            raise InvalidInput("FORBIDDEN", message, ("maskValues",))


def _named(request: ErasureRequest) -> list[str]:
    """Return the ids and keys that a request names."""
    ref = request.ref
    names = [] if ref is None else [ref.id if isinstance(ref, ById) else ref.key]
    return [*names, *request.keys]
