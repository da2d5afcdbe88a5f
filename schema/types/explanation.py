"""Why in GraphQL."""

import strawberry

from graph.domain.resolution.explanation import Chain as DomainChain
from graph.domain.resolution.explanation import Obstacle as DomainObstacle
from graph.domain.resolution.explanation import ObstacleKind
from graph.domain.resolution.explanation import Step as DomainStep
from graph.domain.resolution.explanation import Why as DomainWhy
from schema.shared.enums import described
from schema.types.identifier import IdentifierName
from schema.types.link import Link
from schema.types.override import Mark

described(
    ObstacleKind,
    "ObstacleKind",
    "What keeps two identifiers from being one customer.",
    NOT_SEEN="Nothing valid names one of them.",
    NO_EVIDENCE="Nothing links their customers.",
    LIMIT="A link between them would break a limit that stronger links have filled.",
    APART="A steward keeps them apart.",
    SHARED="What both were seen with is shared, so it links nobody.",
    BLOCKED="What both were seen with is blocked by a steward.",
    BELOW_THRESHOLD="A statistical link between them is below the threshold.",
)


@strawberry.type(description="One step of a chain: a kept link with its evidence, or a steward's mark.")
class WhyStep:
    """A step in GraphQL."""

    start: IdentifierName = strawberry.field(description="From here.")
    end: IdentifierName = strawberry.field(description="To here.")
    link: Link | None = strawberry.field(description="The link, with tier, times, count and sources.")
    mark: Mark | None = strawberry.field(description="The steward's mark, where that is the step.")

    @classmethod
    def of(cls, step: DomainStep) -> "WhyStep":
        """From the domain's value."""
        return cls(
            start=IdentifierName.of(step.start),
            end=IdentifierName.of(step.end),
            link=None if step.link is None else Link.of(step.link),
            mark=None if step.mark is None else Mark.of(step.mark),
        )


@strawberry.type(description="Steps from one identifier to another.")
class WhyChain:
    """A chain in GraphQL."""

    steps: list[WhyStep] = strawberry.field(description="Its steps, in order.")
    weakest: WhyStep | None = strawberry.field(description="The step that falls first; null where marks hold it all.")

    @classmethod
    def of(cls, chain: DomainChain) -> "WhyChain":
        """From the domain's value."""
        steps = [WhyStep.of(step) for step in chain.steps]
        return cls(steps=steps, weakest=None if chain.weakest is None else steps[chain.weakest])


@strawberry.type(description="One thing that keeps two identifiers apart.")
class Obstacle:
    """An obstacle in GraphQL."""

    kind: ObstacleKind = strawberry.field(description="What it is.")
    text: str = strawberry.field(description="In words.")
    link: Link | None = strawberry.field(description="The link that is not kept.")
    identifier: IdentifierName | None = strawberry.field(description="Who is shared, blocked or was never seen.")
    mark: Mark | None = strawberry.field(description="The steward's mark.")
    against: list[WhyChain] = strawberry.field(
        description="For a limit: the stronger links that hold the values on either side."
    )

    @classmethod
    def of(cls, one: DomainObstacle) -> "Obstacle":
        """From the domain's value."""
        return cls(
            kind=one.kind,
            text=one.text,
            link=None if one.link is None else Link.of(one.link),
            identifier=IdentifierName.of(one.key) if one.key else None,
            mark=None if one.mark is None else Mark.of(one.mark),
            against=[WhyChain.of(chain) for chain in one.against],
        )


@strawberry.type(description="Why two identifiers are one customer, or are not.")
class Why:
    """The answer in GraphQL."""

    same: bool = strawberry.field(description="Whether they are one customer.")
    sentence: str = strawberry.field(description="The answer in one plain sentence.")
    chains: list[WhyChain] = strawberry.field(description="What holds them together, strongest chain first; up to 3.")
    obstacles: list[Obstacle] = strawberry.field(description="What keeps them apart.")

    @classmethod
    def of(cls, why: DomainWhy) -> "Why":
        """From the domain's value."""
        return cls(
            same=why.same,
            sentence=why.sentence,
            chains=[WhyChain.of(chain) for chain in why.chains],
            obstacles=[Obstacle.of(one) for one in why.obstacles],
        )
