"""Erasures: the records of what was erased, without what it was, and orders that the law keeps without a person."""

from collections.abc import Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from graph.domain.model.tombstones import TombstoneMode


class KeptCount(Struct, frozen=True, gc=False):
    """How many of a customer's identifiers of a namespace were kept, and why."""

    namespace: str
    reason: str
    count: int


class Acknowledgement(Struct, frozen=True, gc=False):
    """A service confirmed, at a time in microseconds, that it has erased its copies."""

    service: str
    at: int


class Erasure(Struct, frozen=True, gc=False):
    """An executed erasure or suppression. It holds no value of the person.

    `request_id` is the caller's id of the request, `at` the time (microseconds) up to which identifiers are dropped,
    `plan_hash` the plan that was confirmed. `customers` are the erased ids, live and retired, `tombstones` the hashes
    of the identifiers. `counts` say how much was removed, by what it is. Orders are kept until `orders_until` on the
    ground `orders_ground`, if any are.
    """

    id: str
    request_id: str
    mode: TombstoneMode
    at: int
    actor: str
    reason: str = ""
    plan_hash: str = ""
    customers: tuple[str, ...] = ()
    tombstones: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    kept: tuple[KeptCount, ...] = ()
    orders_until: int | None = None
    orders_ground: str = ""
    acknowledgements: tuple[Acknowledgement, ...] = ()

    def acknowledged(self, service: str, at: int) -> "Erasure":
        """Return the erasure after a service has confirmed it at a time; the first confirmation of each counts."""
        if any(known.service == service for known in self.acknowledgements):
            return self
        return replace(self, acknowledgements=(*self.acknowledgements, Acknowledgement(service, at)))


class HeldOrder(Struct, frozen=True, gc=False):
    """The facts of an order that is kept without a person until a time in microseconds.

    `hash` is that of its identifier, which links nobody anymore. `facts` are those of `source`, reported at a time.
    """

    hash: str
    number: str
    source: str
    reported_at: int
    facts: str
    until: int
    erasure_id: str
