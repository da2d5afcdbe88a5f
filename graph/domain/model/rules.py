"""The rules of the namespaces (design.md §4) as plain values."""

import re
from collections.abc import Mapping, Sequence
from enum import Enum
from functools import cached_property, lru_cache

from msgspec import Struct, field

from graph.domain.model import normalization
from graph.domain.model.errors import RulesError
from graph.domain.model.identifiers import MAX_VALUE_LENGTH, UNFIT, namespace_of

STRONGER = "stronger"
"""The name under which `shared_above` counts all identifiers of stronger namespaces."""

CACHED_VALUES = 5_000
"""Values of a namespace whose normalised form is kept."""

NAMESPACE_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


class Contested(Enum):
    """Which claim wins when two customers claim one identifier."""

    NEWEST = "newest"
    FIRST = "first"


class Dropped(Struct, frozen=True, gc=False):
    """An identifier that an observation named and that was left out."""

    namespace: str
    value: str
    code: str
    reason: str


class NamespaceRule(Struct, frozen=True, gc=False):
    """The rules of one namespace; `None` means no limit. `blocked` holds exact values, `blocked_patterns` regular
    expressions that a whole value is held against."""

    name: str
    limit: int | None = None
    contested: Contested = Contested.NEWEST
    shared_above: Mapping[str, int] = field(default_factory=dict)
    normalise: tuple[str, ...] = ()
    blocked: frozenset[str] = frozenset()
    blocked_patterns: tuple[str, ...] = ()
    min_length: int = 1
    known: bool = False


class _Cleaner:
    """The compiled half of a namespace's rules: raw value in, normalised value or the reason against it out."""

    def __init__(self, rule: NamespaceRule) -> None:
        self._rule = rule
        self._steps = tuple(normalization.step(name) for name in rule.normalise)
        self._blocking = [re.compile(pattern).fullmatch for pattern in rule.blocked_patterns]
        # The same values come over and over, and an e-mail address costs 0.15 ms to check.
        self.clean = lru_cache(maxsize=CACHED_VALUES)(self._clean)

    def _is_blocked(self, value: str) -> bool:
        if value in self._rule.blocked:
            return True
        for matches in self._blocking:  # noqa: SIM110 - every new value comes here; a generator takes twice as long
            if matches(value):
                return True
        return False

    def _clean(self, raw: str) -> str | Dropped:
        name = self._rule.name
        if len(raw) > MAX_VALUE_LENGTH:
            return Dropped(
                name, raw[:40] + "…", "TOO_LONG", f"has {len(raw)} characters; {MAX_VALUE_LENGTH} are allowed"
            )
        if not raw.strip():
            return Dropped(name, raw, "EMPTY", "is empty")
        if UNFIT.search(raw):
            return Dropped(name, ascii(raw)[1:-1], "INVALID", "holds a character that no identifier may hold")
        # Placeholders are looked for before normalising too: `unknown` is no e-mail address, but says more than that.
        stripped = raw.strip()
        if self._is_blocked(raw) or (stripped != raw and self._is_blocked(stripped)):
            return Dropped(name, raw, "BLOCKED", "is a placeholder that the rules block")
        value = raw
        for step in self._steps:
            try:
                value = step(value)
            except ValueError as error:
                return Dropped(name, raw, "INVALID", str(error))
        if not value:
            return Dropped(name, raw, "EMPTY", "is empty")
        if value not in (raw, stripped) and self._is_blocked(value):
            return Dropped(name, raw, "BLOCKED", "is a placeholder that the rules block")
        if len(value) < self._rule.min_length:
            return Dropped(name, raw, "TOO_SHORT", f"is shorter than {self._rule.min_length} characters")
        if len(value) > MAX_VALUE_LENGTH:
            return Dropped(name, raw[:40] + "…", "TOO_LONG", f"is longer than {MAX_VALUE_LENGTH} characters")
        return value


class Rules(Struct, frozen=True, dict=True):
    """The rules of all namespaces, strongest first, and of the whole.

    `accept` is the least confidence at which a statistical link counts.
    """

    namespaces: tuple[NamespaceRule, ...]
    accept: float = 0.9

    def __post_init__(self) -> None:
        names = [rule.name for rule in self.namespaces]
        for name in names:
            if not NAMESPACE_NAME.fullmatch(name):
                raise RulesError(f"namespace {name!r}: a name is made of a-z, 0-9 and _, and starts with a letter")
            if names.count(name) > 1:
                raise RulesError(f"namespace {name!r} is there twice")
        if not 0 <= self.accept <= 1:
            raise RulesError(f"accept is {self.accept!r}; allowed is 0 to 1")
        for rule in self.namespaces:
            for counted, most in rule.shared_above.items():
                if counted != STRONGER and counted not in names:
                    raise RulesError(f"namespace {rule.name!r}: shared_above names {counted!r}, which is no namespace")
                if most < 1:
                    raise RulesError(f"namespace {rule.name!r}: shared_above is {most}; allowed is 1 or more")
            if rule.limit is not None and rule.limit < 1:
                raise RulesError(f"namespace {rule.name!r}: limit is {rule.limit}; allowed is 1 or more")
            try:
                _ = _Cleaner(rule)
            except (ValueError, re.error) as error:
                raise RulesError(f"namespace {rule.name!r}: {error}") from error

    @cached_property
    def rank(self) -> Mapping[str, int]:
        """Namespace to its rank; 0 is the strongest."""
        return {rule.name: rank for rank, rule in enumerate(self.namespaces)}

    @cached_property
    def by_name(self) -> Mapping[str, NamespaceRule]:
        """Namespace to its rules."""
        return {rule.name: rule for rule in self.namespaces}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The namespaces, strongest first."""
        return tuple(self.by_name)

    @cached_property
    def limits(self) -> Mapping[str, int]:
        """The namespaces that have a limit, with it."""
        return {rule.name: rule.limit for rule in self.namespaces if rule.limit is not None}

    @cached_property
    def known(self) -> frozenset[str]:
        """The namespaces an identifier of which makes a customer known."""
        return frozenset(rule.name for rule in self.namespaces if rule.known)

    @cached_property
    def _cleaners(self) -> Mapping[str, _Cleaner]:
        return {rule.name: _Cleaner(rule) for rule in self.namespaces}

    def clean(self, namespace: str, raw: str) -> str | Dropped:
        """The normalised value, or why there is none. The namespace must be known."""
        return self._cleaners[namespace].clean(raw)

    def strong_first(self, a: str, b: str) -> tuple[str, str]:
        """Two keys as (stronger, weaker); of equal rank the smaller key is the stronger."""
        rank_a, rank_b = self.rank[namespace_of(a)], self.rank[namespace_of(b)]
        return (a, b) if (rank_a, a) < (rank_b, b) else (b, a)

    @cached_property
    def counted(self) -> Mapping[str, Sequence[tuple[frozenset[str], int]]]:
        """Namespace to (namespaces counted together, most allowed), one entry a count of `shared_above`."""
        names = [rule.name for rule in self.namespaces]
        return {
            rule.name: tuple(
                (frozenset(names[:rank]) if counted == STRONGER else frozenset({counted}), most)
                for counted, most in rule.shared_above.items()
            )
            for rank, rule in enumerate(self.namespaces)
            if rule.shared_above
        }

    def unknown(self, namespace: str) -> str:
        """That there is no such namespace, in words."""
        return f"namespace {namespace[:60]!r} is not in the rules; known are {', '.join(self.by_name)}"

    def is_shared(self, namespace: str, degree: Mapping[str, int]) -> bool:
        """Whether an identifier is shared, given its number of distinct neighbours by namespace (step 3)."""
        return any(
            sum(count for name, count in degree.items() if name in names) > most
            for names, most in self.counted.get(namespace, ())
        )


class KeptRules(Struct, frozen=True, gc=False):
    """A version of the rules as it is kept.

    `pending` tells that not all observations have been read under it yet: those up to `upto` have.
    """

    version: int
    at: int
    text: str
    pending: bool = False
    upto: tuple[str, str] | None = None
