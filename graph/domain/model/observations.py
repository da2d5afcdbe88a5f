"""Observations: what a source says it saw together, and what the rules make of it.

All times are whole microseconds since 1970-01-01T00:00Z.
"""

import hashlib
import json
from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from msgspec import Struct, field

from graph.domain.model.errors import Problem
from graph.domain.model.identifiers import Identifier
from graph.domain.model.json_text import compact, spaced
from graph.domain.model.rules import Dropped, Rules
from graph.domain.model.validation import check_text, check_time

MAX_IDENTIFIERS = 20
"""Identifiers of one observation."""

ORDER = "order"
"""The kind of facts that an order is; the other kinds are in `facts.py`."""


class Tier(IntEnum):
    """How near a statement is; the smaller the better. The first three are also the parties."""

    FIRST = 0
    SECOND = 1
    THIRD = 2
    STATISTICAL = 3


TIERS = tuple(Tier)
"""By value: a call of an enumeration takes as long as the rest of a row."""


class Observation(Struct, frozen=True, gc=False):
    """A statement as its source sent it. `party` is one of the first three tiers.

    `id` is the source's own, or empty: then the digest of all fields sent is the id. Without `seen_at` the time of
    first receipt counts, and is not compared. `facts` is what was reported beside the identifiers, as JSON text, and
    `kind` what kind of fact that is (`FactKind`); both take part in the digest.
    """

    source: str
    identifiers: tuple[tuple[str, str], ...]
    id: str = ""
    party: Tier = Tier.FIRST
    seen_at: int | None = None
    confidence: float | None = None
    evidence: str = ""
    facts: str = ""
    kind: str = ""

    @property
    def digest(self) -> str:
        """The digest of all that was sent but the id; the order of the identifiers does not matter."""
        sent = [
            self.source,
            self.party.value,
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
    def tier(self) -> Tier:
        """A statement with a confidence is statistical, whatever its party (step 2)."""
        return self.party if self.confidence is None else Tier.STATISTICAL

    def as_sent(self) -> str:
        """All that was sent, as JSON text: the store keeps it, so that other rules can read it anew."""
        sent: dict[str, Any] = {"identifiers": self.identifiers, "party": self.party.name}
        for name in ("seen_at", "confidence", "evidence", "facts", "kind"):
            value = getattr(self, name)
            if value not in (None, "", ORDER):
                sent[name] = value
        return compact(sent)

    @classmethod
    def from_sent(cls, source: str, id: str, sent: str) -> "Observation":
        """The observation that `as_sent` wrote down."""
        values = json.loads(sent)
        values["identifiers"] = tuple((namespace, value) for namespace, value in values["identifiers"])
        values["party"] = Tier[values["party"]]
        # Before there were other facts, orders did not say what they are.
        values.setdefault("kind", ORDER if "facts" in values else "")
        return cls(source=source, id=id, **values)


class Read(Struct, frozen=True, gc=False):
    """An observation read under the rules: the keys it names (sorted), what was dropped, or why it is refused whole."""

    keys: tuple[str, ...]
    dropped: tuple[Dropped, ...] = ()
    refused: Problem | None = None


def read(observation: Observation, rules: Rules) -> Read:
    """Normalise, drop blocked values, and hold the observation against the limits (step 1). Looks at the rules only."""
    keys: dict[str, None] = {}
    counts: dict[str, int] = {}
    dropped: list[Dropped] = []
    for index, (namespace, raw) in enumerate(observation.identifiers):
        if namespace not in rules.by_name:
            return Read(
                (),
                refused=Problem(
                    "UNKNOWN_NAMESPACE",
                    rules.unknown(namespace),
                    ("identifiers", index, "namespace"),
                ),
            )
        value = rules.clean(namespace, raw)
        if isinstance(value, Dropped):
            dropped.append(value)
            continue
        key = Identifier(namespace, value).key
        if key not in keys:
            keys[key] = None
            counts[namespace] = counts.get(namespace, 0) + 1
    for namespace, count in counts.items():
        limit = rules.limits.get(namespace)
        if limit is not None and count > limit:
            message = f"names {count} values of {namespace}, of which a customer has at most {limit}"
            return Read((), tuple(dropped), Problem("LIMIT_EXCEEDED", message, ("identifiers",)))
    if not keys:
        reasons = "; ".join(f"{d.namespace} {d.value!r} {d.reason}" for d in dropped)
        return Read((), tuple(dropped), Problem("NOTHING_LEFT", f"no identifier is left: {reasons}", ("identifiers",)))
    return Read(tuple(sorted(keys)), tuple(dropped))


REFUSED_BY_RULES = frozenset({"LIMIT_EXCEEDED", "NOTHING_LEFT"})
"""Refusals that the rules alone decide: such observations are stored, inactive, and other rules may take them up."""


def check(observation: Observation, now: int) -> Problem | None:
    """What is wrong with an observation before any rule is looked at; `now` in microseconds."""
    if problem := check_text("source", observation.source, 100):
        return problem
    if observation.id and (problem := check_text("id", observation.id, 200)):
        return problem
    if observation.evidence and (problem := check_text("evidence", observation.evidence, 1000)):
        return problem
    count = len(observation.identifiers)
    if not 1 <= count <= MAX_IDENTIFIERS:
        return Problem(
            "BAD_COUNT", f"identifiers holds {count} entries; 1 to {MAX_IDENTIFIERS} are allowed", ("identifiers",)
        )
    confidence = observation.confidence
    if confidence is not None and not 0 <= confidence <= 1:
        return Problem("BAD_CONFIDENCE", f"confidence is {confidence}; allowed is 0 to 1", ("confidence",))
    return check_time("seenAt", observation.seen_at, now)


class Statement(Struct, frozen=True, gc=False):
    """What resolution needs of a valid observation."""

    source: str
    id: str
    keys: tuple[str, ...]
    tier: Tier
    seen_at: int
    confidence: float | None = None

    def counts(self, accept: float) -> bool:
        """Whether the statement adds time and count to a link: all do but a guess below `accept` (step 2)."""
        return self.confidence is None or self.confidence >= accept


class Evidence(Struct, frozen=True, gc=False):
    """What all valid observations together say of one identifier: times, sources and how many they are."""

    first_seen: int
    last_seen: int
    sources: tuple[str, ...]
    count: int = field(default=1)

    def and_(self, source: str, seen_at: int) -> "Evidence":
        """This and one observation more."""
        sources = self.sources if source in self.sources else tuple(sorted((*self.sources, source)))
        return Evidence(min(self.first_seen, seen_at), max(self.last_seen, seen_at), sources, self.count + 1)


def evidence(statements: Mapping[tuple[str, str], Statement]) -> Evidence | None:
    """The evidence for an identifier from all valid observations that name it; `None` where there is none."""
    if not statements:
        return None
    times = [statement.seen_at for statement in statements.values()]
    sources = tuple(sorted({statement.source for statement in statements.values()}))
    return Evidence(min(times), max(times), sources, len(times))
