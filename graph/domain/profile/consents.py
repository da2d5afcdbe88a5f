"""Consent: decisions on what an address may be used for.

A decision is attached to every identifier that it was reported with. So a withdrawal stays with the address through
every merge and split, and only a later decision for the same address replaces it.

A channel is a name in upper case; attributes.toml declares the channels. Stored decisions have it in lower case.
"""

import hashlib
import json
from collections.abc import Collection, Iterable
from enum import Enum
from typing import Any

from msgspec import Struct

from graph.domain.model.claims import is_claimed
from graph.domain.model.errors import Problem
from graph.domain.model.facts import Fact, FactKind
from graph.domain.model.observations import Observation, Party
from graph.domain.model.receipts import Receipt
from graph.domain.model.validation import check_language, check_text, check_time

EVERY_CHANNEL = ""
"""The channel of a decision that holds for every channel."""


class Decision(Enum):
    """The decisions, from the least restrictive to the most restrictive."""

    NONE = "none"
    GIVEN = "given"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class ConsentMethod(Enum):
    """How a decision was collected."""

    FORM = "form"
    DOUBLE_OPT_IN = "double_opt_in"
    PREFERENCE_CENTER = "preference_center"
    VERBAL = "verbal"
    PAPER = "paper"
    CMP = "cmp"
    API = "api"
    IMPORTED = "imported"
    INTERACTION = "interaction"
    """It follows from an interaction, such as unsubscribing in an email."""


MAX_EVIDENCE_LENGTH = 2_000
"""Characters of the evidence of a decision."""
MAX_CONSENT_TEXT_LENGTH = 20_000
"""Characters of the text that a person saw."""


class ConsentStatement(Struct, frozen=True, gc=False):
    """A decision on a purpose, for a channel or for `EVERY_CHANNEL`, with how it was collected.

    `requested_at` and `confirmed_at` are the times of a double opt-in, in microseconds. `policy_text` is what the
    person saw in `language`, unless `policy_version` names it. With a `tc_string`, the string states the decision: on
    `purpose`, or on every purpose that is declared for TCF purposes.
    """

    source: str
    identifiers: tuple[tuple[str, str], ...]
    purpose: str = ""
    decision: Decision = Decision.NONE
    channel: str = EVERY_CHANNEL
    policy_version: str = ""
    id: str = ""
    party: Party = Party.FIRST_PARTY
    decided_at: int | None = None
    method: ConsentMethod | None = None
    evidence: str = ""
    collected_by: str = ""
    requested_at: int | None = None
    confirmed_at: int | None = None
    language: str = ""
    policy_text: str = ""
    tc_string: str = ""

    def observation(self) -> Observation:
        """The statement as an observation. Of the text it has the hash: the text is stored once for all decisions."""
        values: list[Any] = [self.purpose, self.channel.lower(), self.decision.value, self.policy_version]
        details = {
            "method": None if self.method is None else self.method.value,
            "evidence": self.evidence,
            "collectedBy": self.collected_by,
            "requestedAt": self.requested_at,
            "confirmedAt": self.confirmed_at,
            "language": self.language,
            "text": text_hash(self.policy_text) if self.policy_text else "",
            "tcString": self.tc_string,
        }
        if stated := {name: value for name, value in details.items() if value not in (None, "")}:
            # Decisions without them have the content, and so the id, that they have always had.
            values.append(stated)
        facts = json.dumps(values, ensure_ascii=False)
        kind = FactKind.CONSENT.value
        return Observation(self.source, self.identifiers, self.id, self.party, self.decided_at, facts=facts, kind=kind)


def text_hash(text: str) -> str:
    """The SHA-256 of a consent text, in hexadecimal digits; also of one that no store can hold, which is rejected."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def check_consent(
    statement: ConsentStatement, purposes: Collection[str], channels: Collection[str], now: int
) -> Problem | None:
    """What is wrong with a decision; `purposes` and `channels` are the declared ones, `now` in microseconds."""
    if problem := check_purpose(statement.purpose, purposes):
        return problem
    if statement.decision is Decision.NONE:
        message = "decision is missing or NONE; GIVEN, REFUSED or WITHDRAWN is required"
        return Problem("INVALID_VALUE", message, ("decision",))
    if statement.channel != EVERY_CHANNEL and (problem := check_channel(statement.channel, channels)):
        return problem
    for name, value, length in (
        ("policyVersion", statement.policy_version, 100),
        ("evidence", statement.evidence, MAX_EVIDENCE_LENGTH),
        ("collectedBy", statement.collected_by, 200),
        ("policyText", statement.policy_text, MAX_CONSENT_TEXT_LENGTH),
    ):
        if value and (problem := check_text(name, value, length)):
            return problem
    if statement.language and (problem := check_language("language", statement.language)):
        return problem
    return _check_double_opt_in(statement, now)


def _check_double_opt_in(statement: ConsentStatement, now: int) -> Problem | None:
    requested_at, confirmed_at = statement.requested_at, statement.confirmed_at
    for name, value in (("requestedAt", requested_at), ("confirmedAt", confirmed_at)):
        if value is None:
            continue
        if statement.method is not ConsentMethod.DOUBLE_OPT_IN:
            method = "missing" if statement.method is None else statement.method.name
            return Problem("INVALID_VALUE", f"{name} requires the method DOUBLE_OPT_IN; method is {method}", (name,))
        if problem := check_time(name, value, now):
            return problem
    if requested_at is not None and confirmed_at is not None and confirmed_at < requested_at:
        return Problem("INVALID_VALUE", "confirmedAt is before requestedAt", ("confirmedAt",))
    is_given_by_it = statement.method is ConsentMethod.DOUBLE_OPT_IN and statement.decision is Decision.GIVEN
    if is_given_by_it and confirmed_at is None:
        message = "confirmedAt is missing; consent by double opt-in is given once it is confirmed"
        return Problem("INVALID_VALUE", message, ("confirmedAt",))
    return None


def check_purpose(purpose: str, purposes: Collection[str]) -> Problem | None:
    """What is wrong with the name of a purpose."""
    if purpose not in purposes:
        known = ", ".join(purposes)
        named = f"purpose {purpose[:60]!r} is unknown" if purpose else "purpose is missing"
        return Problem("UNKNOWN_PURPOSE", f"{named}; known are {known}", ("purpose",))
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
        purpose, channel, decision, version, *_ = json.loads(fact.facts)
        chosen = Decision(decision)
        return cls(fact.key, purpose, channel.upper(), chosen, fact.at, fact.source, fact.party, version, fact.id)


class StatedConsent(Struct, frozen=True, gc=False):
    """A decision with how it was collected, as its source stated it. Times are in microseconds.

    `text` is the SHA-256 of the text that the source sent along, empty if it only named a version of it.
    """

    purpose: str
    channel: str
    decision: Decision
    policy_version: str
    method: ConsentMethod | None = None
    evidence: str = ""
    collected_by: str = ""
    requested_at: int | None = None
    confirmed_at: int | None = None
    language: str = ""
    text: str = ""
    tc_string: str = ""

    @classmethod
    def of(cls, receipt: Receipt) -> "StatedConsent":
        """The decision of a receipt, from what was sent."""
        sent = Observation.from_sent(receipt.source, receipt.id, receipt.sent)
        purpose, channel, decision, version, *more = json.loads(sent.facts)
        details: dict[str, Any] = more[0] if more else {}
        method = details.get("method")
        return cls(
            purpose,
            channel.upper(),
            Decision(decision),
            version,
            None if method is None else ConsentMethod(method),
            details.get("evidence", ""),
            details.get("collectedBy", ""),
            details.get("requestedAt"),
            details.get("confirmedAt"),
            details.get("language", ""),
            details.get("text", ""),
            details.get("tcString", ""),
        )


_STRICTNESS = {decision: rank for rank, decision in enumerate(Decision)}


def decisions(facts: Iterable[Fact]) -> list[RecordedDecision]:
    """All decisions that count, newest first; of those at the same time the most restrictive first."""
    recorded = [(decision, fact.recency) for fact in facts if _counts(decision := RecordedDecision.of(fact))]
    recorded.sort(key=lambda pair: (-pair[0].decided_at, -_STRICTNESS[pair[0].decision], pair[1]))
    return [decision for decision, _ in recorded]


def _counts(decision: RecordedDecision) -> bool:
    """Whether a decision counts: nobody consents for an address that is only claimed, but anybody may say no for it."""
    return decision.decision is not Decision.GIVEN or not is_claimed(decision.source)


class ConsentsInEffect:
    """The decisions in effect for every channel, by identifier and purpose."""

    def __init__(self) -> None:
        self._newest: dict[tuple[str, str], tuple[int, int]] = {}

    def add(self, decision: RecordedDecision) -> None:
        """Add a decision; one for a channel alone says nothing of the others."""
        if decision.channel != EVERY_CHANNEL or not _counts(decision):
            return
        name, rank = (decision.key, decision.purpose), (decision.decided_at, _STRICTNESS[decision.decision])
        self._newest[name] = max(rank, self._newest.get(name, rank))

    def is_given(self, key: str, purpose: str) -> bool:
        """Whether consent for a purpose is given at an identifier."""
        newest = self._newest.get((key, purpose))
        return newest is not None and newest[1] == _STRICTNESS[Decision.GIVEN]


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
