"""Consent: decisions on what an address may be used for.

A decision is attached to every identifier that it was reported with. So a withdrawal stays with the address through
every merge and split, and only a later decision for the same address replaces it.

A channel is a name in upper case; attributes.toml declares the channels. Stored decisions have it in lower case.
"""

import json
from collections.abc import Collection, Iterable
from enum import Enum

from msgspec import Struct

from graph.domain.model.claims import is_claimed
from graph.domain.model.errors import Problem
from graph.domain.model.facts import Fact, FactKind
from graph.domain.model.observations import Observation, Party
from graph.domain.model.validation import check_text

EVERY_CHANNEL = ""
"""The channel of a decision that holds for every channel."""


class Decision(Enum):
    """The decisions, from the least restrictive to the most restrictive."""

    NONE = "none"
    GIVEN = "given"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class ConsentStatement(Struct, frozen=True, gc=False):
    """A decision on a purpose, for a channel or for `EVERY_CHANNEL`."""

    source: str
    identifiers: tuple[tuple[str, str], ...]
    purpose: str
    decision: Decision
    channel: str = EVERY_CHANNEL
    policy_version: str = ""
    id: str = ""
    party: Party = Party.FIRST_PARTY
    decided_at: int | None = None

    def observation(self) -> Observation:
        """The statement as an observation."""
        values = [self.purpose, self.channel.lower(), self.decision.value, self.policy_version]
        facts = json.dumps(values, ensure_ascii=False)
        kind = FactKind.CONSENT.value
        return Observation(self.source, self.identifiers, self.id, self.party, self.decided_at, facts=facts, kind=kind)


def check_consent(statement: ConsentStatement, purposes: Collection[str], channels: Collection[str]) -> Problem | None:
    """What is wrong with a decision; `purposes` and `channels` are the declared ones."""
    if problem := check_purpose(statement.purpose, purposes):
        return problem
    if statement.decision is Decision.NONE:
        return Problem("INVALID_VALUE", "decision is NONE; GIVEN, REFUSED or WITHDRAWN is required", ("decision",))
    if statement.channel != EVERY_CHANNEL and (problem := check_channel(statement.channel, channels)):
        return problem
    if statement.policy_version and (problem := check_text("policyVersion", statement.policy_version, 100)):
        return problem
    return None


def check_purpose(purpose: str, purposes: Collection[str]) -> Problem | None:
    """What is wrong with the name of a purpose."""
    if purpose not in purposes:
        known = ", ".join(purposes)
        return Problem("UNKNOWN_PURPOSE", f"purpose {purpose[:60]!r} is unknown; known are {known}", ("purpose",))
    return None


def check_channel(channel: str, channels: Collection[str]) -> Problem | None:
    """What is wrong with the name of a channel. An empty name is unknown: it must not mean every channel."""
    if channel not in channels:
        known = ", ".join(channels)
        return Problem("UNKNOWN_CHANNEL", f"channel {channel[:60]!r} is unknown; known are {known}", ("channel",))
    return None


class RecordedDecision(Struct, frozen=True, gc=False):
    """A decision as it was reported for an address, for a channel or for `EVERY_CHANNEL`.

    `observation_id` is the id of the observation that reports it.
    """

    key: str
    purpose: str
    channel: str
    decision: Decision
    decided_at: int
    source: str
    party: Party
    policy_version: str
    observation_id: str

    @classmethod
    def of(cls, fact: Fact) -> "RecordedDecision":
        """The decision in a fact."""
        purpose, channel, decision, version = json.loads(fact.facts)
        chosen = Decision(decision)
        return cls(fact.key, purpose, channel.upper(), chosen, fact.at, fact.source, fact.party, version, fact.id)


_STRICTNESS = {decision: rank for rank, decision in enumerate(Decision)}


def decisions(facts: Iterable[Fact]) -> list[RecordedDecision]:
    """All decisions that count, newest first; of those at the same time the most restrictive first."""
    recorded = [(decision, fact.recency) for fact in facts if _counts(decision := RecordedDecision.of(fact))]
    recorded.sort(key=lambda pair: (-pair[0].decided_at, -_STRICTNESS[pair[0].decision], pair[1]))
    return [decision for decision, _ in recorded]


def _counts(decision: RecordedDecision) -> bool:
    """Whether a decision counts: nobody consents for an address that is only claimed, but anybody may say no for it."""
    return decision.decision is not Decision.GIVEN or not is_claimed(decision.source)


def decision_of_address(
    newest_first: Iterable[RecordedDecision], key: str, purpose: str, channel: str = EVERY_CHANNEL
) -> RecordedDecision | None:
    """The decision in effect for an address: the newest that names it, for this channel or for every channel.

    For `EVERY_CHANNEL`: the newest decision for every channel.
    """
    for decision in newest_first:
        if decision.key == key and decision.purpose == purpose and decision.channel in (EVERY_CHANNEL, channel):
            return decision
    return None


def decision_of_customer(
    newest_first: list[RecordedDecision], purpose: str, channel: str = EVERY_CHANNEL
) -> RecordedDecision | None:
    """The decision in effect for a customer: the most restrictive of those in effect for its addresses.

    Addresses without a decision are ignored.
    """
    keys = dict.fromkeys(decision.key for decision in newest_first)
    by_address = (decision_of_address(newest_first, key, purpose, channel) for key in keys)
    in_effect = [decision for decision in by_address if decision is not None]
    return max(in_effect, key=lambda decision: (_STRICTNESS[decision.decision], decision.decided_at), default=None)
