"""Facts that hang on identifiers (design.md §3): what a source reports beside the identifiers that it saw together.

A report is an observation of all its identifiers; the fact in it hangs on the strongest of them, a decision on consent
on every one. So merges and splits move nothing, and what is told of a customer is what its identifiers carry.
"""

import json
from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from msgspec import Struct

from graph.domain.model.identifiers import namespace_of
from graph.domain.model.observations import Tier
from graph.domain.model.rules import Rules


class FactKind(Enum):
    """What an observation tells beside its identifiers."""

    NONE = ""
    ORDER = "order"
    ATTRIBUTES = "attributes"
    CONSENT = "consent"
    INTERACTION = "interaction"
    OUTSIDE = "outside"


class Told(Struct, frozen=True, gc=False):
    """A valid fact at the identifier that it hangs on. `at` is the time it was stated for, in microseconds."""

    key: str
    at: int
    source: str
    id: str
    tier: Tier
    facts: str

    @property
    def recency(self) -> tuple[int, int, str, str, str]:
        """Of several the smallest is the newest; at the same time the nearer party, then by name."""
        return -self.at, self.tier.value, self.source, self.id, self.key


class Detail(NamedTuple):
    """What of an interaction lists filter by; empty for other facts."""

    type: str = ""
    channel: str = ""
    campaign: str = ""
    sku: str = ""


NO_DETAIL = Detail()


class Skimmed(NamedTuple):
    """As much of an interaction as is read of many at once. `at` is in microseconds."""

    at: int
    type: str
    channel: str = ""
    campaign: str = ""
    sku: str = ""


def detail(kind: str, facts: str) -> Detail:
    """What of facts lists filter by."""
    if not facts or kind != FactKind.INTERACTION.value:
        return NO_DETAIL
    values = json.loads(facts)
    return Detail(*(str(values.get(name, "")) for name in Detail._fields))


def carriers(kind: FactKind, keys: Sequence[str], rules: Rules) -> tuple[str, ...]:
    """The identifiers of an observation on which its fact hangs; orders hang on their own number."""
    if kind in (FactKind.NONE, FactKind.ORDER) or not keys:
        return ()
    if kind is FactKind.CONSENT:
        return tuple(keys)
    return (min(keys, key=lambda key: (rules.rank[namespace_of(key)], key)),)
