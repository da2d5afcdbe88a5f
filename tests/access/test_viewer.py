"""The query `viewer`: who asks, and what it may."""

from collections.abc import Iterator
from typing import Any

import pytest

from graph.domain.access.roles import BUILT_IN, DEVELOPER, ROLES, Role
from graph.domain.access.scopes import NOBODY
from graph.domain.access.viewer import Viewer
from graph.viewer_graph import ViewerGraph
from schema.execution.access import coordinates
from schema.execution.limits import Limits
from schema.execution.runner import ALL, GraphQLRequest, OperationRunner
from schema.root import new_context, schema
from service.access.keys import viewer_of
from tests.builders.runs import Run

NO_GRAPH: Any = None
"""The viewer is answered without reading the graph."""
SCOPES = coordinates(schema._schema)
RUNNER = OperationRunner(schema, Limits(aliases=10_000, fields=100_000, tokens=100_000))


def ask(run: Run, viewer: Viewer, text: str, **variables: str) -> Any:
    context = new_context(ViewerGraph(NO_GRAPH, viewer))
    return run(RUNNER.run(GraphQLRequest(text, variables), context, ALL))


@pytest.fixture(params=[*BUILT_IN, DEVELOPER], ids=lambda role: role.name)
def role(request: pytest.FixtureRequest) -> Iterator[Role]:
    return request.param


def test_a_viewer_learns_its_name_role_scopes_and_reach(role: Role, run: Run) -> None:
    # given
    viewer = viewer_of("till-7", role)
    text = "{ viewer { name role scopes reach purposes purpose } }"
    # when: interpreted, then compiled
    answers = [ask(run, viewer, text) for _ in range(3)]
    # then
    expected = {
        "name": "till-7",
        "role": role.name,
        "scopes": sorted(role.scopes),
        "reach": role.reach.name,
        "purposes": [],
        "purpose": None,
    }
    assert [answer.data for answer in answers] == [{"viewer": expected}] * 3


def test_a_viewer_learns_its_purposes(run: Run) -> None:
    viewer = Viewer(
        "desk-1", "desk", ROLES["desk"].scopes, ROLES["desk"].reach, purposes=("support", "checkout"), purpose="support"
    )
    assert ask(run, viewer, "{ viewer { purposes purpose } }").data == {
        "viewer": {"purposes": ["support", "checkout"], "purpose": "support"}
    }


def test_a_viewer_may_what_its_role_holds_scope_by_scope_and_field_by_field(role: Role, run: Run) -> None:
    # given
    actions = {**{scope: scope for scope in SCOPES.values()}, **SCOPES}
    fields = " ".join(f'a{number}: may(action: "{action}")' for number, action in enumerate(actions))
    # when
    answer = ask(run, viewer_of("tests", role), f"{{ viewer {{ {fields} }} }}")
    # then
    assert not answer.errors
    assert list(answer.data["viewer"].values()) == [scope in role.scopes for scope in actions.values()]


@pytest.mark.parametrize("action", ["", "Customer", "Customer.nothing", "customer:fly", NOBODY, "__schema"])
def test_an_unknown_action_is_an_error_that_names_it(action: str, run: Run) -> None:
    answer = ask(run, viewer_of("tests", DEVELOPER), "query($a: String!) { viewer { may(action: $a) } }", a=action)
    (error,) = answer.errors
    assert error.message == f"action: {action!r} is neither a scope nor a field such as Mutation.keepApart"
    assert error.original_error.code == "UNKNOWN_ACTION"


def test_an_error_shows_the_beginning_of_a_long_action(run: Run) -> None:
    answer = ask(run, viewer_of("tests", DEVELOPER), "query($a: String!) { viewer { may(action: $a) } }", a="x" * 9_999)
    assert len(answer.errors[0].message) < 200
