"""Obstacles: what keeps the customers of two identifiers apart."""

from collections.abc import Mapping, Sequence
from enum import Enum

from msgspec import Struct

from graph.domain.model.customers import Member
from graph.domain.model.identifiers import namespace_of
from graph.domain.model.links import Link, LinkReasonCode, LinkState
from graph.domain.model.overrides import Override, OverrideKind
from graph.domain.model.rules import Rules
from graph.domain.model.sentences import MessageCode, Sentence, sentence_of
from graph.domain.model.store_values import Region
from graph.domain.resolution.chains import ActiveGraph, EvidenceChain
from graph.domain.resolution.contradictions import Contradiction, in_words


class ObstacleKind(Enum):
    """The kind of an obstacle."""

    NOT_SEEN = "not_seen"
    NO_EVIDENCE = "no_evidence"
    LIMIT = "LIMIT"
    APART = "APART"
    GUARD = "GUARD"
    SHARED = "SHARED"
    BLOCKED = "BLOCKED"
    BELOW_THRESHOLD = "BELOW_THRESHOLD"


class Obstacle(Struct, frozen=True, gc=False):
    """A reason why two identifiers do not belong to one customer.

    `link` is the link that is not active, `key` the identifier that is shared, blocked or was never seen, `override`
    the steward's decision. For a limit, `conflicting_chains` are the chains that hold the values on both sides. For a
    guard, `contradictions` are the values that cannot be those of one person.
    """

    kind: ObstacleKind
    message: Sentence
    link: Link | None = None
    key: str = ""
    override: Override | None = None
    conflicting_chains: tuple[EvidenceChain, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()


def obstacles_of(
    region: Region, a: str, b: str, rules: Rules, contradictions: Sequence[Contradiction]
) -> tuple[Obstacle, ...]:
    """Return the obstacles between the customers of two keys: overrides first, then links, then shared identifiers.

    `contradictions` are those between the two customers. They are an obstacle only if they suspend a link.
    """
    overrides = list(region.overrides.values())
    customers = region.members[a].customer, region.members[b].customer
    side = {
        key: customers.index(member.customer) for key, member in region.members.items() if member.customer in customers
    }
    obstacles: list[Obstacle] = []
    for override in overrides:
        if override.kind is OverrideKind.APART and {side.get(override.a), side.get(override.b)} == {0, 1}:
            obstacles.append(Obstacle(ObstacleKind.APART, _kept_apart(override), override=override))
    between = [link for link in region.links.values() if {side.get(link.a), side.get(link.b)} == {0, 1}]
    for link in sorted(between, key=lambda link: (link.state is LinkState.EXCLUDED, link.pair)):
        if link.reason is not None and link.reason.code is not LinkReasonCode.APART:
            obstacles.append(_link_obstacle(link, region, side, rules, contradictions))
    obstacles += _shared_obstacles(region, side)
    if not obstacles:
        obstacles.append(Obstacle(ObstacleKind.NO_EVIDENCE, Sentence(MessageCode.NO_EVIDENCE, a=a, b=b)))
    return tuple(obstacles)


def _kept_apart(override: Override) -> Sentence:
    actor = override.actor or "a steward"
    if not override.reason:
        return Sentence(MessageCode.ACTOR_KEEPS_APART, actor=actor, a=override.a, b=override.b)
    code = MessageCode.ACTOR_KEEPS_APART_BECAUSE
    return Sentence(code, actor=actor, a=override.a, b=override.b, text=override.reason)


def _link_obstacle(
    link: Link, region: Region, side: Mapping[str, int], rules: Rules, contradictions: Sequence[Contradiction]
) -> Obstacle:
    reason = link.reason
    assert reason is not None
    text = seen_together_but(link, sentence_of(reason.message) or reason.message)
    kind = ObstacleKind[reason.code.name]
    if kind is ObstacleKind.GUARD:
        if contradictions:
            text = seen_together_but(link, in_words(contradictions))
        return Obstacle(kind, text, link, contradictions=tuple(contradictions))
    if kind in (ObstacleKind.SHARED, ObstacleKind.BLOCKED):
        key = next((key for key in link.pair if _links_nothing(region.members[key])), link.a)
        return Obstacle(kind, text, link, key)
    if kind is not ObstacleKind.LIMIT:
        return Obstacle(kind, text, link)
    overrides = list(region.overrides.values())
    chains: list[EvidenceChain] = []
    for end in link.pair:
        keys = [key for key, number in side.items() if number == side[end]]
        active_graph = ActiveGraph(keys, region.links.values(), overrides, rules)
        limited = [key for key in keys if namespace_of(key) in rules.limits and key != end]
        opposite = {namespace_of(key) for key, number in side.items() if number != side[end]}
        for key in sorted(limited, key=lambda key: (rules.rank[namespace_of(key)], key)):
            if namespace_of(key) in opposite and (chain := active_graph.chain(end, key)) is not None:
                chains.append(chain)
                break
    return Obstacle(kind, text, link, conflicting_chains=tuple(chains))


def seen_together_but(link: Link, reason: str) -> Sentence:
    """Return that a link does not join its ends, and why."""
    return Sentence(MessageCode.SEEN_TOGETHER_BUT, a=link.a, b=link.b, reason=reason)


def _links_nothing(member: Member) -> bool:
    return member.shared or member.blocked


def _shared_obstacles(region: Region, side: Mapping[str, int]) -> list[Obstacle]:
    """Return the shared or blocked identifiers that both customers were seen with, as obstacles."""
    sides_of: dict[str, set[int]] = {}
    for link in region.links.values():
        if link.state is LinkState.EXCLUDED:
            for key, neighbor in ((link.a, link.b), (link.b, link.a)):
                if key in side and neighbor not in side and neighbor in region.members:
                    sides_of.setdefault(neighbor, set()).add(side[key])
    obstacles: list[Obstacle] = []
    for key in sorted(key for key, sides in sides_of.items() if sides == {0, 1}):
        member = region.members[key]
        if _links_nothing(member):
            kind = ObstacleKind.BLOCKED if member.blocked else ObstacleKind.SHARED
            code = MessageCode.BOTH_SEEN_WITH_BLOCKED if member.blocked else MessageCode.BOTH_SEEN_WITH_SHARED
            obstacles.append(Obstacle(kind, Sentence(code, identifier=key), key=key))
    return obstacles
