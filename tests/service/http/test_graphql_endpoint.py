"""GraphQL over HTTP: statuses, media types, bodies, keys, and nothing leaking."""

import hashlib
import logging
from pathlib import Path

import orjson
import pytest

from graph.domain.model.errors import InvalidInput, StoreUnavailable
from graph.stores.sqlite import EmbeddedStore
from service.config.settings import Settings
from service.http.auth import Keys
from tests.builders.clients import Client
from tests.builders.runs import Run

RESPONSE = "application/graphql-response+json"


@pytest.fixture
def store(tmp_path: Path, run: Run) -> EmbeddedStore:
    store = EmbeddedStore(tmp_path / "kith.db")
    run(store.migrate())
    yield store
    run(store.close())


@pytest.fixture
def client(store: EmbeddedStore, run: Run) -> Client:
    return Client(store, run)


@pytest.mark.parametrize(
    "body",
    [
        b"null",
        b'"hi"',
        b"[]",
        b"\xff\xfe",
        b"[" * 200_000,
        b'{"query": "{ __typename }", "variables": {"a": NaN}}',
        b"",
        b"{}",
        b'{"query": 1}',
        b'{"query": ""}',
        b'{"query": "{ __typename }", "variables": [1]}',
        b'{"query": "{ __typename }", "operationName": 7}',
        b'{"query": "{ __typename }", "extensions": "x"}',
    ],
)
def test_a_body_that_is_no_request_is_400(client: Client, body: bytes) -> None:
    response = client.post(body)
    assert response.status_code == 400
    assert response.json()["errors"][0]["message"]


def test_a_body_over_the_limit_is_413(store: EmbeddedStore, run: Run) -> None:
    client = Client(store, run, max_body_bytes=1000)
    assert client.post(b"x" * 1001).status_code == 413

    async def chunks():
        for _ in range(100):
            yield b"x" * 100

    chunked = run(client.http.post("/graphql", content=chunks(), headers={"content-type": "application/json"}))
    assert chunked.status_code == 413
    assert chunked.json()["errors"]


def test_another_body_type_is_415(client: Client) -> None:
    assert client.post(b"{ __typename }", **{"content-type": "text/plain"}).status_code == 415


def test_another_answer_type_is_406(client: Client) -> None:
    assert client.send("{ __typename }", accept="image/png").status_code == 406


def test_other_methods_are_405(client: Client, run: Run) -> None:
    assert run(client.http.delete("/graphql")).status_code == 405


@pytest.mark.parametrize(
    ("accept", "media_type", "status"),
    [
        ("*/*", "application/json", 200),
        ("application/json", "application/json", 200),
        (RESPONSE, RESPONSE, 400),
        (f"application/json;q=0.5, {RESPONSE}", RESPONSE, 400),
    ],
)
def test_the_answer_has_the_type_that_is_preferred(client: Client, accept: str, media_type: str, status: int) -> None:
    response = client.send("{ nope }", accept=accept)
    assert response.headers["content-type"].startswith(media_type)
    assert response.status_code == status
    assert "data" not in response.json()


def test_get_serves_queries_and_no_mutations(client: Client, run: Run) -> None:
    assert client.get("/graphql?query={__typename}").json() == {"data": {"__typename": "Query"}}
    mutation = 'mutation{keepApart(input:{a:{namespace:"a",value:"b"},b:{namespace:"a",value:"c"}}){created}}'
    response = run(client.http.get("/graphql", params={"query": mutation}))
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert "data" not in response.json()


def test_browsers_get_the_explorer_unless_it_is_off(store: EmbeddedStore, run: Run) -> None:
    page = Client(store, run).get("/graphql", accept="text/html")
    assert page.headers["content-type"].startswith("text/html")
    assert Client(store, run, explorer=False).get("/graphql", accept="text/html").status_code != 200


def test_nothing_of_what_a_stranger_sends_is_read(store: EmbeddedStore, run: Run) -> None:
    # Given
    client = Client(store, run, api_keys="till:0123456789abcdef")
    read = []

    async def chunks():
        read.append(True)
        yield b"x"

    # When
    response = run(client.http.post("/graphql", content=chunks(), headers={"content-type": "application/json"}))
    # Then
    assert response.status_code == 401
    assert not read


def test_keys_open_the_door_and_name_the_caller(store: EmbeddedStore, run: Run) -> None:
    client = Client(store, run, api_keys="till:0123456789abcdef, desk:fedcba9876543210")
    refused = client.send("{ __typename }")
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert client.send("{ __typename }", authorization="Bearer 0123456789abcdeX").status_code == 401
    assert client.send("{ __typename }", authorization="Basic 0123456789abcdef").status_code == 401
    mark = """mutation { keepApart(input: {a: {namespace: "email", value: "a@example.com"},
        b: {namespace: "email", value: "b@example.com"}}) { mark { actor } } }"""
    response = client.send(mark, authorization="Bearer fedcba9876543210")
    assert response.json()["data"]["keepApart"]["mark"]["actor"] == "desk"


@pytest.mark.parametrize(
    "text", ["short:123", "0123456789abcdef", ":0123456789abcdef", "a:" + "k" * 16 + ",a:" + "j" * 16]
)
def test_bad_keys_are_refused_at_start_without_being_shown(text: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        Keys(text)
    assert "KITH_API_KEYS" in raised.value.message
    assert "0123456789abcdef" not in raised.value.message


def test_probes_tell_what_is_missing(tmp_path: Path, run: Run) -> None:
    store = EmbeddedStore(tmp_path / "empty.db")
    client = Client(store, run)
    assert client.get("/livez").status_code == 200
    response = client.get("/readyz")
    assert response.status_code == 503
    assert set(response.json()["missing"]) == {"store", "rules"}
    run(client.wiring.prepare())
    assert client.get("/readyz").json() == {"status": "ok", "missing": {}}
    run(store.close())


class Away:
    """A store whose database does not answer."""

    async def customers(self, *_):
        raise StoreUnavailable("the database does not answer (ServiceUnavailable)")

    async def write(self, *_):
        raise StoreUnavailable("the database does not answer (ServiceUnavailable)")


def test_a_database_that_is_away_is_503_with_advice(run: Run) -> None:
    client = Client(Away(), run)
    for query in (
        '{ customer(by: {id: "x"}) { id } }',
        'mutation { linkIdentifiers(input: {observations: [{source: "s",'
        ' identifiers: [{namespace: "email", value: "a@example.com"}]}]}) { results { __typename } } }',
    ):
        response = client.send(query)
        assert response.status_code == 503
        assert response.headers["retry-after"] == "2"
        (error,) = response.json()["errors"]
        assert error["extensions"] == {"code": "STORE_UNAVAILABLE", "retryAfter": 2}


class Broken:
    """A store with a defect that talks."""

    async def customers(self, *_):
        raise RuntimeError("secret ann@example.com")


def test_an_unexpected_error_shows_an_id_and_nothing_else(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    client = Client(Broken(), run)
    with caplog.at_level(logging.INFO):
        response = client.send('{ customer(by: {id: "x"}) { id } }')
    (error,) = response.json()["errors"]
    assert error["extensions"]["code"] == "INTERNAL"
    assert error["extensions"]["id"] in caplog.text
    assert "ann@example.com" not in response.text + caplog.text
    assert "RuntimeError" not in response.text


def test_two_operations_need_a_name(client: Client) -> None:
    response = client.send("query A { __typename } query B { __typename }")
    assert response.json().get("data") is None
    assert response.json()["errors"]


def test_nothing_personal_is_logged(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        client.send('{ customer(by: {identifier: {namespace: "email", value: "ann@example.com"}}) { nope } }')
        client.link({"source": "web", "identifiers": [{"namespace": "email", "value": "not-an-address"}]})
    assert "ann@example.com" not in caplog.text
    assert "not-an-address" not in caplog.text


PARTIAL = '{ __typename weak: customer(by: {id: "x"}, at: "never") { id } }'


def test_the_draft_of_2026_is_chosen_by_a_setting(store: EmbeddedStore, run: Run) -> None:
    for statuses, expected in (("2025", (400, 400, 200)), ("2026-08", (400, 422, 294))):
        client = Client(store, run, statuses=statuses)
        sent = [client.send(text, accept=RESPONSE) for text in ("{", "{ nope }", PARTIAL)]
        assert tuple(one.status_code for one in sent) == expected
        assert sent[2].json()["data"]["__typename"] == "Query"


def test_batches_are_off_unless_they_are_wanted(store: EmbeddedStore, run: Run) -> None:
    batch = orjson.dumps([{"query": "{ __typename }"}, {"query": "{ nope }"}, {"documentId": "x"}])
    assert Client(store, run).post(batch).status_code == 400
    client = Client(store, run, max_batch=3)
    good, bad, unknown = client.post(batch).json()
    assert good == {"data": {"__typename": "Query"}}
    assert bad["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert unknown["errors"][0]["extensions"]["code"] == "UNKNOWN_DOCUMENT"
    for body in (b"[]", orjson.dumps([{"query": "{ __typename }"}] * 4), b"[1]"):
        assert client.post(body).status_code == 400


def test_automatic_documents_are_registered_and_served_by_get_with_an_etag(client: Client, run: Run) -> None:
    text = '{ customer(by: {id: "x"}) { id } }'
    named = {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(text.encode()).hexdigest()}}

    def get(**headers: str):
        return run(client.http.get("/graphql", params={"extensions": orjson.dumps(named).decode()}, headers=headers))

    (unknown,) = get().json()["errors"]
    assert unknown["message"] == "PersistedQueryNotFound"
    assert unknown["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"
    # when: the client sends the document once
    assert client.post(orjson.dumps({"query": text, "extensions": named})).json() == {"data": {"customer": None}}
    # then
    first = get()
    assert first.json() == {"data": {"customer": None}}
    assert get(**{"if-none-match": first.headers["etag"]}).status_code == 304


def test_a_document_that_does_not_run_is_not_registered(client: Client, run: Run) -> None:
    named = {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(b"{ nope }").hexdigest()}}
    for _ in range(2):
        client.post(orjson.dumps({"query": "{ nope }", "extensions": named}))
        (error,) = client.post(orjson.dumps({"extensions": named})).json()["errors"]
        assert error["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"


def test_the_cost_is_told_to_those_who_ask(client: Client) -> None:
    body = b'{"query": "{ customer(by: {id: \\"x\\"}) { id } }", "extensions": {"cost": true}}'
    assert client.post(body).json()["extensions"] == {"cost": {"requested": 1, "limit": 50000, "left": 49999}}
    assert "extensions" not in client.send('{ customer(by: {id: "x"}) { id } }').json()


def test_pages_of_other_origins_may_ask_only_if_they_are_named(store: EmbeddedStore, run: Run) -> None:
    preflight = {"origin": "https://shop.example", "access-control-request-method": "POST"}
    client = Client(store, run, allowed_origins="https://shop.example")
    answer = run(client.http.options("/graphql", headers=preflight))
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    other = run(client.http.options("/graphql", headers=preflight | {"origin": "https://evil.example"}))
    assert "access-control-allow-origin" not in other.headers
    bare = run(Client(store, run).http.options("/graphql", headers=preflight))
    assert "access-control-allow-origin" not in bare.headers


@pytest.mark.parametrize(
    ("settings", "open_"),
    [
        ({}, True),
        ({"api_keys": "a:" + "k" * 16}, False),
        ({"host": "0.0.0.0"}, False),
        ({"profile": "development", "host": "0.0.0.0"}, True),
        ({"profile": "production"}, False),
        ({"profile": "production", "introspection": True}, True),
    ],
)
def test_a_profile_decides_what_was_not_chosen(settings: dict, open_: bool) -> None:
    assert Settings(_env_file=None, **settings).limits.introspection is open_


def test_trusted_documents_are_served_by_get_whatever_the_profile(
    store: EmbeddedStore, run: Run, tmp_path: Path
) -> None:
    # given
    text = "query Who($id: ID!) { customer(by: {id: $id}) { id } }"
    hash = hashlib.sha256(text.encode()).hexdigest()
    (tmp_path / "documents.json").write_bytes(orjson.dumps({f"sha256:{hash}": text}))
    client = Client(store, run, documents=tmp_path, profile="production")

    def get(**parameters: str):
        return run(client.http.get("/graphql", params=parameters))

    named = {"documentId": f"sha256:{hash}"}
    # when
    answer = get(**named, variables='{"id": "x"}')
    # then
    assert answer.json() == {"data": {"customer": None}}
    again = run(client.http.get(str(answer.url), headers={"if-none-match": answer.headers["etag"]}))
    assert (again.status_code, again.content) == (304, b"")
    assert get(documentId="sha256:none", variables="{}").json()["errors"][0]["extensions"]["code"] == "UNKNOWN_DOCUMENT"
    assert get(query=text, variables='{"id": "x"}').status_code == 405
    assert get(**named, variables="nonsense").status_code == 400
    assert get(documentId="x" * 201).status_code == 400
