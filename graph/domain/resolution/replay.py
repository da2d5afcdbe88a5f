"""Replay of the history: which customer held which identifiers when a change was recorded."""

from collections.abc import Iterable

from graph.domain.model.changes import Change, ChangeKind


class Replay:
    """The partition that results from applying changes in order: keys by customer id, and redirects of retired ids."""

    def __init__(self, changes: Iterable[Change] = ()) -> None:
        self.groups: dict[str, set[str]] = {}
        self.redirects: dict[str, str] = {}
        for change in changes:
            self.apply(change)

    def _group(self, id: str) -> set[str]:
        self.redirects.pop(id, None)
        return self.groups.setdefault(id, set())

    def apply(self, change: Change) -> None:
        """Apply the next change."""
        match change.kind:
            case ChangeKind.CUSTOMER_CREATED:
                self._group(change.customer).update(change.keys)
            case ChangeKind.IDENTIFIERS_MOVED:
                if change.other_customer in self.groups:
                    self.groups[change.other_customer].difference_update(change.keys)
                self._group(change.customer).update(change.keys)
            case ChangeKind.CUSTOMER_SPLIT:
                self._group(change.customer).difference_update(change.keys)
                self._group(change.other_customer).update(change.keys)
            case ChangeKind.CUSTOMERS_MERGED:
                self._group(change.customer).update(self.groups.pop(change.other_customer, set()))
                self.redirects[change.other_customer] = change.customer
            case ChangeKind.CUSTOMER_EMPTIED:
                self._group(change.customer).difference_update(change.keys)
            case ChangeKind.CUSTOMER_ERASED:
                self.groups.pop(change.customer, None)

    def customer_id_of(self, key: str) -> str | None:
        """Return the id of the customer that holds an identifier."""
        return next((id for id, keys in self.groups.items() if key in keys), None)

    def current_id(self, id: str) -> str:
        """Follow the redirects of an id, over any number of merges."""
        seen = {id}
        while (target := self.redirects.get(id)) is not None and target not in seen:
            seen.add(target)
            id = target
        return id
