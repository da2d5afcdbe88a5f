"""An officer asks for the record of processing through the API."""

from typing import Any

import pytest

from graph.domain.model.audiences import DestinationInfo
from graph.ports import Store
from tests.builders.audience_clients import TOOL, AudienceClient
from tests.builders.clients import Client
from tests.builders.runs import Run
from tests.builders.viewers import ViewerClient, viewer

KEYS = ",".join(f"{role}-1:{role}:{role}-0123456789abcdef" for role in ("privacy", "admin", "desk"))
QUERY = """{ processingRecord { at
  controller { name contact jointControllers representative dataProtectionOfficer }
  purposes { name declared consent description legalBasis dataSubjects dataCategories recipients transfers retention
    readers { name role purposes } policies { label needsConsent }
    audiences { destination type segment channel namespaces attributes } }
  readers { name role purposes } roles { name description reach } data { label namespaces attributes }
  sources { name namedBy } channels { name namespaces } segments retention { what days minimum reason }
  measures { name text byKith } gaps { place missing } changeDestinations } }"""


@pytest.fixture
def client(store: Store, run: Run) -> Client:
    return Client(store, run, api_keys=KEYS)


def asked(client: Client, role: str) -> dict[str, Any]:
    return client.send(QUERY, authorization=f"Bearer {role}-0123456789abcdef").json()


@pytest.mark.parametrize("role", ["privacy", "admin"])
def test_the_record_says_what_is_declared_and_what_is_not(client: Client, role: str) -> None:
    # when
    body = asked(client, role)
    # then
    assert "errors" not in body, body
    record = body["data"]["processingRecord"]
    assert record["controller"]["name"] is None
    assert [purpose["legalBasis"] for purpose in record["purposes"]] == [None] * 4
    assert {"place": "purpose newsletter", "missing": "legal_basis"} in record["gaps"]
    assert record["readers"] == [
        {"name": "privacy-1", "role": "privacy", "purposes": []},
        {"name": "desk-1", "role": "desk", "purposes": []},
    ]
    assert {"name": "desk", "reach": "FOUND"}.items() <= record["roles"][0].items()
    assert {"label": "sensitive", "namespaces": ["payment_token"], "attributes": []} in record["data"]
    assert {measure["name"] for measure in record["measures"] if not measure["byKith"]} >= {"encryption"}


def test_others_do_not_read_it(client: Client) -> None:
    assert asked(client, "desk")["errors"][0]["extensions"]["code"] == "FORBIDDEN"


def test_the_record_says_what_is_sent_to_which_destination(store: Store, run: Run) -> None:
    # given
    warehouse = DestinationInfo("warehouse", "kafka", changes=True)
    client = ViewerClient(store, run, destinations=[TOOL, warehouse])
    sender = AudienceClient(client)
    sender.audience(sender.segment("everybody"), fields=[{"name": "FNAME", "attribute": "given_name"}])
    # when
    record = client.seen_by(viewer("privacy"), QUERY)["processingRecord"]
    # then
    audiences = {purpose["name"]: purpose["audiences"] for purpose in record["purposes"]}
    assert audiences["newsletter"] == [
        {
            "destination": "tool",
            "type": "webhook",
            "segment": "everybody",
            "channel": "EMAIL",
            "namespaces": ["email"],
            "attributes": ["given_name"],
        }
    ]
    assert audiences["profiling"] == []
    assert record["changeDestinations"] == ["warehouse"]
