"""The page of GraphiQL says whether a key is required."""

from pathlib import Path

from graph.stores.sqlite import SQLiteStore
from tests.builders.clients import Client
from tests.builders.runs import Run


def test_graphiql_says_whether_a_key_is_required(tmp_path: Path, run: Run) -> None:
    # given
    store = SQLiteStore(tmp_path / "kith.db")
    keys = {"api_keys": "shop:developer:0123456789abcdef", "profile": "development"}
    # when
    page, page_with_keys = (
        Client(store, run, **settings).get("/graphql", accept="text/html").text for settings in ({}, keys)
    )
    # then
    assert "no key is required" in page
    assert "A key is required" in page_with_keys
    run(store.close())
