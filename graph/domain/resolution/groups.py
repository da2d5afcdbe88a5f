"""Groups of identifiers that may be united unless a limit or an *apart* mark forbids it (design.md §4, steps 4 to 6).

A disjoint-set forest with path halving and union by size, that keeps for each group what the two constraints need.
"""

from collections.abc import Iterable, Sequence

from graph.domain.model.identifiers import Pair, namespace_of
from graph.domain.model.links import APART, LIMIT, Reason
from graph.domain.model.overrides import Mark, MarkKind
from graph.domain.model.rules import Rules


class Groups:
    """All identifiers, each alone at first but for what effective *together* marks unite."""

    def __init__(self, keys: Iterable[str], marks: Sequence[Mark], rules: Rules) -> None:
        self._rules = rules
        self._parent = {key: key for key in keys}
        self._size = dict.fromkeys(self._parent, 1)
        self._foes: dict[str, set[Pair]] = {}
        """By group: the *apart* marks with an end in it."""
        for mark in marks:
            if mark.kind is MarkKind.APART and mark.a in self._parent and mark.b in self._parent:
                self._foes.setdefault(mark.a, set()).add(mark.pair)
                self._foes.setdefault(mark.b, set()).add(mark.pair)
        self.beaten: dict[str, Pair] = {}
        """Ids of *together* marks that an *apart* mark beats, with the two identifiers that it keeps apart."""
        self._unite_marked(marks)
        self._counts = self._counted_once()

    def _unite_marked(self, marks: Sequence[Mark]) -> None:
        rank = self._rules.rank

        def order(mark: Mark) -> tuple[int, int, str, str]:
            strong, weak = self._rules.strong_first(mark.a, mark.b)
            return rank[namespace_of(weak)], rank[namespace_of(strong)], strong, weak

        together = [mark for mark in marks if mark.kind is MarkKind.TOGETHER]
        for mark in sorted(together, key=order):
            if mark.a not in self._parent or mark.b not in self._parent:
                continue
            a, b = self.find(mark.a), self.find(mark.b)
            if a == b:
                continue
            if foes := self._foes_between(a, b):
                self.beaten[mark.id] = foes
            else:
                self._join(a, b)

    def _counted_once(self) -> dict[str, dict[str, int]]:
        """Values of limited namespaces by group; those that marks joined count once."""
        counts: dict[str, dict[str, int]] = {}
        for key in self._parent:
            namespace = namespace_of(key)
            if namespace in self._rules.limits:
                counts.setdefault(self.find(key), {})[namespace] = 1
        return counts

    def find(self, key: str) -> str:
        """The key that stands for the group that a key is in."""
        parent = self._parent
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    def _foes_between(self, a: str, b: str) -> Pair | None:
        """The first pair (by key) of identifiers of two groups that a mark keeps apart."""
        foes_a, foes_b = self._foes.get(a), self._foes.get(b)
        if not foes_a or not foes_b:
            return None
        return min(foes_a & foes_b, default=None)

    def _join(self, a: str, b: str) -> str:
        if self._size[a] < self._size[b]:
            a, b = b, a
        self._parent[b] = a
        self._size[a] += self._size.pop(b)
        if foes := self._foes.pop(b, None):
            self._foes.setdefault(a, set()).update(foes)
        return a

    def obstacle(self, x: str, y: str) -> Reason | None:
        """Why the groups of two keys may not be united; `None` where they may, or are one already."""
        a, b = self.find(x), self.find(y)
        if a == b:
            return None
        if foes := self._foes_between(a, b):
            return Reason(APART, f"a steward keeps {foes[0]} and {foes[1]} apart")
        counts_a, counts_b = self._counts.get(a), self._counts.get(b)
        if counts_a and counts_b:
            # Of several limits the strongest namespace's is told, whichever way the groups came about.
            for namespace, limit in self._rules.limits.items():
                mine, theirs = counts_a.get(namespace, 0), counts_b.get(namespace, 0)
                if mine and theirs and mine + theirs > limit:
                    return limit_reason(namespace, mine + theirs, limit)
        return None

    def unite(self, x: str, y: str) -> None:
        """Unite the groups of two keys; the caller has asked for obstacles."""
        a, b = self.find(x), self.find(y)
        if a == b:
            return
        root = self._join(a, b)
        gone = b if root == a else a
        if counts := self._counts.pop(gone, None):
            mine = self._counts.setdefault(root, {})
            for namespace, count in counts.items():
                mine[namespace] = mine.get(namespace, 0) + count

    def all(self) -> list[frozenset[str]]:
        """Every group."""
        members: dict[str, list[str]] = {}
        for key in self._parent:
            members.setdefault(self.find(key), []).append(key)
        return [frozenset(keys) for keys in members.values()]


def limit_reason(namespace: str, count: int, limit: int) -> Reason:
    """The reason of a link that a limit suspends."""
    return Reason(LIMIT, f"it would give one customer {count} values of {namespace}, of which the rules allow {limit}")
