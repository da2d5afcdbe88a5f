"""Deliverability: which addresses refuse emails for good, and which addresses of a customer may be contacted now.

A bounce is not a decision of the person, so it changes no consent. Nothing is stored beside the interactions: what
holds for an address follows from those that name it, whichever customer holds it, and in whatever order they arrived.
"""

import json
from collections.abc import Container, Iterable, Mapping

from msgspec import Struct

from graph.domain.model.claims import is_claimed
from graph.domain.model.email_events import EmailEvent
from graph.domain.model.facts import Fact
from graph.domain.profile.catalog import Catalog
from graph.domain.profile.consents import (
    EVERY_CHANNEL,
    ConsentMethod,
    Decision,
    RecordedDecision,
    decision_of_address,
)
from graph.domain.profile.pages import EmailEventPage, IdentifierPage, IdentifierView

EMAIL = "EMAIL"
"""The channel whose addresses email events are about."""
MAX_ADDRESSES = 1_000
"""Addresses of one customer and channel that are considered."""


class UndeliverableAddress(Struct, frozen=True, gc=False):
    """An address that refuses emails, since the first bounce (microseconds) after which nothing arrived."""

    key: str
    since: int


def email_event_page(catalog: Catalog) -> EmailEventPage:
    """Return the page of the events of all addresses for emails."""
    return EmailEventPage(tuple(catalog.channels.get(EMAIL, ())))


def address_page(catalog: Catalog, channel: str) -> IdentifierPage:
    """Return the page of a customer's addresses of a channel."""
    return IdentifierPage(tuple(catalog.channels[channel]), MAX_ADDRESSES)


def undeliverable_addresses(events: Iterable[EmailEvent], consents: Iterable[Fact]) -> dict[str, UndeliverableAddress]:
    """Return the addresses that refuse emails, by key.

    An address bounced, and since then neither has an email arrived, nor has the person confirmed a double opt-in. Of a
    bounce and an arrival at the same time, the bounce counts. Claims prove nothing: their events are ignored.
    """
    bounces: dict[str, list[int]] = {}
    worked: dict[str, int] = {}
    for event in events:
        if is_claimed(event.source):
            continue
        if event.bounced:
            bounces.setdefault(event.key, []).append(event.at)
        else:
            worked[event.key] = max(event.at, worked.get(event.key, event.at))
    for fact in consents if bounces else ():
        if fact.key in bounces and (at := _confirmed_at(fact)) is not None:
            worked[fact.key] = max(at, worked.get(fact.key, at))
    found: dict[str, UndeliverableAddress] = {}
    for key in sorted(bounces):
        since = min((at for at in bounces[key] if key not in worked or at >= worked[key]), default=None)
        if since is not None:
            found[key] = UndeliverableAddress(key, since)
    return found


def _confirmed_at(fact: Fact) -> int | None:
    """Return when a double opt-in for emails was confirmed (microseconds); `None` for any other decision."""
    _, channel, decision, _, *more = json.loads(fact.facts)
    details: Mapping[str, int | str] = more[0] if more else {}
    is_given = decision == Decision.GIVEN.value and details.get("method") == ConsentMethod.DOUBLE_OPT_IN.value
    if not is_given or channel.upper() not in (EVERY_CHANNEL, EMAIL) or is_claimed(fact.source):
        return None
    confirmed_at = details.get("confirmedAt", fact.at)
    return confirmed_at if isinstance(confirmed_at, int) else None


def contactable_addresses(
    addresses: Iterable[IdentifierView],
    newest_first: list[RecordedDecision],
    undeliverable: Container[str],
    purpose: str,
    channel: str,
) -> list[IdentifierView]:
    """Return those of a customer's addresses that may be contacted now, for a purpose through a channel.

    Consent is given for this very address, the address is not blocked, and, if the channel is that of emails, not
    undeliverable. The caller knows that the customer is not restricted.
    """
    return [
        address
        for address in addresses
        if not address.blocked
        and not (channel == EMAIL and address.identifier.key in undeliverable)
        and (decision := decision_of_address(newest_first, address.identifier.key, purpose, channel)) is not None
        and decision.decision is Decision.GIVEN
    ]
