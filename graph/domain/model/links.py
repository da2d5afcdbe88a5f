"""Links: the pairs of identifiers that observations support (docs/internals/resolution-rule.md, steps 2 and 3)."""

from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from graph.domain.model.identifiers import Pair, namespace_of
from graph.domain.model.observations import EvidenceStatement, EvidenceTier
from graph.domain.model.rules import Contested, Rules
from graph.domain.model.sentences import MessageCode, Sentence


class LinkState(Enum):
    """The state of a link after resolution."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    EXCLUDED = "excluded"


class LinkReasonCode(Enum):
    """Why a link is not active: `LIMIT`, `APART` and `GUARD` suspend it, the others exclude it."""

    LIMIT = "LIMIT"
    APART = "APART"
    GUARD = "GUARD"
    BELOW_THRESHOLD = "BELOW_THRESHOLD"
    SHARED = "SHARED"
    BLOCKED = "BLOCKED"


class LinkReason(NamedTuple):
    """Why a link is not active: a stable code and a sentence."""

    code: LinkReasonCode
    message: str


class Link(Struct, frozen=True, gc=False):
    """The pair of two identifiers that observations support; `a < b`.

    `tier` is the best of its statements, and the times (microseconds) are those of that tier alone: `None` if all of
    them are probabilistic and below the threshold. `observation_count` and `sources` leave such statements out.
    `confidence` is the highest of all probabilistic statements. `state` and `reason` result from resolution.
    """

    a: str
    b: str
    tier: EvidenceTier
    first_seen_at: int | None = None
    last_seen_at: int | None = None
    observation_count: int = 0
    sources: tuple[str, ...] = ()
    confidence: float | None = None
    state: LinkState = LinkState.ACTIVE
    reason: LinkReason | None = None

    @property
    def pair(self) -> Pair:
        """Both keys, the smaller first."""
        return self.a, self.b

    def meets_threshold(self, min_confidence: float) -> bool:
        """Whether the link is at or above the threshold, so that it can merge customers and counts for sharing.

        A link without a time was below the threshold of earlier rules, and has not been reprocessed yet.
        """
        if self.tier is not EvidenceTier.PROBABILISTIC:
            return True
        return self.first_seen_at is not None and self.confidence is not None and self.confidence >= min_confidence

    def with_state(self, state: LinkState, reason: LinkReason | None = None) -> "Link":
        """Return the link with another verdict."""
        return replace(self, state=state, reason=reason)


def with_statement(link: Link | None, pair: Pair, statement: EvidenceStatement, min_confidence: float) -> Link:
    """Return the link with one more statement; its verdict is not determined here."""
    tier, seen_at, confidence = statement.tier, statement.seen_at, statement.confidence
    counts = statement.meets_threshold(min_confidence)
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
    first, last = link.first_seen_at, link.last_seen_at
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
        link.observation_count + 1,
        sources,
        confidence,
        link.state,
        link.reason,
    )


def link_supported_by(pair: Pair, statements: Iterable[EvidenceStatement], min_confidence: float) -> Link | None:
    """Return the link that statements support; `None` without statements."""
    link: Link | None = None
    for statement in statements:
        link = with_statement(link, pair, statement, min_confidence)
    return link


SortKey = tuple[int, float, int, int, int, str, str]


def sort_key(link: Link, rules: Rules) -> SortKey:
    """Return the place in the order of step 5 of a link that is not excluded."""
    strong, weak = rules.strong_first(link.a, link.b)
    weak_rule = rules.by_name[weak[: weak.index("=")]]
    if link.first_seen_at is None or link.last_seen_at is None:
        raise ValueError("a link without a time is excluded and has no place in the order")
    time = -link.last_seen_at if weak_rule.contested is Contested.NEWEST else link.first_seen_at
    strong_rank = rules.rank[strong[: strong.index("=")]]
    return link.tier, -_certainty(link), rules.rank[weak_rule.name], time, strong_rank, strong, weak


def _certainty(link: Link) -> float:
    """Return the confidence by which a link has its place: of probabilistic links the surest comes first."""
    return link.confidence or 0.0 if link.tier is EvidenceTier.PROBABILISTIC else 0.0


def position_change(before: Link, after: Link, rules: Rules) -> int:
    """Compare the place of a link that is not excluded in two states: below 0 if it is earlier in the order of step 5
    after the change, above 0 if later, 0 if the same. The other parts of its place depend on its two ends alone."""
    if before.tier is not after.tier:
        return after.tier - before.tier
    if _certainty(before) != _certainty(after):
        return -1 if _certainty(after) > _certainty(before) else 1
    if (before.first_seen_at, before.last_seen_at) == (after.first_seen_at, after.last_seen_at):
        return 0
    _, weak = rules.strong_first(before.a, before.b)
    if rules.by_name[namespace_of(weak)].contested is Contested.NEWEST:
        return (before.last_seen_at or 0) - (after.last_seen_at or 0)
    return (after.first_seen_at or 0) - (before.first_seen_at or 0)


def merge_reason(link: Link) -> Sentence:
    """Return why a link merged two customers, in words."""
    sources = ", ".join(link.sources)
    if link.tier is EvidenceTier.PROBABILISTIC:
        return Sentence(MessageCode.SEEM_TOGETHER, a=link.a, b=link.b, sources=sources)
    party = link.tier.name.lower().removesuffix("_party")
    return Sentence(MessageCode.SEEN_TOGETHER, a=link.a, b=link.b, sources=sources, party=party)
