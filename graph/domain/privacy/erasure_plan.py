"""The plan of an erasure: what goes, what is kept and why, and who else is touched."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum

from msgspec import Struct, field, to_builtins
from msgspec.structs import replace

from graph.domain.model.erasures import KeptCount
from graph.domain.model.identifiers import namespace_of
from graph.domain.model.json_text import ordered
from graph.domain.model.links import LinkState
from graph.domain.model.observations import EvidenceTier
from graph.domain.model.rules import ORDER_NAMESPACE, Rules
from graph.domain.model.store_values import Region
from graph.domain.model.tombstones import TombstoneMode


class KeptReason(Enum):
    """Why an identifier of an erased customer is kept."""

    SHARED = "SHARED"
    BLOCKED = "BLOCKED"
    USED_BY_OTHERS = "USED_BY_OTHERS"


class KeptIdentifier(Struct, frozen=True, gc=False):
    """An identifier that is kept, why, and the ids of the customers that use it too."""

    key: str
    reason: KeptReason
    customers: tuple[str, ...] = ()


class OrderHold(Struct, frozen=True, gc=False):
    """Orders are kept without a person until a time in microseconds, on a ground such as a law."""

    until: int
    ground: str


class ErasurePlan(Struct, frozen=True):
    """What an erasure does, as long as nothing changes.

    `customers` are the ids that are erased, live and retired, `identifiers` the keys. `whole` are observations that go
    whole, by kind, `parts` those that others keep a part of. `overrides` are the ids of those that go, `segments` the
    segments that the customer leaves. `entries` counts the entries of the history that lose values. `others` are the
    ids of customers that share statements with the person. `orders` are the numbers of the orders that are held.
    """

    mode: TombstoneMode
    customers: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ()
    kept: tuple[KeptIdentifier, ...] = ()
    whole: Mapping[str, int] = field(default_factory=dict)
    parts: int = 0
    overrides: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    entries: int = 0
    others: tuple[str, ...] = ()
    orders: tuple[str, ...] = ()
    hold: OrderHold | None = None
    mentions: tuple[str, ...] = ()
    """The other customers in whose texts the person may be named, for somebody to look at; not part of the hash."""

    @property
    def hash(self) -> str:
        """The SHA-256 of who and what is erased, as canonical JSON, in hexadecimal: what a confirmation names.

        It does not depend on how many statements there are: those of an active customer change all the time.
        """
        named = replace(self, mentions=(), whole={}, parts=0, entries=0)
        return hashlib.sha256(ordered(to_builtins(named)).encode()).hexdigest()

    @property
    def counts(self) -> dict[str, int]:
        """How much goes, by what it is."""
        counts = {
            "customers": len(self.customers),
            "identifiers": len(self.identifiers),
            "partial_observations": self.parts,
            "overrides": len(self.overrides),
            "memberships": len(self.segments),
            "history_entries": self.entries,
            "held_orders": len(self.orders),
            **{f"{kind or 'observation'}_observations": count for kind, count in self.whole.items()},
        }
        return {name: count for name, count in counts.items() if count}

    @property
    def kept_counts(self) -> tuple[KeptCount, ...]:
        """How many identifiers are kept, without their values."""
        counts: dict[tuple[str, str], int] = {}
        for kept in self.kept:
            group = namespace_of(kept.key), kept.reason.value
            counts[group] = counts.get(group, 0) + 1
        return tuple(KeptCount(*group, count) for group, count in sorted(counts.items()))


def kept_identifiers(keys: Iterable[str], region: Region, rules: Rules) -> list[KeptIdentifier]:
    """Return the identifiers of a customer that are not only its own; `region` is what they are connected with.

    A shared or blocked one belongs to nobody. A device or a cookie with a suspended link to another customer is used by
    both. What identifies a person (`known` namespaces) and orders go in any case.
    """
    users = _other_users(keys, region)
    own = frozenset(rules.known_namespaces) | {ORDER_NAMESPACE}
    kept: list[KeptIdentifier] = []
    for key in sorted(keys):
        member = region.members[key]
        if member.shared:
            kept.append(KeptIdentifier(key, KeptReason.SHARED))
        elif member.blocked:
            kept.append(KeptIdentifier(key, KeptReason.BLOCKED))
        elif key in users and namespace_of(key) not in own:
            kept.append(KeptIdentifier(key, KeptReason.USED_BY_OTHERS, users[key]))
    return kept


def _other_users(keys: Iterable[str], region: Region) -> dict[str, tuple[str, ...]]:
    """Return the ids of the other customers that each identifier has a suspended link with, which is no guess."""
    inside = frozenset(keys)
    users: dict[str, set[str]] = {}
    for pair, link in region.links.items():
        if link.state is not LinkState.SUSPENDED or link.tier is EvidenceTier.PROBABILISTIC:
            continue
        for key, other in (pair, pair[::-1]):
            if key in inside and other not in inside and (id := _customer_of(other, region)):
                users.setdefault(key, set()).add(id)
    return {key: tuple(sorted(ids)) for key, ids in users.items()}


def _customer_of(key: str, region: Region) -> str:
    member = region.members.get(key)
    return "" if member is None or member.customer is None else region.customers[member.customer].id


def kinds_of(kinds: Sequence[str]) -> dict[str, int]:
    """Return how often each kind of facts occurs, by kind."""
    return {kind: kinds.count(kind) for kind in sorted(set(kinds))}
