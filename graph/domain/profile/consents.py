"""Consent: who decided what an address may be used for. A decision hangs on every identifier it was reported with.

So a withdrawal stays with the address through every merge and split, and only a later decision naming the same address
lifts it.
"""

import json
from collections.abc import Iterable
from enum import Enum

from msgspec import Struct

from graph.domain.model.errors import Problem
from graph.domain.model.facts import FactKind, Told
from graph.domain.model.observations import Observation, Tier
from graph.domain.model.validation import check_text
from graph.domain.profile.catalog import Catalogue

EVERY_CHANNEL = ""


class Decision(Enum):
    """What was decided; the more restrictive one comes later."""

    NONE = "none"
    GIVEN = "given"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class Channel(Enum):
    """How a customer may be reached."""

    EMAIL = "email"
    PHONE = "phone"
    SMS = "sms"
    POST = "post"
    PUSH = "push"
    WEB = "web"


class ConsentStatement(Struct, frozen=True, gc=False):
    """A decision on a purpose, for one channel or (without one) for every channel."""

    source: str
    identifiers: tuple[tuple[str, str], ...]
    purpose: str
    decision: Decision
    channel: Channel | None = None
    text_version: str = ""
    id: str = ""
    party: Tier = Tier.FIRST
    decided_at: int | None = None

    def observation(self) -> Observation:
        """The observation that the statement is."""
        channel = EVERY_CHANNEL if self.channel is None else self.channel.value
        facts = json.dumps([self.purpose, channel, self.decision.value, self.text_version], ensure_ascii=False)
        kind = FactKind.CONSENT.value
        return Observation(self.source, self.identifiers, self.id, self.party, self.decided_at, facts=facts, kind=kind)


def check_consent(statement: ConsentStatement, catalogue: Catalogue) -> Problem | None:
    """What is wrong with a decision."""
    if problem := check_purpose(statement.purpose, catalogue):
        return problem
    if statement.decision is Decision.NONE:
        return Problem("BAD_VALUE", "decision is NONE; GIVEN, REFUSED or WITHDRAWN is needed", ("decision",))
    if statement.text_version and (problem := check_text("textVersion", statement.text_version, 100)):
        return problem
    return None


def check_purpose(purpose: str, catalogue: Catalogue) -> Problem | None:
    """What is wrong with the name of a purpose."""
    if purpose not in catalogue.purposes:
        known = ", ".join(catalogue.purposes)
        return Problem("UNKNOWN_PURPOSE", f"purpose {purpose[:60]!r} is unknown; known are {known}", ("purpose",))
    return None


class Decided(Struct, frozen=True, gc=False):
    """A decision as it was reported of an address. `channel` is `None` where it is for every channel."""

    key: str
    purpose: str
    channel: Channel | None
    decision: Decision
    at: int
    source: str
    tier: Tier
    text_version: str

    @classmethod
    def of(cls, told: Told) -> "Decided":
        """From a fact."""
        purpose, channel, decision, version = json.loads(told.facts)
        where = Channel(channel) if channel else None
        return cls(told.key, purpose, where, Decision(decision), told.at, told.source, told.tier, version)


_STRICTNESS = {decision: rank for rank, decision in enumerate(Decision)}


def decisions(told: Iterable[Told]) -> list[Decided]:
    """All decisions, newest first; of those at the same time the stricter first."""
    found = [(Decided.of(one), one.recency) for one in told]
    found.sort(key=lambda pair: (-pair[0].at, -_STRICTNESS[pair[0].decision], pair[1]))
    return [decided for decided, _ in found]


def at_address(newest_first: Iterable[Decided], key: str, purpose: str, channel: Channel | None) -> Decided | None:
    """The decision that counts for an address: the newest that names it, for this channel or for every one.

    Asked without a channel: the newest decision that holds for every channel.
    """
    for one in newest_first:
        if one.key == key and one.purpose == purpose and one.channel in (None, channel):
            return one
    return None


def of_customer(newest_first: list[Decided], purpose: str, channel: Channel | None) -> Decided | None:
    """The answer for a customer: the strictest of what counts for its addresses; those without one say nothing."""
    keys = dict.fromkeys(one.key for one in newest_first)
    found = [one for key in keys if (one := at_address(newest_first, key, purpose, channel)) is not None]
    return max(found, key=lambda one: (_STRICTNESS[one.decision], one.at), default=None)
