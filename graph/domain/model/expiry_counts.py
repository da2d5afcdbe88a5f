"""Counts of what has expired, by rule and kind: what a preview shows and what a run has removed."""

from collections.abc import Sequence

from msgspec import Struct

from graph.domain.model.facts import FactKind
from graph.domain.model.observations import Observation
from graph.domain.model.receipts import ObservationKey, Receipt
from graph.domain.model.retention import Remainder, RetainedPart, RetentionRule

MAX_EXAMPLES = 3


class ExpiryCount(Struct, frozen=True):
    """How many statements, identifiers or texts (as the `rule` says) of statements of a `kind` have expired.

    `oldest` is the time of the oldest of these statements, in microseconds; `examples` are sources and ids of some.
    """

    rule: RetentionRule
    kind: FactKind
    count: int
    oldest: int
    examples: tuple[ObservationKey, ...]


class ExpiryTally:
    """Adds up what has expired of statements."""

    def __init__(self) -> None:
        self._counts: dict[tuple[RetentionRule, FactKind], ExpiryCount] = {}

    def add(self, receipt: Receipt, left: Remainder | RetentionRule) -> None:
        """Add what has expired of a statement."""
        if isinstance(left, RetentionRule):
            # A statement goes with its last identifiers: then these are counted.
            by_identifiers = left.part is RetainedPart.IDENTIFIER
            sent = Observation.from_sent(*receipt.key, receipt.sent) if by_identifiers else None
            self._add(left, receipt, 1 if sent is None else len(sent.identifiers))
            return
        identifiers: dict[RetentionRule, int] = {}
        for _, rule in left.identifiers:
            identifiers[rule] = identifiers.get(rule, 0) + 1
        for rule, count in identifiers.items():
            self._add(rule, receipt, count)
        if left.text is not None:
            self._add(left.text, receipt, 1)

    def _add(self, rule: RetentionRule, receipt: Receipt, count: int) -> None:
        group = rule, FactKind(receipt.kind)
        before = self._counts.get(group) or ExpiryCount(*group, 0, receipt.seen_at, ())
        self._counts[group] = ExpiryCount(
            *group,
            before.count + count,
            min(before.oldest, receipt.seen_at),
            (*before.examples, receipt.key)[:MAX_EXAMPLES],
        )

    @property
    def counts(self) -> Sequence[ExpiryCount]:
        """The counts, highest first."""
        return sorted(self._counts.values(), key=lambda count: (-count.count, count.rule.label, count.kind.value))

    @property
    def total(self) -> int:
        """How many statements, identifiers and texts have expired."""
        return sum(count.count for count in self._counts.values())
