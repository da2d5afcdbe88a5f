"""What is refused looks like what does not exist: in the response, in a stream, and in how often it is looked up."""

import asyncio
from collections.abc import Collection
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx
import pytest

from graph.commands.commit import Accepted
from graph.domain.access.accessed import Accessed
from graph.domain.access.policies import Policies, Policy
from graph.domain.access.viewer import Viewer
from graph.domain.model.errors import TooManyLookups
from graph.domain.model.labels import Label
from graph.domain.model.observations import Observation, Party
from graph.domain.profile.insights import RECENT_INTERACTIONS
from graph.domain.profile.pages import ById, ByKey, CustomerRef, CustomerView, Selection
from graph.domain.profile.search import SearchField
from graph.viewer_graph import ViewerGraph
from tests.builders.clients import identifiers, order, seen
from tests.builders.runs import Run
from tests.builders.stores import Fresh
from tests.builders.viewers import ViewerClient, shop, viewer

ANNA, UNKNOWN = "email=anna.berg@example.com", "email=nobody.atall@example.com"
CUSTOMER = (
    "query($i: IdentifierInput!) { customer(by: {identifier: $i}) { id emails { value } orders { nodes { total } } } }"
)
CONSENT = (
    'query($i: IdentifierInput!) { consent(identifier: $i, purpose: "newsletter") { decision identifier { value } } }'
)
RECORD = "mutation($i: RecordInteractionsInput!) { recordInteractions(input: $i) { errors { message } } }"
CHANGING = ("x-request-id", "date")
SELECTION = Selection.of([RECENT_INTERACTIONS])
STRANGERS = {
    "storefront": viewer("storefront"),
    "user": viewer("storefront", subject="login=ben77"),
    "user never seen": viewer("storefront", subject="login=never.seen"),
    "partner": viewer("partner", sources=frozenset({"club2"})),
}


@pytest.fixture
def client(fresh: Fresh, run: Run, tmp_path: Path) -> ViewerClient:
    return shop(fresh(), run, tmp_path)


class CountedBudget:
    """Remembers what was looked up, and allows some of it."""

    def __init__(self, most: int = 1000) -> None:
        self.most, self.asked, self.missed_count = most, list[str](), 0

    def spend(self, asked: Collection[str]) -> None:
        self.asked += asked
        if len(set(self.asked)) > self.most:
            raise TooManyLookups("too many look-ups", 5)

    def missed(self, count: int) -> None:
        self.missed_count += count


def seen_outside(response: httpx.Response) -> tuple[Any, ...]:
    headers = {name: value for name, value in response.headers.items() if name not in CHANGING}
    return response.status_code, headers, response.content


@pytest.mark.parametrize("stranger", STRANGERS)
@pytest.mark.parametrize("query", [CUSTOMER, CONSENT])
def test_a_customer_that_is_refused_looks_like_one_that_does_not_exist(
    client: ViewerClient, stranger: str, query: str
) -> None:
    # when
    known, unknown = (client.as_(STRANGERS[stranger], query, {"i": identifiers(key)[0]}) for key in (ANNA, UNKNOWN))
    # then
    assert known.status_code == 200
    assert seen_outside(known) == seen_outside(unknown)


@pytest.mark.parametrize("role", ["storefront", "till", "desk", "partner", "feed"])
@pytest.mark.parametrize(
    "query",
    [
        'query($a: ID!) { _entities(representations: [{__typename: "Customer", id: $a}]) { __typename } }',
        'query($a: ID!) { _entities(representations: [{__typename: "Order", number: $a}]) { __typename } }',
        "query($a: ID!) { node(id: $a) { __typename } }",
    ],
)
def test_an_object_that_is_refused_looks_like_one_that_does_not_exist(
    client: ViewerClient, role: str, query: str
) -> None:
    # given
    asked = viewer(role, "customer:look-up", sources=frozenset({"club2"}) if role == "partner" else None)
    anna = client.customer(ANNA, "id")["id"]
    is_order = "Order" in query
    # when
    known, unknown = (
        client.as_(asked, query, {"a": id}) for id in (("W-5001", "W-9999") if is_order else (anna, "cus_x"))
    )
    # then
    sees_orders, sees_ids = role in ("till", "desk"), role in ("desk", "feed")
    if not (sees_orders if is_order else sees_ids):
        assert seen_outside(known) == seen_outside(unknown)


def test_a_stream_of_a_cookie_is_silent_about_the_person_behind_it(client: ViewerClient, run: Run) -> None:
    # given a stream of Anna's cookie for nobody
    graph = ViewerGraph(client.graph, viewer("storefront"))
    visit = {"source": "web", "type": "page_viewed", "occurredAt": "2026-04-01T10:00:00Z"}

    async def events() -> list[CustomerView | None]:
        found: list[CustomerView | None] = []
        stream = graph.customer_changes(ByKey("cookie=ck-anna-laptop"), SELECTION)
        async with asyncio.timeout(20), aclosing(stream) as changes:
            found.append(await anext(changes))
            waiting = asyncio.ensure_future(anext(changes))
            # when something happens to her, and then something is seen of the cookie alone
            await send("record", [order("W-7001", ANNA)])
            await send("visit", [{**visit, "id": "v-anna", "identifiers": identifiers(ANNA)}])
            await asyncio.sleep(0.3)
            assert not waiting.done()
            await send("visit", [{**visit, "id": "v-cookie", "identifiers": identifiers("cookie=ck-anna-laptop")}])
            found.append(await waiting)
        return found

    async def send(kind: str, items: list[dict[str, Any]]) -> None:
        text = "mutation($i: RecordOrdersInput!) { recordOrders(input: $i) { errors { message } } }"
        query, field = (text, "orders") if kind == "record" else (RECORD, "interactions")
        response = await client.http.post("/graphql", json={"query": query, "variables": {"i": {field: items}}})
        assert "errors" not in response.json(), response.text

    # then
    first, second = run(events())
    assert first is not None
    assert second is not None
    assert (len(first.pages[RECENT_INTERACTIONS].items), len(second.pages[RECENT_INTERACTIONS].items)) == (0, 1)


def test_every_look_up_is_counted_and_recorded(client: ViewerClient, run: Run) -> None:
    # given
    budget, anna = CountedBudget(), client.customer(ANNA, "id")["id"]

    def as_(asked: Viewer) -> ViewerGraph:
        return ViewerGraph(client.graph, asked, budget)

    refs: list[CustomerRef] = [ByKey(ANNA), ByKey(ANNA), ByKey(UNKNOWN), ById(anna), ByKey("cookie=ck-anna-laptop")]
    till, desk = as_(viewer("till")), as_(viewer("desk"))
    # when
    views = run(till.customers(refs, Selection()))
    run(till.orders(["W-5001", "W-9999"]))
    hits = run(desk.search("berg", [SearchField.IDENTIFIERS], None, 5))
    # then
    assert [view is None for view in views] == [False, False, True, True, True]
    assert till.accessed == Accessed(
        {anna: None},
        dict.fromkeys([ANNA, UNKNOWN, anna, "cookie=ck-anna-laptop", "order=W-5001", "order=W-9999"]),
        refused=2,
    )
    assert len(hits.items) == 2
    assert budget.asked == [*till.accessed.asked, "search:berg", *(hit.customer for hit in hits.items)]
    assert budget.missed_count == 3 + 1
    assert list(desk.accessed.asked) == ["berg"]


def test_what_is_shown_of_a_part_is_recorded_with_the_customer_behind_it(client: ViewerClient, run: Run) -> None:
    # given
    anna, cookie = client.customer(ANNA, "id")["id"], ByKey("cookie=ck-anna-laptop")
    for asked in (viewer("storefront"), viewer("storefront", subject="login=anna.b")):
        graph = ViewerGraph(client.graph, asked)
        # when
        run(graph.customers([cookie], Selection()))
        # then
        assert list(graph.accessed.customers) == [anna]
        assert graph.accessed.refused == 0
    graph = ViewerGraph(client.graph, viewer("storefront", subject="login=ben77"))
    assert run(graph.customers([ByKey(ANNA), ByKey(UNKNOWN)], Selection())) == [None, None]
    assert graph.accessed.refused == 1


@pytest.mark.parametrize(("role", "learns"), [("developer", True), ("partner", False), ("ingest", False)])
def test_the_customer_that_a_statement_belongs_to_is_recorded_for_who_learns_it(
    client: ViewerClient, run: Run, role: str, learns: bool
) -> None:
    # given
    anna = client.customer(ANNA, "id")["id"]
    graph = ViewerGraph(client.graph, viewer(role, sources=frozenset({"acme"})))
    statement = Observation("acme", (("email", "anna.berg@example.com"),), party=Party.SECOND_PARTY)
    # when
    (result,) = run(graph.shown_results(run(graph.link([statement]))))
    # then
    assert isinstance(result, Accepted)
    assert list(graph.accessed.customers) == ([anna] if learns else [])


def test_a_used_up_budget_stops_before_anything_is_read(client: ViewerClient, run: Run) -> None:
    # given
    graph = ViewerGraph(client.graph, viewer("till"), CountedBudget(most=2))
    run(graph.customers([ByKey(ANNA), ByKey(UNKNOWN)], Selection()))
    # then: what was asked for before costs nothing
    run(graph.customers([ByKey(ANNA)], Selection()))
    with pytest.raises(TooManyLookups):
        run(graph.customers([ByKey("email=ben.berg@example.com")], Selection()))
    assert len(graph.accessed.customers) == 1


def test_many_parts_are_read_in_one_request(client: ViewerClient) -> None:
    # given
    partner = viewer("partner", sources=frozenset({"club2"}))
    client.link(*(seen(f"email=p{n}@example.com", source="club2") for n in range(10)))
    query = "query($by: [IdentifierInput!]!) { customers(by: $by) { emails { value } } }"
    keys = [f"email=p{n}@example.com" for n in range(10)] + [ANNA]
    # when
    customers = client.seen_by(partner, query, {"by": identifiers(*keys)})["customers"]
    # then
    assert customers == [{"emails": [{"value": f"p{n}@example.com"}]} for n in range(10)] + [None]


FILTERED = """query($i: IdentifierInput!, $p: [PropertyCondition!]!) { customer(by: {identifier: $i}) {
  timeline(first: 1, properties: $p) { nodes { __typename } pageInfo { hasNextPage } } } }"""


@pytest.mark.parametrize("role", ["desk", "storefront"])
def test_who_is_shown_masks_learns_nothing_from_filters_on_properties(client: ViewerClient, role: str) -> None:
    # given
    asked = viewer(role, subject="login=anna.b" if role == "storefront" else None)
    condition = {"name": "to", "contains": "anna.berg@example.com"}
    # when
    response = client.as_(asked, FILTERED, {"i": identifiers(ANNA)[0], "p": [condition]}).json()
    # then
    (error,) = response["errors"]
    assert (error["extensions"]["code"], error["path"]) == ("FORBIDDEN", ["customer"])
    assert "anna.berg" not in error["message"]
    missing = "behavior:text" if role == "desk" else "contact:read"
    assert error["message"] == f"properties requires the scope {missing}"


@pytest.mark.parametrize("label", [Label.CONTACT, Label.BEHAVIOR])
def test_a_filter_finds_nothing_in_what_is_withheld_for_lack_of_consent(client: ViewerClient, label: Label) -> None:
    # given two interactions that hold her address
    visit = {"source": "web", "type": "email_sent", "identifiers": identifiers(ANNA)}
    items = [
        {**visit, "id": f"e-{day}", "occurredAt": f"2026-04-0{day}T10:00:00Z", "properties": {"to": ANNA[6:]}}
        for day in (1, 2)
    ]
    client.ask(RECORD, {"i": {"interactions": items}})
    client.graph.policies = Policies((Policy(label, "partners", "third_party_sharing"),))
    asked = {"i": identifiers(ANNA)[0], "p": [{"name": "to", "in": [ANNA[6:]]}]}
    # when
    for purpose, found in (("service", 1), ("partners", 0)):
        timeline = client.seen_by(viewer("privacy", purpose=purpose), FILTERED, asked)["customer"]["timeline"]
        # then
        assert (len(timeline["nodes"]), timeline["pageInfo"]["hasNextPage"]) == (found, bool(found))
