"""The history replayed: who was who at any moment of recording."""

from collections.abc import Iterable

from graph.domain.model.changes import Change, ChangeKind


class Replay:
    """The partition that entries amount to, applied in order: customer id to keys, and where retired ids redirect."""

    def __init__(self, changes: Iterable[Change] = ()) -> None:
        self.parts: dict[str, set[str]] = {}
        self.redirects: dict[str, str] = {}
        for change in changes:
            self.apply(change)

    def _part(self, id: str) -> set[str]:
        self.redirects.pop(id, None)
        return self.parts.setdefault(id, set())

    def apply(self, change: Change) -> None:
        """One entry more."""
        match change.kind:
            case ChangeKind.CREATED:
                self._part(change.customer).update(change.keys)
            case ChangeKind.MOVED:
                if change.other in self.parts:
                    self.parts[change.other].difference_update(change.keys)
                self._part(change.customer).update(change.keys)
            case ChangeKind.SPLIT:
                self._part(change.customer).difference_update(change.keys)
                self._part(change.other).update(change.keys)
            case ChangeKind.MERGED:
                self._part(change.customer).update(self.parts.pop(change.other, set()))
                self.redirects[change.other] = change.customer
            case ChangeKind.EMPTIED:
                self._part(change.customer).difference_update(change.keys)

    def holder(self, key: str) -> str | None:
        """The id that holds an identifier."""
        return next((id for id, keys in self.parts.items() if key in keys), None)

    def answering(self, id: str) -> str:
        """The id that answers for one that was merged, after any number of merges."""
        seen = {id}
        while (target := self.redirects.get(id)) is not None and target not in seen:
            seen.add(target)
            id = target
        return id
