"""Chains of evidence: active links and overrides that lead from one identifier to another."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from graph.domain.model.identifiers import Pair, pair
from graph.domain.model.links import Link, LinkState, sort_key
from graph.domain.model.overrides import Override, OverrideKind
from graph.domain.model.rules import Rules
from graph.domain.resolution.groups import Groups

MAX_CHAINS = 3
"""Chains between two identifiers that an explanation has."""

_UNLIMITED = Rules(())


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


class ActiveGraph:
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
