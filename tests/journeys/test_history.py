"""The feed of all changes, and customers as recorded at a time."""

import pytest

from tests.builders.clients import Client, seen
from tests.builders.runs import Run
from tests.builders.stores import Fresh


@pytest.fixture
def client(fresh: Fresh, run: Run) -> Client:
    return Client(fresh(), run)


def feed(client: Client, first: int = 100) -> list[dict]:
    """All changes, read in pages."""
    changes, after = [], "null"
    while True:
        query = f"""{{ changes(after: {after}, first: {first}) {{
          nodes {{ cursor kind customerId otherCustomerId identifiers {{ namespace value }} }}
          pageInfo {{ hasNextPage }} }} }}"""
        page = client.ask(query)["changes"]
        changes += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return changes
        after = f'"{page["nodes"][-1]["cursor"]}"'


def test_the_feed_has_no_gaps_and_resumes_from_any_cursor(client: Client) -> None:
    # given
    for number in range(6):
        client.link(seen(f"email=p{number}@example.com", f"cookie=cookie-{number}"))
    client.link(*(seen(f"email=p{number}@example.com", "device=shared-1") for number in range(3)))
    # when
    changes, changes_in_small_pages = feed(client), feed(client, first=2)
    # then
    assert changes == changes_in_small_pages
    assert len({change["cursor"] for change in changes}) == len(changes)
    assert sum(change["kind"] == "CUSTOMER_CREATED" for change in changes) == 6
    assert sum(change["kind"] == "CUSTOMERS_MERGED" for change in changes) == 2


def test_an_unknown_position_in_the_feed_names_the_argument(client: Client) -> None:
    # when
    (error,) = client.send('{ changes(after: "Wzk5OTk5OV0") { nodes { cursor } } }').json()["errors"]
    # then
    assert error["extensions"]["code"] == "INVALID_CURSOR"
    assert error["extensions"]["inputPath"] == ["after"]
    assert "after" in error["message"]


def test_a_customer_as_recorded_at_a_time(client: Client, run: Run) -> None:
    # given
    (ann,) = client.link(seen("email=ann@example.com"))
    (tablet,) = client.link(seen("device=ann-tablet"))
    (entry,) = client.customer("device=ann-tablet", "history { nodes { kind customerId } }")["history"]["nodes"]
    assert entry["customerId"] == tablet["customerId"]
    before = client.ask("{ changes { nodes { recordedAt } } }")["changes"]["nodes"][-1]["recordedAt"]
    client.link(seen("email=ann@example.com", "device=ann-tablet"))
    query = """query($at: DateTime, $id: ID!) {
      tablet: customer(by: {identifier: {namespace: "device", value: "ann-tablet"}}, at: $at) {
        id identifiers { nodes { value } } }
      retired: customer(by: {id: $id}, at: $at) { id requestedId known } }"""
    # when
    then = client.ask(query, {"at": before, "id": tablet["customerId"]})
    now = client.ask(query, {"at": None, "id": tablet["customerId"]})
    # then
    assert then["tablet"] == {"id": tablet["customerId"], "identifiers": {"nodes": [{"value": "ann-tablet"}]}}
    assert then["retired"] == {"id": tablet["customerId"], "requestedId": None, "known": False}
    assert now["tablet"]["id"] == now["retired"]["id"] == ann["customerId"]
    too_early = client.ask(query, {"at": "2020-01-01T00:00:00Z", "id": tablet["customerId"]})
    assert too_early == {"tablet": None, "retired": None}
    invalid = f"""{{ customer(by: {{identifier: {{namespace: "device", value: "ann-tablet"}}}}, at: "{before}") {{
      metrics {{ orderCount }} orders {{ nodes {{ number }} }} }} }}"""
    assert client.send(invalid).json()["errors"][0]["extensions"]["code"] == "NOT_AVAILABLE_AT_TIME"


def test_a_change_names_what_caused_it(client: Client) -> None:
    # given: a merge by a partner's observation, and one by a probabilistic observation
    client.link(seen("email=ann@example.com"), seen("cookie=ck-1"), seen("device=tablet-1"))
    client.link(seen("email=ann@example.com", "cookie=ck-1", party="SECOND_PARTY"))
    client.link(seen("email=ann@example.com", "device=tablet-1", confidence=0.95))
    client.ask("""mutation { blockIdentifier(input: {
        identifier: {namespace: "device", value: "tablet-1"}, actor: "sue"}) { created } }""")
    # when
    nodes = client.ask("{ changes { nodes { kind cause { type party source overrideId actor } } } }")["changes"][
        "nodes"
    ]
    # then
    causes = [change["cause"] for change in nodes if change["kind"] == "CUSTOMERS_MERGED"]
    assert [(cause["type"], cause["party"]) for cause in causes] == [
        ("OBSERVATION", "SECOND_PARTY"),
        ("OBSERVATION", None),
    ]
    (block,) = (change["cause"] for change in nodes if change["kind"] == "OVERRIDE_SET")
    assert (block["type"], block["party"], block["source"], block["actor"]) == ("OVERRIDE_SET", None, None, "sue")
    assert block["overrideId"].startswith("ovr_")
