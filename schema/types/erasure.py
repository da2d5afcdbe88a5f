"""Erasures in GraphQL: plans, records and orders that are kept without a person."""

import strawberry

from graph.domain.access.scopes import ERASURE_ACKNOWLEDGE, ERASURE_READ, ERASURE_WRITE
from graph.domain.model.erasures import Erasure as DomainErasure
from graph.domain.model.erasures import HeldOrder as DomainHeldOrder
from graph.domain.model.errors import InvalidInput
from graph.domain.model.tombstones import Tombstone, TombstoneMode
from graph.domain.privacy.erasure_plan import ErasurePlan as DomainErasurePlan
from graph.domain.privacy.erasure_plan import KeptReason
from schema.shared.context import Info
from schema.shared.enums import describe_enum
from schema.shared.problems import Problem
from schema.shared.required_scopes import requires
from schema.shared.scalars import Timestamp
from schema.types.identifier import IdentifierRef

describe_enum(
    TombstoneMode,
    "ErasureMode",
    "What may bring an erased identifier back.",
    ERASED="A later statement of first party from a source that the rules name in `returning`, such as a new sign-up.",
    SUPPRESSED="Nothing but `liftSuppression`: the person objects to being stored at all.",
)
describe_enum(
    KeptReason,
    "KeptReason",
    "Why an identifier of an erased customer is kept.",
    SHARED="Many people use it, such as the device of a till.",
    BLOCKED="A steward blocked it, so it belongs to nobody.",
    USED_BY_OTHERS="Another customer uses it too, such as the tablet of a family.",
)


@requires(ERASURE_WRITE)
@strawberry.type(description="An identifier of an erased customer that is kept. To erase it too, name it.")
class KeptIdentifier:
    """An identifier that an erasure keeps, in GraphQL."""

    identifier: IdentifierRef = strawberry.field(description="The identifier.")
    reason: KeptReason = strawberry.field(description="Why it is kept.")
    customer_ids: list[strawberry.ID] = strawberry.field(description="The other customers that use it.")


@requires(ERASURE_READ)
@strawberry.type(description="A number of things of one kind.")
class ErasureCount:
    """A count in GraphQL."""

    name: str = strawberry.field(description="What is counted. E.g. `identifiers`, `interaction_observations`.")
    count: int = strawberry.field(description="How many of it are erased.")


@requires(ERASURE_READ)
@strawberry.type(description="How many identifiers of a namespace an erasure has kept, and why.")
class KeptCount:
    """A count of kept identifiers in GraphQL."""

    namespace: str = strawberry.field(description="The namespace.")
    reason: KeptReason = strawberry.field(description="Why they are kept.")
    count: int = strawberry.field(description="How many are kept.")


@requires(ERASURE_READ)
@strawberry.type(description="A service has confirmed that it has erased its copies.")
class ErasureAcknowledgement:
    """An acknowledgement in GraphQL."""

    service: str = strawberry.field(description="The service. E.g. `mail-tool`.")
    acknowledged_at: Timestamp = strawberry.field(description="When it confirmed.")


def _counts(counts: dict[str, int]) -> list[ErasureCount]:
    return [ErasureCount(name=name, count=count) for name, count in sorted(counts.items())]


@requires(ERASURE_WRITE)
@strawberry.type(description="What an erasure would do: what goes, what is kept and why, and who else is touched.")
class ErasurePlan:
    """A plan in GraphQL."""

    hash: str = strawberry.field(description="The SHA-256 of the plan; `eraseSubject` confirms it by this.")
    mode: TombstoneMode = strawberry.field(description="What may bring the identifiers back.")
    customer_ids: list[strawberry.ID] = strawberry.field(description="The ids that are erased, live and retired.")
    identifiers: list[IdentifierRef] = strawberry.field(description="The identifiers that are erased.")
    kept: list[KeptIdentifier] = strawberry.field(description="The identifiers of the customer that are kept.")
    counts: list[ErasureCount] = strawberry.field(description="How much is erased, by what it is.")
    segments: list[str] = strawberry.field(description="The names of the segments that the customer leaves.")
    held_orders: list[str] = strawberry.field(
        description="The numbers of the orders that are kept, without a person, until `heldUntil`."
    )
    held_until: Timestamp | None = strawberry.field(description="Until when orders are kept. Null if none are.")
    held_because: str | None = strawberry.field(description="On which ground orders are kept. Null if none are.")
    other_customer_ids: list[strawberry.ID] = strawberry.field(
        description="The other customers that statements about the person name too. Their parts stay."
    )
    mentioned_by_customer_ids: list[strawberry.ID] = strawberry.field(
        description="The other customers whose texts may name the person. Nothing of them is erased: look at them."
    )

    @classmethod
    def of(cls, plan: DomainErasurePlan) -> "ErasurePlan":
        """Convert the domain's value."""
        return cls(
            hash=plan.hash,
            mode=plan.mode,
            customer_ids=[strawberry.ID(id) for id in plan.customers],
            identifiers=[IdentifierRef.of(key) for key in plan.identifiers],
            kept=[
                KeptIdentifier(
                    identifier=IdentifierRef.of(kept.key),
                    reason=kept.reason,
                    customer_ids=[strawberry.ID(id) for id in kept.customers],
                )
                for kept in plan.kept
            ],
            counts=_counts(plan.counts),
            segments=list(plan.segments),
            held_orders=list(plan.orders),
            held_until=None if plan.hold is None else Timestamp(plan.hold.until),
            held_because=None if plan.hold is None else plan.hold.ground,
            other_customer_ids=[strawberry.ID(id) for id in plan.others],
            mentioned_by_customer_ids=[strawberry.ID(id) for id in plan.mentions],
        )


@requires(ERASURE_READ)
@strawberry.type(description="An erasure that was carried out. It holds no value of the person.")
class Erasure:
    """An erasure in GraphQL."""

    id: strawberry.ID = strawberry.field(description="The id. E.g. `ers_…`.")
    request_id: str = strawberry.field(description="The caller's id of the request.")
    mode: TombstoneMode = strawberry.field(description="What may bring the identifiers back.")
    erased_at: Timestamp = strawberry.field(
        description="The time of the erasure: what was seen before is not stored again."
    )
    actor: str = strawberry.field(description="Who erased. E.g. `ann via privacy-desk`.")
    reason: str = strawberry.field(description="Why. E.g. `request of the person, case 4711`.")
    plan_hash: str = strawberry.field(description="The hash of the plan that was confirmed.")
    customer_ids: list[strawberry.ID] = strawberry.field(description="The ids that were erased, live and retired.")
    counts: list[ErasureCount] = strawberry.field(description="How much was erased, by what it is.")
    kept: list[KeptCount] = strawberry.field(description="How many identifiers were kept, and why.")
    held_until: Timestamp | None = strawberry.field(description="Until when orders are kept. Null if none are.")
    held_because: str | None = strawberry.field(description="On which ground orders are kept. Null if none are.")
    acknowledgements: list[ErasureAcknowledgement] = strawberry.field(
        description="The services that have confirmed that they have erased their copies."
    )
    domain: strawberry.Private[DomainErasure]

    @strawberry.field(
        description="The signed receipt, as canonical JSON. `kith receipt verify` verifies it offline with the keys of "
        "`/.well-known/kith-keys`. It has the services that have confirmed so far. Null if the keys are missing."
    )
    def receipt(self, info: Info) -> str | None:
        """Return the receipt."""
        try:
            return info.context.graph.erasure_receipt(self.domain)
        except InvalidInput:
            return None

    @classmethod
    def of(cls, erasure: DomainErasure) -> "Erasure":
        """Convert the domain's value."""
        return cls(
            id=strawberry.ID(erasure.id),
            request_id=erasure.request_id,
            mode=erasure.mode,
            erased_at=Timestamp(erasure.at),
            actor=erasure.actor,
            reason=erasure.reason,
            plan_hash=erasure.plan_hash,
            customer_ids=[strawberry.ID(id) for id in erasure.customers],
            counts=_counts(dict(erasure.counts)),
            kept=[
                KeptCount(namespace=kept.namespace, reason=KeptReason(kept.reason), count=kept.count)
                for kept in erasure.kept
            ],
            held_until=None if erasure.orders_until is None else Timestamp(erasure.orders_until),
            held_because=erasure.orders_ground or None,
            acknowledgements=[
                ErasureAcknowledgement(service=known.service, acknowledged_at=Timestamp(known.at))
                for known in erasure.acknowledgements
            ],
            domain=erasure,
        )


@requires(ERASURE_READ)
@strawberry.type(description="An order that is kept without a person, because the law requires it.")
class HeldOrder:
    """A held order in GraphQL."""

    number: str = strawberry.field(description="The number of the order.")
    source: str = strawberry.field(description="The source that reported it.")
    facts: str = strawberry.field(description="Its time, lines and totals, as JSON.")
    held_until: Timestamp = strawberry.field(description="Until when it is kept.")
    erasure_id: strawberry.ID = strawberry.field(description="The erasure of the person who placed it.")

    @classmethod
    def of(cls, order: DomainHeldOrder) -> "HeldOrder":
        """Convert the domain's value."""
        return cls(
            number=order.number,
            source=order.source,
            facts=order.facts,
            held_until=Timestamp(order.until),
            erasure_id=strawberry.ID(order.erasure_id),
        )


@requires(ERASURE_READ)
@strawberry.type(description="That an identifier must not be stored.")
class Suppression:
    """A suppression in GraphQL."""

    mode: TombstoneMode = strawberry.field(description="What may bring the identifier back.")
    suppressed_at: Timestamp = strawberry.field(description="What was seen until then is never stored again.")
    lifted_at: Timestamp | None = strawberry.field(
        description="What was seen after this time is stored. Null while the suppression is in effect."
    )
    erasure_id: strawberry.ID = strawberry.field(description="The erasure that it belongs to.")

    @classmethod
    def of(cls, tombstone: Tombstone) -> "Suppression":
        """Convert the domain's value."""
        return cls(
            mode=tombstone.mode,
            suppressed_at=Timestamp(tombstone.at),
            lifted_at=None if tombstone.lifted_at is None else Timestamp(tombstone.lifted_at),
            erasure_id=strawberry.ID(tombstone.erasure_id),
        )


@requires(ERASURE_WRITE)
@strawberry.type(description="The result of `planErasure`.")
class ErasurePlanPayload:
    """The payload of `planErasure`."""

    plan: ErasurePlan | None = strawberry.field(description="The plan. Null if `errors` is not empty.")
    errors: list[Problem] = strawberry.field(description="The problems of the request. Empty if it succeeded.")


@requires(ERASURE_WRITE)
@strawberry.type(description="The result of `eraseSubject`.")
class ErasurePayload:
    """The payload of `eraseSubject`."""

    erasure: Erasure | None = strawberry.field(description="The erasure. Null if `errors` is not empty.")
    repeated: bool = strawberry.field(description="Whether the same request was carried out before.")
    errors: list[Problem] = strawberry.field(description="The problems of the request. Empty if it succeeded.")


@requires(ERASURE_ACKNOWLEDGE)
@strawberry.type(description="The result of `acknowledgeErasure`.")
class AcknowledgeErasurePayload:
    """The payload of `acknowledgeErasure`."""

    acknowledged: bool = strawberry.field(description="Whether it is recorded. False if `errors` is not empty.")
    errors: list[Problem] = strawberry.field(description="The problems of the request. Empty if it succeeded.")


@requires(ERASURE_WRITE)
@strawberry.type(description="The result of `liftSuppression`.")
class LiftSuppressionPayload:
    """The payload of `liftSuppression`."""

    suppression: Suppression | None = strawberry.field(
        description="The suppression that was lifted. Null if `errors` is not empty."
    )
    errors: list[Problem] = strawberry.field(description="The problems of the request. Empty if it succeeded.")
