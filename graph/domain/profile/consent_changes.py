"""What a write changes of the consent decisions that count at addresses.

A decision that arrives, is revoked or expires need not change what counts: a newer one may be in effect, or the same
was decided before. Then nobody has to be told.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from graph.domain.model.facts import Fact, FactKind
from graph.domain.model.observations import PARTIES
from graph.domain.model.receipts import ObservationKey, ObservationStatus, Receipt
from graph.domain.profile.consents import EVERY_CHANNEL, Decision, RecordedDecision, decision_of_address, decisions

CONSENT = FactKind.CONSENT.value


class ConsentChange(Struct, frozen=True, gc=False):
    """Another decision is in effect at an address for some purposes, because of a receipt."""

    key: str
    purposes: tuple[str, ...]
    receipt: Receipt


class ConsentChanges:
    """What changes at addresses; `transitions` are receipts as they were stored and as they are now, in order.

    The caller reads the decisions that are stored at `keys`, and passes them to `found`.
    """

    def __init__(self, transitions: Iterable[tuple[Receipt | None, Receipt]]) -> None:
        self._after: dict[ObservationKey, list[Fact]] = {}
        self._receipts: dict[str, dict[ObservationKey, Receipt]] = {}
        for before, after in transitions:
            if after.kind != CONSENT and (before is None or before.kind != CONSENT):
                continue
            then, now = _facts_of(before), _facts_of(after)
            if then == now:
                continue
            self._after[after.key] = now
            for fact in (*then, *now):
                self._receipts.setdefault(fact.key, {})[after.key] = after

    @property
    def keys(self) -> list[str]:
        """The addresses at which decisions begin or cease to count."""
        return sorted(self._receipts)

    def found(self, stored: Mapping[str, Sequence[Fact]]) -> Iterator[ConsentChange]:
        """Yield each address at which another decision is in effect than before; `stored` are those before."""
        for key in self.keys:
            kept = [fact for fact in stored[key] if (fact.source, fact.id) not in self._after]
            added = (fact for facts in self._after.values() for fact in facts if fact.key == key)
            before, after = decisions(stored[key]), decisions((*kept, *added))
            causes = dict(_differences(key, before, after))
            if causes:
                yield ConsentChange(key, tuple(sorted(causes)), self._cause(key, causes.values()))

    def _cause(self, key: str, in_effect: Iterable[RecordedDecision | None]) -> Receipt:
        """Return the receipt of a decision that is in effect now, else the last one that changed."""
        receipts = self._receipts[key]
        for decision in in_effect:
            if decision is not None and (receipt := receipts.get((decision.source, decision.observation_id))):
                return receipt
        return list(receipts.values())[-1]


def _facts_of(receipt: Receipt | None) -> list[Fact]:
    """Return the decision of a receipt at each address that it holds for; none if it does not count."""
    if receipt is None or receipt.kind != CONSENT or receipt.status is not ObservationStatus.VALID:
        return []
    party = PARTIES[receipt.tier]
    return [
        Fact(key, receipt.seen_at, receipt.source, receipt.id, party, receipt.facts) for key in receipt.fact_holders
    ]


def _differences(
    key: str, before: list[RecordedDecision], after: list[RecordedDecision]
) -> Iterator[tuple[str, RecordedDecision | None]]:
    """Yield each purpose for which something else was decided, with the decision in effect now, if there is one."""
    places = {(decision.purpose, decision.channel) for decision in (*before, *after)}
    places |= {(purpose, EVERY_CHANNEL) for purpose, _ in places}
    for purpose, channel in sorted(places):
        now = decision_of_address(after, key, purpose, channel)
        if _decided(now) is not _decided(decision_of_address(before, key, purpose, channel)):
            yield purpose, now


def _decided(decision: RecordedDecision | None) -> Decision:
    return Decision.NONE if decision is None else decision.decision
