"""The cost of an operation is never less than the cost of what its answer contains."""

from random import Random
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from graph.identity_graph import IdentityGraph
from graph.stores.sqlite import SQLiteStore
from graph.viewer_graph import ViewerGraph
from schema.execution.limits import Limits
from schema.execution.runner import ALL, GraphQLRequest, OperationRunner
from schema.root import new_context, schema
from service.access.authentication import LOCAL
from tests.builders.clients import Client, identifiers, order, seen
from tests.builders.operations import decide, interaction, record, set_override, state
from tests.builders.runs import Run
from tests.builders.strategies import SETTINGS
from tests.builders.weighed_documents import WeighedDocument

UNLIMITED = Limits(depth=100, aliases=10**6, fields=10**6, tokens=10**6, cost=10**12)
People = tuple[IdentityGraph, list[str]]
"""A graph, and the ids of its customers."""
PEOPLE = [f"email=p{number}@example.com" for number in range(6)]


@pytest.fixture(scope="module")
def people(run: Run, tmp_path_factory: pytest.TempPathFactory) -> People:
    """Customers with several of everything that a page contains."""
    store = SQLiteStore(tmp_path_factory.mktemp("store") / "kith.db")
    run(store.migrate())
    client = Client(store, run)
    client.link(*(seen(key, f"phone=+4179000000{index}", f"crm_id={index}") for index, key in enumerate(PEOPLE)))
    client.link(*(seen(key, f"cookie=c{key}{number}") for key in PEOPLE for number in range(8)))
    lines = [{"sku": f"s{number}", "quantity": "1", "total": "1"} for number in range(5)]
    client.record(*(order(f"A{number}", PEOPLE[number % 6], lines=lines) for number in range(360)))
    times = [f"2026-03-{day:02}T12:00:00Z" for day in range(1, 29)]
    record(client, *(interaction("page_viewed", key, at=time) for key in PEOPLE for time in times))
    decide(client, PEOPLE[0], decision="GIVEN", at=times[0])
    state(client, PEOPLE[0], givenName="Ann")
    set_override(client, "keepApart", PEOPLE[0], PEOPLE[1], actor="sue")
    ids = [client.customer(key)["id"] for key in PEOPLE]
    yield client.graph, ids
    run(store.close())


@given(st.integers())
@settings(SETTINGS, max_examples=100)
def test_no_answer_costs_more_than_was_weighed(run: Run, people: People, seed: int) -> None:
    # given
    graph, ids = people
    document = WeighedDocument(Random(seed), identifiers(*PEOPLE), ids)
    request = GraphQLRequest(document.text, document.variables, include_cost=True)
    runner = OperationRunner(schema, UNLIMITED)

    async def ask() -> Any:
        return await runner.run(request, new_context(ViewerGraph(graph, LOCAL)), ALL)

    # when: it runs by graphql-core, and then compiled
    for _ in range(2):
        answer = run(ask())
        # then
        assert answer.executed, (answer.errors, document.text)
        actual, weighed = document.cost(answer.data), answer.extensions["cost"]["requested"]
        event(f"answers of {10 ** len(str(actual)) // 10} objects or more")
        assert actual <= weighed, (document.text, document.variables)
