"""The gate at intake in a transaction: what is in effect at identifiers is read, then commands lose some of them."""

from collections.abc import Mapping, Sequence

from graph.domain.model.errors import Problem
from graph.domain.model.facts import Fact, FactKind
from graph.domain.model.receipts import ObservationStatus
from graph.domain.model.rules import Rules
from graph.domain.model.store_values import Neighborhood
from graph.domain.privacy.consent_gate import admitted, consents_of, gated_keys, stated_consents, unconsented
from graph.domain.profile.consents import ConsentsInEffect
from graph.domain.resolution.preparation import Command, Observe, receipt_of


class ConsentGate:
    """What the gate makes of some commands; `rules` are those for commands that were not prepared under any.

    The caller reads the decisions of `keys`, then goes on with the commands of `applied`.
    """

    def __init__(self, commands: Sequence[Command | Problem], rules: Rules) -> None:
        self._commands, self._rules = commands, rules
        self._gated = [self._gated_keys(command) for command in commands]

    def _gated_keys(self, command: Command | Problem) -> frozenset[str]:
        return gated_keys(command, command.rules or self._rules) if isinstance(command, Observe) else frozenset()

    @property
    def keys(self) -> list[str]:
        """The identifiers that need a consent."""
        return sorted(frozenset().union(*self._gated))

    def applied(self, stored: Mapping[str, Sequence[Fact]], neighborhood: Neighborhood) -> list[Command | Problem]:
        """Return the commands without identifiers that lack a consent; `stored` are the decisions of `keys`.

        A decision counts for the commands after it.
        """
        consents = consents_of(stored)
        result: list[Command | Problem] = []
        for command, keys in zip(self._commands, self._gated, strict=True):
            if not isinstance(command, Observe):
                result.append(command)
                continue
            self._add_decisions(command, consents, neighborhood)
            receipt = neighborhood.receipts.get(command.key)
            rules = command.rules or self._rules
            dropped = unconsented(keys, consents, rules)
            if receipt is not None and receipt.digest:
                # It is a repeat: what is stored of it stays, and what was dropped is not taken up later.
                dropped = keys.difference(receipt.keys)
            result.append(admitted(command, dropped, rules))
        return result

    def _add_decisions(self, command: Observe, consents: ConsentsInEffect, neighborhood: Neighborhood) -> None:
        for observed in (command, *command.derived):
            # One that is stored is known already, or was revoked before it came.
            if observed.observation.kind == FactKind.CONSENT.value and observed.key not in neighborhood.receipts:
                receipt = receipt_of(observed)
                if receipt.status is ObservationStatus.VALID:
                    for decision in stated_consents(receipt).values():
                        consents.add(decision)
