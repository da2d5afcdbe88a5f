"""What a purpose needs consent for is shown nowhere without it, whichever field would quote it."""

from typing import Any

import orjson
import pytest

from graph.domain.access.policies import Policies, Policy
from graph.domain.access.viewer import Viewer
from graph.domain.model.identifiers import MASK
from graph.domain.model.labels import Label
from graph.ports import Store
from tests.builders.clients import order, seen
from tests.builders.operations import decide, interaction, record, state
from tests.builders.runs import Run
from tests.builders.viewers import ViewerClient, viewer

EMAIL, OTHER, CARD, ORDER = "ann@canary.example", "ann@other.example", "KC777001", "W-777"
POLICIES = Policies(
    (
        Policy(Label.CONTACT, "marketing", "newsletter"),
        Policy(Label.PROFILING, "marketing", "profiling"),
        *(
            Policy(label, "partners", "profiling")
            for label in (Label.CONTRACT, Label.BEHAVIOR, Label.DIRECT_IDENTIFIER)
        ),
    )
)
CUSTOMER = """
  id emails { value } identifiers(first: 50) { nodes { value } } profile { address { value { street } } }
  undeliverableAddresses { identifier { value } } contactableAddresses(purpose: "profiling", channel: EMAIL) { value }
  consents { identifier { value } decision } externalSegments { identifier { value } }
  timeline(first: 50) { nodes {
    ... on Interaction { identifier { value } text } ... on Change { summary identifiers { value } }
    ... on Order { number } } }
  links { nodes { a { value } b { value } reason { message } } } weakestLinks { a { value } b { value } }
  history { nodes { summary identifiers { value } } } metrics { orderCount } orders { nodes { number } }
  rfm { group } prediction { weeks } journey { stage } engagement { churnRisk }"""
BY_ID = f"query($id: ID!) {{ customer(by: {{id: $id}}) {{ {CUSTOMER} }} }}"
AT_TIME = """query($id: ID!, $at: DateTime!) { customer(by: {id: $id}, at: $at) {
  emails { value } identifiers { nodes { value } } } }"""
ELSEWHERE = """{ searchCustomers(text: "Canary street") { nodes { matches { field value } } }
  changes(first: 100) { nodes { summary identifiers { value } } }
  graphHealth { nodes { message identifier { value } } } }"""
ORDER_BY_NUMBER = '{ order(number: "W-777") { number total } }'
CREATE = """mutation { createSegment(input: {name: "Buyers", rule: {metric: {name: ORDER_COUNT, min: 1}}}) {
  segment { id } errors { code } } }"""
MEMBERS = """query($id: ID!) { segment(id: $id) { members { nodes { id } } }
  previewSegment(rule: {metric: {name: ORDER_COUNT, min: 1}}) { sample { id } } }"""


def officer(purpose: str) -> Viewer:
    return viewer("privacy", "segment:write", purpose=purpose)


@pytest.fixture
def client(store: Store, run: Run) -> ViewerClient:
    """A service with a person who has two addresses, a card, an order, an interaction and a home."""
    client = ViewerClient(store, run)
    client.graph.policies = POLICIES
    client.link(seen(f"email={EMAIL}", f"loyalty_card={CARD}"), seen(f"email={OTHER}", f"loyalty_card={CARD}"))
    client.record(order(ORDER, f"email={EMAIL}"))
    state(client, f"email={EMAIL}", address={"street": "Canary street 1", "city": "Bern"})
    record(client, interaction("product_viewed", f"email={EMAIL}", at="2026-03-01T12:00:00Z", text=f"ask {EMAIL}"))
    record(client, interaction("email_bounced", f"email={EMAIL}", at="2026-03-01T12:00:00Z"))
    return client


def consent(client: ViewerClient, purpose: str, *keys: str) -> None:
    for key in keys:
        decide(client, key, decision="GIVEN", at="2026-03-02T12:00:00Z", purpose=purpose)


def shown(client: ViewerClient, purpose: str, query: str, **variables: Any) -> str:
    """All that an officer is shown who acts for a purpose."""
    return orjson.dumps(client.seen_by(officer(purpose), query, variables)).decode()


def id_of(client: ViewerClient) -> str:
    customer = client.customer(f"email={EMAIL}")
    assert customer is not None
    return customer["id"]


def everything(client: ViewerClient, purpose: str) -> str:
    id = id_of(client)
    answers = [shown(client, purpose, BY_ID, id=id), shown(client, purpose, ELSEWHERE)]
    return "\n".join([*answers, shown(client, purpose, AT_TIME, id=id, at="2100-01-01T00:00:00Z")])


def test_an_address_without_consent_is_quoted_nowhere(client: ViewerClient) -> None:
    # given: consent for the one address only, and a person who may not be written to as a whole
    consent(client, "newsletter", f"email={OTHER}")
    decide(client, f"email={EMAIL}", decision="REFUSED", at="2026-03-02T12:00:00Z")
    # when
    answer = everything(client, "marketing")
    # then
    assert EMAIL not in answer
    assert "Canary street" not in answer
    assert MASK in answer
    # and: the address with consent is quoted where it is known that it has it
    assert shown(client, "marketing", BY_ID, id=id_of(client)).count(OTHER) > 2


def test_other_purposes_are_shown_everything(client: ViewerClient) -> None:
    answer = everything(client, "service")
    assert all(value in answer for value in (EMAIL, OTHER, CARD, "Canary street", ORDER))
    assert MASK not in answer


def test_orders_behavior_and_cards_without_consent_are_shown_nowhere(client: ViewerClient) -> None:
    # when
    answer = everything(client, "partners")
    customer = client.seen_by(officer("partners"), BY_ID, {"id": id_of(client)})["customer"]
    # then
    assert CARD not in answer
    assert f"ask {EMAIL}" not in answer
    assert customer["metrics"] == {"orderCount": 0}
    assert customer["orders"] == {"nodes": []}
    assert client.seen_by(officer("partners"), ORDER_BY_NUMBER) == {"order": None}
    # when, then
    consent(client, "profiling", f"email={EMAIL}")
    assert client.seen_by(officer("partners"), ORDER_BY_NUMBER)["order"]["number"] == ORDER
    assert CARD in shown(client, "partners", BY_ID, id=id_of(client))


def test_whom_a_rule_matches_is_shown_with_consent_only(client: ViewerClient, run: Run) -> None:
    # given
    id = client.seen_by(officer("service"), CREATE)["createSegment"]["segment"]["id"]
    run(client.graph.segment_worker.catch_up())
    consented = {"id": id_of(client)}
    everybody = {"segment": {"members": {"nodes": [consented]}}, "previewSegment": {"sample": [consented]}}
    nobody = {"segment": {"members": {"nodes": []}}, "previewSegment": {"sample": []}}
    entered = "Buyers"
    # then
    assert client.seen_by(officer("service"), MEMBERS, {"id": id}) == everybody
    assert entered in everything(client, "service")
    assert client.seen_by(officer("marketing"), MEMBERS, {"id": id}) == nobody
    assert entered not in everything(client, "marketing")
    # when, then
    consent(client, "profiling", f"email={EMAIL}")
    assert client.seen_by(officer("marketing"), MEMBERS, {"id": id}) == everybody
    assert entered in everything(client, "marketing")
