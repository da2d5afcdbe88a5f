"""`/kith.js`, as browsers and caches ask for it."""

from pathlib import Path

import pytest

from graph.stores.sqlite import SQLiteStore
from tests.builders.clients import Client
from tests.builders.connectors import ORIGIN, connected, event, post
from tests.builders.runs import Run

OTHER = "7d8f5c2e-33f1-4b0e-8d2c-2f7f9d1e5b02"
MAX_SIZE = 4_096
"""Bytes that a page loads."""


@pytest.fixture
def client(run: Run, tmp_path: Path) -> Client:
    store = SQLiteStore(tmp_path / "kith.db")
    run(store.migrate())
    return connected(store, run, tmp_path)


def test_the_script_is_small_and_cached(client: Client, run: Run) -> None:
    # when
    packed = run(client.http.get("/kith.js", headers={"accept-encoding": "gzip"}))
    plain = run(client.http.get("/kith.js", headers={"accept-encoding": "identity"}))
    # then
    assert (packed.status_code, plain.status_code) == (200, 200)
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.text == plain.text
    assert int(packed.headers["content-length"]) <= MAX_SIZE
    assert plain.headers["content-type"] == "text/javascript; charset=utf-8"
    assert plain.headers["cache-control"] == "public, max-age=3600"
    assert plain.headers["cross-origin-resource-policy"] == "cross-origin"
    # when it is asked for again
    again = run(client.http.get("/kith.js", headers={"if-none-match": plain.headers["etag"]}))
    # then
    assert (again.status_code, again.content) == (304, b"")


def test_a_batch_of_the_script_gets_the_id_of_its_visitor(client: Client) -> None:
    # given
    visitor = {"id": "0b6b29f6-6f0b-4e5a-9a43-1f1f0c6f7a01"}
    body = {"batch": [event("page", "m-1", name="Tent")], "writeKey": "wk_web", "visitor": visitor}
    # when
    answer = post(client, "/v1/batch", body, key="", origin=ORIGIN)
    # then
    assert answer.status_code == 200
    assert answer.headers["set-cookie"].startswith(f"kith_id={visitor['id']}; ")
    assert client.customer(f"cookie={visitor['id']}", "id") is not None
    # when the page is another one of the same visitor
    later = {**body, "batch": [event("page", "m-2", name="Stove")], "visitor": {"id": OTHER}}
    answer = post(client, "/v1/batch", later, key="", origin=ORIGIN, cookie=f"kith_id={visitor['id']}")
    # then
    assert "set-cookie" not in answer.headers
    assert client.customer(f"cookie={OTHER}", "id") is None


def test_only_pages_get_cookies(client: Client) -> None:
    visitor = {"id": "0b6b29f6-6f0b-4e5a-9a43-1f1f0c6f7a01"}
    body = {"batch": [event("page", "m-1", userId="u-1")], "visitor": visitor}
    answer = post(client, "/v1/batch", body)
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert client.customer(f"cookie={visitor['id']}", "id") is None
