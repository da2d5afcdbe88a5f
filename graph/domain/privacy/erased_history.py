"""The history of an erased person: entries keep their number, time and kind, and lose values."""

from collections.abc import Iterable, Set

from msgspec.structs import replace

from graph.domain.model.changes import SEGMENT_CHANGES, Change, ChangeKind, Entry
from graph.domain.model.receipts import ObservationKey
from graph.domain.model.sentences import MessageCode


def involved_customers(entries: Iterable[Entry], keys: frozenset[str], had: Set[str]) -> set[str]:
    """Return the customers whose entries may name some keys too: those that `had` them, and those merged with these.

    A key that moves is named in an entry of both customers, so following these entries finds all that name it.
    """
    involved: set[str] = set()
    for entry in entries:
        change = entry.change
        both = {change.customer, change.other_customer} - {""}
        merged = change.kind is ChangeKind.CUSTOMERS_MERGED and not had.isdisjoint(both)
        if merged or not keys.isdisjoint((*change.keys, *change.anchors)):
            involved |= both
    return involved


def erased_entry(
    entry: Entry, keys: frozenset[str], ids: frozenset[str], observations: frozenset[ObservationKey]
) -> Entry | None:
    """Return an entry without what it says of the person; `None` if it says nothing.

    `ids` are the erased customers, `observations` the names of erased observations. The names of segments stay.
    """
    change = entry.change
    cause = change.cause
    names_person = not ids.isdisjoint((change.customer, change.other_customer))
    names_value = not keys.isdisjoint((*change.keys, *change.anchors))
    caused = (cause.source, cause.id) in observations
    if change.kind in SEGMENT_CHANGES:
        left = tuple(key for key in change.keys if key not in keys)
        return replace(entry, change=replace(change, keys=left)) if names_value else None
    if change.kind is ChangeKind.CUSTOMER_ERASED:
        return None
    if not (names_person or names_value or caused):
        return None
    erased = _without_values(replace(change, cause=replace(cause, id="", actor="")), keys)
    return None if erased == change else replace(entry, change=erased)


def erased_change(change: Change, keys: frozenset[str]) -> Change | None:
    """Return a change that an erasure causes without what it says of the person; `None` if nothing is left of it."""
    if keys.isdisjoint((*change.keys, *change.anchors)):
        return change
    erased = _without_values(change, keys)
    return erased if erased.keys or erased.kind is ChangeKind.CUSTOMERS_MERGED else None


def _without_values(change: Change, keys: frozenset[str]) -> Change:
    # Sentences of the machine, and reasons of stewards, name identifiers and values.
    return replace(
        change,
        keys=tuple(key for key in change.keys if key not in keys),
        anchors=tuple("" if key in keys else key for key in change.anchors),
        reason=MessageCode.PERSON_ERASED.value,
    )
