"""SDKs for pages, unchanged, in a real browser: page and collector are two origins."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.builders.collectors import CAUTIOUS_KEY, PAGE_KEY, Collector, identifiers_of, types_of
from tests.builders.doors import Door
from tests.builders.sdks import Browser, Shopper, Visit, shopper

BATCHING = {"deliveryStrategy": {"strategy": "batching", "config": {"size": 10, "timeout": 300}}}
EVENTS = ["group_joined", "page_viewed", "product_viewed"]


@dataclass(frozen=True)
class PageSdk:
    """An SDK in one of its modes."""

    name: str
    sdk: str
    options: dict[str, Any] = field(default_factory=dict)
    retries: bool = True
    on_leaving: bool = False
    """Whether the events are sent when the page is left."""

    def __str__(self) -> str:
        return self.name

    def visit(self, browser: Browser, host: str, key: str = PAGE_KEY, foreign: bool = False) -> Visit:
        return browser.visit(self.sdk, host, key, foreign, **self.options)

    def calls(self, shopper: Shopper) -> list[dict[str, Any]]:
        """What the page reports; Jitsu's SDK has no `alias`."""
        return [call for call in shopper.calls() if self.sdk != "jitsu" or call["type"] != "alias"]


SEGMENT = PageSdk("segment", "segment")
SEGMENT_BATCHING = PageSdk("segment-batching", "segment", BATCHING)
RUDDER = PageSdk("rudder", "rudder")
RUDDER_BATCHING = PageSdk(
    "rudder-batching", "rudder", {"queueOptions": {"batch": {"enabled": True, "maxItems": 3, "flushInterval": 500}}}
)
RUDDER_BEACON = PageSdk("rudder-beacon", "rudder", {"useBeacon": True}, retries=False, on_leaving=True)
JITSU = PageSdk("jitsu", "jitsu", retries=False)
SDKS = [SEGMENT, SEGMENT_BATCHING, RUDDER, RUDDER_BATCHING, RUDDER_BEACON, JITSU]
RETRYING = [sdk for sdk in SDKS if sdk.retries]


def shop(visit: Visit, sdk: PageSdk, shopper: Shopper) -> None:
    """Do on the page what the shopper does."""
    visit.call(*sdk.calls(shopper))
    if sdk.on_leaving:
        visit.ready()
        visit.leave()


def assert_known(collector: Collector, shopper: Shopper) -> dict[str, Any]:
    """Everything that the shopper did is stored once; the id of the browser leads to it, too."""
    customer = collector.customer("login", shopper.user_id)
    assert customer is not None
    assert customer["emails"] == [{"value": shopper.email}]
    assert [order["number"] for order in customer["orders"]["nodes"]] == [shopper.order_id]
    (order,) = customer["orders"]["nodes"]
    assert order["lines"] == [{"sku": "SKU-1", "name": "Tent", "quantity": "2", "total": "119.80"}]
    assert types_of(customer) == EVENTS
    (cookie,) = identifiers_of(customer, "cookie")
    assert collector.customer("cookie", cookie) == customer
    return customer


@pytest.mark.parametrize("path", ["", "/in/web"])
@pytest.mark.parametrize("sdk", SDKS, ids=str)
def test_everything_a_page_sends_is_known(
    sdk: PageSdk, path: str, browser: Browser, page_collector: Collector, page_door: Door
) -> None:
    # given
    somebody = shopper()
    visit = sdk.visit(browser, page_door.url + path)
    # when
    shop(visit, sdk, somebody)
    # then
    page_door.wait(lambda: page_collector.knows(somebody, len(EVENTS)), "everything is stored")
    customer = assert_known(page_collector, somebody)
    viewed = next(node for node in customer["timeline"]["nodes"] if node["type"] == "product_viewed")
    assert (viewed["sku"], viewed["campaign"], viewed["channel"]) == ("SKU-1", "spring", "web")
    assert viewed["properties"]["utm_source"] == "newsletter"
    assert {post.status for post in page_door.posts()} == {200}
    visit.close()


@pytest.mark.parametrize("sdk", SDKS, ids=str)
def test_what_is_delivered_twice_is_stored_once(
    sdk: PageSdk, browser: Browser, page_collector: Collector, page_door: Door
) -> None:
    # given a proxy that delivers each request two times
    somebody = shopper()
    page_door.twice = True
    visit = sdk.visit(browser, page_door.url)
    # when
    shop(visit, sdk, somebody)
    # then
    page_door.wait(lambda: page_collector.knows(somebody, len(EVENTS)), "everything is stored")
    assert_known(page_collector, somebody)
    visit.close()


@pytest.mark.parametrize("sdk", RETRYING, ids=str)
def test_an_outage_loses_nothing(sdk: PageSdk, browser: Browser, page_collector: Collector, page_door: Door) -> None:
    # given a page that is loaded, and then no service behind the proxy, whose answer no page may read
    somebody = shopper()
    visit = sdk.visit(browser, page_door.url)
    page_door.refusing = True
    # when it is back after every message was refused, and one of them again
    shop(visit, sdk, somebody)

    def all_refused() -> bool:
        tries = [id for post in page_door.posts(503) for id in post.message_ids]
        return len(set(tries)) == len(sdk.calls(somebody)) and len(tries) > len(set(tries))

    page_door.wait(all_refused, "every message is refused, and tried again")
    page_door.refusing = False
    # then
    page_door.wait(lambda: page_collector.knows(somebody, len(EVENTS)), "everything is stored")
    assert_known(page_collector, somebody)
    visit.close()


@pytest.mark.parametrize("sdk", RETRYING, ids=str)
def test_a_lost_answer_stores_nothing_twice(
    sdk: PageSdk, browser: Browser, page_collector: Collector, page_door: Door
) -> None:
    # given a proxy that loses the answers to what was stored
    somebody = shopper()
    visit = sdk.visit(browser, page_door.url)
    page_door.answers_lost = 2
    # when
    shop(visit, sdk, somebody)
    # then each lost message is sent again with its id
    page_door.wait(
        lambda: (
            {id for post in page_door.posts(503) for id in post.message_ids}
            <= {id for post in page_door.posts(200) for id in post.message_ids}
            and len(page_door.posts(503)) == 2
        ),
        "the lost messages are sent again",
    )
    page_door.wait(lambda: page_collector.knows(somebody, len(EVENTS)), "everything is stored")
    assert_known(page_collector, somebody)
    visit.close()


@pytest.mark.parametrize("sdk", [JITSU, RUDDER_BEACON], ids=str)
def test_what_never_reads_an_answer_is_not_sent_again(sdk: PageSdk, browser: Browser, page_door: Door) -> None:
    # given no service behind the proxy
    somebody = shopper()
    visit = sdk.visit(browser, page_door.url)
    page_door.refusing = True
    # when the page is left, and opened again
    shop(visit, sdk, somebody)
    if sdk is JITSU:
        page_door.wait(lambda: len(page_door.posts(503)) == len(sdk.calls(somebody)), "all are refused")
    visit.leave()
    page_door.wait(lambda: page_door.posts(503), "something is refused")
    page_door.refusing = False
    visit.come_back()
    shop(visit, sdk, shopper())
    # then each message was sent once
    page_door.wait(lambda: page_door.posts(200), "the messages of the other page")
    tries = [id for post in page_door.posts() for id in post.message_ids]
    assert len(tries) == len(set(tries))
    visit.close()


@pytest.mark.parametrize("sdk", SDKS, ids=str)
def test_a_wrong_key_is_refused(sdk: PageSdk, browser: Browser, page_collector: Collector, page_door: Door) -> None:
    # given
    somebody = shopper()
    visit = sdk.visit(browser, page_door.url, "wk-of-nobody")
    # when
    shop(visit, sdk, somebody)
    # then
    page_door.wait(page_door.posts, "a refusal")
    visit.close()
    assert {post.status for post in page_door.posts()} <= {401, 429}  # 429: many wrong keys came from this address
    assert page_collector.customer("login", somebody.user_id) is None


@pytest.mark.parametrize("sdk", SDKS, ids=str)
def test_a_page_of_another_origin_sends_nothing(
    sdk: PageSdk, browser: Browser, page_collector: Collector, page_door: Door
) -> None:
    # given a page that uses the key of the shop
    somebody = shopper()
    visit = sdk.visit(browser, page_door.url, foreign=True)
    # when
    visit.call(*sdk.calls(somebody))
    if sdk.on_leaving:
        visit.leave()

    # then the browser keeps it from sending, or the collector refuses what needs no permission of the browser
    def is_kept_from_sending() -> bool:
        # A page that is left early reports no more that its preflight was not answered as it asked.
        asked = sdk.on_leaving and any(one.method == "OPTIONS" for one in page_door.passed)
        return bool(page_door.posts(403)) or asked or any("CORS" in line for line in visit.log)

    page_door.wait(is_kept_from_sending, "a refusal, or none was sent")
    visit.close()
    assert {post.status for post in page_door.posts()} <= {403}
    assert page_collector.customer("login", somebody.user_id) is None


def test_addresses_that_a_page_names_link_nobody_by_default(
    browser: Browser, page_collector: Collector, page_door: Door
) -> None:
    # given a source whose traits are not said to link
    somebody = shopper()
    visit = SEGMENT.visit(browser, page_door.url, CAUTIOUS_KEY)
    # when
    shop(visit, SEGMENT, somebody)
    # then
    page_door.wait(lambda: page_collector.customer("login", somebody.user_id), "the shopper is known")
    page_door.wait(lambda: len(page_door.posts(200)) == len(somebody.calls()), "everything is stored")
    assert page_collector.customer("email", somebody.email) is None
    visit.close()
