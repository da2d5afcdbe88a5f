"""Each mapping makes of its sample the statements that are in `tests/samples/systems/expected`."""

import json

import pytest

from service.connectors import mapping_file
from tests.builders.systems import SYSTEMS, statements

SHOPIFY = {
    "order": "orders/create", "refund": "refunds/create", "customer": "customers/update", "merge": "customers/merge",
    "checkout": "checkouts/create", "product": "products/update", "redact": "customers/redact",
}  # fmt: skip
CASES = [
    *(("salesforce", f"salesforce-{name}.csv", {}) for name in ("Contact", "Lead", "Opportunity", "Case")),
    ("hubspot", "hubspot-webhooks.json", {}),
    ("hubspot", "hubspot-objects.json", {}),
    ("hubspot-contacts", "hubspot-contacts.csv", {}),
    ("hubspot-contacts", "hubspot-contacts-internal.csv", {}),
    ("hubspot-deals", "hubspot-deals.csv", {}),
    ("hubspot-tickets", "hubspot-tickets.csv", {}),
    ("crm-contacts", "crm-contacts.csv", {}),
    ("crm-deals", "crm-deals.csv", {}),
    ("crm-tickets", "crm-tickets.csv", {}),
    *(("shopify", f"shopify-{name}.json", {"x_shopify_topic": topic}) for name, topic in SHOPIFY.items()),
    ("shopify-orders", "shopify-orders.csv", {}),
    ("shopify-customers", "shopify-customers.csv", {}),
    *(
        ("woocommerce", f"woocommerce-{name}.json", {"x_wc_webhook_topic": f"{name}.updated"})
        for name in ("order", "customer", "product")
    ),
    *(("square", f"square-{name}.json", {}) for name in ("payment", "customer", "orders")),
    *(
        ("lightspeed", f"lightspeed-{name}.form", {"currency": "EUR"})
        for name in ("sale", "walkin", "saved", "customer")
    ),
    ("till-receipts", "till-receipts.csv", {}),
    ("till-receipts-json", "till-receipts-json.json", {}),
    ("loyalty", "loyalty.csv", {}),
    ("loyalty-points", "loyalty-points.json", {}),
    ("payments", "payments-charge.json", {}),
]


@pytest.mark.parametrize(("mapping", "name", "beside"), CASES, ids=[case[1] for case in CASES])
def test_a_sample_makes_these_statements(mapping: str, name: str, beside: dict[str, str]) -> None:
    # given
    expected = [json.loads(line) for line in (SYSTEMS / "expected" / f"{name}.ndjson").read_text().splitlines()]
    # when
    made = statements(mapping, name, **beside)
    # then
    assert made == expected


def test_the_prefix_of_a_source_keeps_the_ids_of_two_systems_apart() -> None:
    # when
    (made, *_) = statements("hubspot-contacts", "hubspot-contacts.csv", prefix="eu-")
    # then
    assert made[0]["fields"]["identifiers"][0] == {"namespace": "crm_id", "value": "eu-512"}
    assert made[3]["fields"]["merged"] == ["eu-498", "eu-499"]


def test_every_mapping_that_comes_with_kith_can_be_read() -> None:
    for name in mapping_file.shipped_names():
        assert mapping_file.shipped(name).title
