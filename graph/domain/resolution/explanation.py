"""Explanations of why two identifiers belong to one customer, or why they do not."""

from collections.abc import Sequence

from msgspec import Struct

from graph.domain.model.rules import Rules
from graph.domain.model.sentences import MessageCode, Sentence
from graph.domain.model.store_values import Region
from graph.domain.resolution.chains import ActiveGraph, EvidenceChain, EvidenceStep
from graph.domain.resolution.contradictions import Contradiction, between, in_words, within
from graph.domain.resolution.obstacles import Obstacle, ObstacleKind, obstacles_of

SUMMARIZED_OBSTACLES = 3
"""Obstacles that a summary names."""


class Explanation(Struct, frozen=True, gc=False):
    """Whether two identifiers belong to one customer: the chains between them, strongest first, or the obstacles.

    `a` and `b` are the two identifiers. `contradictions` are values of one customer that cannot be those of one person:
    an unguarded namespace or a steward has joined them.
    """

    same_customer: bool
    a: str
    b: str
    chains: tuple[EvidenceChain, ...] = ()
    obstacles: tuple[Obstacle, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()

    @property
    def summary(self) -> Sentence:
        """The explanation in words."""
        a, b = self.a, self.b
        if not self.same_customer:
            details = "; ".join(dict.fromkeys(obstacle.message for obstacle in self.obstacles[:SUMMARIZED_OBSTACLES]))
            unseen = any(obstacle.kind is ObstacleKind.NOT_SEEN for obstacle in self.obstacles)
            code = MessageCode.NOT_ONE_CUSTOMER if unseen else MessageCode.TWO_CUSTOMERS
            return Sentence(code, a=a, b=b, details=details)
        details, contradictions = _describe(self.chains), in_words(self.contradictions)
        if not contradictions:
            return Sentence(MessageCode.ONE_CUSTOMER, a=a, b=b, details=details)
        return Sentence(MessageCode.ONE_CUSTOMER_BUT, a=a, b=b, details=details, contradictions=contradictions)


def contradictions_of(region: Region, a: str, b: str, rules: Rules) -> list[Contradiction]:
    """Return what the explanation of two keys needs: the contradictions between their customers, or in the one."""
    if not rules.guards or any(_is_in_no_customer(region, key) for key in (a, b)):
        return []
    customer = region.members[a].customer
    if customer == region.members[b].customer:
        return within(region, customer, rules, (a, b))
    return between(region, a, b, rules)


def _is_in_no_customer(region: Region, key: str) -> bool:
    member = region.members.get(key)
    return member is None or member.customer is None


def explain(
    region: Region, a: str, b: str, rules: Rules, contradictions: Sequence[Contradiction] | None = None
) -> Explanation:
    """Explain why two different keys belong to one customer or not; `region` has all identifiers of both customers.

    `contradictions` are those of `contradictions_of`, possibly `dated`.
    """
    for key in (a, b):
        if _is_in_no_customer(region, key):
            text = Sentence(MessageCode.IDENTIFIER_NOT_SEEN, identifier=key)
            return Explanation(False, a, b, obstacles=(Obstacle(ObstacleKind.NOT_SEEN, text, key=key),))
    if contradictions is None:
        contradictions = contradictions_of(region, a, b, rules)
    customer = region.members[a].customer
    if customer == region.members[b].customer:
        keys = [key for key, member in region.members.items() if member.customer == customer]
        overrides = list(region.overrides.values())
        chains = ActiveGraph(keys, region.links.values(), overrides, rules).chains(a, b)
        return Explanation(True, a, b, chains=chains, contradictions=tuple(contradictions))
    return Explanation(False, a, b, obstacles=obstacles_of(region, a, b, rules, contradictions))


def _describe(chains: Sequence[EvidenceChain]) -> str:
    if not chains:
        return "their links were not read"
    chain = chains[0]
    steps = ", ".join(_describe_step(step) for step in chain.steps)
    if chain.weakest is None or len(chain.steps) < 2:
        return steps
    weakest = chain.steps[chain.weakest]
    return f"{steps}; the weakest step is {weakest.start} to {weakest.end}"


def _describe_step(step: EvidenceStep) -> str:
    if step.override is not None:
        actor = f" ({step.override.actor})" if step.override.actor else ""
        return f"a steward{actor} keeps {step.start} and {step.end} together"
    link = step.link
    times = f"{link.observation_count} time{'s' if link.observation_count != 1 else ''}" if link else ""
    sources = ", ".join(link.sources) if link else ""
    return f"{sources} saw {step.start} with {step.end} ({times})"
