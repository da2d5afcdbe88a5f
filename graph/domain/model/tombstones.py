"""Tombstones: identifiers that must not be stored, known by a keyed hash only.

A tombstone is an input of the resolution rule (docs/internals/resolution-rule.md, step 1): whatever was seen before an
erasure loses the erased identifier, whenever it arrives.
"""

import hmac
from collections.abc import Mapping
from enum import Enum

from msgspec import Struct, field
from msgspec.structs import replace

from graph.domain.model.observations import Observation, Party
from graph.domain.model.receipts import ObservationKey

HASH_NAME = "sha256"
KEYED = "keyed "
"""How the digest begins of an observation of which an erasure has left a part."""


class TombstoneMode(Enum):
    """What may bring an identifier back.

    `ERASED`: a later statement of the person's own, from a source that `returning` in the rules names. `SUPPRESSED`:
    nothing but lifting the suppression.
    """

    ERASED = "erased"
    SUPPRESSED = "suppressed"


class Tombstone(Struct, frozen=True, gc=False):
    """An identifier that was erased or suppressed at the time `at`, in microseconds.

    `hash` is a keyed hash of the identifier (`TombstoneKeys`), made with the key `key_version`. `rules_version` is the
    version of the rules that normalized it, `erasure_id` the erasure or suppression that it belongs to. What was seen
    after `lifted_at` is not dropped.
    """

    hash: str
    namespace: str
    at: int
    mode: TombstoneMode
    key_version: int
    rules_version: int
    erasure_id: str = ""
    lifted_at: int | None = None

    def drops(self, observation: Observation, seen_at: int, returning: frozenset[str]) -> bool:
        """Whether an observation loses the identifier; `seen_at` is the time that counts, in microseconds.

        A statement without a time of its own may be a repeat of an old one, so it brings nobody back.
        """
        if seen_at <= self.at:
            return True
        if self.lifted_at is not None and seen_at > self.lifted_at:
            return False
        returns = (
            self.mode is TombstoneMode.ERASED
            and observation.party is Party.FIRST_PARTY
            and observation.confidence is None
            and observation.seen_at is not None
            and observation.source in returning
        )
        return not returns

    def lifted(self, at: int) -> "Tombstone":
        """Return the tombstone as it is once it was lifted at a time."""
        return replace(self, lifted_at=max(at, self.at))


def combined(before: Tombstone | None, after: Tombstone) -> Tombstone:
    """Return the tombstone of an identifier that has one already: it drops what either drops.

    The later one counts; a suppression holds until it is lifted.
    """
    if before is None:
        return after
    later = max(after, before, key=lambda tombstone: tombstone.at)
    suppressed = any(
        tombstone.mode is TombstoneMode.SUPPRESSED and tombstone.lifted_at is None for tombstone in (before, after)
    )
    return replace(later, mode=TombstoneMode.SUPPRESSED, lifted_at=None) if suppressed else later


class TombstoneKeys(Struct, frozen=True, gc=False):
    """The secrets that tombstones are made with, by version; new tombstones use `current`.

    They are kept outside the store: whoever has the store alone cannot find out whether somebody was erased.
    """

    secrets: Mapping[int, bytes] = field(default_factory=dict)
    current: int = 0

    def __bool__(self) -> bool:
        return bool(self.secrets)

    def hash(self, key: str) -> str:
        """Return the hash of an identifier under the current secret: HMAC-SHA-256 (RFC 2104), in hexadecimal."""
        return _hash(self.secrets[self.current], key)

    def hashes(self, key: str) -> tuple[str, ...]:
        """Return the hashes of an identifier under all secrets."""
        return tuple(_hash(secret, key) for secret in self.secrets.values())

    def observation_ids(self, key: ObservationKey) -> tuple[str, ...]:
        """Return the ids under which what is left of an observation may be stored, that of the current secret first."""
        versions = sorted(self.secrets, key=lambda version: version != self.current)
        return tuple(f"erased-{_hash(self.secrets[version], _named(key))[:32]}" for version in versions)

    def digest(self, digest: str) -> str:
        """Return the keyed form of the digest of an observation, which itself would tell what was erased."""
        # Under the oldest secret, which is never removed, so that it stays the same.
        return KEYED + _hash(self.secrets[min(self.secrets)], f"digest {digest}")[:32]


def _named(key: ObservationKey) -> str:
    # The length of the source, because both parts may contain any character.
    source, id = key
    return f"observation {len(source)} {source} {id}"


def _hash(secret: bytes, text: str) -> str:
    return hmac.digest(secret, text.encode(), HASH_NAME).hex()
