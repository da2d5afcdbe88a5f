"""Entries of the history about what is gone: they keep number, time, kind and customers, and lose the names of it."""

from collections.abc import Collection

from msgspec.structs import replace

from graph.domain.model.changes import SEGMENT_CHANGES, CauseType, Change
from graph.domain.model.receipts import ObservationKey
from graph.domain.model.sentences import IDENTIFIERS, MessageCode, Sentence, sentence_of

_OBSERVATION_CAUSES = (CauseType.OBSERVATION, CauseType.REVOCATION, CauseType.RULES_CHANGE)


def named_keys(change: Change) -> set[str]:
    """Return the identifiers that a change names, in its reason too."""
    keys = {*change.keys, *change.anchors} - {""}
    if change.kind in SEGMENT_CHANGES:
        return keys
    if "=" in change.reason and (sentence := sentence_of(change.reason)) is not None:
        keys |= _keys_in(sentence)
    return keys


def named_observation(change: Change) -> ObservationKey | None:
    """Return the observation that a change names as its cause."""
    cause = change.cause
    return (cause.source, cause.id) if cause.type in _OBSERVATION_CAUSES and cause.id else None


def without_names(change: Change, gone: Collection[str], gone_observations: Collection[ObservationKey]) -> Change:
    """Return a change without the names of some identifiers and observations.

    It has another reason if its own names one of the identifiers. The source of an observation is no name of it.
    """
    if named_observation(change) in gone_observations:
        change = replace(change, cause=replace(change.cause, id=""))
    if named_keys(change).isdisjoint(gone):
        return change
    left = replace(change, keys=tuple(key for key in change.keys if key not in gone))
    if change.kind in SEGMENT_CHANGES:
        return left
    sentence = sentence_of(change.reason)
    # Otherwise somebody wrote it, about identifiers that are gone.
    is_written = sentence is None and bool(change.reason)
    names_any = is_written or (sentence is not None and not _keys_in(sentence).isdisjoint(gone))
    return replace(
        left,
        anchors=tuple("" if key in gone else key for key in change.anchors),
        reason=Sentence(MessageCode.NAMES_EXPIRED) if names_any else change.reason,
    )


def _keys_in(sentence: Sentence) -> set[str]:
    keys: set[str] = set()
    for name, value in sentence.parameters.items():
        if isinstance(value, Sentence):
            keys |= _keys_in(value)
        elif name in IDENTIFIERS:
            keys.add(str(value))
    return keys
