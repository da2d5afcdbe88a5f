"""A customer is read in one round trip to the store, whatever is selected of it."""

import neo4j
import pytest

from graph.domain.profile.pages import ByKey, Selection
from graph.stores.sqlite import SQLiteStore
from tests.builders.clients import Client, order, seen
from tests.builders.runs import Run
from tests.builders.stores import Fresh

EVERYTHING = """
  id requestedId known createdAt
  identifiers(first: 3) { nodes { namespace value firstSeenAt lastSeenAt sources } pageInfo { endCursor } }
  devices { value } emails { value } loyaltyCards { value }
  a: orders(first: 1) { edges { cursor node { number lines { sku } } } }
  b: orders(first: 5) { nodes { number total } }
  metrics { orderCount revenue { amount currency } averageOrderValue { amount } daysSinceLastOrder }
  links(states: [ACTIVE]) { nodes { a { value } b { value } state reason { message } } }
  ...More
"""
QUERY = (
    "query($by: [IdentifierInput!]!) { customers(by: $by) {" + EVERYTHING + "} }"
    "fragment More on Customer { possibleMatches { nodes { status customerIds link { confidence } } } }"
)


class CountingStore:
    """A store that counts the reads of customers."""

    def __init__(self, store) -> None:
        self._store, self.reads = store, 0

    def __getattr__(self, name: str):
        return getattr(self._store, name)

    async def customers(self, refs, selection):
        self.reads += 1
        return await self._store.customers(refs, selection)


@pytest.fixture
def client(fresh: Fresh, run: Run) -> Client:
    client = Client(CountingStore(fresh()), run)
    for number in range(5):
        client.link(seen(f"email=p{number}@example.com", f"cookie=cookie{number}", f"device=device{number}"))
        client.record(*(order(f"O{number}-{sequence}", f"email=p{number}@example.com") for sequence in range(3)))
    client.link(seen("email=p0@example.com", "email=p1@example.com", confidence=0.4))
    return client


@pytest.mark.parametrize("count", [1, 5])
def test_a_customer_with_everything_is_one_round_trip(
    client: Client, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    store = client.wiring.store
    store.reads = 0
    queries: list[neo4j.Query] = []
    run_query = neo4j.AsyncSession.run

    async def counting_run(self, query, *values, **named):
        if isinstance(query, neo4j.Query):  # of a read: others ask whether the server still works on a slow one
            queries.append(query)
        return await run_query(self, query, *values, **named)

    monkeypatch.setattr(neo4j.AsyncSession, "run", counting_run)
    by = [{"namespace": "email", "value": f"p{number}@example.com"} for number in range(count)]
    # when
    customers = client.ask(QUERY, {"by": by})["customers"]
    # then
    assert len(customers) == count
    assert [len(customer["b"]["nodes"]) for customer in customers] == [3] * count
    assert customers[0]["possibleMatches"]["nodes"][0]["status"] == "POSSIBLE"
    assert store.reads == 1
    assert len(queries) == (0 if isinstance(store._store, SQLiteStore) else 1)


def test_the_customers_of_a_batch_are_read_at_once(client: Client) -> None:
    # given
    client.wiring.store.reads = 0
    # when
    results = client.link(*(seen(f"email=p{number}@example.com", f"cookie=more{number}") for number in range(5)))
    # then
    assert len({result["customer"]["id"] for result in results}) == 5
    assert client.wiring.store.reads == 1


def test_only_selected_pages_are_read(fresh: Fresh, run: Run) -> None:
    # given
    store = fresh()
    client = Client(store, run)
    client.record(order("O1", "email=ann@example.com"))
    # when
    (view,) = run(store.customers([ByKey("email=ann@example.com")], Selection()))
    # then
    assert view.pages == {}
    assert view.customer.counts == {"email": 1, "order": 1}
