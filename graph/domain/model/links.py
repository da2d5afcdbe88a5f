"""Links: the pairs that observations support (design.md §4, steps 2 and 3)."""

from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from graph.domain.model.identifiers import Pair, namespace_of
from graph.domain.model.observations import Statement, Tier
from graph.domain.model.rules import Contested, Rules


class State(Enum):
    """What resolution made of a link."""

    KEPT = "kept"
    SUSPENDED = "suspended"
    IDLE = "idle"


class Reason(NamedTuple):
    """Why a link is not kept: a stable code and a sentence."""

    code: str
    text: str


BELOW_THRESHOLD = "BELOW_THRESHOLD"
SHARED = "SHARED"
BLOCKED = "BLOCKED"
LIMIT = "LIMIT"
APART = "APART"


class Link(Struct, frozen=True, gc=False):
    """The pair of two identifiers that observations support; `a < b`.

    `tier` is the best of what supports it and the times (microseconds) are those of that tier alone, `None` where
    nothing but guesses below the threshold supports it. `count` and `sources` leave such guesses out; `confidence` is
    the highest of all statistical statements. `state` and `reason` are what resolution made of it.
    """

    a: str
    b: str
    tier: Tier
    first_seen: int | None = None
    last_seen: int | None = None
    count: int = 0
    sources: tuple[str, ...] = ()
    confidence: float | None = None
    state: State = State.KEPT
    reason: Reason | None = None

    @property
    def pair(self) -> Pair:
        """Both keys, smaller first."""
        return self.a, self.b

    def counted(self, accept: float) -> bool:
        """Whether the link is at or above the threshold, so that it can unite and counts for sharing.

        One without a time was below the threshold of rules before, and has not been read anew yet.
        """
        if self.tier is not Tier.STATISTICAL:
            return True
        return self.first_seen is not None and self.confidence is not None and self.confidence >= accept

    def with_state(self, state: State, reason: Reason | None = None) -> "Link":
        """The same evidence with another verdict."""
        return replace(self, state=state, reason=reason)


def support(link: Link | None, pair: Pair, statement: Statement, accept: float) -> Link:
    """The link with one statement more behind it; the verdict stays to be found."""
    tier, seen_at, confidence = statement.tier, statement.seen_at, statement.confidence
    counts = statement.counts(accept)
    if link is None:
        a, b = pair
        if counts:
            return Link(a, b, tier, seen_at, seen_at, 1, (statement.source,), confidence)
        return Link(a, b, tier, confidence=confidence)
    if confidence is not None and link.confidence is not None:
        confidence = max(confidence, link.confidence)
    elif confidence is None:
        confidence = link.confidence
    if not counts:
        return replace(link, confidence=confidence)
    first, last = link.first_seen, link.last_seen
    if first is None or last is None or tier < link.tier:
        first = last = seen_at
    elif tier == link.tier:
        first, last = min(first, seen_at), max(last, seen_at)
    source = statement.source
    sources = link.sources if source in link.sources else tuple(sorted((*link.sources, source)))
    return Link(
        link.a,
        link.b,
        min(tier, link.tier),
        first,
        last,
        link.count + 1,
        sources,
        confidence,
        link.state,
        link.reason,
    )


def supported(pair: Pair, statements: Iterable[Statement], accept: float) -> Link | None:
    """The link that statements support from nothing; `None` without any."""
    link: Link | None = None
    for statement in statements:
        link = support(link, pair, statement, accept)
    return link


SortKey = tuple[int, int, int, int, str, str]


def sort_key(link: Link, rules: Rules) -> SortKey:
    """The place of a link that is not idle in the order of step 5."""
    strong, weak = rules.strong_first(link.a, link.b)
    weak_rule = rules.by_name[weak[: weak.index("=")]]
    if link.first_seen is None or link.last_seen is None:
        raise ValueError("a link without a time is idle and has no place in the order")
    time = -link.last_seen if weak_rule.contested is Contested.NEWEST else link.first_seen
    strong_rank = rules.rank[strong[: strong.index("=")]]
    return link.tier, rules.rank[weak_rule.name], time, strong_rank, strong, weak


def moved(before: Link, after: Link, rules: Rules) -> int:
    """Where a link that is not idle stands now, held against another state of it: below 0 earlier in the order of
    step 5, above 0 later, 0 at the same place. All else of its place lies in its two ends."""
    if before.tier is not after.tier:
        return after.tier - before.tier
    if (before.first_seen, before.last_seen) == (after.first_seen, after.last_seen):
        return 0
    _, weak = rules.strong_first(before.a, before.b)
    if rules.by_name[namespace_of(weak)].contested is Contested.NEWEST:
        return (before.last_seen or 0) - (after.last_seen or 0)
    return (after.first_seen or 0) - (before.first_seen or 0)


def merged_by(link: Link) -> str:
    """Why a link united two customers, in words."""
    how = "seem to belong together" if link.tier is Tier.STATISTICAL else "were seen together"
    party = "" if link.tier is Tier.STATISTICAL else f", {link.tier.name.lower()} party"
    return f"{link.a} and {link.b} {how} ({', '.join(link.sources)}{party})"
