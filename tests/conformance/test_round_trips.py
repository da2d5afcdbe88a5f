"""A view costs one round trip to the store, whatever it holds."""

import neo4j
import pytest

from graph.domain.profile.pages import ByKey, Selection
from graph.stores.sqlite import EmbeddedStore
from tests.builders.clients import Client, order, seen
from tests.builders.runs import Run
from tests.builders.stores import Fresh

EVERYTHING = """
  id requestedId known createdAt
  identifiers(first: 3) { nodes { namespace value firstSeen lastSeen sources } pageInfo { endCursor } }
  devices { value } emails { value } loyaltyCards { value }
  a: orders(first: 1) { edges { cursor node { number lines { sku } } } }
  b: orders(first: 5) { nodes { number total } }
  metrics { orders revenue { amount currency } averageOrderValue { amount } daysSinceLastOrder }
  links(states: [KEPT]) { nodes { a { value } b { value } state reason { text } } }
  ...More
"""
QUERY = (
    "query($by: [IdentifierInput!]!) { customers(by: $by) {" + EVERYTHING + "} }"
    "fragment More on Customer { possibleMatches { nodes { status customerIds link { confidence } } } }"
)


class CountingStore:
    """A store that counts how often it is asked for views."""

    def __init__(self, store) -> None:
        self._store, self.asked = store, 0

    def __getattr__(self, name: str):
        return getattr(self._store, name)

    async def customers(self, asked, selection):
        self.asked += 1
        return await self._store.customers(asked, selection)


@pytest.fixture
def client(fresh: Fresh, run: Run) -> Client:
    client = Client(CountingStore(fresh()), run)
    for number in range(5):
        client.link(seen(f"email=p{number}@example.com", f"cookie=cookie{number}", f"device=device{number}"))
        client.record(*(order(f"O{number}-{one}", f"email=p{number}@example.com") for one in range(3)))
    client.link(seen("email=p0@example.com", "email=p1@example.com", confidence=0.4))
    return client


@pytest.mark.parametrize("many", [1, 5])
def test_a_customer_with_everything_is_one_round_trip(
    client: Client, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    store = client.wiring.store
    store.asked = 0
    sent: list[str] = []
    original = neo4j.AsyncSession.run

    async def counted(self, query, *values, **named):
        sent.append(query)
        return await original(self, query, *values, **named)

    monkeypatch.setattr(neo4j.AsyncSession, "run", counted)
    by = [{"namespace": "email", "value": f"p{number}@example.com"} for number in range(many)]
    # when
    found = client.ask(QUERY, {"by": by})["customers"]
    # then
    assert len(found) == many
    assert [len(one["b"]["nodes"]) for one in found] == [3] * many
    assert found[0]["possibleMatches"]["nodes"][0]["status"] == "POSSIBLE"
    assert store.asked == 1
    assert len(sent) == (0 if isinstance(store._store, EmbeddedStore) else 1)


def test_the_answers_of_a_batch_come_in_one_read(client: Client) -> None:
    # given
    client.wiring.store.asked = 0
    # when
    results = client.link(*(seen(f"email=p{number}@example.com", f"cookie=more{number}") for number in range(5)))
    # then
    assert len({one["customer"]["id"] for one in results}) == 5
    assert client.wiring.store.asked == 1


def test_only_what_is_selected_is_read(fresh: Fresh, run: Run) -> None:
    # given
    store = fresh()
    client = Client(store, run)
    client.record(order("O1", "email=ann@example.com"))
    # when
    (view,) = run(store.customers([ByKey("email=ann@example.com")], Selection()))
    # then
    assert view.pages == {}
    assert view.customer.counts == {"email": 1, "order": 1}
