"""Suppression: commands lose the identifiers that have a tombstone, before anything of them is decided."""

from collections.abc import Sequence
from functools import reduce

from msgspec.structs import replace

from graph.domain.model.erasures import HeldOrder
from graph.domain.model.errors import Problem
from graph.domain.model.observations import ORDER
from graph.domain.model.orders import reported_at_of
from graph.domain.model.receipts import ObservationKey
from graph.domain.model.rules import Rules
from graph.domain.model.store_values import Neighborhood
from graph.domain.model.tombstones import Tombstone, combined
from graph.domain.resolution.erased import REASON, TombstoneRules, dropped_keys, without_erased
from graph.domain.resolution.preparation import Command, Observe, Revoke, SetOverride
from graph.ports import ReadNeighborhood

NO_TOMBSTONES = TombstoneRules()
"""For a store without erasures."""


class Suppression:
    """What the tombstones of a store make of some commands; `rules` are those that resolve.

    The caller extends its first read, then reads what `second_read` names, then goes on with the commands of `applied`.
    """

    def __init__(self, commands: Sequence[Command], rules: Rules, tombstone_rules: TombstoneRules) -> None:
        self._commands, self._rules, self._tombstone_rules = commands, rules, tombstone_rules
        self._keys = tombstone_rules.keys
        self._hashes: dict[str, tuple[str, ...]] = {}
        """The hashes by key."""
        self.held_orders: list[HeldOrder] = []
        """The held orders that a later report has changed."""
        if self._keys:
            for command in commands:
                self._add_hashes(command)

    def _add_hashes(self, command: Command) -> None:
        match command:
            case Observe():
                if command.normalized.rejected is not None or self._tombstone_rules.former:
                    self._hashes |= self._tombstone_rules.hashes(command.observation, command.rules or self._rules)
                else:
                    for key in command.normalized.keys:
                        if key not in self._hashes:
                            self._hashes[key] = self._keys.hashes(key)
            case SetOverride(override):
                self._hashes |= {key: self._tombstone_rules.hashes_of_key(key) for key in override.keys}

    def extended(self, read: ReadNeighborhood) -> ReadNeighborhood:
        """Return the first read with the tombstones, and with what is left of observations that are to be revoked."""
        if not self._keys:
            return read
        left = [
            name
            for command in self._commands
            if isinstance(command, Revoke)
            for id in (command.id, *command.derived)
            for name in self._names_left((command.source, id))
        ]
        hashes = [hash for hashes in self._hashes.values() for hash in hashes]
        return replace(read, receipts=[*read.receipts, *left], tombstones=hashes)

    def _names_left(self, key: ObservationKey) -> list[ObservationKey]:
        source, _ = key
        return [(source, id) for id in self._keys.observation_ids(key)]

    def second_read(self, neighborhood: Neighborhood) -> ReadNeighborhood | None:
        """Return the read of what is stored of observations that lose identifiers; `None` if none does."""
        receipts = [
            name
            for command in self._commands
            if isinstance(command, Observe)
            for observed in (command, *command.derived)
            if self._erased(observed, neighborhood)
            for name in self._names_left(observed.key)
        ]
        return ReadNeighborhood(receipts=receipts) if receipts else None

    def _tombstones(self, keys: Sequence[str], neighborhood: Neighborhood) -> dict[str, Tombstone]:
        """Return the tombstone of each key that has one; its several ones, under several secrets, count as one."""
        found: dict[str, Tombstone] = {}
        for key in keys:
            own = [stored for hash in self._hashes.get(key, ()) if (stored := neighborhood.tombstones.get(hash))]
            if own:
                found[key] = reduce(combined, own)
        return found

    def _erased(self, command: Observe, neighborhood: Neighborhood) -> frozenset[str]:
        rules = command.rules or self._rules
        keys: Sequence[str] = command.normalized.keys
        if command.normalized.rejected is not None:
            keys = list(self._tombstone_rules.hashes(command.observation, rules))
        tombstones = self._tombstones(keys, neighborhood)
        if not tombstones:
            return frozenset()
        return dropped_keys(command.observation, command.received_at, tombstones, self._rules.returning)

    def applied(self, neighborhood: Neighborhood) -> list[Command | Problem]:
        """Return the commands without the identifiers that have a tombstone, or why nothing is left of one."""
        if not self._keys:
            return list(self._commands)
        return [self._applied(command, neighborhood) for command in self._commands]

    def _applied(self, command: Command, neighborhood: Neighborhood) -> Command | Problem:
        match command:
            case Observe():
                return self._observe(command, neighborhood)
            case Revoke():
                ids = [self._id_left(command.source, id, neighborhood) for id in (command.id, *command.derived)]
                return replace(command, id=ids[0], derived=tuple(ids[1:]))
            case SetOverride(override):
                for key in self._tombstones(override.keys, neighborhood):
                    member = neighborhood.members.get(key)
                    # Somebody who has come back may be overridden.
                    if member is None or not member.alive:
                        return Problem(
                            "IDENTIFIER_SUPPRESSED", f"an identifier {REASON}", ("a" if key == override.a else "b",)
                        )
                return command
            case _:
                return command

    def _id_left(self, source: str, id: str, neighborhood: Neighborhood) -> str:
        """Return the id under which an observation, or what is left of it, is stored."""
        receipt = neighborhood.receipts.get((source, id))
        if receipt is None or not receipt.digest:
            for name in self._names_left((source, id)):
                if name in neighborhood.receipts:
                    return name[1]
        return id

    def _observe(self, command: Observe, neighborhood: Neighborhood) -> Observe | Problem:
        erased = self._erased(command, neighborhood)
        if not erased:
            return command
        if command.order_key in erased:
            self._update_held(command, neighborhood)
        remaining = self._remaining(command, erased, neighborhood)
        if remaining is None:
            return Problem("IDENTIFIER_SUPPRESSED", f"every identifier of it {REASON}", ("identifiers",))
        derived = [
            self._remaining(derived, self._erased(derived, neighborhood), neighborhood) for derived in command.derived
        ]
        return replace(remaining, derived=tuple(left for left in derived if left is not None))

    def _remaining(self, command: Observe, erased: frozenset[str], neighborhood: Neighborhood) -> Observe | None:
        if not erased:
            return command
        stored = [id for source, id in self._names_left(command.key) if (source, id) in neighborhood.receipts]
        return without_erased(command, erased, command.rules or self._rules, self._keys, "".join(stored[:1]))

    def _update_held(self, command: Observe, neighborhood: Neighborhood) -> None:
        """Take a later report of an order that is kept without a person, such as that it was returned."""
        observation = command.observation
        if observation.kind != ORDER:
            return
        for hash in self._hashes.get(command.order_key, ()):
            held = neighborhood.held_orders.get(hash)
            reported_at = reported_at_of(observation.facts)
            if held is not None and held.source == observation.source and reported_at > held.reported_at:
                self.held_orders.append(replace(held, reported_at=reported_at, facts=observation.facts))
