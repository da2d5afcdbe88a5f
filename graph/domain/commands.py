"""The statements of sources, and the command that records each: a valid observation, normalized by the rules.

`terms` hold what is allowed in addition to the rules: attributes, purposes and currencies.
"""

from collections.abc import Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from graph.domain.model.dates import DAY, format_date
from graph.domain.model.errors import Problem
from graph.domain.model.observations import Observation, check, check_content
from graph.domain.model.orders import Order, OrderStatement, check_order
from graph.domain.model.retention import Retention, RetentionRule
from graph.domain.model.rules import ORDER_NAMESPACE, DroppedIdentifier, DroppedIdentifierCode, Rules
from graph.domain.model.times import iso
from graph.domain.model.validation import check_time
from graph.domain.profile.attributes import AttributesStatement, check_attributes
from graph.domain.profile.catalog import Catalog
from graph.domain.profile.consents import ConsentStatement, check_consent
from graph.domain.profile.derived_consents import derived_decisions, derived_id
from graph.domain.profile.external_segments import ExternalSegmentStatement, check_external_segment
from graph.domain.profile.interactions import InteractionStatement, check_interaction
from graph.domain.profile.tcf import stated_decisions
from graph.domain.resolution.preparation import Observe, prepare

FactStatement = AttributesStatement | ConsentStatement | InteractionStatement | ExternalSegmentStatement
SourceStatement = Observation | OrderStatement | FactStatement


class Terms(Struct, frozen=True, gc=False):
    """The names that statements may use, and how old statements may be.

    The names are the codes of ISO 4217, and the attributes and purposes of the catalog.
    """

    currencies: frozenset[str] = frozenset()
    catalog: Catalog = field(default_factory=Catalog)
    retention: Retention = field(default_factory=Retention)


def command(statement: SourceStatement, rules: Rules, terms: Terms, now: int) -> Observe | Problem:
    """The command that records a statement, or what is wrong with it; `now` in microseconds."""
    match statement:
        case Observation():
            return check(statement, now) or _prepare(statement, "seenAt", rules, terms, now)
        case OrderStatement():
            return _order_command(statement, rules, terms, now)
        case InteractionStatement():
            return _interaction_command(statement, rules, terms, now)
        case ConsentStatement():
            return _consent_command(statement, rules, terms, now)
        case _:
            return _fact_command(statement, rules, terms, now)


def _order_command(statement: OrderStatement, rules: Rules, terms: Terms, now: int) -> Observe | Problem:
    if ORDER_NAMESPACE not in rules.by_name:
        return Problem("UNKNOWN_NAMESPACE", f"the rules have no namespace {ORDER_NAMESPACE!r}", ("number",))
    order = _with_currency(statement.order, rules)
    if problem := check_order(order, terms.currencies, now):
        return problem
    if (count := len(statement.identifiers or ())) > 19:
        message = f"identifiers holds {count} entries; 0 to 19 are allowed in addition to the order"
        return Problem("INVALID_COUNT", message, ("identifiers",))
    observation = order.observation(statement.identifiers, statement.party)
    prepared = check_content(observation) or _prepare(observation, "placedAt", rules, terms, now)
    if isinstance(prepared, Observe) and prepared.normalized.rejected is not None:
        return _with_order_path(prepared.normalized.rejected)
    return prepared


def _with_currency(order: Order, rules: Rules) -> Order:
    """The order with its currency in upper case; without one, with the currency of its source in the rules."""
    currency = order.currency.strip().upper()
    if not currency and (rule := rules.source_rule(order.source)) is not None:
        currency = rule.currency
    return order if currency == order.currency else replace(order, currency=currency)


def _with_order_path(problem: Problem) -> Problem:
    """The problem with the path as callers see it: the order's number is the first identifier of its observation."""
    match problem.path:
        case ("identifiers", int(index), *rest):
            path = ("number",) if index == 0 else ("identifiers", index - 1, *rest)
            return Problem(problem.code, problem.message, path)
    return problem


_TIME_FIELDS: Mapping[type, str] = {
    AttributesStatement: "reportedAt",
    ConsentStatement: "decidedAt",
    InteractionStatement: "occurredAt",
    ExternalSegmentStatement: "reportedAt",
}
"""The name of the field with the time of a fact, by the type of its statement."""


def _fact_command(
    statement: FactStatement, rules: Rules, terms: Terms, now: int, addresses: frozenset[str] = frozenset()
) -> Observe | Problem:
    """The command of a fact; `addresses` are the namespaces of the addresses that a decision is about."""
    if problem := _check_fact(statement, terms, now):
        return problem
    observation = statement.observation()
    time_field = _TIME_FIELDS[type(statement)]
    problem = check_time(time_field, observation.seen_at, now) or check_content(observation)
    return problem or _prepare(observation, time_field, rules, terms, now, addresses)


def _consent_command(statement: ConsentStatement, rules: Rules, terms: Terms, now: int) -> Observe | Problem:
    """The command of a decision; of the decisions that a TC string states, the others follow from the first."""
    stated = stated_decisions(statement, terms.catalog.tcf, now) if statement.tc_string else [statement]
    if isinstance(stated, Problem):
        return stated
    first, *others = stated
    # An unknown channel has no addresses; it is rejected with the statement.
    addresses = terms.catalog.addresses.get(statement.channel, frozenset())
    own = _fact_command(first, rules, terms, now, addresses)
    if isinstance(own, Problem) or not others:
        return own
    _, id = own.key
    named = (replace(other, id=derived_id(id, other.purpose)) for other in others)
    return replace(own, derived=tuple(prepare(other.observation(), rules, now) for other in named))


def _interaction_command(statement: InteractionStatement, rules: Rules, terms: Terms, now: int) -> Observe | Problem:
    """The command of an interaction with the decisions that follow from it."""
    catalog = terms.catalog
    declared = catalog.consents_by_interaction_type.get(statement.interaction.type, ())
    addresses = frozenset[str]().union(*(catalog.addresses[rule.channel] for rule in declared))
    own = _fact_command(statement, rules, terms, now, addresses)
    if isinstance(own, Problem) or not declared:
        return own
    _, id = own.key
    decisions = derived_decisions(statement, id, declared, catalog.addresses)
    derived = (_prepare(decision.observation(), "occurredAt", rules, terms, now) for decision in decisions)
    return replace(own, derived=tuple(observe for observe in derived if isinstance(observe, Observe)))


def _prepare(
    observation: Observation,
    time_field: str,
    rules: Rules,
    terms: Terms,
    now: int,
    addresses: frozenset[str] = frozenset(),
) -> Observe | Problem:
    """The command of a valid observation without what has expired of it; `time_field` is the name of its time."""
    if observation.seen_at is None:
        return prepare(observation, rules, now, addresses)
    left = terms.retention.remainder(observation, observation.seen_at, now)
    if isinstance(left, RetentionRule):
        return _expired(observation.seen_at, time_field, left)
    if left.complete:
        return prepare(observation, rules, now, addresses)
    dropped = tuple(
        DroppedIdentifier(namespace, value, DroppedIdentifierCode.EXPIRED, f"is older than {rule.days} days")
        for (namespace, value), rule in left.identifiers
    )
    return replace(prepare(left.observation, rules, now, addresses, dropped), retention=terms.retention)


def _expired(seen_at: int, time_field: str, rule: RetentionRule) -> Problem:
    message = (
        f"{time_field} {iso(seen_at)} is more than {rule.days} days ago; retention.toml does not keep it longer "
        f"({rule.label}): {rule.reason}"
    )
    return Problem("EXPIRED", message, (time_field,))


def _check_fact(statement: FactStatement, terms: Terms, now: int) -> Problem | None:
    match statement:
        case AttributesStatement():
            return check_attributes(statement, terms.catalog, format_date(now // DAY))
        case ConsentStatement():
            return check_consent(statement, terms.catalog.purposes, terms.catalog.channels, now)
        case InteractionStatement():
            return check_interaction(statement)
        case ExternalSegmentStatement():
            return check_external_segment(statement)
