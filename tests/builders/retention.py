"""Rules of retention, a clock for them, and the documents that preview and run it."""

from typing import Any

from graph.domain.model.dates import DAY
from graph.domain.model.retention import RetentionRule
from graph.domain.model.times import parse_time


def rule(days: int, **about: Any) -> RetentionRule:
    """A rule, or a hold, with a reason."""
    return RetentionRule(days=days, reason="the law says so", **about)


class SettableClock:
    """A clock that a test sets: it stands still."""

    def __init__(self, at: str) -> None:
        self.at = parse_time(at).microseconds

    def now(self) -> int:
        """The time, in microseconds."""
        return self.at

    def add(self, days: float) -> None:
        """Go forward by some days."""
        self.at += round(days * DAY)


PREVIEW = "{ retentionPreview { complete counts { rule { about days part } kind count oldestSeenAt } } }"
RUN = """mutation { runRetention(input: {actor: "tess"}) {
  run { endedAt actor identifiers counts { rule { about days part } kind count oldestSeenAt } }
  errors { code message path }
} }"""
