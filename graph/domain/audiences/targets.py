"""Targets: the addresses of a customer that an audience should have now, with what is sent beside them."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from msgspec import Struct

from graph.domain.model.audiences import Audience
from graph.domain.model.dates import DAY
from graph.domain.model.errors import InvalidInput
from graph.domain.model.times import iso
from graph.domain.profile.catalog import ADDRESS_PARTS, AttributeType, Catalog
from graph.domain.profile.consents import Decision, check_channel, check_purpose, decision_of_address
from graph.domain.profile.deliverability import EMAIL, MAX_ADDRESSES, email_event_page
from graph.domain.profile.insights import CONSENTS, PROFILE, CustomerInsights
from graph.domain.profile.pages import IdentifierPage, PageRequest
from graph.domain.profile.timeline import NO_END

ORDER_FIELDS = ("order_count", "revenue", "currency", "last_order_at")
"""Fields of an audience that come from a customer's orders and not from attributes. `revenue` is in `currency`, and
`last_order_at` an ISO 8601 time in UTC."""
MAX_FIELDS = 50
MAX_FIELD_NAME_LENGTH = 100
MAX_EXTERNAL_ID_LENGTH = 200
MAX_TTL_DAYS = 3_650


class Target(Struct, frozen=True, gc=False):
    """An address that an audience should have. `state` is the digest of what is sent.

    `expires_at` is when the destination forgets it (microseconds), `None` for never.
    """

    audience: str
    key: str
    state: str
    fields: Mapping[str, Any] = {}
    expires_at: int | None = None


def check_audience(audience: Audience, catalog: Catalog, namespaces: Collection[str]) -> None:
    """Raise `InvalidInput` for an audience with a purpose, a channel or fields that are not declared.

    Its addresses have to be those of the channel, if that has any: a decision for another channel says nothing of them.

    `namespaces` are those of the rules.
    """
    problem = check_purpose(audience.purpose, _purposes(catalog)) or check_channel(audience.channel, catalog.channels)
    if problem:
        raise InvalidInput(problem.code, problem.message, problem.path)
    if not audience.namespaces:
        message = "namespaces is empty: the channel has no addresses, so name those of the destination"
        raise InvalidInput("INVALID_COUNT", message, ("namespaces",))
    for index, namespace in enumerate(audience.namespaces):
        if namespace not in namespaces:
            message = f"namespaces: {namespace[:60]!r} is not a namespace of the rules"
            raise InvalidInput("UNKNOWN_NAMESPACE", message, ("namespaces", index))
        addresses = catalog.channels[audience.channel]
        if addresses and namespace not in addresses:
            message = f"namespaces: {namespace} is no address of {audience.channel}, which has {', '.join(addresses)}"
            raise InvalidInput("INVALID_VALUE", message, ("namespaces", index))
    if len(audience.fields) > MAX_FIELDS:
        message = f"fields: {len(audience.fields)} fields; {MAX_FIELDS} are allowed"
        raise InvalidInput("INVALID_COUNT", message, ("fields",))
    for name, source in audience.fields.items():
        if not 1 <= len(name) <= MAX_FIELD_NAME_LENGTH:
            message = f"fields: a name has {len(name)} characters; 1 to {MAX_FIELD_NAME_LENGTH} are allowed"
            raise InvalidInput("INVALID_LENGTH", message, ("fields",))
        if source not in ORDER_FIELDS and source not in _attributes(catalog):
            allowed = ", ".join((*_attributes(catalog), *ORDER_FIELDS))
            message = f"fields: {source[:60]!r} is neither an attribute nor a figure of orders; allowed are {allowed}"
            raise InvalidInput("UNKNOWN_ATTRIBUTE", message, ("fields",))
    if len(audience.external_id) > MAX_EXTERNAL_ID_LENGTH:
        message = f"externalId has {len(audience.external_id)} characters; {MAX_EXTERNAL_ID_LENGTH} are allowed"
        raise InvalidInput("INVALID_LENGTH", message, ("externalId",))
    if audience.ttl_days is not None and not 1 <= audience.ttl_days <= MAX_TTL_DAYS:
        message = f"ttlDays is {audience.ttl_days}; 1 to {MAX_TTL_DAYS} are allowed"
        raise InvalidInput("INVALID_VALUE", message, ("ttlDays",))


def _attributes(catalog: Catalog) -> Iterable[str]:
    """Yield what fields may name: attributes, and the parts of those that are addresses."""
    for attribute in catalog.attributes.values():
        yield attribute.name
        if attribute.type is AttributeType.ADDRESS:
            yield from (f"{attribute.name}.{part}" for part in ADDRESS_PARTS)


def pages(audience: Audience, catalog: Catalog) -> Iterable[PageRequest]:
    """Return the pages of a customer that `targets` needs for an audience."""
    yield _addresses(audience)
    yield CONSENTS
    if audience.fields:
        yield PROFILE
    if audience.channel == EMAIL:
        yield email_event_page(catalog)


def requires_consent(audience: Audience, catalog: Catalog) -> bool:
    """Return whether all that are in an audience have consented to its purpose; its purpose may not require it."""
    return audience.purpose not in _without_consent(catalog)


def targets(audience: Audience, insights: CustomerInsights) -> tuple[list[Target], int]:
    """Return the targets of a member of an audience's segment, and when they change without new data (microseconds)."""
    catalog = insights.catalog
    is_declared = audience.purpose in _purposes(catalog) and audience.channel in catalog.channels
    if insights.view.restricted or not is_declared:
        # Nobody can withdraw consent for a purpose or a channel that is no longer declared.
        return [], NO_END
    found: list[Target] = []
    fields = {name: _field(source, insights) for name, source in audience.fields.items()}
    expires_at, until = _expiry(audience, insights.now)
    is_consent_required = requires_consent(audience, catalog)
    state = _state(fields, expires_at)
    for address in insights.page(_addresses(audience)):
        key = address.identifier.key
        if address.blocked or (audience.channel == EMAIL and key in insights.undeliverable):
            continue
        decision = decision_of_address(insights.decisions, key, audience.purpose, audience.channel)
        if decision.decision is Decision.GIVEN if decision is not None else not is_consent_required:
            found.append(Target(audience.id, key, state, fields, expires_at))
    return found, until


def _purposes(catalog: Catalog) -> Collection[str]:
    """Return the purposes of audiences: those that require consent, and the others."""
    return (*catalog.purposes, *sorted(_without_consent(catalog)))


def _without_consent(catalog: Catalog) -> Collection[str]:
    """Return the purposes that are declared to need no decision of the person, by their names."""
    return {purpose.name for purpose in catalog.processing.purposes if not purpose.consent}


def _addresses(audience: Audience) -> IdentifierPage:
    return IdentifierPage(audience.namespaces, MAX_ADDRESSES)


def _field(source: str, insights: CustomerInsights) -> Any:
    """Return the value of a field as JSON has it; `None` where the customer has none."""
    metrics = insights.metrics
    match source:
        case "order_count":
            return metrics.order_count
        case "last_order_at":
            return None if metrics.last_order_at is None else iso(metrics.last_order_at)
        case "currency":
            return insights.currency or None
        case "revenue":
            return next((str(money.amount) for money in metrics.revenue if money.currency == insights.currency), None)
    name, _, part = source.partition(".")
    attribute = insights.profile.get(name)
    if attribute is None or not attribute.chosen:
        return None
    value = attribute.chosen[0].value
    if isinstance(value, str):
        return None if part else value
    return value.get(part) if part else dict(value)


def _expiry(audience: Audience, now: int) -> tuple[int | None, int]:
    """Return until when the destination keeps an address, and when that is to be sent again.

    Both follow from the time alone, so that all addresses of an audience are sent again together: in the middle of the
    period that is left.
    """
    if audience.ttl_days is None:
        return None, NO_END
    half = audience.ttl_days * DAY // 2
    window = (now - audience.created_at) // half
    return audience.created_at + (window + 2) * half, audience.created_at + (window + 1) * half


def _state(fields: Mapping[str, Any], expires_at: int | None) -> str:
    if not fields and expires_at is None:
        return "1"
    content = json.dumps([fields, expires_at], sort_keys=True)
    return hashlib.blake2b(content.encode(), digest_size=12).hexdigest()
