"""Tools that load the schema by introspection work with the key of each role: GraphiQL, linters, code generators."""

import json
from collections.abc import Iterator

import pytest
from graphql import get_introspection_query

from graph.domain.access.roles import BUILT_IN
from tests.builders.services import Service, node

KEYS = {role.name: f"{role.name:x<20}" for role in BUILT_IN}
DOCUMENTS = {
    "{ viewer { role } }": set(KEYS),
    '{ customer(by: {id: "x"}) { id } }': {"storefront", "till", "desk", "partner", "steward", "privacy"},
    '{ customer(by: {id: "x"}) { links { nodes { state } } } }': {"steward", "privacy"},
    "mutation { recalculateRfm { calculatedAt } }": {"admin"},
    "subscription { changes { kind } }": {"steward", "privacy", "feed"},
}
"""Documents, and the roles in whose schemas they are valid."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    keys = ",".join(f"{name}:{name}:{key}" for name, key in KEYS.items())
    started = Service(f"sqlite:///{folder / 'kith.db'}", folder, api_keys=keys, introspection="true").wait()
    yield started
    started.stop()


@pytest.mark.parametrize("role", KEYS)
def test_graphql_js_builds_the_schema_of_a_role(role: str, service: Service) -> None:
    # given
    introspection = service.ask(get_introspection_query(), authorization=f"Bearer {KEYS[role]}")
    # when
    done = node("client_schema.mjs", input={"introspection": introspection, "documents": list(DOCUMENTS)})
    # then
    assert done.returncode == 0, done.stderr
    for line in done.stdout.splitlines():
        built = json.loads(line)
        assert built["types"] > 20
        assert set(built["valid"]) == {text for text, roles in DOCUMENTS.items() if role in roles}
    assert len(done.stdout.splitlines()) == 2
