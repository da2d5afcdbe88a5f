"""Events of Segment's specifications become interactions of types that Kith knows, and properties keep their kind."""

import json
from typing import Any

import pytest

from graph.domain.model.interaction_types import INTERACTION_TYPES
from graph.domain.profile.interactions import Interaction, InteractionStatement
from service.connectors import mapping_file
from service.connectors.unpack import unpack
from service.ingest.records import parse_record

EVENTS = [
    *("Products Searched", "Product List Viewed", "Product List Filtered", "Promotion Viewed", "Promotion Clicked"),
    *("Product Clicked", "Product Viewed", "Product Added", "Product Removed", "Cart Viewed", "Checkout Started"),
    *("Checkout Step Viewed", "Checkout Step Completed", "Payment Info Entered", "Order Refunded", "Coupon Entered"),
    *("Coupon Applied", "Coupon Denied", "Coupon Removed", "Product Added to Wishlist", "Product Shared"),
    *("Product Removed from Wishlist", "Wishlist Product Added to Cart", "Product Reviewed", "Signed Up", "Signed In"),
    *("Email Delivered", "Email Opened", "Email Link Clicked", "Email Bounced", "Email Marked as Spam", "Unsubscribed"),
]
CALL = {"userId": "u-1", "messageId": "m-1", "timestamp": "2026-03-01T12:00:00Z"}


def interaction(**call: Any) -> Interaction:
    """The interaction that a call of an SDK becomes."""
    mapping = mapping_file.shipped("segment")
    records, beside = mapping.split(unpack(json.dumps({"batch": [{**CALL, **call}]}).encode(), mapping.format), {})
    (made,) = (made for record in records for made in mapping.map(record, beside) or () if made.kind == "interaction")
    statement = parse_record({**made.fields}, "web").statement
    assert isinstance(statement, InteractionStatement), statement
    return statement.interaction


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_of_the_specification_has_a_known_type(event: str) -> None:
    assert interaction(type="track", event=event).type in INTERACTION_TYPES


@pytest.mark.parametrize("type", ["page", "screen", "group"])
def test_a_call_without_an_event_has_a_known_type(type: str) -> None:
    assert interaction(type=type).type in INTERACTION_TYPES


def test_the_rating_of_a_review_stays_a_number() -> None:
    # when
    made = interaction(type="track", event="Product Reviewed", properties={"product_id": "A-17", "rating": 4.5})
    # then
    assert (made.type, made.sku, made.properties["rating"]) == ("review", "A-17", 4.5)
