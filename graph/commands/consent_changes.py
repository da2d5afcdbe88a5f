"""Records in the history that other consent decisions count at addresses, in the transaction that changes them."""

from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import Any

from graph.domain.model.changes import Cause, CauseType, ChangeKind
from graph.domain.model.facts import Fact
from graph.domain.model.receipts import ObservationKey, Receipt
from graph.domain.model.segments import DUE_FIRST
from graph.domain.model.sentences import MessageCode, Sentence
from graph.domain.profile.consent_changes import ConsentChanges
from graph.domain.resolution.incremental import IncrementalResolution
from graph.ports import ReadConsents, Request


def record_consent_changes(
    transitions: Iterable[tuple[Receipt | None, Receipt]],
    causes: Mapping[ObservationKey, Cause],
    resolution: IncrementalResolution,
    arrival: CauseType = CauseType.OBSERVATION,
) -> Generator[Request, Any, None]:
    """Add an entry for each customer and cause to the writes of a finished resolution; its segments are due first.

    `transitions` are receipts as they were stored and as they are now, `causes` why some of them changed; the others
    changed by `arrival`.
    """
    changes = ConsentChanges(transitions)
    if not changes.keys:
        return
    stored: Mapping[str, Sequence[Fact]] = yield ReadConsents(changes.keys)
    entries: dict[tuple[str, ObservationKey], tuple[Receipt, list[str], set[str]]] = {}
    for change in changes.found(stored):
        # An address that nothing names any longer is in no customer now.
        customer = resolution.id_of([change.key]) or resolution.id_before(change.key)
        _, keys, purposes = entries.setdefault((customer, change.receipt.key), (change.receipt, [], set()))
        keys.append(change.key)
        purposes.update(change.purposes)
    for (customer, (source, id)), (receipt, keys, purposes) in entries.items():
        cause = causes.get(receipt.key) or Cause(arrival, source, id, party=receipt.tier.party)
        reason = Sentence(MessageCode.DECISIONS, purposes=", ".join(sorted(purposes)))
        resolution.record_change(ChangeKind.CONSENT_CHANGED, cause, customer, keys=keys, reason=reason)
        if customer:
            resolution.writes.segmentation_due[customer] = DUE_FIRST
