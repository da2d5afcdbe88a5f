"""A till that tries 2,000 phone numbers finds at most as many customers as its budget, over every transport."""

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from service.access.budgets import DEFAULT_BUDGETS, HOUR, MINUTE
from tests.builders.clients import Client, identifiers, seen
from tests.builders.roles import SETTINGS, bearer
from tests.builders.runs import Run
from tests.builders.services import Service
from tests.builders.stores import Fresh

BUDGET = DEFAULT_BUDGETS["till"]
PHONES = [f"phone=+4930{1_000_000 + number}" for number in range(2_000)]
KNOWN = PHONES[:150:2]
"""Every second of the numbers that are tried first; half of the budget of an hour is for misses."""
ONE = "query($i: IdentifierInput!) { customer(by: {identifier: $i}) { id } }"
MANY = "query($i: [IdentifierInput!]!) { customers(by: $i) { id } }"
ALARM = "till-1 (role till) has used up its look-ups: it may be trying what exists"


class Till:
    """A client that signs in as a till, over a store with some customers, and a clock that a test sets."""

    def __init__(self, client: Client) -> None:
        self.client, self.time = client, 0.0
        client.endpoint.budgets.now = lambda: self.time
        client.http.headers.update(bearer("developer"))
        client.link(*(seen(phone, f"loyalty_card=card {number}") for number, phone in enumerate(KNOWN)))

    def send(self, query: str, variables: dict[str, Any], **headers: str) -> httpx.Response:
        return self.client.send(query, variables, **bearer("till"), **headers)

    def one(self, phone: str) -> httpx.Response:
        return self.send(ONE, {"i": identifiers(phone)[0]})


@pytest.fixture
def till(fresh: Fresh, run: Run) -> Till:
    return Till(Client(fresh(), run, max_batch=10, **SETTINGS))


def hits(responses: Sequence[httpx.Response]) -> set[str]:
    """The ids that answers contain."""
    found: set[str] = set()

    def collect(value: Any) -> None:
        match value:
            case {"id": str(id)}:
                found.add(id)
            case dict():
                for part in value.values():
                    collect(part)
            case list():
                for part in value:
                    collect(part)

    for response in responses:
        body = response.json()
        for answer in body if isinstance(body, list) else [body]:
            collect(answer.get("data"))
    return found


def assert_refused(response: httpx.Response) -> None:
    body = response.json()
    errors = [error for answer in (body if isinstance(body, list) else [body]) for error in answer.get("errors", [])]
    assert response.status_code == 429
    assert int(response.headers["retry-after"]) == max(error["extensions"]["retryAfter"] for error in errors)
    assert {error["extensions"]["code"] for error in errors} == {"TOO_MANY_LOOKUPS"}
    assert "4930" not in response.text


def aliases(phones: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """A document with an alias for each number, and its variables."""
    names = [f"a{number}" for number in range(len(phones))]
    parts = " ".join(f"{name}: customer(by: {{identifier: ${name}}}) {{ id }}" for name in names)
    variables = dict(zip(names, identifiers(*phones), strict=True))
    return f"query({', '.join(f'${name}: IdentifierInput!' for name in names)}) {{ {parts} }}", variables


def slices(size: int) -> list[list[str]]:
    return [PHONES[start : start + size] for start in range(0, len(PHONES), size)]


def test_one_by_one(till: Till, caplog: pytest.LogCaptureFixture) -> None:
    # when
    caplog.set_level(logging.WARNING, "kith.access")
    responses = [till.one(phone) for phone in PHONES]
    # then
    assert {response.status_code for response in responses[: BUDGET.per_minute]} == {200}
    for response in responses[BUDGET.per_minute :]:
        assert_refused(response)
    assert len(hits(responses)) == BUDGET.per_minute // 2
    # and the caller is reported once, for what it did first: half of its first 50 look-ups found nobody
    assert [record.getMessage() for record in caplog.records if record.name == "kith.access"] == [
        "till-1 (role till) finds nobody with many of its look-ups: it may be trying what exists"
    ]


def test_within_a_day_the_hours_and_the_misses_count(till: Till) -> None:
    # when: 40 a minute
    responses = []
    for number, phone in enumerate(PHONES):
        till.time = number * MINUTE / 40
        responses.append(till.one(phone))
    # then
    within_an_hour = [response for number, response in enumerate(responses) if number * MINUTE / 40 < HOUR]
    assert sum(response.status_code == 200 for response in within_an_hour) <= BUDGET.per_hour
    assert len(hits(responses)) == len(KNOWN)
    # the 200th miss is the last one
    assert sum(response.status_code == 200 for response in within_an_hour) == len(KNOWN) + BUDGET.misses_per_hour
    assert_refused(within_an_hour[-1])


@pytest.mark.parametrize("size", [20, 60, 100])
def test_by_customers(till: Till, size: int) -> None:
    responses = [till.send(MANY, {"i": identifiers(*phones)}) for phones in slices(size)]
    answered = BUDGET.per_minute // size
    assert [response.status_code for response in responses[:answered]] == [200] * answered
    for response in responses[answered:]:
        assert_refused(response)
    assert len(hits(responses)) == answered * size // 2


@pytest.mark.parametrize("kind", ["application/json", "application/graphql-response+json"])
def test_by_aliases(till: Till, kind: str) -> None:
    responses = [till.send(*aliases(phones), accept=kind) for phones in slices(30)]
    assert [response.status_code for response in responses[:2]] == [200, 200]
    for response in responses[2:]:
        assert_refused(response)
    assert len(hits(responses)) == BUDGET.per_minute // 2


def test_in_batches(till: Till) -> None:
    # when
    responses = []
    for phones in slices(10):
        body = [{"query": ONE, "variables": {"i": identifier}} for identifier in identifiers(*phones)]
        responses.append(till.client.post(json.dumps(body).encode(), **bearer("till")))
    # then
    assert [response.status_code for response in responses[:6]] == [200] * 6
    for response in responses[6:]:
        assert_refused(response)
    assert len(hits(responses)) == BUDGET.per_minute // 2


def test_a_document_of_which_a_part_is_within_the_budget(till: Till) -> None:
    # given a till with ten look-ups left
    till.send(MANY, {"i": identifiers(*PHONES[: BUDGET.per_minute - 10])})
    # when
    first = till.send(*aliases(PHONES[60:90]))
    # then ten aliases are answered, with the status of the others
    assert_refused(first)
    assert len(hits([first])) == 5
    assert [error["path"] for error in first.json()["errors"]] == [[f"a{number}"] for number in range(10, 30)]
    # and the same document shows the same again, until the window has passed
    assert hits([till.send(*aliases(PHONES[60:90]))]) == hits([first])
    assert_refused(till.one(PHONES[100]))
    till.time = MINUTE
    assert len(hits([till.send(*aliases(PHONES[60:90]))])) == 15


def test_an_event_stream_has_the_same_budget(till: Till) -> None:
    till.send(MANY, {"i": identifiers(*PHONES[: BUDGET.per_minute])})
    streamed = till.send(ONE, {"i": identifiers(PHONES[100])[0]}, accept="text/event-stream")
    assert streamed.status_code == 200
    assert '"code":"TOO_MANY_LOOKUPS"' in streamed.text
    assert '"data":{"customer":null}' in streamed.text


def test_a_websocket_has_the_same_budget(tmp_path: Path) -> None:
    # given
    service = Service(f"sqlite:///{tmp_path / 'kith.db'}", tmp_path, **SETTINGS).wait()
    link = "mutation($i: LinkIdentifiersInput!) { linkIdentifiers(input: $i) { errors { message } } }"
    phones = PHONES[:200]
    found, refused = set(), 0
    try:
        observations = [seen(phone, f"loyalty_card=card {phone[6:]}") for phone in phones]
        service.ask(link, {"i": {"observations": observations}}, **bearer("developer"))
        with connect(service.socket, subprotocols=["graphql-transport-ws"]) as socket:
            socket.send(json.dumps({"type": "connection_init", "payload": bearer("till")}))
            socket.recv()
            # when
            for phone in phones:
                payload = {"query": ONE, "variables": {"i": identifiers(phone)[0]}}
                socket.send(json.dumps({"id": phone, "type": "subscribe", "payload": payload}))
                answer = json.loads(socket.recv())["payload"]
                socket.recv()
                if answer["data"]["customer"]:
                    found.add(answer["data"]["customer"]["id"])
                else:
                    refused += 1
                    assert [error["extensions"]["code"] for error in answer["errors"]] == ["TOO_MANY_LOOKUPS"]
                    assert answer["errors"][0]["extensions"]["retryAfter"] >= 1
        metrics = service.http.get(f"http://127.0.0.1:{service.port}/metrics", headers=bearer("admin")).text
    finally:
        service.stop()
    # then
    assert (len(found), refused) == (BUDGET.per_minute, len(phones) - BUDGET.per_minute)
    assert service.log.read_text().count(ALARM) == 1
    assert f'kith_lookups_refused_total{{role="till"}} {refused}.0' in metrics
    assert f'kith_requests_refused_total{{code="TOO_MANY_LOOKUPS",role="till"}} {refused}.0' in metrics
    assert 'kith_lookup_alarms_total{reason="budget",role="till"} 1.0' in metrics


def test_a_field_that_a_role_may_not_select_is_counted_as_refused(till: Till) -> None:
    # when
    refused = till.send("{ graphHealth { nodes { kind } } }", {})
    # then
    assert refused.status_code == 403
    value = till.client.wiring.metrics.registry.get_sample_value
    assert value("kith_requests_refused_total", {"role": "till", "code": "FORBIDDEN"}) == 1


SEARCH = "query($text: String!) { searchCustomers(text: $text, first: 5) { nodes { customer { id } } } }"


def test_a_refused_look_up_unmasks_nothing(till: Till) -> None:
    # given: a customer whose phone number a till reads if it names it, and not otherwise
    opened = "opened: customer(by: {identifier: $card}) { identifiers { nodes { namespace value } } }"
    card = {"card": identifiers("loyalty_card=card 0")[0]}

    def phone_of_the_customer(guesses: Sequence[str]) -> str:
        text, named = aliases(guesses)
        query = text.replace("query(", "query($card: IdentifierInput!, ").removesuffix("}") + f"{opened} }}"
        answer = till.send(query, card | named).json()["data"]["opened"]
        return {node["namespace"]: node["value"] for node in answer["identifiers"]["nodes"]}["phone"]

    assert phone_of_the_customer(PHONES[:1]) == "+49301000000"
    assert phone_of_the_customer(PHONES[1:2]) == "•••00"
    # when: it has used up its budget, and names numbers that the customer may have
    till.time += 2 * HOUR
    assert phone_of_the_customer(PHONES[1:2]) == "•••00"
    for phone in PHONES[100 : 100 + BUDGET.per_minute]:
        till.one(phone)
    # then
    assert phone_of_the_customer(PHONES[:20]) == "•••00"


def test_each_text_that_a_desk_searches_is_a_look_up_and_one_without_hits_a_miss(till: Till) -> None:
    # given
    budget = DEFAULT_BUDGETS["desk"]
    assert budget.misses_per_hour is not None

    def search(text: str) -> httpx.Response:
        return till.client.send(SEARCH, {"text": text}, **bearer("desk"))

    # when: a text that finds nobody is searched again and again, and then others, within the budget of each minute
    statuses = [search("nobody at all").status_code for _ in range(budget.per_minute + 1)]
    for number in range(budget.misses_per_hour + 1):
        till.time += MINUTE / 60
        statuses.append(search(f"nobody {number}").status_code)
    # then
    assert statuses[: budget.per_minute + budget.misses_per_hour] == [200] * (
        budget.per_minute + budget.misses_per_hour
    )
    assert statuses[-1] == 429
    # and no text tells anymore whether it finds somebody
    known = PHONES[0].partition("=")[2]
    assert search(known).json()["errors"][0]["extensions"]["code"] == "TOO_MANY_LOOKUPS"
    assert search("nobody else").json()["errors"][0]["extensions"]["code"] == "TOO_MANY_LOOKUPS"
