"""Numbers of customers for viewers that work with numbers and not with people.

A number is published if at least `k` customers are counted and at least `k` are not; otherwise it would be about the
few. Published numbers are rounded to `k`, after noise was added. The noise follows from the rule by which customers are
counted, from their set, and from a secret. Asking again gives the same number, so nothing is gained by repeating. Two
rules have different noise even if they count the same customers: with the same noise, a number that differs would prove
that the customers differ, and so reveal of one person whether a condition is met.

The noise is that of differential privacy, a difference of two geometric numbers: whether one customer more is counted
makes no number more likely than by a factor of `exp(2 / k)`, which is 1.22 for 10. It is cut off at `2 k`.
"""

import hashlib
import math
from collections.abc import Sequence

DEFAULT_MIN_COUNT = 10
FINGERPRINTED = 1_000
"""Number of members, the first by id, that the noise follows from, beside the number of all."""


_PARTS = 2**32
"""A fingerprint has two parts below this number."""


def fingerprint(secret: str, rule: str, first: Sequence[str], count: int) -> int:
    """Return what noise follows from: a rule, and the set that it counts, by its `first` ids in order and its size."""
    digest = hashlib.blake2b(f"{count} {rule}".encode(), key=hashlib.sha256(secret.encode()).digest(), digest_size=8)
    for id in first[:FINGERPRINTED]:
        digest.update(b"\0" + id.encode())
    return int.from_bytes(digest.digest())


def published(count: int, total: int, k: int, fingerprint: int) -> int | None:
    """Return the number to publish for `count` of `total` customers, `None` if it would be about fewer than `k`.

    It is a multiple of `k`, differs from `count` by `2.5 k` at most, and does not fall as the count grows, for one
    fingerprint.
    """
    if count < k or total - count < k:
        return None
    return min(max(rounded(count + noise(fingerprint, k), k), k), (total - k) // k * k)


def noise(fingerprint: int, k: int) -> int:
    """Return the noise of a fingerprint, within `2 k`; its standard deviation is 0.7 `k`."""
    up, down = (int(-math.log((part + 1) / _PARTS) * k / 2) for part in divmod(fingerprint, _PARTS))
    return min(max(up - down, -2 * k), 2 * k)


def published_total(total: int, k: int) -> int | None:
    """Return the number to publish for all customers: rounded down to `k`, `None` for fewer than `k`."""
    return total // k * k if total >= k else None


def rounded(count: float, k: int) -> int:
    """Return the multiple of `k` that is nearest to a number."""
    return int((count + k / 2) // k) * k
