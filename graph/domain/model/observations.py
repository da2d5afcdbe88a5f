"""Observations: the identifiers that a source saw together, and their normal form under the rules.

All times are whole microseconds since 1970-01-01T00:00Z.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any

from msgspec import MsgspecError, Struct, field
from msgspec.json import Decoder

from graph.domain.model.composites import raw_values
from graph.domain.model.errors import Problem
from graph.domain.model.json_text import compact, spaced
from graph.domain.model.rules import DroppedIdentifier, Rules
from graph.domain.model.validation import check_text, check_time

MAX_IDENTIFIERS = 20
MAX_SOURCE_LENGTH = 100
"""Characters of the name of a source, with the end that marks claims."""
"""Identifiers per observation."""

ORDER = "order"
"""The kind of facts of an order; the other kinds are in `facts.py`."""
ATTRIBUTES = "attributes"
"""The kind of facts of a statement of attributes."""


class Party(IntEnum):
    """The relation of a source to the company: its own data, a partner's, or bought data."""

    FIRST_PARTY = 0
    SECOND_PARTY = 1
    THIRD_PARTY = 2


PARTIES = tuple(Party)
"""Members by value, as `TIERS`."""
_PARTY_NAMES = tuple(party.name for party in Party)


class EvidenceTier(IntEnum):
    """The strength of a statement, the smaller the stronger. The first three are those of the parties."""

    FIRST_PARTY = 0
    SECOND_PARTY = 1
    THIRD_PARTY = 2
    PROBABILISTIC = 3

    @property
    def party(self) -> Party | None:
        """The party of the source; `None` for a probabilistic statement, which has the same tier from any party."""
        return None if self is EvidenceTier.PROBABILISTIC else PARTIES[self]


TIERS = tuple(EvidenceTier)
"""Members by value: a look-up through the class takes as long as decoding the rest of a row."""


class Observation(Struct, frozen=True, gc=False):
    """An observation as its source sent it.

    `id` is the source's own, or empty: then the digest of all fields sent is the id. Without `seen_at`, the time of
    first receipt counts, and is not compared. `facts` are the facts reported beside the identifiers, as JSON text, and
    `kind` is their kind (`FactKind`); both are part of the digest.
    """

    source: str
    identifiers: tuple[tuple[str, str], ...]
    id: str = ""
    party: Party = Party.FIRST_PARTY
    seen_at: int | None = None
    confidence: float | None = None
    evidence: str = ""
    facts: str = ""
    kind: str = ""

    @property
    def digest(self) -> str:
        """The digest of all that was sent except the id; the order of the identifiers does not matter."""
        sent = [
            self.source,
            int(self.party),
            self.seen_at,
            sorted(set(self.identifiers)),
            self.confidence,
            self.evidence,
            self.facts,
        ]
        if self.kind not in ("", ORDER):
            sent.append(self.kind)
        text = spaced(sent) if self.confidence is None else json.dumps(sent).encode()
        return hashlib.blake2b(text, digest_size=16).hexdigest()

    @property
    def tier(self) -> EvidenceTier:
        """The tier: a statement with a confidence is probabilistic, whatever its party (step 2)."""
        return TIERS[self.party] if self.confidence is None else EvidenceTier.PROBABILISTIC

    def as_sent(self) -> str:
        """Return all that was sent, as JSON text. Stores keep it, so that it can be reprocessed under other rules."""
        sent: dict[str, Any] = {"identifiers": self.identifiers, "party": _PARTY_NAMES[self.party]}
        if self.seen_at is not None:
            sent["seen_at"] = self.seen_at
        if self.confidence is not None:
            sent["confidence"] = self.confidence
        for name, value in (("evidence", self.evidence), ("facts", self.facts), ("kind", self.kind)):
            if value and value != ORDER:
                sent[name] = value
        return compact(sent)

    @classmethod
    def from_sent(cls, source: str, id: str, sent: str) -> "Observation":
        """Parse the text that `as_sent` returned."""
        values = json.loads(sent)
        values["identifiers"] = tuple((namespace, value) for namespace, value in values["identifiers"])
        values["party"] = Party[values["party"]]
        # `as_sent` leaves out the kind of orders.
        values.setdefault("kind", ORDER if "facts" in values else "")
        return cls(source=source, id=id, **values)


class _SentFacts(Struct, gc=False):
    facts: str = ""


_decode_facts = Decoder(_SentFacts).decode


def facts_sent(sent: str) -> str:
    """Return the facts in the text of an observation, without reading its other parts."""
    try:
        return _decode_facts(sent).facts
    except (MsgspecError, UnicodeError):
        facts: str = json.loads(sent).get("facts", "")  # what an earlier version accepted
        return facts


class NormalizedObservation(Struct, frozen=True, gc=False):
    """An observation under the rules: its keys (sorted), the dropped identifiers, or why it is rejected as a whole."""

    keys: tuple[str, ...]
    dropped: tuple[DroppedIdentifier, ...] = ()
    rejected: Problem | None = None


def identifiers_of(observation: Observation, rules: Rules) -> Sequence[tuple[str, str]]:
    """Return the identifiers of an observation as they were sent, and those that its attributes make up."""
    if not rules.composites or observation.kind != ATTRIBUTES:
        return observation.identifiers
    return *observation.identifiers, *raw_values(observation.facts, rules.composite_parts)


def normalize(observation: Observation, rules: Rules) -> NormalizedObservation:
    """Normalize values, drop blocked ones and check the limits (step 1). The result depends on the rules only."""
    keys: list[str] = []
    counts: dict[str, int] = {}
    dropped: list[DroppedIdentifier] = []
    by_name, normalize_value, source = rules.by_name, rules.normalize_value, observation.source
    for index, (namespace, raw) in enumerate(identifiers_of(observation, rules)):
        if namespace not in by_name:
            return NormalizedObservation(
                (),
                rejected=Problem(
                    "UNKNOWN_NAMESPACE",
                    rules.unknown(namespace),
                    ("identifiers", index, "namespace"),
                ),
            )
        value = normalize_value(namespace, raw, source)
        if isinstance(value, DroppedIdentifier):
            dropped.append(value)
            continue
        # As `Identifier.key`, without the identifier: this runs for each one that arrives.
        key = f"{namespace}={value}"
        if key not in keys:
            keys.append(key)
            counts[namespace] = counts.get(namespace, 0) + 1
    # One value of each namespace is within any limit.
    for namespace, count in counts.items() if len(counts) < len(keys) else ():
        limit = rules.limits.get(namespace)
        if limit is not None and count > limit:
            message = f"names {count} values of {namespace}; a customer has at most {limit}"
            return NormalizedObservation(
                (), tuple(dropped), Problem("NAMESPACE_LIMIT_EXCEEDED", message, ("identifiers",))
            )
    if not keys:
        reasons = "; ".join(f"{d.namespace} {d.value!r} {d.reason}" for d in dropped)
        return NormalizedObservation(
            (), tuple(dropped), Problem("NO_VALID_IDENTIFIERS", f"no valid identifiers: {reasons}", ("identifiers",))
        )
    return NormalizedObservation(tuple(sorted(keys)), tuple(dropped))


REJECTED_BY_RULES = frozenset({"NAMESPACE_LIMIT_EXCEEDED", "NO_VALID_IDENTIFIERS"})
"""Codes that follow from the rules alone: such observations are stored as inactive, and other rules may accept them."""


def check(observation: Observation, now: int) -> Problem | None:
    """Return the problem of an observation, if any, that does not depend on the rules; `now` in microseconds."""
    return check_content(observation) or check_time("seenAt", observation.seen_at, now)


def check_content(observation: Observation) -> Problem | None:
    """Return the problem of an observation, if any, that depends neither on the rules nor on the time."""
    if problem := check_text("source", observation.source, MAX_SOURCE_LENGTH):
        return problem
    if observation.id and (problem := check_text("id", observation.id, 200)):
        return problem
    if observation.evidence and (problem := check_text("evidence", observation.evidence, 1000)):
        return problem
    count = len(observation.identifiers)
    if not 1 <= count <= MAX_IDENTIFIERS:
        return Problem(
            "INVALID_COUNT", f"identifiers holds {count} entries; 1 to {MAX_IDENTIFIERS} are allowed", ("identifiers",)
        )
    confidence = observation.confidence
    if confidence is not None and not 0 <= confidence <= 1:
        return Problem("INVALID_CONFIDENCE", f"confidence is {confidence}; 0 to 1 is allowed", ("confidence",))
    return None


class EvidenceStatement(Struct, frozen=True, gc=False):
    """The part of a valid observation that resolution needs.

    `attributes` are the attributes that it states, as JSON text, and `holder` is the identifier that they are attached
    to; both are empty if it states none.
    """

    source: str
    id: str
    keys: tuple[str, ...]
    tier: EvidenceTier
    seen_at: int
    confidence: float | None = None
    attributes: str = ""
    holder: str = ""

    def meets_threshold(self, min_confidence: float) -> bool:
        """Whether the statement adds a time and a count to a link: not if it is below `min_confidence` (step 2)."""
        return self.confidence is None or self.confidence >= min_confidence


class Evidence(Struct, frozen=True, gc=False):
    """The times, sources and number of all valid observations of an identifier."""

    first_seen_at: int
    last_seen_at: int
    sources: tuple[str, ...]
    observation_count: int = field(default=1)

    def with_observation(self, source: str, seen_at: int) -> "Evidence":
        """Return the evidence with one more observation."""
        sources = self.sources if source in self.sources else tuple(sorted((*self.sources, source)))
        return Evidence(
            min(self.first_seen_at, seen_at), max(self.last_seen_at, seen_at), sources, self.observation_count + 1
        )


def evidence(statements: Mapping[tuple[str, str], EvidenceStatement]) -> Evidence | None:
    """Return the evidence for an identifier from all valid observations that name it; `None` if there are none."""
    if not statements:
        return None
    times = [statement.seen_at for statement in statements.values()]
    sources = tuple(sorted({statement.source for statement in statements.values()}))
    return Evidence(min(times), max(times), sources, len(times))
