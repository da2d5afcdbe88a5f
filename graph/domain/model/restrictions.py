"""Restrictions: of a customer only the storage of its data is allowed (GDPR, Article 18).

A restriction is on identifiers. A customer is restricted while it holds one that a restriction in effect is on: so a
merge inherits it, both sides of a split keep it, and neither the order of arrival nor the rules matter.
"""

from msgspec import Struct

from graph.domain.model.idempotency import IdempotencyKey


class Restriction(Struct, frozen=True, gc=False):
    """A restriction of the identifiers `keys`, which the customer with the id `customer` held when it was set.

    `actor` set it at the time `at` for a `reason`; it is in effect until `lifted_at`, and then has no keys any longer.
    `request` is the request that set it, if it had an idempotency key. Times are in microseconds.
    """

    id: str
    customer: str
    keys: tuple[str, ...]
    actor: str
    reason: str
    at: int
    request: IdempotencyKey | None = None
    lifted_at: int | None = None
    lifted_by: str = ""

    @property
    def in_effect(self) -> bool:
        """Whether it has not been lifted."""
        return self.lifted_at is None
