"""The schema as auditors, gateways and linters see it."""

import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from schema.root import sdl
from tests.builders.services import API, ROOT, Serve, node, require

SDL = ROOT / "schema" / "schema.graphql"
RELEASED = ROOT / "schema" / "released.graphql"
JARS = API / "java" / "lib"


def run(*command: object, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True, timeout=300)


def load_with_graphql_js(path: Path) -> subprocess.CompletedProcess[str]:
    return node("load.mjs", path)


def load_with_graphql_java(path: Path) -> subprocess.CompletedProcess[str]:
    require(shutil.which("java") is not None and shutil.which("mvn") is not None, "Java or Maven")
    if not JARS.exists():
        copied = run(
            "mvn", "-q", "-B", "dependency:copy-dependencies", f"-DoutputDirectory={JARS}", folder=API / "java"
        )
        assert copied.returncode == 0, copied.stdout + copied.stderr
    return run("java", "-cp", JARS / "*", API / "java" / "LoadSchema.java", path)


def load_with_gqlparser(path: Path) -> subprocess.CompletedProcess[str]:
    require(shutil.which("go") is not None, "Go")
    return run("go", "run", ".", path, folder=API / "go")


LOADERS = [load_with_graphql_js, load_with_graphql_java, load_with_gqlparser]
Loader = Callable[[Path], subprocess.CompletedProcess[str]]


@pytest.mark.parametrize("load", LOADERS)
@pytest.mark.parametrize("router_scopes", [False, True])
def test_tools_without_federation_load_the_schema(load: Loader, router_scopes: bool, tmp_path: Path) -> None:
    path = tmp_path / "kith.graphql"
    path.write_text(sdl(router_scopes))
    loaded = load(path)
    assert loaded.returncode == 0, loaded.stderr
    for line in loaded.stdout.splitlines():
        assert int(line.split()[-1]) > 150, "the number of types"


@pytest.mark.parametrize("load", LOADERS)
def test_tools_without_federation_reject_an_invalid_schema(load: Loader, tmp_path: Path) -> None:
    # given
    invalid = tmp_path / "invalid.graphql"
    invalid.write_text(SDL.read_text().replace("directive @key(", "directive @keys("))
    # when
    loaded = load(invalid)
    # then
    assert loaded.returncode != 0
    assert "key" in loaded.stderr


def test_all_audits_of_graphql_over_http_pass(serve_sqlite: Serve) -> None:
    audit = node("audit.mjs", serve_sqlite().url)
    assert audit.returncode == 0, audit.stderr
    table = json.loads(audit.stdout)
    assert [row for row in table if row["status"] != "ok"] == []
    assert Counter(row["status"] for row in table) == {"ok": 61}


@pytest.mark.parametrize("router_scopes", [False, True])
def test_it_composes_with_another_subgraph(router_scopes: bool, tmp_path: Path) -> None:
    # given
    kith = tmp_path / "kith.graphql"
    kith.write_text(sdl(router_scopes))
    # when
    done = node("compose.mjs", kith, API / "reviews.graphql")
    # then
    assert done.returncode == 0, done.stderr
    assert '@join__type(graph: KITH, key: "id")' in done.stdout
    assert '@join__type(graph: REVIEWS, key: "number")' in done.stdout
    # and the supergraph states scopes only if they were asked for
    stated = 'LinkConnection! @join__field(graph: KITH) @requiresScopes(scopes: [["graph:read"]])'
    assert (stated in done.stdout) is router_scopes


def test_a_subgraph_that_does_not_fit_does_not_compose(tmp_path: Path) -> None:
    kith, other = tmp_path / "kith.graphql", tmp_path / "other.graphql"
    kith.write_text(SDL.read_text())
    other.write_text("type Query { number: Int } type Money { amount: Int! }")
    assert "Money.amount" in node("compose.mjs", kith, other).stderr


def test_nothing_that_clients_rely_on_is_broken() -> None:
    done = node("breaking.mjs", RELEASED, SDL)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}: `make release-sdl` once clients know"


def test_a_breaking_change_is_named(tmp_path: Path) -> None:
    changed = tmp_path / "changed.graphql"
    changed.write_text(SDL.read_text().replace("  known: Boolean! @", "  known: String @"))
    done = node("breaking.mjs", SDL, changed)
    assert done.returncode == 1
    assert "BREAKING: Field 'Customer.known' changed type from 'Boolean!' to 'String'" in done.stdout


def _lint(path: Path) -> str:
    return node("node_modules/eslint/bin/eslint.js", "-c", API / "eslint.config.mjs", path).stdout


def test_the_linter_finds_nothing() -> None:
    assert _lint(SDL) == ""


def test_the_linter_would_find_something() -> None:
    bad = ROOT / "schema" / "bad-for-lint.graphql"
    bad.write_text(SDL.read_text().replace("  summary: String!", "  get_summary: String! @deprecated"))
    try:
        output = _lint(bad)
    finally:
        bad.unlink()
    assert "naming-convention" in output
    assert "require-deprecation-reason" in output
