"""Which addresses an audience should have, with what is sent beside them, and until when."""

import json
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from graph.domain.audiences.targets import Target, check_audience, pages, requires_consent, targets
from graph.domain.model.audiences import Audience
from graph.domain.model.customers import Anchor, Customer
from graph.domain.model.dates import DAY, day_of
from graph.domain.model.email_events import EmailEvent
from graph.domain.model.errors import InvalidInput
from graph.domain.model.facts import Fact
from graph.domain.model.identifiers import Identifier
from graph.domain.model.observations import Party
from graph.domain.model.order_totals import add, order_totals_of
from graph.domain.model.orders import Order
from graph.domain.profile.catalog import Catalog
from graph.domain.profile.consents import EVERY_CHANNEL, ConsentStatement, Decision
from graph.domain.profile.deliverability import email_event_page
from graph.domain.profile.insights import CONSENTS, PROFILE, CustomerInsights
from graph.domain.profile.pages import CustomerView, IdentifierView, Page, PageRequest
from graph.domain.profile.purposes import Processing, Purpose
from graph.domain.profile.timeline import NO_END

NOW = day_of(2026, 6, 15) * DAY
ANN, WORK = "email=ann@example.com", "email=ann@work.example"
AUDIENCE = Audience("aud_1", "mail-tool", "seg_1", "newsletter", "EMAIL", ("email",), created_at=NOW)
CATALOG = Catalog()
NAMESPACES = ("email", "phone", "crm_id")
FREE = Catalog(processing=Processing(purposes=(Purpose("invoices", consent=False), Purpose("newsletter"))))
"""A catalog with a purpose for which no decision of the person is required."""


def decided(
    decision: Decision, key: str = ANN, at: int = 5, channel: str = "EMAIL", purpose: str = "newsletter"
) -> Fact:
    statement = ConsentStatement("shop", (), purpose, decision, channel, decided_at=at)
    return Fact(key, at, "shop", f"c-{at}", Party.FIRST_PARTY, statement.observation().facts)


def customer(
    *consents: Fact,
    keys: Sequence[str] = (ANN, WORK),
    blocked: Sequence[str] = (),
    attributes: dict[str, Any] | None = None,
    bounced: Sequence[str] = (),
    orders: Sequence[Order] = (),
    catalog: Catalog = CATALOG,
    restricted: bool = False,
    now: int = NOW,
) -> CustomerInsights:
    """A customer with two addresses."""
    views = [IdentifierView(Identifier.from_key(key), None, blocked=key in blocked) for key in keys]
    facts = [Fact(ANN, 0, "crm", "a-1", Party.FIRST_PARTY, json.dumps(attributes))] if attributes else []
    events = [EmailEvent(key, "esp", bounced=True, at=7) for key in bounced]
    read: dict[PageRequest, Page[Any]] = defaultdict(lambda: Page((), False))
    addresses, *_ = pages(AUDIENCE, catalog)
    read[addresses] = Page(views, False)
    read[CONSENTS] = Page(consents, False)
    read[PROFILE] = Page(facts, False)
    read[email_event_page(catalog)] = Page(events, False)
    one = Customer("node", "cus_1", 0, Anchor(ANN, 0), order_totals=add(map(order_totals_of, orders)))
    return CustomerInsights(now, CustomerView(one, None, read, restricted), catalog)


def addresses(audience: Audience, insights: CustomerInsights) -> set[str]:
    return {target.key for target in targets(audience, insights)[0]}


# --- consent


@pytest.mark.parametrize(
    ("consents", "expected"),
    [
        ([], set()),
        ([decided(Decision.GIVEN)], {ANN}),
        ([decided(Decision.GIVEN), decided(Decision.GIVEN, WORK)], {ANN, WORK}),
        ([decided(Decision.GIVEN, channel=EVERY_CHANNEL)], {ANN}),
        ([decided(Decision.GIVEN, channel="SMS")], set()),
        ([decided(Decision.GIVEN, purpose="profiling")], set()),
        ([decided(Decision.GIVEN), decided(Decision.WITHDRAWN, at=6)], set()),
        ([decided(Decision.WITHDRAWN), decided(Decision.GIVEN, at=6)], {ANN}),
        ([decided(Decision.GIVEN), decided(Decision.REFUSED, at=6, channel=EVERY_CHANNEL)], set()),
        ([decided(Decision.GIVEN), decided(Decision.WITHDRAWN, at=6, channel="SMS")], {ANN}),
    ],
)
def test_an_address_has_consent_of_its_own_for_purpose_and_channel(consents: list[Fact], expected: set[str]) -> None:
    assert addresses(AUDIENCE, customer(*consents)) == expected


def test_a_purpose_that_requires_no_consent_has_all_addresses_but_those_that_were_refused() -> None:
    # given
    invoices = replace(AUDIENCE, purpose="invoices")
    assert not requires_consent(invoices, FREE)
    assert requires_consent(AUDIENCE, FREE)
    # then
    assert addresses(invoices, customer(catalog=FREE)) == {ANN, WORK}
    refused = decided(Decision.REFUSED, WORK, purpose="invoices")
    assert addresses(invoices, customer(refused, catalog=FREE)) == {ANN}


def test_nothing_is_sent_of_a_restricted_customer() -> None:
    assert targets(AUDIENCE, customer(decided(Decision.GIVEN), restricted=True)) == ([], NO_END)


def test_blocked_addresses_and_those_that_refuse_emails_are_left_out() -> None:
    # given
    both = decided(Decision.GIVEN), decided(Decision.GIVEN, WORK)
    # then
    assert addresses(AUDIENCE, customer(*both, blocked=[ANN])) == {WORK}
    assert addresses(AUDIENCE, customer(*both, bounced=[WORK])) == {ANN}


# --- fields


SHOP_ORDERS = (
    Order("1", "shop", NOW - DAY, NOW, "EUR", Decimal("10.50")),
    Order("2", "shop", NOW - 2 * DAY, NOW, "EUR", Decimal(2)),
)


def fields_of(insights: CustomerInsights, **fields: str) -> dict[str, Any]:
    (target,), _ = targets(replace(AUDIENCE, fields=fields), insights)
    return dict(target.fields)


def test_fields_are_attributes_parts_of_addresses_and_figures_of_orders() -> None:
    # given
    ann = customer(
        decided(Decision.GIVEN),
        attributes={"given_name": "Ann", "address": {"street": "Main St 1", "city": "Springfield"}},
        orders=SHOP_ORDERS,
    )
    # when
    sent = fields_of(
        ann,
        FNAME="given_name",
        TOWN="address.city",
        REGION="address.region",
        HOME="address",
        ORDERS="order_count",
        REVENUE="revenue",
        CURRENCY="currency",
        LAST="last_order_at",
    )
    # then
    assert sent == {
        "FNAME": "Ann",
        "TOWN": "Springfield",
        "REGION": None,
        "HOME": {"street": "Main St 1", "city": "Springfield"},
        "ORDERS": 2,
        "REVENUE": "12.50",
        "CURRENCY": "EUR",
        "LAST": "2026-06-14T00:00:00Z",
    }
    json.dumps(sent)


def test_fields_that_a_customer_has_no_value_of_are_empty() -> None:
    # when
    sent = fields_of(
        customer(decided(Decision.GIVEN)),
        FNAME="given_name",
        TOWN="address.city",
        ORDERS="order_count",
        REVENUE="revenue",
        CURRENCY="currency",
        LAST="last_order_at",
    )
    # then
    assert sent == {"FNAME": None, "TOWN": None, "ORDERS": 0, "REVENUE": None, "CURRENCY": None, "LAST": None}


def test_the_state_changes_with_the_fields_and_with_nothing_else() -> None:
    # given
    def state(insights: CustomerInsights, **fields: str) -> str:
        return targets(replace(AUDIENCE, fields=fields), insights)[0][0].state

    consent = decided(Decision.GIVEN)
    ann = customer(consent, attributes={"given_name": "Ann", "family_name": "Ash"})
    anna = customer(consent, attributes={"given_name": "Anna", "family_name": "Ash"}, now=NOW + DAY)
    # then
    assert state(ann) == state(anna)
    assert state(ann, NAME="family_name") == state(anna, NAME="family_name")
    assert state(ann, NAME="given_name") != state(anna, NAME="given_name")
    assert state(ann, NAME="given_name") != state(ann, FNAME="given_name")


# --- expiry


@pytest.mark.parametrize("days", [1, 2, 7, 30])
@pytest.mark.parametrize("later", [0, 0.4, 0.5, 0.9, 1, 10.2])
def test_an_address_expires_no_sooner_than_half_of_its_time_and_is_sent_again_before(days: int, later: float) -> None:
    # given
    audience = replace(AUDIENCE, ttl_days=days)
    now = NOW + round(later * days * DAY)
    # when
    (target,), until = targets(audience, customer(decided(Decision.GIVEN), now=now))
    # then
    assert target.expires_at is not None
    assert now < until < target.expires_at
    assert days * DAY / 2 <= target.expires_at - now <= days * DAY
    # and what is sent then lasts longer
    (again,), _ = targets(audience, customer(decided(Decision.GIVEN), now=until))
    assert again.expires_at is not None
    assert again.expires_at > target.expires_at
    assert again.state != target.state
    # and nothing changes before
    (same,), _ = targets(audience, customer(decided(Decision.GIVEN), now=until - 1))
    assert same == target


def test_without_an_expiry_nothing_changes_with_time() -> None:
    # when
    found, until = targets(AUDIENCE, customer(decided(Decision.GIVEN)))
    # then
    assert (found, until) == ([Target("aud_1", ANN, "1")], NO_END)


# --- what may be declared


def test_what_an_audience_names_has_to_exist() -> None:
    check_audience(replace(AUDIENCE, fields={"A": "address.city", "B": "revenue"}), CATALOG, NAMESPACES)
    check_audience(replace(AUDIENCE, purpose="invoices"), FREE, NAMESPACES)


@pytest.mark.parametrize(
    ("changed", "code", "path", "said"),
    [
        ({"purpose": "world peace"}, "UNKNOWN_PURPOSE", ("purpose",), "world peace"),
        ({"channel": "PIGEON"}, "UNKNOWN_CHANNEL", ("channel",), "PIGEON"),
        ({"namespaces": ()}, "INVALID_COUNT", ("namespaces",), "namespaces is empty"),
        ({"namespaces": ("email", "fax")}, "UNKNOWN_NAMESPACE", ("namespaces", 1), "'fax'"),
        ({"fields": {f"F{number}": "name" for number in range(51)}}, "INVALID_COUNT", ("fields",), "51"),
        ({"fields": {"": "name"}}, "INVALID_LENGTH", ("fields",), "0 characters"),
        ({"fields": {"F" * 101: "name"}}, "INVALID_LENGTH", ("fields",), "101 characters"),
        ({"fields": {"F": "shoe_size"}}, "UNKNOWN_ATTRIBUTE", ("fields",), "'shoe_size'"),
        ({"fields": {"F": "address.town"}}, "UNKNOWN_ATTRIBUTE", ("fields",), "address.city"),
        ({"fields": {"F": "name.first"}}, "UNKNOWN_ATTRIBUTE", ("fields",), "'name.first'"),
        ({"external_id": "x" * 201}, "INVALID_LENGTH", ("externalId",), "201 characters"),
        ({"ttl_days": 0}, "INVALID_VALUE", ("ttlDays",), "ttlDays is 0"),
        ({"ttl_days": 3_651}, "INVALID_VALUE", ("ttlDays",), "3651"),
    ],
)
def test_an_error_names_the_field_and_the_value(changed: dict[str, Any], code: str, path: tuple, said: str) -> None:
    # when
    with pytest.raises(InvalidInput) as raised:
        check_audience(replace(AUDIENCE, **changed), CATALOG, NAMESPACES)
    # then
    problem = raised.value
    assert (problem.code, problem.path) == (code, path)
    assert said in str(problem)
