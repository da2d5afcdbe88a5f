"""Groups of identifiers, merged unless a limit, an *apart* override or a guard forbids it (steps 4 to 7).

See docs/internals/resolution-rule.md. A disjoint-set forest with path halving and union by size, which stores for each
group what the constraints need.
"""

from collections.abc import Iterable, Mapping, Sequence

from graph.domain.model.guarded_values import ValueSet, ValueSets, contradict, described, union
from graph.domain.model.identifiers import Pair, namespace_of
from graph.domain.model.links import LinkReason, LinkReasonCode
from graph.domain.model.overrides import Override, OverrideKind
from graph.domain.model.rules import Rules
from graph.domain.model.sentences import MessageCode, Sentence


class Groups:
    """All identifiers: at first each in a group of its own, except for those that *together* overrides merge."""

    def __init__(
        self,
        keys: Iterable[str],
        overrides: Sequence[Override],
        rules: Rules,
        value_sets: Mapping[str, ValueSets] | None = None,
    ) -> None:
        """`value_sets` are the guarded values of the identifiers that carry some."""
        self._rules = rules
        self._parent = {key: key for key in keys}
        self._size = dict.fromkeys(self._parent, 1)
        self._apart_pairs: dict[str, set[Pair]] = {}
        """By group: the pairs of *apart* overrides with an end in it."""
        for override in overrides:
            if override.kind is OverrideKind.APART and override.a in self._parent and override.b in self._parent:
                self._apart_pairs.setdefault(override.a, set()).add(override.pair)
                self._apart_pairs.setdefault(override.b, set()).add(override.pair)
        self.overruled: dict[str, Pair] = {}
        """Ids of *together* overrides that an *apart* override beats, with the two identifiers that it keeps apart."""
        self._union_overrides(overrides)
        self._counts = self._initial_counts()
        self._carried = self._initial_value_sets(value_sets or {})

    def _union_overrides(self, overrides: Sequence[Override]) -> None:
        rank = self._rules.rank

        def ranked(key: str) -> tuple[int, str]:
            # An override stays if new rules no longer have the namespace of an identifier, which then ranks last.
            return rank.get(namespace_of(key), len(rank)), key

        def order(override: Override) -> tuple[int, int, str, str]:
            (strong_rank, strong), (weak_rank, weak) = sorted((ranked(override.a), ranked(override.b)))
            return weak_rank, strong_rank, strong, weak

        together = [override for override in overrides if override.kind is OverrideKind.TOGETHER]
        for override in sorted(together, key=order):
            if override.a not in self._parent or override.b not in self._parent:
                continue
            a, b = self.find(override.a), self.find(override.b)
            if a == b:
                continue
            if apart := self._apart_pair_between(a, b):
                self.overruled[override.id] = apart
            else:
                self._merge(a, b)

    def _initial_counts(self) -> dict[str, dict[str, int]]:
        """Count the values of limited namespaces by group; those that overrides merged count once."""
        counts: dict[str, dict[str, int]] = {}
        for key in self._parent:
            namespace = namespace_of(key)
            if namespace in self._rules.limits:
                counts.setdefault(self.find(key), {})[namespace] = 1
        return counts

    def _initial_value_sets(self, value_sets: Mapping[str, ValueSets]) -> dict[str, "_Carried"]:
        """Return the guarded values by group; identifiers that overrides merged share theirs."""
        together: dict[str, dict[str, list[tuple[str, ValueSet]]]] = {}
        for key, sets in value_sets.items():
            for attribute, text in sets.items():
                together.setdefault(self.find(key), {}).setdefault(attribute, []).append((key, text))
        return {
            root: {
                attribute: {union(text for _, text in carried): min(key for key, _ in carried)}
                for attribute, carried in by_attribute.items()
            }
            for root, by_attribute in together.items()
        }

    def find(self, key: str) -> str:
        """Return the key that represents the group of a key."""
        parent = self._parent
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    def _apart_pair_between(self, a: str, b: str) -> Pair | None:
        """Return the first pair (by key) of identifiers of two groups that an override keeps apart."""
        apart_a, apart_b = self._apart_pairs.get(a), self._apart_pairs.get(b)
        if not apart_a or not apart_b:
            return None
        return min(apart_a & apart_b, default=None)

    def _merge(self, a: str, b: str) -> str:
        if self._size[a] < self._size[b]:
            a, b = b, a
        self._parent[b] = a
        self._size[a] += self._size.pop(b)
        if apart := self._apart_pairs.pop(b, None):
            self._apart_pairs.setdefault(a, set()).update(apart)
        return a

    def obstacle(self, x: str, y: str) -> LinkReason | None:
        """Return why the groups of two keys may not be merged; `None` if they may, or are one already."""
        a, b = self.find(x), self.find(y)
        if a == b:
            return None
        if apart := self._apart_pair_between(a, b):
            return apart_reason(apart)
        return self._limit_between(a, b) or self._contradiction_between(a, b, x, y)

    def _limit_between(self, a: str, b: str) -> LinkReason | None:
        counts_a, counts_b = self._counts.get(a), self._counts.get(b)
        if counts_a and counts_b:
            # Of several limits that of the strongest namespace is reported, however the groups were formed.
            for namespace, limit in self._rules.limits.items():
                count_a, count_b = counts_a.get(namespace, 0), counts_b.get(namespace, 0)
                if count_a and count_b and count_a + count_b > limit:
                    return limit_reason(namespace, count_a + count_b, limit)
        return None

    def _contradiction_between(self, a: str, b: str, x: str, y: str) -> LinkReason | None:
        """Return the first contradiction, by guard and keys, of two groups that a link of `x` and `y` would merge."""
        carried_a, carried_b = self._carried.get(a), self._carried.get(b)
        if not carried_a or not carried_b:
            return None
        weak = self._rules.strong_first(x, y)[1]
        if namespace_of(weak) not in self._rules.guarded_namespaces:
            return None
        for guard in self._rules.guards:
            sets_a, sets_b = carried_a.get(guard.attribute), carried_b.get(guard.attribute)
            if sets_a and sets_b:
                found = [
                    min((key_a, set_a, key_b, set_b), (key_b, set_b, key_a, set_a))
                    for set_a, key_a in sets_a.items()
                    for set_b, key_b in sets_b.items()
                    if contradict(guard.compare, set_a, set_b)
                ]
                if found:
                    return guard_reason(guard.attribute, *min(found))
        return None

    def union(self, x: str, y: str) -> None:
        """Merge the groups of two keys; the caller has checked for obstacles."""
        a, b = self.find(x), self.find(y)
        if a == b:
            return
        root = self._merge(a, b)
        removed = b if root == a else a
        if counts := self._counts.pop(removed, None):
            merged = self._counts.setdefault(root, {})
            for namespace, count in counts.items():
                merged[namespace] = merged.get(namespace, 0) + count
        if carried := self._carried.pop(removed, None):
            self._add_carried(self._carried.setdefault(root, {}), carried)

    @staticmethod
    def _add_carried(into: "_Carried", carried: "_Carried") -> None:
        for attribute, sets in carried.items():
            merged = into.setdefault(attribute, {})
            for text, key in sets.items():
                merged[text] = min(key, merged.get(text, key))

    def all(self) -> list[frozenset[str]]:
        """Return all groups."""
        members: dict[str, list[str]] = {}
        for key in self._parent:
            members.setdefault(self.find(key), []).append(key)
        return [frozenset(keys) for keys in members.values()]


_Carried = dict[str, dict[ValueSet, str]]
"""The value sets in a group by attribute, each with the smallest key that carries it."""


def apart_reason(apart: Pair) -> LinkReason:
    """Return the reason of a link that an override suspends, which keeps two identifiers apart."""
    return LinkReason(LinkReasonCode.APART, Sentence(MessageCode.KEPT_APART, a=apart[0], b=apart[1]))


def guard_reason(attribute: str, key_a: str, set_a: ValueSet, key_b: str, set_b: ValueSet) -> LinkReason:
    """Return the reason of a link that a guard suspends."""
    message = Sentence(
        MessageCode.GUARD,
        attribute=attribute,
        value_a=described(set_a),
        a=key_a,
        value_b=described(set_b),
        b=key_b,
    )
    return LinkReason(LinkReasonCode.GUARD, message)


def limit_reason(namespace: str, count: int, limit: int) -> LinkReason:
    """Return the reason of a link that a limit suspends."""
    message = Sentence(MessageCode.LIMIT, count=count, namespace=namespace, limit=limit)
    return LinkReason(LinkReasonCode.LIMIT, message)
