"""Obstacles: what keeps the customers of two identifiers apart."""

from collections.abc import Mapping, Sequence
from enum import Enum

from msgspec import Struct

from graph.domain.model.customers import Member
from graph.domain.model.identifiers import namespace_of
from graph.domain.model.links import Link, LinkReasonCode, LinkState
from graph.domain.model.overrides import Override, OverrideKind
from graph.domain.model.rules import Rules
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
    message: str
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
            actor = override.actor or "a steward"
            reason = f" ({override.reason})" if override.reason else ""
            text = f"{actor} keeps {override.a} and {override.b} apart{reason}"
            obstacles.append(Obstacle(ObstacleKind.APART, text, override=override))
    between = [link for link in region.links.values() if {side.get(link.a), side.get(link.b)} == {0, 1}]
    for link in sorted(between, key=lambda link: (link.state is LinkState.EXCLUDED, link.pair)):
        if link.reason is not None and link.reason.code is not LinkReasonCode.APART:
            obstacles.append(_link_obstacle(link, region, side, rules, contradictions))
    obstacles += _shared_obstacles(region, side)
    if not obstacles:
        text = f"no evidence links the customer of {a} with the customer of {b}"
        obstacles.append(Obstacle(ObstacleKind.NO_EVIDENCE, text))
    return tuple(obstacles)


def _link_obstacle(
    link: Link, region: Region, side: Mapping[str, int], rules: Rules, contradictions: Sequence[Contradiction]
) -> Obstacle:
    reason = link.reason
    assert reason is not None
    text = f"{link.a} and {link.b} were seen together, but {reason.message}"
    kind = ObstacleKind[reason.code.name]
    if kind is ObstacleKind.GUARD:
        if contradictions:
            text = f"{link.a} and {link.b} were seen together, but {in_words(contradictions)}"
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
            reason = "a steward blocked it" if member.blocked else "it is shared, so its links are excluded"
            obstacles.append(Obstacle(kind, f"both were seen with {key}, but {reason}", key=key))
    return obstacles
