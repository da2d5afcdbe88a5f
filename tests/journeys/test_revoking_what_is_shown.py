"""Each fact that a view shows carries the observation that reports it: what is wrong is revoked by what is shown."""

from typing import Any

import pytest

from tests.builders.clients import RESULT, Client, identifiers, order, seen
from tests.builders.operations import REVOKE, decide, interaction, record, state
from tests.builders.runs import Run
from tests.builders.stores import Fresh
from tests.builders.viewers import ViewerClient, viewer

ANN = "email=ann@example.com"
SEGMENTS = f"mutation($input: RecordExternalSegmentsInput!) {{ recordExternalSegments(input: $input) {{ {RESULT} }} }}"
REF = "observation { source id }"
TEXT = "textAttributes { values observations { source id } alternatives { value observation { source id } } }"
ADDRESS = """address {
  value { city } observations { source id } alternatives { value { city } observation { source id } } }"""
INTERACTIONS = "timeline(kinds: [INTERACTION]) { nodes { ... on Interaction { source id } } }"


@pytest.fixture
def client(fresh: Fresh, run: Run) -> ViewerClient:
    """A service that knows Ann by her login."""
    client = ViewerClient(fresh(), run)
    client.link(seen("login=ann", ANN, id="w-1"))
    return client


def send_segment(client: Client, **more: Any) -> None:
    statement = {"source": "dmp", "identifiers": identifiers(ANN), "segment": "movers", **more}
    client.ask(SEGMENTS, {"input": {"segments": [statement]}})


def view(client: Client, fields: str) -> dict[str, Any]:
    customer = client.customer("login=ann", fields)
    assert customer is not None
    return customer


def revoke(client: Client, *observations: dict[str, str]) -> None:
    chosen = [{"source": observation["source"], "id": observation["id"]} for observation in observations]
    results = client.ask(REVOKE, {"o": chosen})["revokeObservations"]["results"]
    assert all(result["__typename"] == "ObservationRevoked" for result in results), results


def test_a_consent_is_revoked_by_what_the_view_shows(client: Client) -> None:
    # given: the sender chose the id of neither
    decide(client, ANN, decision="GIVEN", at="2026-01-01T00:00:00Z")
    decide(client, ANN, decision="WITHDRAWN", at="2026-02-01T00:00:00Z")
    fields = f"consents {{ decision current {{ {REF} }} history {{ decision {REF} }} }}"
    (consent,) = view(client, fields)["consents"]
    assert consent["current"]["observation"] == consent["history"][0]["observation"]
    # when
    revoke(client, consent["current"]["observation"])
    # then
    (consent,) = view(client, fields)["consents"]
    assert (consent["decision"], len(consent["history"])) == ("GIVEN", 1)
    # when: the older decision is revoked, too
    revoke(client, consent["history"][0]["observation"])
    # then
    assert view(client, fields)["consents"] == []


def test_a_chosen_value_and_its_alternative_are_revoked_by_what_the_view_shows(client: Client) -> None:
    # given
    state(client, ANN, source="crm", gender="f", at="2026-02-01T00:00:00Z")
    state(client, ANN, source="shop", gender="m", at="2026-01-01T00:00:00Z")
    (gender,) = view(client, f"profile {{ {TEXT} }}")["profile"]["textAttributes"]
    assert gender["values"] == ["f"]
    # when
    revoke(client, *gender["observations"])
    # then
    (gender,) = view(client, f"profile {{ {TEXT} }}")["profile"]["textAttributes"]
    assert (gender["values"], gender["alternatives"]) == (["m"], [])
    # when: what was the alternative is wrong as well
    revoke(client, *gender["observations"])
    # then
    assert view(client, f"profile {{ {TEXT} }}")["profile"]["textAttributes"] == []


def test_an_alternative_address_is_revoked_by_what_the_view_shows(client: Client) -> None:
    # given
    state(client, ANN, source="crm", address={"city": "Bern"}, at="2026-02-01T00:00:00Z")
    state(client, ANN, source="shop", address={"city": "Basel"}, at="2026-01-01T00:00:00Z")
    # when
    (alternative,) = view(client, f"profile {{ {ADDRESS} }}")["profile"]["address"]["alternatives"]
    revoke(client, alternative["observation"])
    # then
    address = view(client, f"profile {{ {ADDRESS} }}")["profile"]["address"]
    assert (address["value"], address["alternatives"]) == ({"city": "Bern"}, [])


def test_an_order_is_revoked_by_what_the_view_shows(client: Client) -> None:
    # given
    client.record(order("W-1", ANN, source="shop", total="5"), order("W-1", ANN, source="till", total="6"))
    fields = f"orders {{ nodes {{ source {REF} }} }}"
    # when: the report that counts is revoked, and then that of the other source, which is shown instead
    for expected in ("shop", "till"):
        (shown,) = view(client, fields)["orders"]["nodes"]
        assert (shown["source"], shown["observation"]["source"]) == (expected, expected)
        revoke(client, shown["observation"])
    # then
    assert view(client, fields)["orders"]["nodes"] == []


def test_an_external_segment_is_revoked_by_what_the_view_shows(client: Client) -> None:
    # given
    send_segment(client)
    # when
    (segment,) = view(client, f"externalSegments {{ {REF} }}")["externalSegments"]
    revoke(client, segment["observation"])
    # then
    assert view(client, f"externalSegments {{ {REF} }}")["externalSegments"] == []


def test_an_interaction_is_revoked_by_what_the_view_shows(client: Client) -> None:
    # given
    record(client, interaction("product_viewed", ANN, at="2026-01-01T10:00:00Z", sku="shoe"))
    # when
    (shown,) = view(client, INTERACTIONS)["timeline"]["nodes"]
    revoke(client, shown)
    # then
    assert view(client, INTERACTIONS)["timeline"]["nodes"] == []


@pytest.mark.parametrize("role", ["privacy", "desk", "steward"])
def test_who_corrects_data_reads_the_observation_of_a_value(client: ViewerClient, role: str) -> None:
    # given
    state(client, ANN, source="crm", givenName="Ann")
    query = f'{{ customer(by: {{identifier: {{namespace: "login", value: "ann"}}}}) {{ profile {{ {TEXT} }} }} }}'
    # when
    shown = client.seen_by(viewer(role), query)["customer"]["profile"]["textAttributes"]
    # then
    assert [value["observations"][0]["source"] for value in shown] == ["crm"]


def test_a_partner_reads_the_observations_of_its_own_sources_only(client: ViewerClient) -> None:
    # given
    client.link(seen("login=ann", source="partner", id="p-1"))
    state(client, "login=ann", source="crm", gender="f")
    state(client, "login=ann", source="partner", language="de")
    query = f'{{ customer(by: {{identifier: {{namespace: "login", value: "ann"}}}}) {{ profile {{ {TEXT} }} }} }}'
    # when
    partner = viewer("partner", sources=frozenset({"partner"}))
    shown = client.seen_by(partner, query)["customer"]["profile"]["textAttributes"]
    # then
    assert [value["observations"][0]["source"] for value in shown] == ["partner"]
