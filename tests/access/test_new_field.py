"""A field that somebody adds to a customer without a scope: nothing starts, and nobody reads it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from graph.domain.access.roles import ROLES
from tests.builders.repository import ROOT

ID = '    id: strawberry.ID = strawberry.field(description="The id: opaque, stable and never reused. E.g. `cus_…`.")\n'
SECRET = '    secret: str = strawberry.field(default="canary", description="A secret.")\n'
LIST_RULES = """
from schema.execution.access import coordinates
from schema.root import schema
print([name for name, scope in coordinates(schema._schema).items() if scope is None])
"""
ASK_AS_EACH_ROLE = """
import asyncio
from types import SimpleNamespace
from graph.domain.access.roles import ROLES
from schema.execution.limits import Limits
from schema.execution.runner import ALL, GraphQLRequest, OperationRunner
from schema.root import schema
from service.access.keys import viewer_of
runner = OperationRunner(schema, Limits())
for text in ('{ customer(by: {id: "x"}) { secret } }', '{ node(id: "x") { ... on Customer { s: secret } } }'):
    for role in ROLES.values():
        context = SimpleNamespace(viewer=viewer_of("tests", role))
        answer = asyncio.run(runner.run(GraphQLRequest(text, {}), context, ALL))
        extensions = answer.errors[0].extensions
        print(role.name, answer.data, extensions["code"], "Customer.secret" in extensions["coordinates"])
"""


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code in which a customer has a new field."""
    folder = tmp_path_factory.mktemp("clone")
    for package in ("graph", "schema", "service"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    module = folder / "schema" / "types" / "customer.py"
    text = module.read_text()
    assert ID in text
    module.write_text(text.replace(ID, ID + SECRET))
    return folder


def python(clone: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run Python over the code of the copy."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KITH_")}
    return subprocess.run(
        [sys.executable, *words],
        cwd=clone,
        env=environment | {"PYTHONPATH": str(clone)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_house_test_names_the_field(clone: Path) -> None:
    assert python(clone, "-c", LIST_RULES).stdout == "['Customer.secret']\n"


def test_the_service_does_not_start_and_names_the_field(clone: Path) -> None:
    started = python(clone, "-m", "service", "serve", "--port", "0")
    assert started.returncode == 2
    assert "Customer.secret" in started.stderr + started.stdout


def test_without_that_check_it_is_forbidden_to_every_role(clone: Path) -> None:
    answers = python(clone, "-c", ASK_AS_EACH_ROLE).stdout.splitlines()
    assert answers == [f"{name} None FORBIDDEN True" for name in ROLES] * 2
