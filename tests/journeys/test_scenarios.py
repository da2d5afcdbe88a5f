"""Every scenario file through GraphQL, on both stores."""

from pathlib import Path
from typing import Any

from graph.domain.resolution.scenario import Event, Marked, Revoked, Unmarked, in_order
from schema.shared.scalars import iso
from tests.builders.clients import Client, identifiers
from tests.builders.runs import Run
from tests.builders.scenarios import each_scenario, named, scenario
from tests.builders.stores import Fresh

REVOKE = """mutation($input: RevokeObservationsInput!) {
  revokeObservations(input: $input) { results { __typename } errors { message } } }"""
MARK = """mutation($input: %s!) { %s(input: $input) { mark { id } errors { message } } }"""
MANY = """query($by: [IdentifierInput!]!) { customers(by: $by) {
  id identifiers(first: 100) { nodes { namespace value } } } }"""


def send(client: Client, event: Event) -> None:
    match event:
        case Revoked(source, id):
            client.ask(REVOKE, {"input": {"observations": [{"source": source, "id": id}]}})
        case Marked(mark) if mark.b:
            name = "keepTogether" if mark.kind.value == "together" else "keepApart"
            a, b = identifiers(mark.a, mark.b)
            data = client.ask(MARK % ("MarkInput", name), {"input": {"a": a, "b": b, "actor": "steward"}})
            assert data[name]["errors"] == []
        case Marked(mark) | Unmarked(mark) if not mark.b:
            name = "blockIdentifier" if isinstance(event, Marked) else "unblockIdentifier"
            (one,) = identifiers(mark.a)
            client.ask(MARK % ("BlockInput", name), {"input": {"identifier": one}})
        case Unmarked(mark):
            listed = client.ask("{ marks(first: 100) { nodes { id kind a { value } b { value } } } }")["marks"]["nodes"]
            ends = {key.partition("=")[2] for key in mark.keys}
            (id,) = (
                one["id"]
                for one in listed
                if one["kind"].lower() == mark.kind.value
                and one["b"]
                and {one["a"]["value"], one["b"]["value"]} == ends
            )
            client.ask(MARK % ("RemoveMarkInput", "removeMark"), {"input": {"id": id}})
        case _:
            seen = event.observation
            sent: dict[str, Any] = {
                "source": seen.source,
                "id": seen.id,
                "party": seen.party.name,
                "seenAt": iso(seen.seen_at),
                "confidence": seen.confidence,
                "identifiers": [{"namespace": name, "value": value} for name, value in seen.identifiers],
            }
            client.link(sent)


@each_scenario
def test_the_scenario_holds(file: Path, fresh: Fresh, run: Run) -> None:
    # given
    one = scenario(file)
    client = Client(fresh(), run, one.rules)
    # when
    for event in one.events:
        send(client, event)
    # then: blocked values are no identifiers, so they are not asked for
    asked = [key for key in named(one) if isinstance(one.rules.clean(*key.split("=", 1)), str)]
    found = client.ask(MANY, {"by": identifiers(*asked)})["customers"]
    customers = {
        customer["id"]: [f"{node['namespace']}={node['value']}" for node in customer["identifiers"]["nodes"]]
        for customer in found
        if customer is not None
    }
    assert in_order(customers.values()) == one.expect
