"""Facts: what a source reports beside the identifiers that it saw together.

A report is an observation of all its identifiers. Its fact is attached to the strongest of them; a consent decision is
attached to each of them. So merges and splits move no facts: the facts of a customer are those of its identifiers.
"""

import json
from collections.abc import Sequence
from enum import Enum
from typing import Any, NamedTuple

from msgspec import Struct

from graph.domain.model.cleaning import clean, clean_value
from graph.domain.model.identifiers import namespace_of
from graph.domain.model.json_text import ordered, parse_stored
from graph.domain.model.observations import ATTRIBUTES, ORDER, EvidenceStatement, Observation, Party
from graph.domain.model.rules import Rules


class FactKind(Enum):
    """The kind of fact that an observation reports beside its identifiers."""

    NONE = ""
    ORDER = ORDER
    ATTRIBUTES = ATTRIBUTES
    CONSENT = "consent"
    INTERACTION = "interaction"
    EXTERNAL_SEGMENT = "external_segment"


class Fact(Struct, frozen=True, gc=False):
    """A valid fact at the identifier that it is attached to. `at` is the time it was reported for, in microseconds."""

    key: str
    at: int
    source: str
    id: str
    party: Party
    facts: str

    @property
    def recency(self) -> tuple[int, int, str, str, str]:
        """The key to order facts by, newest first; at equal times the nearer party, then names decide."""
        return -self.at, self.party.value, self.source, self.id, self.key


class Detail(NamedTuple):
    """The fields of an interaction that lists filter by; empty for other facts."""

    type: str = ""
    channel: str = ""
    campaign: str = ""
    sku: str = ""


NO_DETAIL = Detail()


class InteractionSummary(NamedTuple):
    """The fields of an interaction that are read for many at once. `occurred_at` is in microseconds."""

    occurred_at: int
    type: str
    channel: str = ""
    campaign: str = ""
    sku: str = ""


def detail(kind: str, facts: str) -> Detail:
    """Return the fields of a fact, given as JSON text, that lists filter by."""
    if not facts or kind != FactKind.INTERACTION.value:
        return NO_DETAIL
    values = parse_stored(facts)
    return Detail(*(str(values.get(name, "")) for name in Detail._fields))


FREE_TEXTS: dict[str, tuple[str, ...]] = {FactKind.INTERACTION.value: ("text", "properties")}
"""The fields of facts, by kind, in which a sender may write anything."""
EVIDENCE = ("evidence", "collectedBy", "tcString")
"""The fields of consent decisions, beside what was decided, in which a sender may write anything."""


def without_free_text(kind: str, facts: str) -> str:
    """Return the facts of a kind, given as JSON text, without what may name anybody."""
    if facts and kind == FactKind.CONSENT.value:
        return _without_evidence(facts)
    names = FREE_TEXTS.get(kind, ())
    if not facts or not names:
        return facts
    values = parse_stored(facts)
    return ordered({name: value for name, value in values.items() if name not in names})


def _without_evidence(facts: str) -> str:
    """Return a consent decision without what its source says of how it was collected, except the method and times."""
    values = json.loads(facts)
    stated, details = values[:4], dict(values[4]) if len(values) > 4 else {}
    for name in EVIDENCE:
        details.pop(name, None)
    return json.dumps([*stated, details] if details else stated, ensure_ascii=False)


def stored_facts(observation: Observation) -> str:
    """Return the facts of an observation as they count: those of attributes with cleaned values."""
    if observation.kind != FactKind.ATTRIBUTES.value:
        return observation.facts
    sent = json.loads(observation.facts)
    # A text of nothing but invisible characters, which earlier versions accepted, says nothing.
    cleaned = {name: _cleaned(value) or None for name, value in sent.items()}
    return observation.facts if cleaned == sent else ordered(cleaned)


def _cleaned(value: Any) -> Any:
    if isinstance(value, dict):
        return {part: _cleaned(text) for part, text in value.items()}
    if not isinstance(value, str):
        return value
    try:
        return clean_value(value, is_identifier=False)
    except ValueError:
        return clean(value)  # a value that an earlier version accepted


def evidence_statement(observation: Observation, keys: Sequence[str], seen_at: int, rules: Rules) -> EvidenceStatement:
    """Return what resolution needs of a valid observation that names `keys` under the rules."""
    attributes = holder = ""
    if observation.kind == FactKind.ATTRIBUTES.value:
        attributes, (holder,) = stored_facts(observation), fact_holders_of(FactKind.ATTRIBUTES, keys, rules)
    return EvidenceStatement(
        observation.source,
        observation.id,
        tuple(keys),
        observation.tier,
        seen_at,
        observation.confidence,
        attributes,
        holder,
    )


def fact_holders_of(kind: FactKind, keys: Sequence[str], rules: Rules) -> tuple[str, ...]:
    """Return the keys of an observation that its fact is attached to; none for orders, which have their own key."""
    if kind in (FactKind.NONE, FactKind.ORDER) or not keys:
        return ()
    if kind is FactKind.CONSENT:
        return tuple(keys)
    return (min(keys, key=lambda key: (rules.rank[namespace_of(key)], key)),)
