"""What decisions about customers change in the ledger, within the write that records their memberships."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from graph.domain.audiences.ledger import plan
from graph.domain.audiences.targets import Target
from graph.domain.model.audiences import Audience, HeldDelivery
from graph.domain.model.segments import DUE_FIRST
from graph.domain.model.store_values import Writes

Place = tuple[str, str]
"""An audience and a key."""


class LedgerChanges:
    """The deliveries of one write. `held` are those of its customers and targets, as the store holds them.

    An address may have come from one of the customers to another: each is decided with what the ones before it changed.
    """

    def __init__(self, held: Iterable[HeldDelivery], audiences: Sequence[Audience], now: int) -> None:
        self._current: dict[Place, HeldDelivery] = {}
        self._of_customers: dict[str, set[Place]] = defaultdict(set)
        for one in held:
            self._put(one)
        self._audiences = {audience.id: audience for audience in audiences}
        self._now = now
        self._changed: set[Place] = set()
        self._due: set[str] = set()

    def _put(self, one: HeldDelivery) -> None:
        place = one.delivery.audience, one.delivery.key
        if (before := self._current.get(place)) is not None:
            self._of_customers[before.delivery.customer].discard(place)
        self._current[place] = one
        self._of_customers[one.delivery.customer].add(place)

    def decide(self, customer: str, targets: Sequence[Target]) -> None:
        """Change the deliveries of a customer to those of its targets."""
        places = self._of_customers[customer] | {(target.audience, target.key) for target in targets}
        held = [self._current[place] for place in sorted(places & self._current.keys())]
        changes = plan(customer, held, targets, self._audiences, self._now)
        for delivery in changes.deliveries:
            place = delivery.audience, delivery.key
            before = self._current.get(place)
            self._put(HeldDelivery(delivery, customer if before is None else before.holder))
            self._changed.add(place)
        self._due |= changes.others
        self._due.discard(customer)

    def add_to(self, writes: Writes) -> None:
        """Add the changed deliveries to a write, and make the customers due that hold an address by now."""
        writes.deliveries += [self._current[place].delivery for place in sorted(self._changed)]
        for customer in sorted(self._due):
            writes.segmentation_due[customer] = DUE_FIRST
