"""Suppression in a bulk load: as in `commit`, with all tombstones in memory instead of those that a write reads."""

from collections.abc import Mapping

from msgspec import Struct, field

from graph.commands.suppression import NO_TOMBSTONES, Suppression
from graph.domain.model.erasures import HeldOrder
from graph.domain.model.errors import Problem
from graph.domain.model.rules import Rules
from graph.domain.model.store_values import Neighborhood
from graph.domain.model.tombstones import Tombstone
from graph.domain.resolution.erased import TombstoneRules
from graph.domain.resolution.preparation import Observe
from graph.ports import ErasureStore, ReadNeighborhood

PAGE_SIZE = 5_000


class BulkSuppression(Struct, frozen=True):
    """All tombstones and held orders of a store by hash, and what finds them. It may be sent to other processes."""

    tombstone_rules: TombstoneRules = NO_TOMBSTONES
    tombstones: Mapping[str, Tombstone] = field(default_factory=dict)
    held_orders: Mapping[str, HeldOrder] = field(default_factory=dict)

    def applied(self, command: Observe, rules: Rules) -> tuple[Observe | Problem, tuple[HeldOrder, ...]]:
        """Return what a command is without suppressed identifiers, or why nothing is left of it.

        The held orders are those that its report changes.
        """
        if not self.tombstones:
            return command, ()
        suppression = Suppression([command], rules, self.tombstone_rules)
        hashes = suppression.extended(ReadNeighborhood()).tombstones
        found = {hash: self.tombstones[hash] for hash in hashes if hash in self.tombstones}
        if not found:
            return command, ()
        held = {hash: self.held_orders[hash] for hash in hashes if hash in self.held_orders}
        (remaining,) = suppression.applied(Neighborhood(tombstones=found, held_orders=held))
        if not isinstance(remaining, Observe | Problem):
            raise TypeError(f"an observation cannot become {type(remaining).__name__}")
        return remaining, tuple(suppression.held_orders)


async def read_suppression(store: ErasureStore, tombstone_rules: TombstoneRules) -> BulkSuppression:
    """Read all tombstones and held orders of a store."""
    tombstones: dict[str, Tombstone] = {}
    after = ""
    while page := await store.all_tombstones(after, PAGE_SIZE):
        tombstones.update((tombstone.hash, tombstone) for tombstone in page)
        after = page[-1].hash
    held_orders: dict[str, HeldOrder] = {}
    after = ""
    while orders := await store.held_orders(after, PAGE_SIZE):
        held_orders.update((order.hash, order) for order in orders)
        after = orders[-1].hash
    return BulkSuppression(tombstone_rules, tombstones, held_orders)
