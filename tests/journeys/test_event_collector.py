"""The event collector: recorded requests of seven SDKs, in any order, repeated, with a broken event among them."""

import asyncio
import json
import random
from pathlib import Path
from typing import Any

import pytest

from graph.stores.sqlite import SQLiteStore
from service.audit.audit import Audit
from service.bootstrap import SystemClock
from tests.builders.audits import entries
from tests.builders.clients import Client
from tests.builders.connectors import ORIGIN, connected, event, post, recorded, replay
from tests.builders.retention import SettableClock
from tests.builders.runs import Run
from tests.builders.stores import Fresh

LOGINS = ("u-1001", "u-2001", "u-3001", "u-4001", "u-5001", "u-r")
RECORDED = "2026-11-28T18:00:00Z"
"""The time of the recordings: later, their clocks would count as wrong."""
CUSTOMER = """
  emails { value } profile { givenName { value } }
  identifiers(first: 50) { nodes { namespace value } }
  orders(first: 20) { nodes { number total currency status placedAt lines { sku quantity total name } } }
  timeline(first: 100, kinds: [INTERACTION]) {
    nodes { ... on Interaction { source type occurredAt channel campaign sku properties } } }"""


def interactions(client: Client, key: str) -> list[dict[str, Any]]:
    customer = client.customer(key, CUSTOMER)
    return [] if customer is None else customer["timeline"]["nodes"]


@pytest.fixture
def client(fresh: Fresh, run: Run, tmp_path: Path) -> Client:
    return connected(fresh(), run, tmp_path, clock=SettableClock(RECORDED))


def seen_by_all(client: Client) -> dict[str, Any]:
    """What is known of the people of the recordings, without ids, in a stable order."""
    return {login: _sorted(client.customer(f"login={login}", CUSTOMER)) for login in LOGINS}


def _sorted(value: Any) -> Any:
    if isinstance(value, list):
        return sorted((_sorted(one) for one in value), key=lambda one: json.dumps(one, sort_keys=True))
    return {name: _sorted(one) for name, one in value.items()} if isinstance(value, dict) else value


def test_recorded_requests_are_taken_byte_for_byte_and_twice(client: Client) -> None:
    # when
    answers = [replay(client, request) for _, request in recorded()]
    # then
    assert {answer.status_code for answer in answers} == {200}
    assert client.graph.refused.deliveries == {}
    before = seen_by_all(client)
    lea = before["u-5001"]
    assert lea["emails"] == [{"value": "lea.test@example.com"}]
    assert [(order["number"], order["total"]) for order in lea["orders"]["nodes"]] == [("W-5001", "59.90")]
    assert {one["type"] for one in lea["timeline"]["nodes"]} >= {"page_viewed", "product_viewed", "group_joined"}
    assert all(before.values())
    # when all of it comes again
    for _, request in recorded():
        assert replay(client, request).status_code == 200
    # then
    assert seen_by_all(client) == before
    assert client.graph.refused.deliveries == {}


def test_one_broken_event_never_costs_its_batch(client: Client, tmp_path: Path, run: Run) -> None:
    broken: list[Any] = [None, 7, "text", {}, {"type": "track"}, event("track", "m-x", event="!!", userId="u-1001")]
    for number, (_, request) in enumerate(recorded()):
        body = dict(request["body"])
        if isinstance(body.get("batch"), list):
            body["batch"] = [*body["batch"][:1], broken[number % len(broken)], *body["batch"][1:]]
        assert replay(client, request, body).status_code == 200
    # then: all others are in, and those that are broken are kept
    expected = connected(SQLiteStore(tmp_path / "expected.db"), run, tmp_path, clock=SettableClock(RECORDED))
    run(expected.wiring.store.migrate())
    for _, request in recorded():
        replay(expected, request)
    assert seen_by_all(client) == seen_by_all(expected)
    assert sum(client.graph.refused.deliveries.values()) > 0
    run(expected.wiring.store.close())


def test_any_order_of_arrival_gives_one_graph(tmp_path: Path, run: Run) -> None:
    """1,000 orders once; here some of them, split and repeated at random."""
    wanted: Any = None
    events = [(request, one) for _, request in recorded() for one in request["body"].get("batch") or [request["body"]]]
    for seed in range(12):
        # given
        store = SQLiteStore(tmp_path / f"{seed}.db")
        run(store.migrate())
        client = connected(store, run, tmp_path, clock=SettableClock(RECORDED))
        chosen = random.Random(seed)
        shuffled = events + chosen.sample(events, len(events) // 3) if seed else list(events)
        if seed:
            chosen.shuffle(shuffled)
        # when
        position = 0
        while position < len(shuffled):
            size = chosen.randint(1, 7)
            batch = [one for _, one in shuffled[position : position + size]]
            answer = post(client, "/in/web/v1/batch", {"batch": batch}, key="", origin=ORIGIN)
            assert answer.status_code == 200
            position += size
        # then
        found = seen_by_all(client)
        wanted = wanted or found
        assert found == wanted, seed
        run(store.close())


def test_a_browser_reads_nothing_and_writes_as_its_source_from_its_origins_only(client: Client) -> None:
    body = {"batch": [event("track", "m-1", event="Clicked", userId="u-1", source="crm")]}
    # a foreign origin, none at all
    for origin in ({"origin": "https://evil.example"}, {}):
        answer = post(client, "/v1/batch", body, key="wk_web", **origin)
        assert answer.status_code == 403
        assert answer.json()["errors"][0]["extensions"]["code"] == "ORIGIN_NOT_ALLOWED"
        assert "access-control-allow-origin" not in answer.headers
    # its own
    answer = post(client, "/v1/batch", body, key="wk_web", origin=ORIGIN)
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    # the same again answers the same: it cannot be found out what is stored
    assert post(client, "/v1/batch", body, key="wk_web", origin=ORIGIN).json() == {"success": True}
    # a login is claimed there, by whoever has the key
    assert [one["source"] for one in interactions(client, "login=u-1")] == ["web:claimed"]
    # its key opens nothing else
    for path in ("/graphql", "/in/backend", "/metrics"):
        answer = client._run(client.http.post(path, json={}, headers={"authorization": "Bearer wk_web"}))
        assert answer.status_code in (401, 404, 405, 400)
    assert post(client, "/in/backend", body, key="wk_web", origin=ORIGIN).status_code == 401


def test_preflights_allow_the_headers_that_sdks_ask_for(client: Client) -> None:
    asked = "anonymousid,authorization,content-type,sentat"
    for origin, allowed in (
        (ORIGIN, "anonymousid, authorization, content-type, sentat"),
        ("https://evil.example", None),
    ):
        headers = {"origin": origin, "access-control-request-method": "POST", "access-control-request-headers": asked}
        answer = client._run(client.http.options("/v1/batch", headers=headers))
        assert answer.status_code == 204
        assert answer.headers.get("access-control-allow-headers") == allowed


@pytest.mark.parametrize(
    ("path", "key", "status", "code"),
    [
        ("/v1/batch", "wrong-key-1", 401, "UNAUTHENTICATED"),
        ("/v1/batch", "", 401, "UNAUTHENTICATED"),
        ("/in/backend", "wrong-key-1", 401, "UNAUTHENTICATED"),
        ("/in/nobody", "wk_backend", 404, "NOT_FOUND"),
        ("/in/backend/v1/unknown", "wk_backend", 404, "NOT_FOUND"),
    ],
)
def test_who_does_not_belong_here_is_told_so(client: Client, path: str, key: str, status: int, code: str) -> None:
    answer = post(client, path, {"batch": []}, key=key)
    body = answer.json()
    assert (answer.status_code, body["errors"][0]["extensions"]["code"]) == (status, code)
    # RudderStack's SDK for Python reads both at the top
    assert (body["code"], body["message"]) == (code, body["errors"][0]["message"])


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"{", 400, "the body is not JSON"),
        (b"\x1f\x8b\x08junk", 400, "gzip"),
        (b'{"batch": [' + b'{"a": "' + b"x" * 8_000_000 + b'"}]}', 413, "larger"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_as_a_whole(
    client: Client, body: bytes, status: int, message: str
) -> None:
    answer = post(client, "/in/backend", body)
    assert answer.status_code == status
    assert message in answer.text or status == 413


def test_a_redelivery_with_another_clock_changes_nothing(client: Client) -> None:
    # given: an event from a browser whose clock is two days behind
    one = event("track", "m-9", event="Clicked", userId="u-9", sentAt="2026-03-01T10:00:01Z")
    assert post(client, "/in/backend", {"batch": [one]}).json()["accepted"] == 1
    # when it comes again, with the time of this attempt, and with no time at all
    again = [{**one, "sentAt": "2026-03-01T10:00:09Z"}, {name: one[name] for name in one if name != "timestamp"}]
    answers = [post(client, "/in/backend", {"batch": [one]}).json() for one in again]
    # then
    assert [(answer["duplicate"], answer["refused"]) for answer in answers] == [(1, 0), (1, 0)]
    assert len(interactions(client, "login=u-9")) == 1
    # and other content under the same id is a conflict that is shown
    other = post(client, "/in/backend", {"batch": [{**one, "event": "Bought"}]}).json()
    assert (other["refused"], other["problems"][0]["code"]) == (1, "ID_CONFLICT")


def test_an_alias_links_a_login_with_its_earlier_anonymous_id(client: Client) -> None:
    # given: a login that was seen before
    post(client, "/in/backend", {"batch": [event("identify", "m-1", userId="old-login")]})
    # when
    aliases = [
        event("alias", "m-2", userId="u-1", previousId="anon-1"),
        event("alias", "m-3", userId="u-2", previousId="old-login"),
        event("alias", "m-4", userId="u-3", previousId="u-3"),
    ]
    answer = post(client, "/in/backend", {"batch": aliases}).json()
    # then: an alias of a login with itself means nothing, and two logins are two people, whatever an alias says
    assert (answer["accepted"], answer["ignored"], answer["refused"]) == (2, 1, 0)
    assert client.keys_of("login=u-1") == ["login=u-1", "cookie=anon-1"]
    assert "login=old-login" not in client.keys_of("login=u-2")
    assert client.customer("login=u-3") is None


def test_traits_that_are_addresses_link_only_if_the_source_says_so(fresh: Fresh, run: Run, tmp_path: Path) -> None:
    # given: two browsers, of which one may link by traits
    sources = "".join(
        f'[[source]]\nname = "{name}"\nmapping = "segment"\nbrowser = true\norigins = ["{ORIGIN}"]\n'
        f'secrets = ["key-of-{name}"]\nlink_traits = {links}\n'
        for name, links in (("careful", "false"), ("trusting", "true"))
    )
    client = connected(fresh(), run, tmp_path, sources)
    for number, name in enumerate(("careful", "trusting")):
        one = event("identify", "m", anonymousId=f"anon-{number}", traits={"email": f"{name}@example.com"})
        assert post(client, "/v1/i", one, key=f"key-of-{name}", origin=ORIGIN).status_code == 200
    # then
    assert client.customer("email=careful@example.com") is None
    assert client.keys_of("email=trusting@example.com") == ["email=trusting@example.com", "cookie=anon-1"]


def test_context_is_kept_where_views_and_segments_can_ask_for_it(client: Client) -> None:
    # given
    context = {
        "campaign": {"source": "mail", "name": "spring"}, "locale": "de-DE", "timezone": "Europe/Berlin",
        "page": {"search": "?gclid=g-1", "referrer": "https://news.example/"}, "screen": {"width": 390},
        "userAgent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/17.5 Mobile/15E148 Safari/604.1",
    }  # fmt: skip
    one = event("track", "m-1", event="Product Viewed", userId="u-1", properties={"sku": "A-1"}, context=context)
    # when
    post(client, "/in/backend", {"batch": [one]})
    # then
    (found,) = interactions(client, "login=u-1")
    assert (found["type"], found["sku"], found["campaign"]) == ("product_viewed", "A-1", "spring")
    properties = found["properties"]
    assert {name: properties[name] for name in ("utm_source", "gclid", "referrer", "language", "timezone")} == {
        "utm_source": "mail", "gclid": "g-1", "referrer": "https://news.example/", "language": "de-DE",
        "timezone": "Europe/Berlin",
    }  # fmt: skip
    assert (properties["device_type"], properties["os"], properties["browser"]) == ("mobile", "iOS", "Mobile Safari")
    assert (properties["screen_width"], properties["event"]) == (390, "Product Viewed")


def test_consent_preferences_become_decisions(client: Client) -> None:
    preferences = {"Marketing": True, "Advertising": False}
    one = event(
        "track", "m-1", event="Segment Consent Preference Updated", userId="u-1",
        context={"consent": {"categoryPreferences": preferences}},
    )  # fmt: skip
    assert post(client, "/in/backend", {"batch": [one]}).json()["accepted"] == 1
    consents = client.customer("login=u-1", "consents { purpose decision }")["consents"]
    assert sorted((one["purpose"], one["decision"]) for one in consents) == [
        ("newsletter", "GIVEN"), ("third_party_sharing", "REFUSED"),
    ]  # fmt: skip


def test_a_flood_is_asked_to_slow_down(fresh: Fresh, run: Run, tmp_path: Path) -> None:
    # given: a source of which five records may wait
    sources = '[[source]]\nname = "backend"\nmapping = "segment"\nsecrets = ["file:backend-key"]\nmax_waiting = 5\n'
    client = connected(fresh(), run, tmp_path, sources)

    async def flood() -> list[Any]:
        requests = []
        for number in range(30):
            body = {"batch": [event("track", f"m-{number}-{part}", event="A", userId="u-1") for part in range(4)]}
            headers = {"authorization": "Basic d2tfYmFja2VuZDo="}
            requests.append(client.http.post("/v1/batch", json=body, headers=headers))
        return await asyncio.gather(*requests)

    # when
    answers = run(flood())
    # then
    statuses = {answer.status_code for answer in answers}
    assert statuses == {200, 429}
    assert all("retry-after" in answer.headers for answer in answers if answer.status_code == 429)
    # and nothing of a request that was refused is stored
    assert len(interactions(client, "login=u-1")) == min(100, 4 * sum(answer.status_code == 200 for answer in answers))


def test_the_audit_log_knows_who_sent_how_much(fresh: Fresh, run: Run, tmp_path: Path) -> None:
    # given
    audit = Audit(tmp_path / "audit", SystemClock().now)
    client = connected(fresh(), run, tmp_path, audit=audit)
    # when
    batch = [event("track", f"m-{number}", event="Clicked", userId="u-1") for number in range(3)]
    assert post(client, "/in/backend", {"batch": batch}).status_code == 200
    # then
    audit.close()
    (entry,) = [entry for entry in entries(tmp_path / "audit") if entry.get("command") == "intake"]
    assert (entry["kind"], entry["caller"]) == ("write", "connector:backend")
    assert (entry["statements"], entry["sources"]) == (3, ["backend"])
    assert "u-1" not in str(entry)


@pytest.mark.parametrize(
    ("origin", "protocol"),
    # TLS ends at a proxy, and a page on https reaches nothing else
    [("https://shop.example", "https"), (ORIGIN, "http")],
)
def test_the_settings_of_an_sdk_lead_back_to_the_source_by_the_way_of_the_page(
    client: Client, origin: str, protocol: str
) -> None:
    # when
    path = "/in/web/v1/projects/wk_web/settings"
    answer = client._run(client.http.get(path, headers={"origin": origin, "host": "collect.shop.example"}))
    # then
    segment = answer.json()["integrations"]["Segment.io"]
    assert (segment["apiKey"], segment["apiHost"]) == ("wk_web", "collect.shop.example/in/web/v1")
    assert segment["protocol"] == protocol


def test_an_order_of_a_page_does_not_replace_that_of_the_shop(client: Client) -> None:
    # given: the order as the shop's server reports it
    own = {"order_id": "W-1", "total": 59.9, "currency": "EUR"}
    post(
        client, "/in/backend", {"batch": [event("track", "m-1", event="Order Completed", userId="u-1", properties=own)]}
    )
    # when somebody with the public key reports the same order later
    other = event("track", "m-2", event="Order Cancelled", userId="u-2", properties={**own, "total": 0})
    later = {**other, "timestamp": "2026-11-28T17:00:00Z"}
    assert post(client, "/v1/t", later, key="wk_web", origin=ORIGIN).status_code == 200
    # then
    (order,) = client.customer("login=u-1", CUSTOMER)["orders"]["nodes"]
    assert (order["total"], order["status"]) == ("59.90", "PLACED")


def test_a_large_redelivery_with_another_clock_changes_nothing(client: Client) -> None:
    # given: as many records as are stored together, each with two statements, from a clock that is wrong
    def batch(sent_at: str) -> list[dict[str, Any]]:
        traits = {"email": "ann@example.com", "firstName": "Ann"}
        return [event("identify", f"m-{n}", userId="u-1", traits=traits, sentAt=sent_at) for n in range(600)]

    assert post(client, "/in/backend", {"batch": batch("2026-03-01T10:00:01Z")}).json()["accepted"] == 600
    # when
    answer = post(client, "/in/backend", {"batch": batch("2026-03-01T10:00:07Z")}).json()
    # then
    assert (answer["duplicate"], answer["refused"]) == (600, 0)
