"""The schema as auditors, gateways and linters see it."""

import json
from collections import Counter
from pathlib import Path

from tests.builders.services import API, ROOT, Serve, node

SDL = ROOT / "schema" / "schema.graphql"
RELEASED = ROOT / "schema" / "released.graphql"


def test_all_audits_of_graphql_over_http_pass(serve_embedded: Serve) -> None:
    done = node("audit.mjs", serve_embedded().url)
    assert done.returncode == 0, done.stderr
    table = json.loads(done.stdout)
    assert [one for one in table if one["status"] != "ok"] == []
    assert Counter(one["status"] for one in table) == {"ok": 61}


def test_it_composes_with_another_subgraph(tmp_path: Path) -> None:
    # given
    kith = tmp_path / "kith.graphql"
    kith.write_text(SDL.read_text())
    # when
    done = node("compose.mjs", kith, API / "reviews.graphql")
    # then
    assert done.returncode == 0, done.stderr
    assert '@join__type(graph: KITH, key: "id")' in done.stdout
    assert '@join__type(graph: REVIEWS, key: "number")' in done.stdout


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
    changed.write_text(SDL.read_text().replace("  known: Boolean!\n", "  known: String\n"))
    done = node("breaking.mjs", SDL, changed)
    assert done.returncode == 1
    assert "BREAKING: Field 'Customer.known' changed type from 'Boolean!' to 'String'" in done.stdout


def _lint(path: Path) -> str:
    return node("node_modules/eslint/bin/eslint.js", "-c", API / "eslint.config.mjs", path).stdout


def test_the_linter_finds_nothing() -> None:
    assert _lint(SDL) == ""


def test_the_linter_would_find_something() -> None:
    bad = ROOT / "schema" / "bad-for-lint.graphql"
    bad.write_text(SDL.read_text().replace("  sentence: String!", "  get_sentence: String! @deprecated"))
    try:
        told = _lint(bad)
    finally:
        bad.unlink()
    assert "naming-convention" in told
    assert "require-deprecation-reason" in told
