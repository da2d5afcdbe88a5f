"""SDKs for servers, unchanged, with their own host option: what they send is what Kith knows."""

from typing import Any

import pytest

from tests.builders.collectors import SERVER_KEY, Collector, identifiers_of, types_of
from tests.builders.doors import Door
from tests.builders.sdks import SERVER_SDKS, ServerSdk, Shopper, given_up, shopper

LINES = [{"sku": "SKU-1", "name": "Tent", "quantity": "2", "total": "119.80"}]


def sdk_options(sdk: ServerSdk, path: str = "") -> dict[str, Any]:
    """The options that name the address: Segment's SDK for Node takes the path by an option of its own."""
    return {"path": f"{path}/v1/batch"} if str(sdk) == "segment-node" and path else {}


def assert_known(collector: Collector, shopper: Shopper) -> dict[str, Any]:
    """Everything that the shopper did is stored once, whichever id one asks by."""
    customer = collector.customer("cookie", shopper.anonymous_id)
    assert customer is not None
    assert customer == collector.customer("login", shopper.user_id)
    assert customer["emails"] == [{"value": shopper.email}]
    assert identifiers_of(customer, "login") == {shopper.user_id}
    assert identifiers_of(customer, "cookie") == {shopper.anonymous_id}
    (order,) = customer["orders"]["nodes"]
    assert (order["number"], order["total"], order["currency"]) == (shopper.order_id, "119.80", "EUR")
    assert order["lines"] == LINES
    assert types_of(customer) == ["group_joined", "page_viewed", "product_viewed"]
    return customer


@pytest.mark.parametrize("sdk", SERVER_SDKS, ids=str)
def test_everything_a_server_sends_is_known(sdk: ServerSdk, server_collector: Collector) -> None:
    # given
    somebody = shopper()
    url = f"http://127.0.0.1:{server_collector.service.port}"
    # when
    failed = sdk.send(url, SERVER_KEY, somebody.calls())
    # then
    assert failed == []
    customer = assert_known(server_collector, somebody)
    (viewed,) = (node for node in customer["timeline"]["nodes"] if node["type"] == "product_viewed")
    assert viewed["sku"] == "SKU-1"


@pytest.mark.parametrize("sdk", SERVER_SDKS, ids=str)
def test_a_source_can_be_named_by_the_address(sdk: ServerSdk, server_collector: Collector) -> None:
    # given
    somebody = shopper()
    url = f"http://127.0.0.1:{server_collector.service.port}/in/backend"
    # when
    failed = sdk.send(url, SERVER_KEY, somebody.calls(), sdk_options(sdk, "/in/backend"))
    # then
    assert failed == []
    assert_known(server_collector, somebody)


@pytest.mark.parametrize("sdk", SERVER_SDKS, ids=str)
def test_what_is_delivered_twice_is_stored_once(sdk: ServerSdk, server_collector: Collector, server_door: Door) -> None:
    # given a proxy that delivers each request two times
    somebody = shopper()
    server_door.twice = True
    # when
    failed = sdk.send(server_door.url, SERVER_KEY, somebody.calls())
    # then
    assert failed == []
    assert_known(server_collector, somebody)


@pytest.mark.parametrize("sdk", SERVER_SDKS, ids=str)
def test_an_outage_loses_nothing(sdk: ServerSdk, server_collector: Collector, server_door: Door) -> None:
    # given no service behind the proxy
    somebody = shopper()
    server_door.refusing, server_door.retry_after = True, 1
    # when it is back after the second try
    process = sdk.start(server_door.url, SERVER_KEY, somebody.calls())
    server_door.wait(lambda: len(server_door.posts(503)) >= 2, "two tries")
    server_door.refusing = False
    # then the same messages arrive
    assert given_up(process) == []
    assert_known(server_collector, somebody)
    refused = {id for post in server_door.posts(503) for id in post.message_ids}
    assert refused <= {id for post in server_door.posts(200) for id in post.message_ids}


@pytest.mark.parametrize("sdk", SERVER_SDKS, ids=str)
def test_a_lost_answer_stores_nothing_twice(sdk: ServerSdk, server_collector: Collector, server_door: Door) -> None:
    # given a proxy that loses the answer to what was stored
    somebody = shopper()
    server_door.answers_lost = 1
    # when the SDK sends it again, with another time of sending
    failed = sdk.send(server_door.url, SERVER_KEY, somebody.calls())
    # then
    lost, repeated = server_door.posts()[:2]
    assert lost.message_ids == repeated.message_ids
    assert failed == []
    assert_known(server_collector, somebody)


@pytest.mark.parametrize("sdk", SERVER_SDKS, ids=str)
def test_a_wrong_key_is_final(sdk: ServerSdk, server_collector: Collector, server_door: Door) -> None:
    # given
    somebody = shopper()
    # when
    failed = sdk.send(server_door.url, "sk-of-nobody", somebody.calls())
    # then no SDK sends its messages again
    sent = [id for post in server_door.posts() for id in post.message_ids]
    assert {post.status for post in server_door.posts()} == {401}
    assert len(sent) == len(set(sent)) == len(failed) == 6
    assert server_collector.customer("login", somebody.user_id) is None
