"""What a store holds and no answer can contain is an error of its field, over every transport."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from graph.domain.model.errors import StoreFailure
from graph.stores.sqlite import SQLiteStore
from tests.builders.clients import Client, seen
from tests.builders.runs import Run
from tests.builders.stores import Fresh, overwrite_identifiers
from tests.builders.transfers import exported

IDENTIFIERS = """identifiers { nodes { value observationCount firstSeenAt } }"""
CUSTOMER = (
    f"""{{ customer(by: {{identifier: {{namespace: "cookie", value: "ck-1"}}}}) {{ id {IDENTIFIERS} }} __typename }}"""
)
NODE = {"value": "ck-1", "observationCount": 1, "firstSeenAt": None}
UNREADABLE: dict[str, tuple[str, Any, list[Any] | None]] = {
    "a number beyond Int": ("observation_count", 2**40, None),
    "a text instead of a number": ("observation_count", "many", None),
    "a text instead of a time": ("first_seen_at", "never", [NODE]),
}
"""The stored value and its name, and the nodes in the answer: a null propagates from a field that must not be null."""


@pytest.mark.parametrize(("name", "value", "nodes"), UNREADABLE.values(), ids=UNREADABLE)
def test_an_unreadable_value_is_an_error_of_its_field(
    fresh: Fresh, run: Run, name: str, value: object, nodes: list[Any] | None
) -> None:
    # given
    store = fresh()
    client = Client(store, run, max_batch=3)
    client.link(seen("cookie=ck-1"))
    run(overwrite_identifiers(store, name, value))
    # when, for a document that runs for the first time and one that is compiled
    for _ in range(3):
        response = client.send(CUSTOMER)
        # then
        body = response.json()
        assert response.status_code == 200
        customer = body["data"]["customer"]
        assert (customer and customer["identifiers"]["nodes"]) == nodes
        assert {error["path"][0] for error in body["errors"]} == {"customer"}
        assert {error["extensions"]["code"] for error in body["errors"]} == {"INTERNAL_SERVER_ERROR"}
        assert str(value) not in response.text


def test_an_unreadable_value_costs_no_other_operation(fresh: Fresh, run: Run) -> None:
    # given
    store = fresh()
    client = Client(store, run, max_batch=3)
    client.link(seen("cookie=ck-1"))
    run(overwrite_identifiers(store, "observation_count", 2**40))
    operation, other = {"query": CUSTOMER}, {"query": "{ __typename }"}
    # when
    first, second, third = run(client.http.post("/graphql", json=[other, operation, other])).json()
    stream = client.send(CUSTOMER, accept="text/event-stream")
    # then the batch keeps its other answers, and the event stream has its end
    assert first == third == {"data": {"__typename": "Query"}}
    assert second["data"]["customer"] is None
    assert "INTERNAL_SERVER_ERROR" in stream.text
    assert stream.text.endswith("event: complete\r\ndata: \r\n\r\n")


def test_a_text_that_is_not_utf_8_is_shown_to_nobody(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # given
    caplog.set_level("DEBUG")
    store = SQLiteStore(tmp_path / "kith.db")
    run(store.migrate())
    client = Client(store, run)
    client.link(seen("cookie=ck-1"))
    with closing(sqlite3.connect(tmp_path / "kith.db")) as connection:
        connection.execute("UPDATE identifiers SET sources = CAST(? AS TEXT)", (b"secret \xff",))
        connection.commit()
    # when
    response = client.send(CUSTOMER)
    # then it is an error that trying again does not mend
    (error,) = response.json()["errors"]
    assert response.status_code == 200
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert "secret" not in response.text + caplog.text
    # nor is it shown by what reads everything, such as `kith copy` and `kith verify`
    with pytest.raises(StoreFailure, match=r"^a stored text is not UTF-8$") as failed:
        exported(store, run)
    assert failed.value.__suppress_context__
    run(store.close())
