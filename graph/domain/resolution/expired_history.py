"""Entries of the history about identifiers that are gone: they keep number, time, kind, customers, and lose names."""

from collections.abc import Collection

from msgspec.structs import replace

from graph.domain.model.changes import SEGMENT_CHANGES, Change
from graph.domain.model.sentences import IDENTIFIERS, MessageCode, Sentence, sentence_of


def named_keys(change: Change) -> set[str]:
    """Return the identifiers that a change names, in its reason too."""
    if change.kind in SEGMENT_CHANGES:
        return set()
    keys = {*change.keys, *change.anchors} - {""}
    if "=" in change.reason and (sentence := sentence_of(change.reason)) is not None:
        keys |= _keys_in(sentence)
    return keys


def without_names(change: Change, gone: Collection[str]) -> Change:
    """Return a change without some identifiers, and with another reason if that names one of them."""
    if named_keys(change).isdisjoint(gone):
        return change
    sentence = sentence_of(change.reason)
    if sentence is None:
        # Somebody wrote it, about identifiers that are gone.
        names_any = bool(change.reason)
    else:
        names_any = not _keys_in(sentence).isdisjoint(gone)
    return replace(
        change,
        keys=tuple(key for key in change.keys if key not in gone),
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
