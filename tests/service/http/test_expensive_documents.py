"""Documents and variables that are built to be expensive are rejected before they run."""

from typing import Any

import pytest

from graph.stores.sqlite import SQLiteStore
from tests.builders.clients import Client, order, seen
from tests.builders.runs import Run

ACCEPT = "application/graphql-response+json"
PEOPLE = [f"email=p{number}@example.com" for number in range(8)]


@pytest.fixture(scope="module")
def client(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Client:
    store = SQLiteStore(tmp_path_factory.mktemp("store") / "kith.db")
    run(store.migrate())
    client = Client(store, run)
    client.link(*(seen(key) for key in PEOPLE))
    client.record(*(order(f"A{number}", PEOPLE[number % 8]) for number in range(24)))
    yield client
    run(store.close())


def doubling(levels: int) -> str:
    """A document whose fragments each spread the next two."""
    return '{ customer(by: {identifier: {namespace: "email", value: "p1@example.com"}}) { ...F0 } } ' + " ".join(
        [
            *(f"fragment F{n} on Customer {{ id known ...F{n + 1} ...F{n + 2} }}" for n in range(levels)),
            f"fragment F{levels} on Customer {{ id }} fragment F{levels + 1} on Customer {{ known }}",
        ]
    )


NESTED = """query($f: Int!) {
  changes(first: $f) { nodes { id identifiers { value } } }
  customers(by: [{namespace: "email", value: "p1@example.com"}]) {
    id timeline(first: $f) { nodes { __typename } }
    orders(first: $f) { nodes { number customer { id orders(first: $f) { nodes { number customer {
      id orders(first: $f) { nodes { number } }
    } } } } } }
  }
}"""
BATCH = [{"namespace": "email", "value": f"p{number % 8}@example.com"} for number in range(100)]
AS_DEFAULT = ", ".join(f'{{namespace: "email", value: "{item["value"]}"}}' for item in BATCH)
ORDERS = "{ customers(by: $b) { id orders(first: 100) { nodes { number lines { sku } customer { id } } } } }"


def rejected(client: Client, text: str, variables: dict[str, Any] | None = None) -> str:
    """Return the message about a document that is too complex."""
    response = client.send(text, variables, accept=ACCEPT)
    body = response.json()
    assert response.status_code == 400
    assert "data" not in body
    (error,) = body["errors"]
    assert error["extensions"]["code"] == "QUERY_TOO_COMPLEX"
    return error["message"]


def test_fragments_that_each_spread_the_next_two(client: Client) -> None:
    # given: few of them are a usual document
    for _ in range(3):
        assert client.ask(doubling(8))["customer"]["known"] is True
    # then: many of them would be billions of fields
    assert "more than a billion fields" in rejected(client, doubling(60))
    assert "fields in its operations and fragments; 5000 are allowed" in rejected(client, doubling(28))


@pytest.mark.parametrize("sizes", [(1, 100, 100.0), (1, 100.0, 100), (100.0, 1, 100.0, 1.0)])
def test_page_sizes_that_are_equal_or_written_otherwise(client: Client, sizes: tuple[float, ...]) -> None:
    # given: a document that was seen with other sizes
    for size in sizes:
        # then: its cost is that of the size which execution uses
        if size == 100:
            assert "the operation may cost" in rejected(client, NESTED, {"f": size})
        else:
            assert len(client.ask(NESTED, {"f": size})["customers"][0]["orders"]["nodes"]) == 1


def test_a_batch_that_is_the_default_of_a_variable(client: Client) -> None:
    costs = {
        rejected(client, f"query($b: [IdentifierInput!]!) {ORDERS}", {"b": BATCH}),
        rejected(client, f"query($b: [IdentifierInput!]! = [{AS_DEFAULT}]) {ORDERS}"),
        rejected(client, f"query {ORDERS.replace('$b', f'[{AS_DEFAULT}]')}"),
    }
    assert len(costs) == 1
    small = {"b": BATCH[:1]}
    assert len(client.ask(f"query($b: [IdentifierInput!]! = [{AS_DEFAULT}]) {ORDERS}", small)["customers"]) == 1


def test_a_value_that_fails_does_not_lend_its_cost_to_others(client: Client) -> None:
    orders = "orders(first: $f) { nodes { lines { sku } } }"
    text = f"query($b: [IdentifierInput!]!, $f: Int!) {{ customers(by: $b) {{ {orders} }} }}"
    for invalid in ("100", True, 100.5, None, [100], {"first": 100}):
        response = client.send(text, {"b": BATCH, "f": invalid}, accept=ACCEPT)
        assert response.status_code == 400
        assert "$f" in response.json()["errors"][0]["message"]
        assert "the operation may cost" in rejected(client, text, {"b": BATCH, "f": 100})


def test_aliases_below_introspection(client: Client) -> None:
    aliases = " ".join(f"a{number}: description" for number in range(600))
    text = f"{{ __schema {{ types {{ fields {{ {aliases} }} }} }} }}"
    assert "600 aliases and repeated fields; 30 are allowed" in rejected(client, text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("#" + "x" * 7_000_000 + "\n{ __typename }", "7000016 characters; 100000 are allowed"),
        (f'{{ node(id: "{"x" * 1_000_000}") {{ id }} }}', "1000023 characters"),
        ("{ " + "__typename " * 3_000 + "}", "more than 2000 tokens; 2000 are allowed"),
    ],
    ids=["comment", "text", "tokens"],
)
def test_long_documents_are_not_parsed(client: Client, text: str, message: str) -> None:
    assert message in rejected(client, text)


def test_variables_with_very_many_values_are_not_coerced(client: Client) -> None:
    text = "query($i: [ID!]!) { nodes(ids: $i) { id } }"
    assert "a batch has 300000 items" in rejected(client, text, {"i": ["a"] * 300_000})
    text = "query($b: CustomerBy!) { customer(by: $b) { id } }"
    assert "more than 200000 values" in rejected(client, text, {"b": {str(number): 1 for number in range(200_001)}})
