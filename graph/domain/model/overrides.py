"""Stewards' marks: a person overrules the machine (design.md §4, steps 3 and 4)."""

from enum import Enum

from msgspec import Struct

from graph.domain.model.identifiers import Pair


class MarkKind(Enum):
    """What a steward may say: two identifiers belong together, or apart; one links nothing."""

    TOGETHER = "together"
    APART = "apart"
    BLOCKED = "blocked"


class Mark(Struct, frozen=True, gc=False):
    """A steward's word on two identifiers, or with `blocked` on one (then `b` is empty); `a < b`.

    `at` is the time it was set, in microseconds; it never decides anything.
    """

    id: str
    kind: MarkKind
    a: str
    b: str = ""
    actor: str = ""
    reason: str = ""
    at: int = 0

    @property
    def pair(self) -> Pair:
        """Both keys, smaller first."""
        return self.a, self.b

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that the mark names."""
        return (self.a, self.b) if self.b else (self.a,)
