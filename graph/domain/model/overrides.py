"""Overrides: a steward's decisions overrule the rules (docs/internals/resolution-rule.md, steps 3 and 4)."""

from enum import Enum

from msgspec import Struct

from graph.domain.model.identifiers import Pair


class OverrideKind(Enum):
    """What a steward may decide: two identifiers belong together, or apart; or an identifier is blocked."""

    TOGETHER = "together"
    APART = "apart"
    BLOCKED = "blocked"


class Override(Struct, frozen=True, gc=False):
    """A steward's decision on two identifiers, or on one if it is blocked (then `b` is empty); `a < b`.

    `at` is the time at which it was set, in microseconds; resolution never depends on it.
    """

    id: str
    kind: OverrideKind
    a: str
    b: str = ""
    actor: str = ""
    reason: str = ""
    at: int = 0

    @property
    def pair(self) -> Pair:
        """Both keys, the smaller first."""
        return self.a, self.b

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that the override names."""
        return (self.a, self.b) if self.b else (self.a,)
