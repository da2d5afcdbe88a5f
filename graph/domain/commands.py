"""All that sources may state, and what each comes to: an observation that nothing speaks against, read under the rules.

`terms` are what is allowed beside the rules: attributes, purposes and currencies.
"""

from collections.abc import Mapping

from msgspec import Struct, field

from graph.domain.model.dates import DAY, text_of
from graph.domain.model.errors import Problem
from graph.domain.model.observations import Observation, check
from graph.domain.model.orders import NAMESPACE, OrderStatement, check_order
from graph.domain.model.rules import Rules
from graph.domain.model.validation import check_time
from graph.domain.profile.attributes import AttributesStatement, check_statement
from graph.domain.profile.catalog import Catalogue
from graph.domain.profile.consents import ConsentStatement, check_consent
from graph.domain.profile.external_segments import OutsideStatement, check_outside
from graph.domain.profile.interactions import InteractionStatement, check_interaction
from graph.domain.resolution.intake import Observe, prepare

Fact = AttributesStatement | ConsentStatement | InteractionStatement | OutsideStatement
Statement = Observation | OrderStatement | Fact


class Terms(Struct, frozen=True, gc=False):
    """What statements may name: the codes of ISO 4217, and the attributes and purposes of the catalogue."""

    currencies: frozenset[str] = frozenset()
    catalogue: Catalogue = field(default_factory=Catalogue)


def command(statement: Statement, rules: Rules, terms: Terms, now: int) -> Observe | Problem:
    """What a statement comes to, or what is wrong with it; `now` in microseconds."""
    match statement:
        case Observation():
            return check(statement, now) or prepare(statement, rules, now)
        case OrderStatement():
            return _of_order(statement, rules, terms, now)
        case _:
            return _of_fact(statement, rules, terms, now)


def _of_order(statement: OrderStatement, rules: Rules, terms: Terms, now: int) -> Observe | Problem:
    if NAMESPACE not in rules.by_name:
        return Problem("UNKNOWN_NAMESPACE", f"the rules have no namespace {NAMESPACE!r}", ("number",))
    if problem := check_order(statement.order, terms.currencies, now):
        return problem
    if len(statement.identifiers) > 19:
        message = f"identifiers holds {len(statement.identifiers)} entries; 0 to 19 are allowed beside the order"
        return Problem("BAD_COUNT", message, ("identifiers",))
    observation = statement.order.observation(statement.identifiers, statement.party)
    prepared = check(observation, now) or prepare(observation, rules, now)
    if isinstance(prepared, Observe) and prepared.outcome.refused is not None:
        return _own_path(prepared.outcome.refused)
    return prepared


def _own_path(problem: Problem) -> Problem:
    """The order's number stands first among the identifiers of its observation; callers do not count it."""
    match problem.path:
        case ("identifiers", int(index), *rest):
            path = ("number",) if index == 0 else ("identifiers", index - 1, *rest)
            return Problem(problem.code, problem.message, path)
    return problem


_TIME: Mapping[type, str] = {
    AttributesStatement: "statedAt",
    ConsentStatement: "decidedAt",
    InteractionStatement: "at",
    OutsideStatement: "statedAt",
}
"""What callers call the time of a fact."""


def _of_fact(statement: Fact, rules: Rules, terms: Terms, now: int) -> Observe | Problem:
    if problem := _wrong(statement, terms, now):
        return problem
    observation = statement.observation()
    late = check_time(_TIME[type(statement)], observation.seen_at, now)
    return late or check(observation, now) or prepare(observation, rules, now)


def _wrong(statement: Fact, terms: Terms, now: int) -> Problem | None:
    match statement:
        case AttributesStatement():
            return check_statement(statement, terms.catalogue, text_of(now // DAY))
        case ConsentStatement():
            return check_consent(statement, terms.catalogue)
        case InteractionStatement():
            return check_interaction(statement)
        case OutsideStatement():
            return check_outside(statement)
