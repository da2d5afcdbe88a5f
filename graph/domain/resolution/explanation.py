"""Explanations of why two identifiers belong to one customer, or why they do not."""

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum

from msgspec import Struct

from graph.domain.model.customers import Member
from graph.domain.model.identifiers import Pair, namespace_of, pair
from graph.domain.model.links import Link, LinkReasonCode, LinkState, sort_key
from graph.domain.model.overrides import Override, OverrideKind
from graph.domain.model.rules import Rules
from graph.domain.model.store_values import Region
from graph.domain.resolution.groups import Groups

MAX_CHAINS = 3


class EvidenceStep(Struct, frozen=True, gc=False):
    """One step of a chain: from one identifier to the next, by an active link or an override."""

    start: str
    end: str
    link: Link | None
    override: Override | None


class EvidenceChain(Struct, frozen=True, gc=False):
    """Steps from one identifier to another; `weakest` is the index of the weakest link, `None` without links."""

    steps: tuple[EvidenceStep, ...]
    weakest: int | None


class ObstacleKind(Enum):
    """The kind of an obstacle."""

    NOT_SEEN = "not_seen"
    NO_EVIDENCE = "no_evidence"
    LIMIT = "LIMIT"
    APART = "APART"
    SHARED = "SHARED"
    BLOCKED = "BLOCKED"
    BELOW_THRESHOLD = "BELOW_THRESHOLD"


class Obstacle(Struct, frozen=True, gc=False):
    """A reason why two identifiers do not belong to one customer.

    `link` is the link that is not active, `key` the identifier that is shared, blocked or was never seen, `override`
    the steward's decision. For a limit, `conflicting_chains` are the chains that hold the values on both sides.
    """

    kind: ObstacleKind
    message: str
    link: Link | None = None
    key: str = ""
    override: Override | None = None
    conflicting_chains: tuple[EvidenceChain, ...] = ()


class Explanation(Struct, frozen=True, gc=False):
    """Whether two identifiers belong to one customer: the chains between them, strongest first, or the obstacles.

    `summary` says the same in words.
    """

    same_customer: bool
    summary: str
    chains: tuple[EvidenceChain, ...] = ()
    obstacles: tuple[Obstacle, ...] = ()


class _ActiveGraph:
    """The active links and overrides of some identifiers as a graph, to find the best chains in."""

    def __init__(self, keys: Iterable[str], links: Iterable[Link], overrides: Sequence[Override], rules: Rules) -> None:
        self._keys, self._rules = set(keys), rules
        groups = Groups(self._keys, overrides, rules)
        effective = [
            override
            for override in overrides
            if override.kind is OverrideKind.TOGETHER and override.id not in groups.overruled
        ]
        self._overrides = [override for override in effective if override.a in self._keys and override.b in self._keys]
        active = [link for link in links if link.state is LinkState.ACTIVE and self._keys.issuperset(link.pair)]
        self._links = sorted(active, key=lambda link: sort_key(link, rules))

    def chain(self, a: str, b: str, without: frozenset[Pair] = frozenset()) -> EvidenceChain | None:
        """Return the chain whose weakest step is strongest: the path in the spanning tree of the strongest steps."""
        steps_from: dict[str, list[EvidenceStep]] = {}
        tree = Groups(self._keys, (), _UNLIMITED)
        for step in self._steps(without):
            if tree.find(step.start) != tree.find(step.end):
                tree.union(step.start, step.end)
                steps_from.setdefault(step.start, []).append(step)
                steps_from.setdefault(step.end, []).append(EvidenceStep(step.end, step.start, step.link, step.override))
        step_to: dict[str, EvidenceStep | None] = {a: None}
        frontier = [a]
        while frontier and b not in step_to:
            next_steps = [step for key in frontier for step in steps_from.get(key, ()) if step.end not in step_to]
            step_to.update((step.end, step) for step in next_steps)
            frontier = [step.end for step in next_steps]
        if b not in step_to:
            return None
        steps: list[EvidenceStep] = []
        while (last := step_to[b]) is not None:
            steps.append(last)
            b = last.start
        steps.reverse()
        return EvidenceChain(tuple(steps), self._weakest(steps))

    def _steps(self, without: frozenset[Pair]) -> Iterable[EvidenceStep]:
        for override in self._overrides:
            if override.pair not in without:
                yield EvidenceStep(override.a, override.b, None, override)
        for link in self._links:
            if link.pair not in without:
                yield EvidenceStep(link.a, link.b, link, None)

    def _weakest(self, steps: Sequence[EvidenceStep]) -> int | None:
        ranked = [
            (sort_key(step.link, self._rules), index) for index, step in enumerate(steps) if step.link is not None
        ]
        return max(ranked)[1] if ranked else None

    def chains(self, a: str, b: str) -> tuple[EvidenceChain, ...]:
        """Return the best chain, then the best without the weakest step of that, and so on."""
        chains: list[EvidenceChain] = []
        without: frozenset[Pair] = frozenset()
        while len(chains) < MAX_CHAINS and (chain := self.chain(a, b, without)) is not None:
            chains.append(chain)
            if chain.weakest is None:
                break
            weakest = chain.steps[chain.weakest]
            without |= {pair(weakest.start, weakest.end)}
        return tuple(chains)


_UNLIMITED = Rules(())


def explain(region: Region, a: str, b: str, rules: Rules) -> Explanation:
    """Explain why two different keys belong to one customer or not; `region` has all identifiers of both customers."""
    for key in (a, b):
        member = region.members.get(key)
        if member is None or member.customer is None:
            text = f"{key} belongs to no customer: no valid observation or override names it"
            return Explanation(
                False,
                f"{a} and {b} are not one customer: {text}.",
                (),
                (Obstacle(ObstacleKind.NOT_SEEN, text, key=key),),
            )
    node_a, node_b = region.members[a].customer, region.members[b].customer
    overrides = list(region.overrides.values())
    if node_a == node_b:
        keys = [key for key, member in region.members.items() if member.customer == node_a]
        chains = _ActiveGraph(keys, region.links.values(), overrides, rules).chains(a, b)
        return Explanation(True, f"{a} and {b} are one customer: {_describe(chains)}.", chains)
    obstacles = _obstacles(region, a, b, overrides, rules)
    text = "; ".join(dict.fromkeys(obstacle.message for obstacle in obstacles[:3]))
    return Explanation(False, f"{a} and {b} are two customers: {text}.", (), obstacles)


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


def _obstacles(region: Region, a: str, b: str, overrides: Sequence[Override], rules: Rules) -> tuple[Obstacle, ...]:
    """Return the obstacles between the customers of two keys: overrides first, then links, then shared identifiers."""
    side = {key: 0 if member.customer == region.members[a].customer else 1 for key, member in region.members.items()
            if member.customer in (region.members[a].customer, region.members[b].customer)}  # fmt: skip
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
            obstacles.append(_link_obstacle(link, region, side, overrides, rules))
    obstacles += _shared_obstacles(region, side)
    if not obstacles:
        text = f"no evidence links the customer of {a} with the customer of {b}"
        obstacles.append(Obstacle(ObstacleKind.NO_EVIDENCE, text))
    return tuple(obstacles)


def _link_obstacle(
    link: Link, region: Region, side: Mapping[str, int], overrides: Sequence[Override], rules: Rules
) -> Obstacle:
    reason = link.reason
    assert reason is not None
    text = f"{link.a} and {link.b} were seen together, but {reason.message}"
    kind = ObstacleKind[reason.code.name]
    if kind in (ObstacleKind.SHARED, ObstacleKind.BLOCKED):
        key = next((key for key in link.pair if _links_nothing(region.members[key])), link.a)
        return Obstacle(kind, text, link, key)
    if kind is not ObstacleKind.LIMIT:
        return Obstacle(kind, text, link)
    chains: list[EvidenceChain] = []
    for end in link.pair:
        keys = [key for key, number in side.items() if number == side[end]]
        active_graph = _ActiveGraph(keys, region.links.values(), overrides, rules)
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


def weakest_links(region: Region, key: str, rules: Rules) -> list[Link]:
    """Return the bridges of a customer, weakest first: active links without which it would not be connected.

    Bridges are found by Tarjan's algorithm (R. E. Tarjan, "A note on finding the bridges of a graph", 1974), without
    recursion. Overrides are edges too, but never returned.
    """
    node = region.members[key].customer
    keys = [key for key, member in region.members.items() if member.customer == node]
    inside = set(keys)
    neighbors: dict[str, list[tuple[str, int]]] = {key: [] for key in keys}
    edges: list[Link | None] = []
    for link in region.links.values():
        if link.state is LinkState.ACTIVE and inside.issuperset(link.pair):
            neighbors[link.a].append((link.b, len(edges)))
            neighbors[link.b].append((link.a, len(edges)))
            edges.append(link)
    groups = Groups(inside, list(region.overrides.values()), rules)
    for override in region.overrides.values():
        effective = (
            override.kind is OverrideKind.TOGETHER
            and override.id not in groups.overruled
            and inside.issuperset(override.keys)
        )
        if effective:
            neighbors[override.a].append((override.b, len(edges)))
            neighbors[override.b].append((override.a, len(edges)))
            edges.append(None)
    bridges = [edges[edge] for edge in _bridges(keys[0], neighbors)]
    links = [link for link in bridges if link is not None]
    return sorted(links, key=lambda link: sort_key(link, rules), reverse=True)


def _bridges(start: str, neighbors: Mapping[str, Sequence[tuple[str, int]]]) -> list[int]:
    order: dict[str, int] = {start: 0}
    low: dict[str, int] = {start: 0}
    stack: list[tuple[str, int, int]] = [(start, -1, 0)]
    bridges: list[int] = []
    while stack:
        key, entry_edge, index = stack.pop()
        if index < len(neighbors[key]):
            stack.append((key, entry_edge, index + 1))
            neighbor, edge = neighbors[key][index]
            if edge == entry_edge:
                continue
            if neighbor in order:
                low[key] = min(low[key], order[neighbor])
            else:
                order[neighbor] = low[neighbor] = len(order)
                stack.append((neighbor, edge, 0))
        elif stack:
            parent = stack[-1][0]
            low[parent] = min(low[parent], low[key])
            if low[key] > order[parent]:
                bridges.append(entry_edge)
    return bridges
