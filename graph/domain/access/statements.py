"""Which statements a viewer may record: of its sources, of its party, and only what it can prove.

A storefront acts for whoever sits in front of it. What its token does not prove is recorded as a claim, with the
weakest party: it links what nothing contradicts, and outranks nothing that a source has seen itself.
"""

from collections.abc import Container
from typing import TypeVar

from msgspec.structs import replace

from graph.domain.access.scopes import CONSENT_WRITE
from graph.domain.access.viewer import Reach, Viewer
from graph.domain.model.claims import CLAIMED, claimed_source, is_claimed, origin_of
from graph.domain.model.errors import Problem
from graph.domain.model.identifiers import Identifier
from graph.domain.model.observations import MAX_SOURCE_LENGTH, Observation, Party, identifiers_of
from graph.domain.model.orders import OrderStatement
from graph.domain.model.receipts import ObservationKey
from graph.domain.model.rules import ORDER_NAMESPACE, DroppedIdentifier, Proves, Rules
from graph.domain.profile.attributes import AttributesStatement
from graph.domain.profile.consents import ConsentStatement
from graph.domain.profile.external_segments import ExternalSegmentStatement
from graph.domain.profile.interactions import InteractionStatement

Statement = (
    Observation
    | OrderStatement
    | AttributesStatement
    | ConsentStatement
    | InteractionStatement
    | ExternalSegmentStatement
)

S = TypeVar("S", bound=Statement)

_MAX_NAMED = 10
"""Sources that a message names."""


def permitted(statement: S, viewer: Viewer, rules: Rules, decision_types: Container[str] = ()) -> S | Problem:
    """Return a statement as the viewer may record it, or the problem why it may not.

    `decision_types` are the types of interactions that are consent decisions, too.
    """
    source = source_of(statement)
    if problem := check_source(source, viewer) or _check_party(statement.party, viewer):
        return problem
    if isinstance(statement, InteractionStatement):
        type = statement.interaction.type
        if type in decision_types and not viewer.may(CONSENT_WRITE):
            message = f"type {type!r} is a consent decision, too, and {viewer.caller!r} may not record consents"
            return Problem("FORBIDDEN", message, ("type",))
    if viewer.reach is not Reach.SELF or _is_proved(statement, viewer, rules):
        return statement
    if len(claimed_source(source)) > MAX_SOURCE_LENGTH:
        message = (
            f"source has {len(source)} characters; {MAX_SOURCE_LENGTH - len(CLAIMED)} are allowed, because what is "
            f"claimed is recorded under the source with {CLAIMED!r} at its end"
        )
        return Problem("INVALID_LENGTH", message, ("source",))
    return _claimed(statement, claimed_source(source))


def source_of(statement: Statement) -> str:
    """Return the source that states it."""
    match statement:
        case OrderStatement():
            return statement.order.source
        case InteractionStatement():
            return statement.interaction.source
        case _:
            return statement.source


def check_source(source: str, viewer: Viewer) -> Problem | None:
    """Return the problem of recording what a source states, if the viewer may not."""
    if is_claimed(source):
        message = f"source {source[:MAX_SOURCE_LENGTH]!r} ends in {CLAIMED!r}, which Kith adds to what is claimed"
        return Problem("SOURCE_NOT_YOURS", message, ("source",))
    return None if viewer.writes_source(source) else _not_yours(source, viewer)


def check_revocation(key: ObservationKey, viewer: Viewer) -> Problem | None:
    """Return the problem of revoking an observation, if the viewer may not: its claims belong to a source, too."""
    source, _ = key
    return None if viewer.writes_source(origin_of(source)) else _not_yours(source, viewer)


def _not_yours(source: str, viewer: Viewer) -> Problem:
    names = sorted(viewer.sources or ())
    more = ", …" if len(names) > _MAX_NAMED else ""
    allowed = ", ".join(names[:_MAX_NAMED]) + more if names else "none"
    message = f"source {source[:MAX_SOURCE_LENGTH]!r} is not one of those of {viewer.caller!r}: {allowed}"
    return Problem("SOURCE_NOT_YOURS", message, ("source",))


def _check_party(party: Party, viewer: Viewer) -> Problem | None:
    if party >= viewer.party:
        return None
    allowed = ", ".join(other.name for other in Party if other >= viewer.party)
    message = f"party is {party.name}; {viewer.caller!r} may state {allowed}"
    return Problem("PARTY_NOT_ALLOWED", message, ("party",))


def _is_proved(statement: Statement, viewer: Viewer, rules: Rules) -> bool:
    """Whether all identifiers of a statement are the viewer's subject, or such as prove nothing.

    An order number proves nothing, but it is short and counts up: who states one may mean the order of somebody else.
    Who somebody is, only the subject can state: the cookie may be in the browser of a person who is known.
    """
    if isinstance(statement, OrderStatement):
        return False
    observation = statement if isinstance(statement, Observation) else statement.observation()
    names_subject = False
    for namespace, raw in identifiers_of(observation, rules):
        if namespace not in rules.by_name:
            continue  # The statement is rejected anyway.
        if rules.proof[namespace] is Proves.NOTHING and namespace != ORDER_NAMESPACE:
            continue
        value = rules.normalize_value(namespace, raw, observation.source)
        # A value that is dropped now is stored as it was sent, and may count under other rules.
        if isinstance(value, DroppedIdentifier) or Identifier(namespace, value).key != viewer.subject:
            return False
        names_subject = True
    return names_subject or not isinstance(statement, AttributesStatement)


def _claimed(statement: S, source: str) -> S:
    party = Party.THIRD_PARTY
    match statement:
        case OrderStatement():
            return replace(statement, order=replace(statement.order, source=source), party=party)
        case InteractionStatement():
            return replace(statement, interaction=replace(statement.interaction, source=source), party=party)
        case _:
            return replace(statement, source=source, party=party)
