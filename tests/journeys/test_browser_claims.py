"""Everybody has the key of a browser: what it says of other people changes nothing that is known of them."""

from pathlib import Path
from typing import Any

import pytest

from tests.builders.clients import Client
from tests.builders.connectors import ORIGIN, connected, event, post
from tests.builders.runs import Run
from tests.builders.stores import Fresh

LATER = {"timestamp": "2026-03-02T10:00:00.000Z"}
ORDERED = {"order_id": "1001", "total": "500.00", "currency": "EUR", "products": []}


@pytest.fixture
def client(fresh: Fresh, run: Run, tmp_path: Path) -> Client:
    """A shop whose server has reported Ann, her address and her order."""
    made = connected(fresh(), run, tmp_path)
    known = [
        event("identify", "s-1", userId="ann", traits={"email": "ann@example.com", "firstName": "Ann"}),
        event("track", "s-2", event="Order Completed", userId="ann", properties=ORDERED),
    ]
    assert post(made, "/in/backend", {"batch": known}).json()["accepted"] == len(known)
    return made


def from_a_browser(client: Client, *events: dict[str, Any]) -> None:
    answer = post(client, "/v1/batch", {"batch": list(events)}, key="wk_web", origin=ORIGIN)
    assert (answer.status_code, answer.json()) == (200, {"success": True})


def orders(client: Client, login: str) -> list[tuple[str, str]]:
    customer = client.customer(f"login={login}", "orders(first: 5) { nodes { number total } }")
    return [] if customer is None else [(one["number"], one["total"]) for one in customer["orders"]["nodes"]]


def decision(client: Client, namespace: str, value: str) -> str:
    query = """query($by: IdentifierInput!) {
      consent(identifier: $by, purpose: "newsletter", channel: EMAIL) { decision }
    }"""
    found: str = client.ask(query, {"by": {"namespace": namespace, "value": value}})["consent"]["decision"]
    return found


def consent(id: str, given: bool, **ids: str) -> dict[str, Any]:
    return event(
        "track", id, event="Segment Consent Preference Updated",
        context={"consent": {"categoryPreferences": {"Marketing": given}}}, **ids,
    )  # fmt: skip


def test_an_order_of_the_server_is_not_replaced_by_a_later_one_of_a_browser(client: Client) -> None:
    # when
    forged = ORDERED | {"total": "0.01"}
    from_a_browser(
        client,
        event("track", "b-1", event="Order Updated", userId="eve", anonymousId="ck-1234", properties=forged) | LATER,
    )
    # then
    assert orders(client, "ann") == [("1001", "500.00")]
    assert orders(client, "eve") == []


def test_an_order_that_only_a_browser_reports_counts(client: Client) -> None:
    from_a_browser(
        client, event("track", "b-1", event="Order Completed", userId="bob", properties=ORDERED | {"order_id": "1002"})
    )
    assert orders(client, "bob") == [("1002", "500.00")]


def test_a_browser_neither_joins_nor_renames_people(client: Client) -> None:
    # when
    from_a_browser(
        client,
        event("identify", "b-1", userId="eve", anonymousId="ck-1234", traits={"email": "ann@example.com"}),
        event("identify", "b-2", userId="ann", traits={"firstName": "Mallory"}) | LATER,
        event("alias", "b-3", userId="ann", previousId="ck-1234"),
    )
    # then
    fields = "id profile { givenName { value } } emails { value }"
    ann, eve = (client.customer(f"login={login}", fields) for login in ("ann", "eve"))
    assert ann["id"] != eve["id"]
    assert ann["profile"]["givenName"]["value"] == "Ann"
    assert ([one["value"] for one in ann["emails"]], eve["emails"]) == (["ann@example.com"], [])


def test_a_browser_consents_for_its_cookie_and_for_nobody_else(client: Client) -> None:
    # when
    from_a_browser(client, consent("b-1", given=True, userId="ann", anonymousId="ck-1234"))
    # then
    assert (decision(client, "login", "ann"), decision(client, "cookie", "ck-1234")) == ("NONE", "GIVEN")
    # a letter less does less harm than one that nobody wanted
    from_a_browser(client, consent("b-2", given=False, userId="ann") | LATER)
    assert decision(client, "login", "ann") == "REFUSED"
