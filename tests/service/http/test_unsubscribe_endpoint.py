"""One click unsubscribes (RFC 8058); opening the page does not."""

from typing import Any

import httpx
import pytest

from graph.ports import Store
from service.privacy.unsubscribe_links import UnsubscribeLinks, Unsubscription
from tests.builders.clients import Client, identifiers
from tests.builders.erasing import by, erase
from tests.builders.runs import Run
from tests.builders.safeguards import ListSafeguards

SECRET = "a secret of at least 32 characters"
LINKS = UnsubscribeLinks([SECRET], "http://localhost")
ANN = "email=ann@example.com"
CONSENTS = """mutation($input: RecordConsentsInput!) {
  recordConsents(input: $input) { results { __typename } errors { message } }
}"""


@pytest.fixture
def client(store: Store, run: Run) -> Client:
    """A service with links, and Ann, who subscribed to everything."""
    client = Client(store, run, unsubscribe_secrets=SECRET, safeguards=ListSafeguards())
    run(client.wiring.prepare())
    subscribe(client, "newsletter", "personalized_offers", "profiling")
    return client


def subscribe(client: Client, *purposes: str, at: str = "2026-01-01T10:00:00Z") -> None:
    consents = [
        {"source": "shop", "decidedAt": at, "identifiers": identifiers(ANN), "purpose": purpose,
         "decision": "GIVEN", "channel": "EMAIL"}
        for purpose in purposes
    ]  # fmt: skip
    client.ask(CONSENTS, {"input": {"consents": consents}})


def decisions(client: Client) -> dict[str, str]:
    """The decisions of Ann by purpose, and how many there ever were."""
    found = client.customer(ANN, "consents { purpose decision }")["consents"]
    return {one["purpose"]: one["decision"] for one in found}


def history(client: Client) -> int:
    """How many decisions of Ann there are."""
    return sum(len(one["history"]) for one in client.customer(ANN, "consents { history { decision } }")["consents"])


def click(client: Client, link: str, data: dict[str, str] | None = None, **more: Any) -> httpx.Response:
    body = {"List-Unsubscribe": "One-Click"} if data is None else data
    return client._run(client.http.post(link.removeprefix("http://localhost"), data=body, **more))


def link(*purposes: str, address: str = "ann@example.com", name: str = "") -> str:
    return LINKS.link(Unsubscription(address, purposes, name))


def test_one_click_withdraws_what_unsubscribing_is_about(client: Client) -> None:
    # when
    response = click(client, link())
    # then
    assert response.status_code == 200
    assert "You are unsubscribed" in response.text
    assert decisions(client) == {
        "newsletter": "WITHDRAWN", "personalized_offers": "WITHDRAWN", "profiling": "GIVEN",
    }  # fmt: skip
    engagement = client.customer(ANN, "engagement { unsubscribedAt interactionCounts { type count } }")["engagement"]
    assert engagement["unsubscribedAt"] is not None
    assert engagement["interactionCounts"] == [{"type": "unsubscribed", "count": 1}]


def test_a_link_may_be_about_one_purpose_and_keeps_the_proof(client: Client) -> None:
    # when
    click(client, link("personalized_offers", name="Offers of the week"))
    # then
    assert decisions(client) == {
        "newsletter": "GIVEN", "personalized_offers": "WITHDRAWN", "profiling": "GIVEN",
    }  # fmt: skip
    fields = "consents { purpose proof { decisions { source decision method evidence } } }"
    (proven,) = (
        one["proof"]["decisions"]
        for one in client.customer(ANN, fields)["consents"]
        if one["purpose"] == "personalized_offers"
    )
    (withdrawn,) = (one for one in proven if one["decision"] == "WITHDRAWN")
    assert (withdrawn["source"], withdrawn["method"]) == ("unsubscribe", "INTERACTION")
    assert withdrawn["evidence"] == '{"how": "one click (RFC 8058)", "list": "Offers of the week"}'


def test_opening_the_page_changes_nothing_and_confirming_it_does(client: Client) -> None:
    # when: as scanners of mailboxes do
    page = client.get(link(name="Tea & <news>").removeprefix("http://localhost"))
    # then
    assert page.status_code == 200
    assert "Do you want to unsubscribe from “Tea &amp; &lt;news&gt;”?" in page.text
    assert decisions(client)["newsletter"] == "GIVEN"
    assert "ann@" not in page.text
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    # when
    click(client, link(), {"confirm": "yes"})
    # then
    assert decisions(client)["newsletter"] == "WITHDRAWN"


def test_a_repeated_click_records_nothing_and_a_later_one_counts_again(client: Client) -> None:
    # given
    clicked = link()
    click(client, clicked)
    stored = history(client)
    # when
    assert click(client, clicked).status_code == 200
    # then
    assert history(client) == stored
    # when: Ann subscribes again, and later uses the link of the old email
    subscribe(
        client, "newsletter", at=client.customer(ANN, "engagement { unsubscribedAt }")["engagement"]["unsubscribedAt"]
    )
    click(client, clicked)
    # then
    assert decisions(client)["newsletter"] == "WITHDRAWN"


def test_an_address_that_is_not_known_is_remembered(client: Client) -> None:
    # when
    click(client, link(address="new@example.com"))
    # then
    consents = client.customer("email=new@example.com", "consents { decision }")["consents"]
    assert {one["decision"] for one in consents} == {"WITHDRAWN"}


def test_an_address_that_the_rules_drop_is_no_error(client: Client) -> None:
    assert click(client, link(address="noreply@example.com")).status_code == 200


def test_a_purpose_that_is_no_longer_declared_falls_back_to_those_of_unsubscribing(client: Client) -> None:
    # when
    click(client, link("gone"))
    # then
    assert decisions(client)["newsletter"] == "WITHDRAWN"


def test_an_erased_person_stays_away(client: Client) -> None:
    # given
    clicked = link()
    erase(client, by=by(ANN))
    # when, then
    assert click(client, clicked).status_code == 200
    assert client.customer(ANN) is None


@pytest.mark.parametrize("token", ["x", "ann@example.com", "A" * 3_000])
def test_a_wrong_link_is_not_found(client: Client, token: str) -> None:
    for response in (client.get(f"/unsubscribe/{token}"), click(client, f"/unsubscribe/{token}")):
        assert response.status_code == 404
        assert "This link is not valid" in response.text
    assert decisions(client)["newsletter"] == "GIVEN"


def test_bodies_of_any_form_are_taken_but_not_long_ones(client: Client) -> None:
    assert click(client, link(), {}, files={"List-Unsubscribe": (None, "One-Click")}).status_code == 200
    assert decisions(client)["newsletter"] == "WITHDRAWN"
    assert click(client, link(), {"List-Unsubscribe": "x" * 20_000}).status_code == 413


def test_the_page_speaks_the_language_of_the_browser(client: Client) -> None:
    path = link().removeprefix("http://localhost")
    german = client.get(path, **{"accept-language": "fr;q=0.9, de-CH"})
    assert "Möchten Sie diese E-Mails abbestellen?" in german.text
    assert '<html lang="de">' in german.text


def test_without_secrets_there_are_no_links(store: Store, run: Run) -> None:
    assert Client(store, run).get(link().removeprefix("http://localhost")).status_code == 404
