"""Bookmarks in requests and answers, over a store that says it is one of several members."""

import asyncio
import json
from pathlib import Path

import pytest

from graph.domain.model.errors import InvalidInput, StoreUnavailable
from graph.stores.sqlite import SQLiteStore
from schema.execution.bookmarks import encoded
from tests.builders.clients import LINK, Client, seen
from tests.builders.runs import Run

QUERY = "{ __typename }"
TEXT = encoded({"FB:other"})


class Member(SQLiteStore):
    """A store of which other processes may see an older state."""

    bookmarks = frozenset({"FB:own"})

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.reached: list[frozenset[str]] = []

    async def reach(self, bookmarks: frozenset[str]) -> None:
        self.reached.append(bookmarks)
        if bookmarks == {"FB:late"}:
            raise StoreUnavailable("no member has it")
        if bookmarks == {"FB:alien"}:
            raise InvalidInput("INVALID_BOOKMARK", "the bookmark is none of this database")


@pytest.fixture
def store(tmp_path: Path, run: Run) -> Member:
    store = Member(tmp_path / "kith.db")
    run(store.migrate())
    yield store
    run(store.close())


@pytest.fixture
def client(store: Member, run: Run) -> Client:
    return Client(store, run, max_batch=3)


def post(client: Client, body: object, **headers: str) -> dict:
    return client.post(json.dumps(body).encode(), **headers).json()


def test_answers_of_reads_and_writes_have_a_bookmark(client: Client) -> None:
    write = {"query": LINK, "variables": {"input": {"observations": [seen("email=a@example.com", "cookie=ck")]}}}
    for body in ({"query": QUERY}, write):
        assert post(client, body)["extensions"]["bookmark"] == encoded({"FB:own"})


def test_a_caller_sends_one_back_in_extensions_or_in_a_header(client: Client, store: Member) -> None:
    # when
    post(client, {"query": QUERY, "extensions": {"bookmark": TEXT}})
    post(client, {"query": QUERY}, **{"kith-bookmark": TEXT})
    post(client, [{"query": QUERY, "extensions": {"bookmark": TEXT}}, {"query": QUERY}])
    post(client, {"query": QUERY, "extensions": {"bookmark": ""}})
    # then
    assert store.reached == [frozenset({"FB:other"})] * 3


def test_a_caller_sends_one_back_in_a_get_request(client: Client, store: Member, run: Run) -> None:
    parameters = {"query": QUERY, "extensions": json.dumps({"bookmark": TEXT})}
    response = run(client.http.get("/graphql", params=parameters))
    assert response.status_code == 200
    assert store.reached == [frozenset({"FB:other"})]


@pytest.mark.parametrize(
    ("bookmark", "code"),
    [
        ("nonsense", "INVALID_BOOKMARK"),
        (7, "INVALID_BOOKMARK"),
        (encoded({"FB:alien"}), "INVALID_BOOKMARK"),
        (encoded({"FB:late"}), "STORE_UNAVAILABLE"),
    ],
)
def test_one_that_cannot_be_reached_is_an_error_without_data(client: Client, bookmark: object, code: str) -> None:
    body = {"query": QUERY, "extensions": {"bookmark": bookmark}}
    # when
    alone, (batched, other) = post(client, body), post(client, [body, {"query": QUERY}])
    # then
    for answer in (alone, batched):
        assert answer["errors"][0]["extensions"]["code"] == code
        assert "data" not in answer
    assert other["data"] == {"__typename": "Query"}


def test_an_event_stream_begins_once_it_is_reached(client: Client, store: Member) -> None:
    body = {"query": QUERY, "extensions": {"bookmark": TEXT}}
    response = client.post(json.dumps(body).encode(), accept="text/event-stream")
    assert '"__typename"' in response.text
    assert store.reached == [frozenset({"FB:other"})]


def test_a_single_server_gives_none_out_and_checks_only_the_form(tmp_path: Path, run: Run) -> None:
    # given
    store = SQLiteStore(tmp_path / "one.db")
    run(store.migrate())
    client = Client(store, run)
    # then
    assert post(client, {"query": QUERY, "extensions": {"bookmark": TEXT}}) == {"data": {"__typename": "Query"}}
    refused = post(client, {"query": QUERY, "extensions": {"bookmark": "nonsense"}})
    assert refused["errors"][0]["extensions"]["code"] == "INVALID_BOOKMARK"
    run(store.close())


def test_callers_at_the_same_time_do_not_get_the_errors_of_others(client: Client, run: Run) -> None:
    async def both() -> list[int]:
        bodies = [{"query": QUERY, "extensions": {"bookmark": text}} for text in (TEXT, "nonsense", TEXT)]
        answers = await asyncio.gather(*(client.http.post("/graphql", json=body) for body in bodies))
        return ["data" in answer.json() for answer in answers]

    assert run(both()) == [True, False, True]
