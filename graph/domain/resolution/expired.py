"""The history of identifiers that are gone: entries keep their number, time, kind and customers, and lose values."""

from collections.abc import Iterable

from msgspec.structs import replace

from graph.domain.model.changes import SEGMENT_CHANGES, Change


def without_values(change: Change, keys: Iterable[str]) -> Change:
    """Return a change without the identifiers `keys`, and without a reason that names one of them."""
    keys = frozenset(keys)
    if change.kind in SEGMENT_CHANGES:
        return change
    named = not keys.isdisjoint((*change.keys, *change.anchors)) or any(key in change.reason for key in keys)
    if not named:
        return change
    return replace(
        change,
        keys=tuple(key for key in change.keys if key not in keys),
        anchors=tuple("" if key in keys else key for key in change.anchors),
        reason="",
    )
