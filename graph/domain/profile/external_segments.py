"""Segments of third parties: what others say that somebody belongs to, until it expires."""

import json
from collections.abc import Iterable

from msgspec import Struct

from graph.domain.model.errors import Problem
from graph.domain.model.facts import FactKind, Told
from graph.domain.model.json_text import compact
from graph.domain.model.observations import Observation, Tier
from graph.domain.model.validation import check_text


class OutsideStatement(Struct, frozen=True, gc=False):
    """That somebody belongs to a source's segment, or (`belongs` false) does so no more. Times in microseconds."""

    source: str
    identifiers: tuple[tuple[str, str], ...]
    segment: str
    expires_at: int | None = None
    belongs: bool = True
    id: str = ""
    party: Tier = Tier.THIRD
    stated_at: int | None = None

    def observation(self) -> Observation:
        """The observation that the statement is."""
        facts = compact([self.segment, self.expires_at, self.belongs])
        kind = FactKind.OUTSIDE.value
        return Observation(self.source, self.identifiers, self.id, self.party, self.stated_at, facts=facts, kind=kind)


def check_outside(statement: OutsideStatement) -> Problem | None:
    """What is wrong with a statement."""
    return check_text("segment", statement.segment, 200)


class OutsideSegment(Struct, frozen=True, gc=False):
    """A segment that somebody belongs to now, by whose word, on which identifier, and until when."""

    segment: str
    source: str
    tier: Tier
    key: str
    stated_at: int
    expires_at: int | None


def outside_segments(told: Iterable[Told], now: int) -> list[OutsideSegment]:
    """The segments that hold at a time (microseconds), newest first.

    Of each source the newest word on a segment counts for each of the identifiers that carry its statements.
    """
    said: set[tuple[str, str, str]] = set()
    found: list[OutsideSegment] = []
    for one in sorted(told, key=lambda one: one.recency):
        segment, expires_at, belongs = json.loads(one.facts)
        if (one.source, one.key, segment) in said:
            continue
        said.add((one.source, one.key, segment))
        if belongs and (expires_at is None or expires_at > now):
            found.append(OutsideSegment(segment, one.source, one.tier, one.key, one.at, expires_at))
    return found
