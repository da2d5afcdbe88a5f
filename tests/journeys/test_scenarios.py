"""Every scenario file through GraphQL; tests/conformance runs each in every store."""

import json
from pathlib import Path
from typing import Any

import pytest
from strawberry.utils.str_converters import to_camel_case

from graph.domain.model.overrides import OverrideKind
from graph.domain.model.times import EARLIEST
from graph.domain.resolution.scenario import (
    Event,
    OverrideRemovedEvent,
    OverrideSetEvent,
    RevocationEvent,
    sorted_customers,
)
from schema.shared.scalars import iso
from tests.builders.clients import Client, identifiers
from tests.builders.operations import ATTRIBUTES
from tests.builders.runs import Run
from tests.builders.scenarios import FILES, keys_of, read_scenario
from tests.builders.stores import Fresh

REVOKE = """mutation($input: RevokeObservationsInput!) {
  revokeObservations(input: $input) { results { __typename } errors { message } } }"""
OVERRIDE = """mutation($input: %s!) { %s(input: $input) { override { id } errors { message } } }"""
OVERRIDES = "{ overrides(first: 100) { nodes { id kind a { value } b { value } } } }"
CUSTOMERS = """query($by: [IdentifierInput!]!) { customers(by: $by) {
  id identifiers(first: 100) { nodes { namespace value } } } }"""


def send(client: Client, event: Event) -> None:
    match event:
        case RevocationEvent(source, id):
            client.ask(REVOKE, {"input": {"observations": [{"source": source, "id": id}]}})
        case OverrideSetEvent(override) if override.b:
            together = override.kind is OverrideKind.TOGETHER
            name, kind = ("keepTogether", "KeepTogetherInput") if together else ("keepApart", "KeepApartInput")
            a, b = identifiers(override.a, override.b)
            data = client.ask(OVERRIDE % (kind, name), {"input": {"a": a, "b": b, "actor": "steward"}})
            assert data[name]["errors"] == []
        case OverrideSetEvent(override) if not override.b:
            (identifier,) = identifiers(override.a)
            mutation = OVERRIDE % ("BlockIdentifierInput", "blockIdentifier")
            client.ask(mutation, {"input": {"identifier": identifier}})
        case OverrideRemovedEvent(override) if not override.b:
            (identifier,) = identifiers(override.a)
            mutation = OVERRIDE % ("UnblockIdentifierInput", "unblockIdentifier")
            client.ask(mutation, {"input": {"identifier": identifier}})
        case OverrideRemovedEvent(override):
            stored = client.ask(OVERRIDES)["overrides"]["nodes"]
            values = {key.partition("=")[2] for key in override.keys}
            (id,) = (
                node["id"]
                for node in stored
                if node["kind"].lower() == override.kind.value
                and node["b"]
                and {node["a"]["value"], node["b"]["value"]} == values
            )
            client.ask(OVERRIDE % ("RemoveOverrideInput", "removeOverride"), {"input": {"id": id}})
        case _:
            observation = event.observation
            sent: dict[str, Any] = {
                "source": observation.source,
                "id": observation.id,
                "party": observation.party.name,
                "identifiers": [{"namespace": name, "value": value} for name, value in observation.identifiers],
            }
            at = iso(EARLIEST + observation.seen_at)
            if observation.facts:
                values = camel_case(json.loads(observation.facts))
                statement = sent | values | {"reportedAt": at}
                data = client.ask(ATTRIBUTES, {"input": {"attributes": [statement]}})["recordAttributes"]
                assert [result["__typename"] for result in data["results"]] == ["ObservationAccepted"]
            else:
                client.link(sent | {"seenAt": at, "confidence": observation.confidence})


def camel_case(values: dict[str, Any]) -> dict[str, Any]:
    """Attributes, and the parts of addresses, under the names that they have in GraphQL."""
    return {
        to_camel_case(name): camel_case(value) if isinstance(value, dict) else value for name, value in values.items()
    }


# Through GraphQL, people are erased now, and not at a time of the past.
@pytest.mark.parametrize("file", [file for file in FILES if not file.stem.startswith("E2")], ids=lambda file: file.stem)
@pytest.mark.parametrize("fresh", ["sqlite"], indirect=True)
def test_the_scenario_holds(file: Path, fresh: Fresh, run: Run) -> None:
    # given
    scenario = read_scenario(file)
    client = Client(fresh(), run, scenario.rules)
    # when
    for event in scenario.events:
        send(client, event)
    # then: blocked values are not identifiers, so they are not requested
    keys = [key for key in keys_of(scenario) if isinstance(scenario.rules.normalize_value(*key.split("=", 1)), str)]
    results = client.ask(CUSTOMERS, {"by": identifiers(*keys)})["customers"]
    customers = {
        customer["id"]: [f"{node['namespace']}={node['value']}" for node in customer["identifiers"]["nodes"]]
        for customer in results
        if customer is not None
    }
    assert sorted_customers(customers.values()) == scenario.expect
