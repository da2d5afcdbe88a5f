"""The answer of the query `why` in GraphQL."""

import strawberry

from graph.domain.access.scopes import GRAPH_READ
from graph.domain.resolution.chains import EvidenceChain as DomainChain
from graph.domain.resolution.chains import EvidenceStep as DomainStep
from graph.domain.resolution.contradictions import CarriedValue
from graph.domain.resolution.contradictions import Contradiction as DomainContradiction
from graph.domain.resolution.explanation import Explanation as DomainExplanation
from graph.domain.resolution.obstacles import Obstacle as DomainObstacle
from graph.domain.resolution.obstacles import ObstacleKind
from schema.shared.enums import describe_enum
from schema.shared.required_scopes import requires
from schema.shared.scalars import Timestamp
from schema.types.identifier import IdentifierRef
from schema.types.link import Link
from schema.types.message import PARTS, MessageParts
from schema.types.override import Override

describe_enum(
    ObstacleKind,
    "ObstacleKind",
    "What prevents two identifiers from belonging to the same customer.",
    NOT_SEEN="No valid observation mentions one of the identifiers.",
    NO_EVIDENCE="No evidence links the two customers.",
    LIMIT="Linking them would exceed a limit of the rules, which stronger links have already used up.",
    APART="A steward keeps them apart.",
    GUARD="They have values that cannot be those of one person. E.g. two different birth dates.",
    SHARED="An identifier that both were seen with is shared, so it does not link customers.",
    BLOCKED="An identifier that both were seen with is blocked by a steward.",
    BELOW_THRESHOLD="The confidence of a probabilistic link between them is below the threshold.",
)


@requires(GRAPH_READ)
@strawberry.type(description="One step of an evidence chain: an active link or a steward's override.")
class EvidenceStep:
    """A step in GraphQL."""

    from_: IdentifierRef = strawberry.field(name="from", description="The identifier at which the step starts.")
    to: IdentifierRef = strawberry.field(description="The identifier at which the step ends.")
    link: Link | None = strawberry.field(description="The link. Null if the step is an override.")
    override: Override | None = strawberry.field(description="The override. Null if the step is a link.")

    @classmethod
    def of(cls, step: DomainStep) -> "EvidenceStep":
        """Convert the domain's value."""
        return cls(
            from_=IdentifierRef.of(step.start),
            to=IdentifierRef.of(step.end),
            link=None if step.link is None else Link.of(step.link),
            override=None if step.override is None else Override.of(step.override),
        )


@requires(GRAPH_READ)
@strawberry.type(description="A chain of evidence from one identifier to another.")
class EvidenceChain:
    """A chain in GraphQL."""

    steps: list[EvidenceStep] = strawberry.field(description="The steps of the chain, in order.")
    weakest: EvidenceStep | None = strawberry.field(
        description="The step with the weakest link. Null if all steps are overrides."
    )

    @classmethod
    def of(cls, chain: DomainChain) -> "EvidenceChain":
        """Convert the domain's value."""
        steps = [EvidenceStep.of(step) for step in chain.steps]
        return cls(steps=steps, weakest=None if chain.weakest is None else steps[chain.weakest])


@requires(GRAPH_READ)
@strawberry.type(description="A value of an attribute that a source stated at an identifier.")
class StatedValue:
    """A value in GraphQL."""

    identifier: IdentifierRef = strawberry.field(description="The identifier that the value is attached to.")
    value: str = strawberry.field(
        description="The value. E.g. `1980-05-04`. Masked for a caller without the scope `profile:unmasked`. E.g. "
        "`1980-••-••`."
    )
    source: str = strawberry.field(description="The source that states it. E.g. `crm`.")
    since: Timestamp = strawberry.field(
        description="Since when the source states this value without having stated another one at this identifier."
    )
    last_reported_at: Timestamp = strawberry.field(description="When the source reported it last.")

    @classmethod
    def of(cls, carried: CarriedValue) -> "StatedValue":
        """Convert the domain's value."""
        return cls(
            identifier=IdentifierRef.of(carried.key),
            value=str(carried.value),
            source=carried.source,
            since=Timestamp(carried.since),
            last_reported_at=Timestamp(carried.reported_at),
        )


@requires(GRAPH_READ)
@strawberry.type(
    description="Values of one attribute that cannot be those of one person: no value of `a` fits any value of `b`."
)
class Contradiction:
    """A contradiction in GraphQL."""

    attribute: str = strawberry.field(
        description="The attribute, or the part of an address. E.g. `birth_date` or `address.postal_code`."
    )
    message: str = strawberry.field(
        description="The contradiction in words. E.g. `birth_date is 1980-05-04 at crm_id=7 (crm, since 2026-03-01) "
        "and 2010-11-23 at crm_id=8 (shop, since 2026-04-02)`. Values that the caller may not read are masked."
    )
    message_parts: MessageParts = strawberry.field(description=f"The contradiction. {PARTS}")
    a: list[StatedValue] = strawberry.field(
        description="The values on one side: those of one identifier, or of several that stewards keep together."
    )
    b: list[StatedValue] = strawberry.field(description="The values on the other side.")

    @classmethod
    def of(cls, contradiction: DomainContradiction) -> "Contradiction":
        """Convert the domain's value."""
        return cls(
            attribute=contradiction.attribute,
            message=str(contradiction.message),
            message_parts=MessageParts.of(contradiction.message),
            a=[StatedValue.of(carried) for carried in contradiction.a],
            b=[StatedValue.of(carried) for carried in contradiction.b],
        )


@requires(GRAPH_READ)
@strawberry.type(description="A reason why two identifiers do not belong to the same customer.")
class Obstacle:
    """An obstacle in GraphQL."""

    kind: ObstacleKind = strawberry.field(description="The kind of the obstacle.")
    message: str = strawberry.field(
        description="The obstacle in one sentence. E.g. `sue keeps email=ann@example.com and phone=+491701 apart`. "
        "Values that the caller may not read are masked."
    )
    message_parts: MessageParts = strawberry.field(description=f"The obstacle. {PARTS}")
    link: Link | None = strawberry.field(description="The link that is not active. Null if there is none.")
    identifier: IdentifierRef | None = strawberry.field(
        description="The identifier that is shared, blocked or unknown. Null for other obstacles."
    )
    override: Override | None = strawberry.field(
        description="The override that keeps them apart. Null for other obstacles."
    )
    conflicting_chains: list[EvidenceChain] = strawberry.field(
        description="For `LIMIT`, the chains of stronger links that lead to each of the conflicting values."
    )
    contradictions: list[Contradiction] = strawberry.field(
        description="For `GUARD`, the values that cannot be those of one person, one entry for each attribute; `a` has "
        "those of the customer of the first identifier. Empty for other obstacles."
    )

    @classmethod
    def of(cls, obstacle: DomainObstacle) -> "Obstacle":
        """Convert the domain's value."""
        return cls(
            kind=obstacle.kind,
            message=str(obstacle.message),
            message_parts=MessageParts.of(obstacle.message),
            link=None if obstacle.link is None else Link.of(obstacle.link),
            identifier=IdentifierRef.of(obstacle.key) if obstacle.key else None,
            override=None if obstacle.override is None else Override.of(obstacle.override),
            conflicting_chains=[EvidenceChain.of(chain) for chain in obstacle.conflicting_chains],
            contradictions=[Contradiction.of(contradiction) for contradiction in obstacle.contradictions],
        )


@requires(GRAPH_READ)
@strawberry.type(description="Why two identifiers belong to the same customer, or why they do not.")
class Explanation:
    """An explanation in GraphQL."""

    same_customer: bool = strawberry.field(description="Whether the two identifiers belong to the same customer.")
    summary: str = strawberry.field(
        description="The explanation in one sentence. Values that the caller may not read are masked."
    )
    summary_parts: MessageParts = strawberry.field(description=f"The explanation. {PARTS}")
    chains: list[EvidenceChain] = strawberry.field(
        description="Up to 3 chains of evidence that connect the two identifiers, strongest first."
    )
    obstacles: list[Obstacle] = strawberry.field(description="The reasons why they do not belong together.")
    contradictions: list[Contradiction] = strawberry.field(
        description="For identifiers of the same customer: values of the customer that cannot be those of one person, "
        "although a steward or a namespace without guards joined them. Check whether a value is wrong, or whether the "
        "customer is two people."
    )

    @classmethod
    def of(cls, explanation: DomainExplanation) -> "Explanation":
        """Convert the domain's value."""
        return cls(
            same_customer=explanation.same_customer,
            summary=str(explanation.summary),
            summary_parts=MessageParts.of(explanation.summary),
            chains=[EvidenceChain.of(chain) for chain in explanation.chains],
            obstacles=[Obstacle.of(obstacle) for obstacle in explanation.obstacles],
            contradictions=[Contradiction.of(contradiction) for contradiction in explanation.contradictions],
        )
