"""Which customer id answers for which group after a step."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct

from graph.domain.model.customers import Customer


class Naming(Struct, frozen=True, gc=False):
    """Which id answers for which group (by its index), which ids redirect where, and which are left with nothing."""

    answers: Sequence[str]
    created: frozenset[str]
    redirects: Mapping[str, str]
    empty: frozenset[str]


def name_groups(groups: Sequence[frozenset[str]], customers: Iterable[Customer], new_id: Callable[[], str]) -> Naming:
    """Give every group its id (§5). `customers` are all ids, live or retired, whose anchor may lie in the groups."""
    group_of = {key: index for index, group in enumerate(groups) for key in group}
    claims: dict[int, list[Customer]] = {}
    empty: set[str] = set()
    for customer in customers:
        index = group_of.get(customer.anchor.key)
        if index is None:
            empty.add(customer.id)
        else:
            claims.setdefault(index, []).append(customer)
    answers: list[str] = []
    created: set[str] = set()
    redirects: dict[str, str] = {}
    for index in range(len(groups)):
        claimants = claims.get(index, [])
        live = [customer for customer in claimants if customer.live]
        if live:
            answer = min(live, key=lambda customer: customer.seniority).id
        elif claimants:
            answer = max(claimants, key=lambda customer: (customer.retired_at or 0, customer.seniority)).id
        else:
            answer = new_id()
            created.add(answer)
        answers.append(answer)
        redirects.update((customer.id, answer) for customer in claimants if customer.id != answer)
    return Naming(answers, frozenset(created), redirects, frozenset(empty))
