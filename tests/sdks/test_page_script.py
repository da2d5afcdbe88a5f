"""kith.js in a real browser: page and collector are two origins of one site."""

from typing import Any

import pytest

from tests.builders.collectors import PAGE_KEY, Collector, identifiers_of, types_of
from tests.builders.doors import Door
from tests.builders.sdks import Browser, Shopper, Visit, shopper

GIVEN = {"type": "consent", "purposes": {"Analytics": True, "Advertising": False}}
REFUSED = {"type": "consent", "purposes": {"Analytics": False, "Advertising": False}}
CONSENT = "segment_consent_preference_updated"


@pytest.fixture
def visit(browser: Browser, page_door: Door) -> Visit:
    """A visitor without history who opens a page with the script."""
    return open_page(browser, page_door)


def open_page(browser: Browser, door: Door, foreign: bool = False) -> Visit:
    return browser.visit("kith", f"{door.url}/in/web", PAGE_KEY, foreign)


def events(door: Door, status: int | None = 200) -> list[dict[str, Any]]:
    """The events of all requests that were answered with a status."""
    return [event for post in door.posts(status) for event in post.sent["batch"]]


def names(door: Door) -> list[str]:
    """The types of the events that arrived, or the names of those that have one."""
    return [event.get("event", event["type"]) for event in events(door)]


def cookie(visit: Visit) -> dict[str, Any] | None:
    return next((one for one in visit.cookies if one["name"] == "kith_id"), None)


def browse(somebody: Shopper) -> list[dict[str, Any]]:
    return somebody.calls("page", "track", "identify")


def test_nothing_is_sent_or_stored_before_consent(visit: Visit, page_door: Door) -> None:
    # given a page that reports what happens
    somebody = shopper()
    visit.call(*browse(somebody))
    # when the visitor refuses
    visit.call(REFUSED, *somebody.calls("page"))
    visit.leave()
    visit.come_back()
    assert visit.cookies == []
    # then what is sent after consent is all that is ever sent
    visit.call(GIVEN, *shopper().calls("page"))
    page_door.wait(page_door.posts, "the page view after consent")
    assert names(page_door) == ["Segment Consent Preference Updated", "page"]
    # A browser may report what it was loading when the page was left.
    assert [line for line in visit.log if "ERR_ABORTED" not in line] == []
    visit.close()


def test_what_waited_for_consent_is_known_and_led_to_by_the_cookie(
    visit: Visit, page_collector: Collector, page_door: Door
) -> None:
    # given
    somebody = shopper()
    visit.call(*browse(somebody))
    # when
    visit.call(GIVEN)
    # then
    page_door.wait(lambda: page_collector.knows(somebody, 3), "everything is stored")
    stored = cookie(visit)
    assert stored is not None
    assert (stored["httpOnly"], stored["sameSite"], stored["secure"]) == (True, "Lax", False)
    customer = page_collector.customer("login", somebody.user_id)
    assert customer is not None
    assert customer["emails"] == [{"value": somebody.email}]
    assert identifiers_of(customer, "cookie") == {stored["value"]}
    assert types_of(customer) == ["page_viewed", "product_viewed", CONSENT]
    decisions = {(one["purpose"], one["decision"]) for one in customer["consents"]}
    assert decisions == {("profiling", "GIVEN"), ("third_party_sharing", "REFUSED")}
    viewed = next(node for node in customer["timeline"]["nodes"] if node["type"] == "product_viewed")
    assert (viewed["channel"], viewed["campaign"], viewed["sku"]) == ("web", "spring", "SKU-1")
    # and the request needed no permission of the collector beforehand
    assert not [one for one in page_door.passed if one.method == "OPTIONS"]
    visit.close()


def test_the_visitor_is_the_same_on_the_next_page_and_another_after_a_logout(
    visit: Visit, page_collector: Collector, page_door: Door
) -> None:
    # given a visitor who logged in
    somebody, other = shopper(), shopper()
    visit.call(GIVEN, *browse(somebody))
    page_door.wait(lambda: page_collector.knows(somebody, 3), "everything is stored")
    first = cookie(visit)
    # when they come back later, without a login
    visit.leave()
    visit.come_back()
    visit.call(GIVEN, {"type": "track", "event": "Product Added", "properties": {"sku": "SKU-2"}})
    # then it is the same customer, and the same consent is not stated again
    page_door.wait(lambda: "Product Added" in names(page_door), "the event of the second page")
    customer = page_collector.customer("login", somebody.user_id)
    assert customer is not None
    assert "product_added" in types_of(customer)
    assert types_of(customer).count(CONSENT) == 1
    assert cookie(visit) == first
    # when they log out, and somebody else logs in
    visit.call({"type": "reset"}, *browse(other))
    # then
    page_door.wait(lambda: page_collector.customer("email", other.email), "the other one is known")
    assert cookie(visit) != first
    customer = page_collector.customer("login", other.user_id)
    assert customer is not None
    assert identifiers_of(customer, "login") == {other.user_id}
    visit.close()


def test_a_withdrawal_is_stored_and_ends_the_cookie(visit: Visit, page_collector: Collector, page_door: Door) -> None:
    # given
    somebody = shopper()
    visit.call(GIVEN, *browse(somebody))
    page_door.wait(lambda: page_collector.knows(somebody, 3), "everything is stored")
    # when
    visit.call(REFUSED, *browse(somebody))
    # then
    page_door.wait(lambda: cookie(visit) is None, "the cookie is gone")
    customer = page_collector.customer("login", somebody.user_id)
    assert customer is not None
    assert types_of(customer) == ["page_viewed", "product_viewed", CONSENT, CONSENT]
    decisions = {(one["purpose"], one["decision"]) for one in customer["consents"]}
    assert decisions == {("profiling", "REFUSED"), ("third_party_sharing", "REFUSED")}
    # and nothing is sent any more until the visitor decides otherwise, as another one
    visit.call(*somebody.calls("track"), REFUSED)
    visit.leave()
    visit.come_back()
    sent = len(events(page_door))
    visit.call(REFUSED, *somebody.calls("track"), GIVEN, *shopper().calls("page"))
    page_door.wait(lambda: len(events(page_door)) > sent, "the page view after consent")
    assert names(page_door)[sent:] == ["Segment Consent Preference Updated", "page"]
    assert page_collector.customer("login", somebody.user_id) == customer
    visit.close()


def test_an_outage_loses_nothing_and_keeps_the_order(visit: Visit, page_collector: Collector, page_door: Door) -> None:
    # given no service behind the proxy
    somebody = shopper()
    page_door.refusing = True
    # when
    visit.call(GIVEN, *browse(somebody))
    page_door.wait(lambda: len(page_door.posts(503)) >= 2, "two tries")
    visit.call({"type": "track", "event": "Product Added", "properties": {"sku": "SKU-2"}})
    page_door.refusing = False
    # then
    page_door.wait(lambda: "Product Added" in names(page_door), "the last event")
    assert page_collector.knows(somebody, 4)
    sent = names(page_door)
    order = ["page", "Product Viewed", "identify", "Order Completed", "Product Added"]
    assert [name for name in sent if name in order] == order
    visit.close()


def test_what_is_unsent_when_the_page_is_left_is_sent_by_the_next_page(
    visit: Visit, page_collector: Collector, page_door: Door
) -> None:
    # given no service behind the proxy when the page is left
    somebody = shopper()
    page_door.refusing = True
    visit.call(GIVEN, *browse(somebody))
    page_door.wait(lambda: page_door.posts(503), "a try")
    visit.leave()
    page_door.refusing = False
    # when the visitor opens another page of the shop
    visit.come_back()
    visit.call(GIVEN)
    # then
    page_door.wait(lambda: page_collector.knows(somebody, 3), "everything is stored")
    customer = page_collector.customer("login", somebody.user_id)
    assert customer is not None
    assert types_of(customer) == ["page_viewed", "product_viewed", CONSENT]
    visit.close()


def test_the_last_events_of_a_page_go_by_beacon(visit: Visit, page_collector: Collector, page_door: Door) -> None:
    # given a page that has sent what it had
    somebody = shopper()
    visit.call(GIVEN, *browse(somebody))
    page_door.wait(lambda: page_collector.knows(somebody, 3), "everything is stored")
    # when the visitor clicks, and leaves at once
    visit.call({"type": "track", "event": "Product Clicked", "properties": {"sku": "SKU-2"}})
    visit.leave()
    # then the event arrives, with the cookie
    page_door.wait(lambda: "Product Clicked" in names(page_door), "the last event")
    customer = page_collector.customer("login", somebody.user_id)
    assert customer is not None
    assert "product_clicked" in types_of(customer)
    visit.close()


def test_a_lost_answer_changes_neither_the_events_nor_the_visitor(
    visit: Visit, page_collector: Collector, page_door: Door
) -> None:
    # given a proxy that loses the first answer, with the cookie in it
    somebody = shopper()
    page_door.answers_lost = 1
    # when
    visit.call(GIVEN, *browse(somebody))
    # then
    page_door.wait(lambda: page_door.posts(200), "the same again")
    customer = page_collector.customer("login", somebody.user_id)
    assert customer is not None
    assert types_of(customer) == ["page_viewed", "product_viewed", CONSENT]
    page_door.wait(lambda: cookie(visit), "the cookie")
    stored = cookie(visit)
    assert stored is not None
    assert identifiers_of(customer, "cookie") == {stored["value"]}
    visit.close()


def test_a_page_of_another_origin_sends_nothing(browser: Browser, page_collector: Collector, page_door: Door) -> None:
    # given
    somebody = shopper()
    visit = open_page(browser, page_door, foreign=True)
    # when
    visit.call(GIVEN, *browse(somebody))
    # then
    page_door.wait(lambda: page_door.posts(403), "a refusal")
    assert {post.status for post in page_door.posts()} == {403}
    assert cookie(visit) is None
    assert page_collector.customer("login", somebody.user_id) is None
    visit.close()
