"""External segments: the segments of other companies that a customer belongs to, until they expire."""

import json
from collections.abc import Iterable

from msgspec import Struct

from graph.domain.model.errors import Problem
from graph.domain.model.facts import Fact, FactKind
from graph.domain.model.json_text import compact
from graph.domain.model.observations import Observation, Party
from graph.domain.model.validation import check_expiry, check_text


class ExternalSegmentStatement(Struct, frozen=True, gc=False):
    """A source's statement on the membership in a segment; `is_member` false ends it. Times in microseconds."""

    source: str
    identifiers: tuple[tuple[str, str], ...]
    segment: str
    expires_at: int | None = None
    is_member: bool = True
    id: str = ""
    party: Party = Party.THIRD_PARTY
    reported_at: int | None = None

    def observation(self) -> Observation:
        """The statement as an observation."""
        facts = compact([self.segment, self.expires_at, self.is_member])
        kind = FactKind.EXTERNAL_SEGMENT.value
        return Observation(self.source, self.identifiers, self.id, self.party, self.reported_at, facts=facts, kind=kind)


def check_external_segment(statement: ExternalSegmentStatement) -> Problem | None:
    """What is wrong with a statement; the time of the report is checked with the observation."""
    return check_text("segment", statement.segment, 200) or check_expiry("expiresAt", statement.expires_at)


class ExternalSegment(Struct, frozen=True, gc=False):
    """A segment that the customer belongs to, with its source, identifier and end. Times in microseconds.

    `observation_id` is the id of the observation that reports the membership.
    """

    segment: str
    source: str
    party: Party
    key: str
    reported_at: int
    expires_at: int | None
    observation_id: str


def external_segments(facts: Iterable[Fact], now: int) -> list[ExternalSegment]:
    """The segments in effect at `now` (microseconds), newest first.

    Of a source, the newest statement on a segment is in effect, for each identifier that carries its statements.
    """
    seen: set[tuple[str, str, str]] = set()
    segments: list[ExternalSegment] = []
    for fact in sorted(facts, key=lambda fact: fact.recency):
        segment, expires_at, is_member = json.loads(fact.facts)
        if (fact.source, fact.key, segment) in seen:
            continue
        seen.add((fact.source, fact.key, segment))
        if is_member and (expires_at is None or expires_at > now):
            segments.append(ExternalSegment(segment, fact.source, fact.party, fact.key, fact.at, expires_at, fact.id))
    return segments
