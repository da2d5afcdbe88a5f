"""JSON of sources: what cannot be stored is rejected alone, and what an older store holds of the kind is readable."""

import json
from typing import Any

import pytest

from graph.commands.commit import Accepted, commit
from graph.domain.commands import Terms, command
from graph.domain.model.errors import Problem
from graph.domain.model.facts import FactKind
from graph.domain.model.observations import Observation, Party
from graph.domain.model.times import EARLIEST
from graph.domain.profile.catalog import Catalog
from service.config import rules_file
from service.ingest.records import parse_record
from tests.builders.clients import RESULT, Client
from tests.builders.graphs import NOW, CountingIds, observe
from tests.builders.operations import INTERACTIONS
from tests.builders.runs import Run
from tests.builders.stores import Fresh

PROPERTIES = "timeline(kinds: [INTERACTION]) { nodes { ... on Interaction { id type properties } } }"
INLINE = f"""mutation($x: JSON) {{ recordInteractions(input: {{interactions: [
  {{id: "1", %(valid)s, properties: {{a: 1}}}}, {{id: "2", %(valid)s, properties: {{a: %(literal)s}}}},
  {{id: "3", %(valid)s, properties: {{a: $x}}}}]}}) {{ {RESULT} }} }}"""
VALID = """source: "web", type: "cart", occurredAt: "2026-01-01T00:00:00Z",
  identifiers: [{namespace: "cookie", value: "cookie-1"}]"""


@pytest.fixture
def client(fresh: Fresh, run: Run) -> Client:
    return Client(fresh(), run)


def interaction(id: str, properties: str) -> str:
    """The JSON text of an interaction with properties that are JSON text."""
    return (
        f'{{"source": "web", "id": "{id}", "type": "cart", "occurredAt": "2026-01-01T00:00:00Z", '
        f'"identifiers": [{{"namespace": "cookie", "value": "cookie-1"}}], "properties": {properties}}}'
    )


def nested(levels: int) -> str:
    return '{"a":' * levels + "1" + "}" * levels


REJECTED = {
    "an integer beyond 64 bits": ('{"n": 18446744073709551616}', "INVALID_VALUE"),
    "a negative integer beyond 64 bits": ('{"n": -9223372036854775809}', "INVALID_VALUE"),
    "an integer of many digits": ('{"n": %s}' % ("9" * 3_000), "INVALID_VALUE"),
    "a number that no float holds": ('{"n": 1e999}', "INVALID_VALUE"),
    "33 levels": (nested(33), "INVALID_VALUE"),
    "900 levels": (nested(900), "INVALID_VALUE"),
    "NUL": ('{"n": "a\\u0000b"}', "INVALID_CHARACTER"),
    "NUL in a name": ('{"a\\u0000b": 1}', "INVALID_CHARACTER"),
    "half of a surrogate pair": ('{"n": "\\ud800"}', "INVALID_CHARACTER"),
    "half of a surrogate pair in a name": ('{"\\udfff": 1}', "INVALID_CHARACTER"),
}
kinds = pytest.mark.parametrize(("properties", "code"), REJECTED.values(), ids=REJECTED)


@kinds
def test_a_value_that_cannot_be_stored_is_rejected_alone(client: Client, properties: str, code: str) -> None:
    # given
    items = [interaction("1", '{"n": 1}'), interaction("2", properties), interaction("3", nested(32))]
    body = (
        f'{{"query": {json.dumps(INTERACTIONS)}, "variables": {{"input": {{"interactions": [{", ".join(items)}]}}}}}}'
    )
    # when, for a document that runs for the first time and one that is compiled
    for _ in range(3):
        response = client.post(body.encode())
        results = response.json()["data"]["recordInteractions"]["results"]
        # then
        assert [result["__typename"] for result in results] == [
            "ObservationAccepted",
            "Rejected",
            "ObservationAccepted",
        ]
        assert (results[1]["problem"]["code"], results[1]["problem"]["path"]) == (code, ["properties"])
    nodes = client.customer("cookie=cookie-1", PROPERTIES)["timeline"]["nodes"]
    assert {node["id"] for node in nodes} == {"1", "3"}


@kinds
def test_a_line_of_a_file_is_rejected_alone(properties: str, code: str) -> None:
    # given
    rules = rules_file.parse(rules_file.default_text())
    # when
    parsed = parse_record(interaction("2", properties).encode()).statement
    # then
    problem = parsed if isinstance(parsed, Problem) else command(parsed, rules, Terms(catalog=Catalog()), NOW)
    assert isinstance(problem, Problem)
    assert problem.code in (code, "INVALID_LINE")


@pytest.mark.parametrize(
    ("literal", "code"),
    [
        ("18446744073709551616", "INVALID_VALUE"),
        ("1e999", "INVALID_VALUE"),
        ("9" * 5_000, "INVALID_VALUE"),
        ('"a\\u0000b"', "INVALID_CHARACTER"),
        ("[" * 32 + "]" * 32, "INVALID_VALUE"),
        ("{a:" * 100 + "1" + "}" * 100, "INVALID_VALUE"),
        ("[{a: $x}]", None),
    ],
)
def test_literals_of_documents_have_the_same_limits(client: Client, literal: str, code: str | None) -> None:
    # when
    for variables in ({"x": {"b": [1]}}, {"x": None}, {}):
        body = client.send(INLINE % {"valid": VALID, "literal": literal}, variables).json()
        # then
        assert "errors" not in body
        first, second, _ = body["data"]["recordInteractions"]["results"]
        assert first["__typename"] == "ObservationAccepted"
        assert second.get("problem", {}).get("code") in (code, None if code else "ID_CONFLICT")


def test_json_of_more_levels_than_a_parser_reads_is_an_error_of_the_request(client: Client) -> None:
    # when
    variables = client.post(b'{"query": "{ __typename }", "variables": {"x": ' + b"[" * 5_000 + b"]" * 5_000 + b"}}")
    literal = client.send("{ node(id: %s) { id } }" % ("[" * 900 + "]" * 900))
    # then
    assert variables.status_code == 400
    assert variables.json()["errors"][0]["message"] == "the body is nested too deeply"
    assert "nested too deeply" in literal.json()["errors"][0]["message"]


STORED = {
    '{"n":18446744073709551616}': {"n": 2.0**64},
    '{"n":%s}' % ("9" * 400): {"n": "9" * 400},
    '{"n":Infinity,"m":[NaN]}': {"n": "inf", "m": ["nan"]},
    '{"n":"\\ud800","\\ud800":1}': {"n": "\ufffd", "\ufffd": 1},
}


@pytest.mark.parametrize(("stored", "expected"), STORED.items())
def test_what_an_older_store_holds_is_readable(fresh: Fresh, run: Run, stored: str, expected: dict[str, Any]) -> None:
    # given
    client = client_over(fresh, run, stored)
    # then
    for _ in range(3):
        (node,) = client.customer("cookie=cookie-1", PROPERTIES)["timeline"]["nodes"]
        assert node == {"id": "old", "type": "cart", "properties": expected}
    # and what is found by its properties
    for name, found in (("n", 1), ("other", 0)):
        timeline = f'timeline(properties: [{{name: "{name}", exists: true}}]) {{ nodes {{ __typename }} }}'
        assert len(client.customer("cookie=cookie-1", timeline)["timeline"]["nodes"]) == found


@pytest.mark.parametrize("levels", [33, 100, 250, 950, 1_900])
def test_deep_json_of_an_older_store_is_readable(fresh: Fresh, run: Run, levels: int) -> None:
    # given
    client = client_over(fresh, run, '{"a":' + "[" * levels + "]" * levels + "}")
    # when
    (node,) = client.customer("cookie=cookie-1", PROPERTIES)["timeline"]["nodes"]
    # then parts that are too deep are texts
    text = json.dumps(node["properties"]).replace('"', "").replace(" ", "")
    assert text == "{a:" + "[" * levels + "]" * levels + "}"
    # and the other data of the customer is readable, and found
    found = 'found: timeline(properties: [{name: "a", exists: true}]) { nodes { __typename } }'
    assert len(client.customer("cookie=cookie-1", found)["found"]["nodes"]) == 1
    fields = "engagement { churnRisk } viewedNotPurchased { sku } journey { stage } timeline { nodes { __typename } }"
    assert client.customer("cookie=cookie-1", fields) is not None


def client_over(fresh: Fresh, run: Run, properties: str) -> Client:
    """A client over a store with an interaction whose properties, as JSON text, this version does not accept."""
    store, rules = fresh(), rules_file.parse(rules_file.default_text())
    facts = f'{{"properties":{properties},"type":"cart"}}'
    kind = FactKind.INTERACTION.value
    cookie = (("cookie", "cookie-1"),)
    stored = Observation("web", cookie, "old", Party.FIRST_PARTY, EARLIEST, facts=facts, kind=kind)
    (result,) = run(store.write(lambda: commit([observe(stored, rules)], rules, NOW, CountingIds())))
    assert isinstance(result, Accepted)
    return Client(store, run)
