"""The gate at intake for a whole history: the decisions of all its lines count, in whatever order they come."""

from collections.abc import Iterable, Sequence
from typing import Any

from graph.bulk.spool import Row
from graph.domain.model.errors import Problem
from graph.domain.model.facts import FactKind
from graph.domain.model.receipts import ObservationKey
from graph.domain.model.rules import DroppedIdentifier, Rules
from graph.domain.privacy.consent_gate import CONSENT_REQUIRED, admitted_receipt, stated_consents
from graph.domain.profile.consents import ConsentsInEffect
from service.ingest.parallel_reader import LineResult

_CONSENT = FactKind.CONSENT.value
_NOTHING_LEFT = "no identifier is left: its identifiers need a consent that is not given at them"


class BulkConsentGate:
    """Admits the rows of lines, once `add` was called with all lines. `now` is in microseconds."""

    def __init__(self, rules: Rules, now: int) -> None:
        self._rules, self._now = rules, now
        self._consents = ConsentsInEffect()
        self._known: set[ObservationKey] = set()

    def add(self, result: LineResult) -> None:
        """Note the decisions of a line. Of those with one id, the first counts, as in the store."""
        for row in _rows(result):
            name = row.source, row.id
            if row.kind == _CONSENT and name not in self._known:
                self._known.add(name)
                for decision in stated_consents(row.receipt(self._now, superseded=False)).values():
                    self._consents.add(decision)

    def admitted(self, result: LineResult) -> LineResult:
        """Return the result of a line without identifiers that lack a consent."""
        values, problem, dropped, notes, text, held = result
        if problem is not None or not values:
            return result
        own, *derived = _rows(result)
        decided = frozenset(key for row in derived for key in row.keys)
        admitted, left_out = self._admitted(own, decided)
        if admitted is None:
            return (), Problem(CONSENT_REQUIRED, _NOTHING_LEFT, ("identifiers",)), (), notes, text, held
        return (tuple(admitted), *values[1:]), None, (*dropped, *left_out), notes, text, held

    def _admitted(self, row: Row, decided: frozenset[str]) -> tuple[Row | None, Sequence[DroppedIdentifier]]:
        receipt = row.receipt(self._now, superseded=False)
        left, left_out = admitted_receipt(receipt, self._consents, self._rules, decided)
        if left is receipt:
            return row, ()
        return (None if left is None else Row.of(left)), left_out


def _rows(result: LineResult) -> Iterable[Row]:
    values: tuple[tuple[Any, ...], ...] = result[0]
    return map(Row._make, values)
