"""The assignment of customer ids to groups after a write."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct

from graph.domain.model.customers import Customer


class IdAssignment(Struct, frozen=True, gc=False):
    """The id of each group (by its index), the redirects of retired ids, and the ids whose customers are now empty."""

    ids: Sequence[str]
    created: frozenset[str]
    redirects: Mapping[str, str]
    emptied: frozenset[str]


def last_retired(customers: Iterable[Customer]) -> Customer:
    """Return the retired customer that comes back, of those that claim a group without a live one."""
    return max(customers, key=lambda customer: (customer.retired_at or 0, customer.seniority))


def assign_ids(
    groups: Sequence[frozenset[str]], customers: Iterable[Customer], new_id: Callable[[], str]
) -> IdAssignment:
    """Assign an id to every group (docs/internals/resolution-rule.md, "Customer ids and anchors").

    `customers` are all ids, live or retired, whose anchor may be in one of the groups.
    """
    group_of = {key: index for index, group in enumerate(groups) for key in group}
    claims: dict[int, list[Customer]] = {}
    empty: set[str] = set()
    for customer in customers:
        index = group_of.get(customer.anchor.key)
        if index is None:
            empty.add(customer.id)
        else:
            claims.setdefault(index, []).append(customer)
    ids: list[str] = []
    created: set[str] = set()
    redirects: dict[str, str] = {}
    for index in range(len(groups)):
        claimants = claims.get(index, [])
        live = [customer for customer in claimants if customer.live]
        if live:
            id = min(live, key=lambda customer: customer.seniority).id
        elif claimants:
            id = last_retired(claimants).id
        else:
            id = new_id()
            created.add(id)
        ids.append(id)
        redirects.update((customer.id, id) for customer in claimants if customer.id != id)
    return IdAssignment(ids, frozenset(created), redirects, frozenset(empty))
