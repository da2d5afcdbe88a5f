"""What a role may not read does not exist for it behind the interface `Node`, either."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from graph.domain.access.roles import DEVELOPER, ROLES, Role
from graph.domain.access.scopes import EVERY
from graph.domain.access.viewer import Reach
from graph.identity_graph import IdentityGraph
from graph.stores.sqlite import SQLiteStore
from graph.viewer_graph import ViewerGraph
from schema.execution.limits import Limits
from schema.execution.runner import ALL, GraphQLRequest, OperationRunner
from schema.root import new_context, schema
from service.access.keys import viewer_of
from tests.builders.clients import Client, seen
from tests.builders.runs import Run

KEEP = """mutation { keepTogether(input: {a: {namespace: "email", value: "ann@example.com"},
  b: {namespace: "crm_id", value: "1"}, reason: "one person", actor: "sue"}) { override { id } errors { message } } }"""
SEGMENT = (
    'mutation { createSegment(input: {name: "known", rule: {known: true}}) { segment { id } errors { message } } }'
)
READERS = {"Override": {"steward", "privacy"}, "Change": {"steward", "privacy", "feed"}, "Segment": {"privacy"}}
"""The roles that may look up and read each type. The feed reads changes without looking up."""


@pytest.fixture(scope="module")
def client(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    path: Path = tmp_path_factory.mktemp("store") / "kith.db"
    store = SQLiteStore(path)
    run(store.migrate())
    yield Client(store, run)
    run(store.close())


@pytest.fixture(scope="module")
def ids(client: Client) -> dict[str, str]:
    """The id of an object of each type."""
    client.link(seen("email=ann@example.com", "crm_id=1"))
    return {
        "Override": client.ask(KEEP)["keepTogether"]["override"]["id"],
        "Segment": client.ask(SEGMENT)["createSegment"]["segment"]["id"],
        "Change": client.ask("{ changes(first: 1) { nodes { id } } }")["changes"]["nodes"][0]["id"],
    }


def ask(run: Run, graph: IdentityGraph, role: Role, text: str, **variables: str) -> Any:
    context = new_context(ViewerGraph(graph, viewer_of("tests", role)))
    return run(OperationRunner(schema, Limits()).run(GraphQLRequest(text, variables), context, ALL))


@pytest.mark.parametrize("type", READERS)
@pytest.mark.parametrize("role", ["storefront", "till", "desk", "partner", "steward", "privacy", DEVELOPER.name])
def test_an_object_that_a_role_may_not_read_is_answered_as_one_that_does_not_exist(
    role: str, type: str, run: Run, client: Client, ids: dict[str, str]
) -> None:
    text = "query($id: ID!) { node(id: $id) { __typename id } nodes(ids: [$id]) { id } }"
    # when
    answer = ask(run, client.graph, ROLES[role], text, id=ids[type])
    missing = ask(run, client.graph, ROLES[role], text, id=f"{ids[type][:4]}zzzz")
    # then
    assert not answer.errors
    assert missing.data == {"node": None, "nodes": [None]}
    if role in READERS[type] or role == DEVELOPER.name:
        assert answer.data["node"] == {"__typename": type, "id": ids[type]}
    else:
        assert answer.data == missing.data


@pytest.mark.parametrize("type", ["Override", "Change"])
def test_scopes_alone_do_not_open_what_names_identifiers_of_anybody(
    type: str, run: Run, client: Client, ids: dict[str, str]
) -> None:
    # given a role of access.toml with every scope, which reaches whom a customer presents
    role = Role("branch", "A branch.", Reach.HELD, EVERY)
    # when
    answer = ask(run, client.graph, role, "query($id: ID!) { node(id: $id) { id } }", id=ids[type])
    # then
    assert (answer.errors, answer.data) == (None, {"node": None})
