"""Why two identifiers are one customer, or are not."""

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum

from msgspec import Struct

from graph.domain.model.customers import Member
from graph.domain.model.identifiers import Pair, namespace_of, pair
from graph.domain.model.links import APART, BELOW_THRESHOLD, BLOCKED, LIMIT, SHARED, Link, State, sort_key
from graph.domain.model.overrides import Mark, MarkKind
from graph.domain.model.rules import Rules
from graph.domain.model.store_values import Region
from graph.domain.resolution.groups import Groups

MOST_CHAINS = 3


class Step(Struct, frozen=True, gc=False):
    """One step of a chain: from one identifier to the next, by a kept link or a steward's mark."""

    start: str
    end: str
    link: Link | None
    mark: Mark | None


class Chain(Struct, frozen=True, gc=False):
    """Steps from one identifier to another; `weakest` is the place of the step that falls first."""

    steps: tuple[Step, ...]
    weakest: int | None


class ObstacleKind(Enum):
    """What keeps two identifiers from being one customer."""

    NOT_SEEN = "not_seen"
    NO_EVIDENCE = "no_evidence"
    LIMIT = LIMIT
    APART = APART
    SHARED = SHARED
    BLOCKED = BLOCKED
    BELOW_THRESHOLD = BELOW_THRESHOLD


class Obstacle(Struct, frozen=True, gc=False):
    """One thing that keeps them apart.

    `link` is the link that is not kept, `key` the identifier that is shared, blocked or was never seen, `mark` the
    steward's word. For a limit, `against` are the chains of stronger links that hold the values on both sides.
    """

    kind: ObstacleKind
    text: str
    link: Link | None = None
    key: str = ""
    mark: Mark | None = None
    against: tuple[Chain, ...] = ()


class Why(Struct, frozen=True, gc=False):
    """The answer: one customer by these chains, strongest first, or not because of these obstacles; and in words."""

    same: bool
    sentence: str
    chains: tuple[Chain, ...] = ()
    obstacles: tuple[Obstacle, ...] = ()


class _Kept:
    """The kept links and marks of some identifiers as a graph whose best chains are asked for."""

    def __init__(self, keys: Iterable[str], links: Iterable[Link], marks: Sequence[Mark], rules: Rules) -> None:
        self._keys, self._rules = set(keys), rules
        groups = Groups(self._keys, marks, rules)
        held = [mark for mark in marks if mark.kind is MarkKind.TOGETHER and mark.id not in groups.beaten]
        self._marks = [mark for mark in held if mark.a in self._keys and mark.b in self._keys]
        kept = [link for link in links if link.state is State.KEPT and self._keys.issuperset(link.pair)]
        self._links = sorted(kept, key=lambda link: sort_key(link, rules))

    def chain(self, a: str, b: str, without: frozenset[Pair] = frozenset()) -> Chain | None:
        """The chain whose weakest step is strongest: the way through the tree that the strongest steps span."""
        near: dict[str, list[Step]] = {}
        joined = Groups(self._keys, (), _UNLIMITED)
        for step in self._steps(without):
            if joined.find(step.start) != joined.find(step.end):
                joined.unite(step.start, step.end)
                near.setdefault(step.start, []).append(step)
                near.setdefault(step.end, []).append(Step(step.end, step.start, step.link, step.mark))
        came: dict[str, Step | None] = {a: None}
        frontier = [a]
        while frontier and b not in came:
            found = [step for key in frontier for step in near.get(key, ()) if step.end not in came]
            came.update((step.end, step) for step in found)
            frontier = [step.end for step in found]
        if b not in came:
            return None
        steps: list[Step] = []
        while (last := came[b]) is not None:
            steps.append(last)
            b = last.start
        steps.reverse()
        return Chain(tuple(steps), self._weakest(steps))

    def _steps(self, without: frozenset[Pair]) -> Iterable[Step]:
        for mark in self._marks:
            if mark.pair not in without:
                yield Step(mark.a, mark.b, None, mark)
        for link in self._links:
            if link.pair not in without:
                yield Step(link.a, link.b, link, None)

    def _weakest(self, steps: Sequence[Step]) -> int | None:
        ranked = [
            (sort_key(step.link, self._rules), place) for place, step in enumerate(steps) if step.link is not None
        ]
        return max(ranked)[1] if ranked else None

    def chains(self, a: str, b: str) -> tuple[Chain, ...]:
        """The best chain, then the best without the weakest step of that, and so on."""
        found: list[Chain] = []
        without: frozenset[Pair] = frozenset()
        while len(found) < MOST_CHAINS and (chain := self.chain(a, b, without)) is not None:
            found.append(chain)
            if chain.weakest is None:
                break
            weakest = chain.steps[chain.weakest]
            without |= {pair(weakest.start, weakest.end)}
        return tuple(found)


_UNLIMITED = Rules(())


def why(region: Region, a: str, b: str, rules: Rules) -> Why:
    """Why two different keys are one customer or not. `region` holds both, their customers opened."""
    for key in (a, b):
        member = region.members.get(key)
        if member is None or member.customer is None:
            text = f"{key} is in no customer: nothing valid names it"
            return Why(
                False,
                f"{a} and {b} are not one customer: {text}.",
                (),
                (Obstacle(ObstacleKind.NOT_SEEN, text, key=key),),
            )
    node_a, node_b = region.members[a].customer, region.members[b].customer
    marks = list(region.marks.values())
    if node_a == node_b:
        keys = [key for key, member in region.members.items() if member.customer == node_a]
        chains = _Kept(keys, region.links.values(), marks, rules).chains(a, b)
        return Why(True, f"{a} and {b} are one customer: {_say(chains)}.", chains)
    obstacles = _obstacles(region, a, b, marks, rules)
    text = "; ".join(dict.fromkeys(obstacle.text for obstacle in obstacles[:3]))
    return Why(False, f"{a} and {b} are two customers: {text}.", (), obstacles)


def _say(chains: Sequence[Chain]) -> str:
    if not chains:
        return "their links were not read"
    chain = chains[0]
    steps = ", ".join(_say_step(step) for step in chain.steps)
    if chain.weakest is None or len(chain.steps) < 2:
        return steps
    weakest = chain.steps[chain.weakest]
    return f"{steps}; the weakest step is {weakest.start} to {weakest.end}"


def _say_step(step: Step) -> str:
    if step.mark is not None:
        who = f" ({step.mark.actor})" if step.mark.actor else ""
        return f"a steward{who} keeps {step.start} and {step.end} together"
    link = step.link
    times = f"{link.count} time{'s' if link.count != 1 else ''}" if link else ""
    sources = ", ".join(link.sources) if link else ""
    return f"{sources} saw {step.start} with {step.end} ({times})"


def _obstacles(region: Region, a: str, b: str, marks: Sequence[Mark], rules: Rules) -> tuple[Obstacle, ...]:
    """What stands between the customers of two keys, the plainest first."""
    side = {key: 0 if member.customer == region.members[a].customer else 1 for key, member in region.members.items()
            if member.customer in (region.members[a].customer, region.members[b].customer)}  # fmt: skip
    found: list[Obstacle] = []
    for mark in marks:
        if mark.kind is MarkKind.APART and {side.get(mark.a), side.get(mark.b)} == {0, 1}:
            who = mark.actor or "a steward"
            why = f" ({mark.reason})" if mark.reason else ""
            text = f"{who} keeps {mark.a} and {mark.b} apart{why}"
            found.append(Obstacle(ObstacleKind.APART, text, mark=mark))
    between = [link for ends, link in region.links.items() if {side.get(ends[0]), side.get(ends[1])} == {0, 1}]
    for link in sorted(between, key=lambda link: (link.state is State.IDLE, link.pair)):
        if link.reason is not None and link.reason.code != APART:
            found.append(_blocked_link(link, region, side, marks, rules))
    found += _at_third(region, side)
    if not found:
        text = f"no evidence links the customer of {a} with the customer of {b}"
        found.append(Obstacle(ObstacleKind.NO_EVIDENCE, text))
    return tuple(found)


def _blocked_link(link: Link, region: Region, side: Mapping[str, int], marks: Sequence[Mark], rules: Rules) -> Obstacle:
    reason = link.reason
    assert reason is not None
    text = f"{link.a} and {link.b} were seen together, but {reason.text}"
    kind = ObstacleKind(reason.code)
    if kind in (ObstacleKind.SHARED, ObstacleKind.BLOCKED):
        key = next((key for key in link.pair if _dead_end(region.members[key])), link.a)
        return Obstacle(kind, text, link, key)
    if kind is not ObstacleKind.LIMIT:
        return Obstacle(kind, text, link)
    chains: list[Chain] = []
    for end in link.pair:
        keys = [key for key, where in side.items() if where == side[end]]
        kept = _Kept(keys, region.links.values(), marks, rules)
        limited = [key for key in keys if namespace_of(key) in rules.limits and key != end]
        other = {namespace_of(key) for key, where in side.items() if where != side[end]}
        for key in sorted(limited, key=lambda key: (rules.rank[namespace_of(key)], key)):
            if namespace_of(key) in other and (chain := kept.chain(end, key)) is not None:
                chains.append(chain)
                break
    return Obstacle(kind, text, link, against=tuple(chains))


def _dead_end(member: Member) -> bool:
    return member.shared or member.blocked


def _at_third(region: Region, side: Mapping[str, int]) -> list[Obstacle]:
    """Shared or blocked identifiers that both customers were seen with."""
    seen: dict[str, set[int]] = {}
    for ends, link in region.links.items():
        if link.state is State.IDLE:
            for key, other in (ends, ends[::-1]):
                if key in side and other not in side and other in region.members:
                    seen.setdefault(other, set()).add(side[key])
    found: list[Obstacle] = []
    for key in sorted(key for key, sides in seen.items() if sides == {0, 1}):
        member = region.members[key]
        if _dead_end(member):
            kind = ObstacleKind.BLOCKED if member.blocked else ObstacleKind.SHARED
            what = "a steward blocked it" if member.blocked else "it is shared, so it links nobody"
            found.append(Obstacle(kind, f"both were seen with {key}, but {what}", key=key))
    return found


def weakest_links(region: Region, key: str, rules: Rules) -> list[Link]:
    """The bridges of a customer: kept links without which it would fall apart, most doubtful first.

    A bridge is found by Tarjan's algorithm (R. E. Tarjan, "A note on finding the bridges of a graph", 1974), without
    recursion; stewards' marks are edges too, but hold whatever happens.
    """
    node = region.members[key].customer
    keys = [one for one, member in region.members.items() if member.customer == node]
    inside = set(keys)
    near: dict[str, list[tuple[str, int]]] = {one: [] for one in keys}
    edges: list[Link | None] = []
    for link in region.links.values():
        if link.state is State.KEPT and inside.issuperset(link.pair):
            near[link.a].append((link.b, len(edges)))
            near[link.b].append((link.a, len(edges)))
            edges.append(link)
    groups = Groups(inside, list(region.marks.values()), rules)
    for mark in region.marks.values():
        held = mark.kind is MarkKind.TOGETHER and mark.id not in groups.beaten and inside.issuperset(mark.keys)
        if held:
            near[mark.a].append((mark.b, len(edges)))
            near[mark.b].append((mark.a, len(edges)))
            edges.append(None)
    bridges = [edges[edge] for edge in _bridges(keys[0], near)]
    found = [link for link in bridges if link is not None]
    return sorted(found, key=lambda link: sort_key(link, rules), reverse=True)


def _bridges(start: str, near: Mapping[str, Sequence[tuple[str, int]]]) -> list[int]:
    order: dict[str, int] = {start: 0}
    low: dict[str, int] = {start: 0}
    stack: list[tuple[str, int, int]] = [(start, -1, 0)]
    bridges: list[int] = []
    while stack:
        key, came_by, place = stack.pop()
        if place < len(near[key]):
            stack.append((key, came_by, place + 1))
            other, edge = near[key][place]
            if edge == came_by:
                continue
            if other in order:
                low[key] = min(low[key], order[other])
            else:
                order[other] = low[other] = len(order)
                stack.append((other, edge, 0))
        elif stack:
            parent = stack[-1][0]
            low[parent] = min(low[parent], low[key])
            if low[key] > order[parent]:
                bridges.append(came_by)
    return bridges
