"""Rules of retention, a clock for them, and what previews and runs it."""

from typing import Any

from graph.domain.model.dates import DAY
from graph.domain.model.retention import RetentionRule
from graph.domain.model.times import parse_time
from tests.builders.clients import Client


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
_RUN = "{ endedAt actor identifiers counts { rule { about days part } kind count oldestSeenAt } }"


def expire(client: Client) -> dict[str, Any]:
    """Run retention, wait until the run has ended, and return it."""
    mutation = f'mutation {{ runRetention(input: {{actor: "tess"}}) {{ run {_RUN} errors {{ code }} }} }}'
    payload = client.ask(mutation)["runRetention"]
    assert payload["errors"] == []
    done = payload["run"]
    while done["endedAt"] is None:
        done = client.ask(f"{{ retentionRun {_RUN} }}")["retentionRun"]
    return done
