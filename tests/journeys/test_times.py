"""Times as sources send them: one reader and one range for every kind of statement."""

from typing import Any

import pytest

from graph.commands.commit import commit
from graph.domain.model.dates import SECOND
from graph.domain.model.observations import Observation
from graph.domain.profile.consents import ConsentStatement, Decision
from service.config import rules_file
from tests.builders.clients import Client, order, seen
from tests.builders.graphs import NOW, CountingIds, observe
from tests.builders.operations import decide, interaction, record, state
from tests.builders.runs import Run
from tests.builders.stores import Fresh

MARCH = "2026-03-03T08:00:00Z"
MILLISECONDS = 1_772_524_800_000
PRODUCT = """mutation($p: [ProductInput!]!) { recordProducts(input: {products: $p}) {
  results { __typename ... on Rejected { problem { code path } } } } }"""
SEGMENT = """mutation($s: [ExternalSegmentInput!]!) { recordExternalSegments(input: {segments: $s}) {
  results { __typename ... on Rejected { problem { code path } } } errors { message } } }"""
CONSENT = """{ consent(identifier: {namespace: "email", value: "ann@example.com"}, purpose: "newsletter") {
  decision current { decidedAt } } }"""


@pytest.fixture
def client(fresh: Fresh, run: Run) -> Client:
    return Client(fresh(), run)


def send(client: Client, field: str, time: Any, number: int = 0) -> dict[str, Any]:
    """The result of a statement whose time is in a field."""
    match field:
        case "seenAt":
            return client.link(seen("crm_id=C-1", at=time))[0]
        case "placedAt":
            return client.record(order(f"A-{number}", "crm_id=C-1", placedAt=time))[0]
        case "reportedAt":
            return client.record(order(f"A-{number}", "crm_id=C-1", reportedAt=time))[0]
        case "attributes.reportedAt":
            return state(client, "crm_id=C-1", at=time, name="Ann")
        case "decidedAt":
            return decide(client, "crm_id=C-1", decision="GIVEN", at=time)
        case "occurredAt":
            return record(client, interaction("page_viewed", "crm_id=C-1", at=time))[0]
        case "products.reportedAt":
            product = {"sku": "s-1", "name": "Shoe", "source": "pim", "reportedAt": time}
            return client.ask(PRODUCT, {"p": [product]})["recordProducts"]["results"][0]
        case "segments.reportedAt" | "expiresAt":
            segment = {"source": "dmp", "identifiers": [{"namespace": "crm_id", "value": "C-1"}], "segment": "s"}
            segment |= {field.removeprefix("segments."): time}
            return client.ask(SEGMENT, {"s": [segment]})["recordExternalSegments"]["results"][0]
    raise AssertionError(field)


PAST_FIELDS = [
    "seenAt",
    "placedAt",
    "reportedAt",
    "attributes.reportedAt",
    "decidedAt",
    "occurredAt",
    "products.reportedAt",
    "segments.reportedAt",
]


OUT_OF_RANGE = {
    "1989-12-31T23:59:59.999999Z": "TIMESTAMP_TOO_OLD",
    "1970-01-01T00:00:00Z": "TIMESTAMP_TOO_OLD",
    "0001-01-01T00:00+02:00": "INVALID_TIMESTAMP",
    "9999-12-31T23:59-02:00": "INVALID_TIMESTAMP",
    1_772_524: "INVALID_TIMESTAMP",
    10**30: "INVALID_TIMESTAMP",
    True: "INVALID_TIMESTAMP",
    "2999-01-01T00:00:00Z": "TIMESTAMP_IN_FUTURE",
}


@pytest.mark.parametrize("field", [*PAST_FIELDS, "expiresAt"])
def test_a_time_out_of_range_is_rejected_by_its_field(client: Client, field: str) -> None:
    for time, code in OUT_OF_RANGE.items():
        # when
        result = send(client, field, time)
        # then only an end may lie ahead
        if field == "expiresAt" and code == "TIMESTAMP_IN_FUTURE":
            assert "problem" not in result
        else:
            assert (result["problem"]["code"], result["problem"]["path"]) == (code, [field.rpartition(".")[2]])


@pytest.mark.parametrize("field", PAST_FIELDS)
def test_times_as_people_and_systems_write_them_are_accepted(client: Client, field: str) -> None:
    for number, time in enumerate(("1990-01-01T00:00:00Z", "2026-03-03 10:00:00+02", "20260303", MILLISECONDS, 1.7e9)):
        assert "problem" not in send(client, field, time, number)


def test_numbers_of_every_unit_are_the_same_time(client: Client) -> None:
    # given
    units = [MILLISECONDS // 1000, MILLISECONDS, MILLISECONDS * 1000, str(MILLISECONDS), f"{MILLISECONDS // 1000}.0"]
    # when
    results = client.link(*(seen("crm_id=C-1", f"cookie=cookie-{n}", at=unit) for n, unit in enumerate(units)))
    # then
    assert {result["__typename"] for result in results} == {"ObservationAccepted"}
    nodes = client.customer("crm_id=C-1", "identifiers { nodes { firstSeenAt lastSeenAt } }")["identifiers"]["nodes"]
    assert {time for node in nodes for time in node.values()} == {MARCH}


def test_numbers_are_read_in_documents_too(client: Client) -> None:
    # given
    text = """mutation { linkIdentifiers(input: {observations: [
        {source: "web", seenAt: %s, identifiers: [{namespace: "crm_id", value: "C-1"}]}]}) {
      results { ... on ObservationAccepted { customer { identifiers { nodes { lastSeenAt } } } } } } }"""
    # then
    for literal in (str(MILLISECONDS), f"{MILLISECONDS // 1000}.0", "1.7725248e12"):
        (result,) = client.ask(text % literal)["linkIdentifiers"]["results"]
        assert result["customer"]["identifiers"]["nodes"] == [{"lastSeenAt": MARCH}]


@pytest.mark.parametrize("reverse", [False, True])
def test_a_withdrawal_never_loses_to_an_older_grant_because_of_its_unit(client: Client, reverse: bool) -> None:
    # given
    sent = [("WITHDRAWN", MILLISECONDS), ("GIVEN", "2025-01-01T00:00:00Z"), ("GIVEN", 1_735_689_600_000_000)]
    # when
    for decision, at in sent[::-1] if reverse else sent:
        decide(client, "email=ann@example.com", decision=decision, at=at)
    # then
    assert client.ask(CONSENT)["consent"] == {"decision": "WITHDRAWN", "current": {"decidedAt": MARCH}}


@pytest.mark.parametrize(
    "fields",
    [
        '(by: $by, at: "%s") { id }',
        '(by: $by) { timeline(since: "%s") { nodes { __typename } } }',
        '(by: $by) { timeline(until: "%s") { nodes { __typename } } }',
    ],
)
def test_a_time_of_a_query_is_in_the_years_1_to_9999(client: Client, fields: str) -> None:
    # given
    client.link(seen("crm_id=C-1"))
    query = "query($by: CustomerBy!) { customer" + fields + " }"
    by = {"by": {"identifier": {"namespace": "crm_id", "value": "C-1"}}}
    # then
    for outside in ("0001-01-01T00:00+02:00", "9999-12-31T23:59-02:00", "yesterday"):
        response = client.send(query % outside, by)
        assert response.status_code == 200
        assert response.json()["errors"][0]["extensions"]["code"] == "INVALID_TIMESTAMP"
    for inside in ("0001-01-01T00:00Z", "9999-12-31T23:59:59Z", str(MILLISECONDS)):
        client.ask(query % inside, by)


def test_what_an_older_store_holds_is_readable(fresh: Fresh, run: Run) -> None:
    # given times that this version rejects, such as milliseconds that were read as microseconds
    store, rules = fresh(), rules_file.parse(rules_file.default_text())
    email = (("email", "ann@example.com"),)
    stored = [
        Observation("web", email, "1", seen_at=MILLISECONDS),
        Observation("web", email, "2", seen_at=-70_000_000_000 * SECOND),
        Observation("web", email, "3", seen_at=300_000_000_000 * SECOND),
        ConsentStatement("crm", email, "newsletter", Decision.WITHDRAWN, id="c", decided_at=MILLISECONDS).observation(),
    ]
    run(store.write(lambda: commit([observe(item, rules) for item in stored], rules, NOW, CountingIds())))
    client = Client(store, run)
    # when
    (node,) = client.customer("email=ann@example.com", "identifiers { nodes { firstSeenAt lastSeenAt } }")[
        "identifiers"
    ]["nodes"]
    # then
    assert node == {"firstSeenAt": "-000249-10-15T19:33:20Z", "lastSeenAt": "+011476-08-15T05:20:00Z"}
    assert client.ask(CONSENT)["consent"] == {
        "decision": "WITHDRAWN",
        "current": {"decidedAt": "1970-01-21T12:22:04.800000Z"},
    }
