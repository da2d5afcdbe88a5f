"""Take in orders."""

from collections.abc import Sequence
from dataclasses import dataclass

from graph.actions.batch import check_count, run_batch
from graph.actions.commit import Answer
from graph.actions.group_commit import GroupCommit
from graph.domain.errors import Problem
from graph.domain.intake import Command, prepare
from graph.domain.observations import Tier, check
from graph.domain.orders import NAMESPACE, Order, check_order
from graph.domain.rules import Rules


@dataclass(frozen=True, slots=True)
class OrderStatement:
    """What a source says of an order, and the identifiers it was placed with (0 to 19, as namespace and raw value)."""

    order: Order
    identifiers: tuple[tuple[str, str], ...] = ()
    party: Tier = Tier.FIRST


async def record_orders(
    writer: GroupCommit,
    rules: Rules,
    currencies: frozenset[str],
    statements: Sequence[OrderStatement | Problem],
    now: int,
) -> list[Answer]:
    """Store 1 to 1,000 statements of orders; of each source the newest `stated_at` counts, whichever comes first."""
    check_count("orders", statements)

    def command(statement: OrderStatement | Problem) -> Command | Problem:
        if isinstance(statement, Problem):
            return statement
        if NAMESPACE not in rules.by_name:
            return Problem("UNKNOWN_NAMESPACE", f"the rules have no namespace {NAMESPACE!r}", ("number",))
        if problem := check_order(statement.order, currencies, now):
            return problem
        if len(statement.identifiers) > 19:
            message = f"identifiers holds {len(statement.identifiers)} entries; 0 to 19 are allowed beside the order"
            return Problem("BAD_COUNT", message, ("identifiers",))
        observation = statement.order.observation(statement.identifiers, statement.party)
        prepared = check(observation, now) or prepare(observation, rules, now)
        if isinstance(prepared, Problem):
            return prepared
        if prepared.outcome.refused is not None:
            return _own_path(prepared.outcome.refused)
        return prepared

    return await run_batch(writer, statements, command)


def _own_path(problem: Problem) -> Problem:
    """The order's number stands first among the identifiers of its observation; callers do not count it."""
    match problem.path:
        case ("identifiers", int(index), *rest):
            path = ("number",) if index == 0 else ("identifiers", index - 1, *rest)
            return Problem(problem.code, problem.message, path)
    return problem
