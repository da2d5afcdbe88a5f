"""GraphQL over HTTP: statuses, media types, bodies, keys, and no leaks of personal data."""

import hashlib
import logging
from pathlib import Path

import orjson
import pytest

from graph.domain.model.errors import InvalidInput, StoreUnavailable
from graph.stores.sqlite import SQLiteStore
from service.access.authentication import Authenticator
from service.access.stored_keys import KeyAdministration
from service.bootstrap import SystemClock
from service.config.settings import Settings
from tests.builders.clients import Client
from tests.builders.runs import Run

GRAPHQL_RESPONSE_JSON = "application/graphql-response+json"


@pytest.fixture
def store(tmp_path: Path, run: Run) -> SQLiteStore:
    store = SQLiteStore(tmp_path / "kith.db")
    run(store.migrate())
    yield store
    run(store.close())


@pytest.fixture
def client(store: SQLiteStore, run: Run) -> Client:
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
def test_an_invalid_request_body_is_400(client: Client, body: bytes) -> None:
    response = client.post(body)
    assert response.status_code == 400
    assert response.json()["errors"][0]["message"]


def test_a_body_over_the_limit_is_413(store: SQLiteStore, run: Run) -> None:
    client = Client(store, run, max_body_bytes=1000)
    assert client.post(b"x" * 1001).status_code == 413

    async def chunks():
        for _ in range(100):
            yield b"x" * 100

    chunked = run(client.http.post("/graphql", content=chunks(), headers={"content-type": "application/json"}))
    assert chunked.status_code == 413
    assert chunked.json()["errors"]


def test_an_unsupported_content_type_is_415(client: Client) -> None:
    assert client.post(b"{ __typename }", **{"content-type": "text/plain"}).status_code == 415


def test_an_unsupported_accept_header_is_406(client: Client) -> None:
    assert client.send("{ __typename }", accept="image/png").status_code == 406


def test_other_methods_are_405(client: Client, run: Run) -> None:
    assert run(client.http.delete("/graphql")).status_code == 405


@pytest.mark.parametrize(
    ("accept", "media_type", "status"),
    [
        ("*/*", "application/json", 200),
        ("application/json", "application/json", 200),
        (GRAPHQL_RESPONSE_JSON, GRAPHQL_RESPONSE_JSON, 400),
        (f"application/json;q=0.5, {GRAPHQL_RESPONSE_JSON}", GRAPHQL_RESPONSE_JSON, 400),
    ],
)
def test_the_response_has_the_preferred_media_type(client: Client, accept: str, media_type: str, status: int) -> None:
    response = client.send("{ nope }", accept=accept)
    assert response.headers["content-type"].startswith(media_type)
    assert response.status_code == status
    assert "data" not in response.json()


def test_get_serves_queries_but_not_mutations(client: Client, run: Run) -> None:
    assert client.get("/graphql?query={__typename}").json() == {"data": {"__typename": "Query"}}
    mutation = 'mutation{keepApart(input:{a:{namespace:"a",value:"b"},b:{namespace:"a",value:"c"}}){created}}'
    response = run(client.http.get("/graphql", params={"query": mutation}))
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert "data" not in response.json()


def test_browsers_get_graphiql_unless_it_is_disabled(store: SQLiteStore, run: Run) -> None:
    page = Client(store, run).get("/graphql", accept="text/html")
    assert page.headers["content-type"].startswith("text/html")
    assert Client(store, run, graphiql=False).get("/graphql", accept="text/html").status_code != 200


def test_the_body_of_an_unauthenticated_request_is_not_read(store: SQLiteStore, run: Run) -> None:
    # given
    client = Client(store, run, api_keys="till:till:0123456789abcdef")
    read = []

    async def chunks():
        read.append(True)
        yield b"x"

    # when
    response = run(client.http.post("/graphql", content=chunks(), headers={"content-type": "application/json"}))
    # then
    assert response.status_code == 401
    assert not read


def test_keys_authenticate_and_name_the_caller(store: SQLiteStore, run: Run) -> None:
    client = Client(store, run, api_keys="till:till:0123456789abcdef, desk:steward:fedcba9876543210")
    rejected = client.send("{ __typename }")
    assert rejected.status_code == 401
    assert rejected.headers["www-authenticate"].startswith("Bearer")
    message = "a valid key is required: Authorization: Bearer KEY"
    assert rejected.json() == {"errors": [{"message": message, "extensions": {"code": "UNAUTHENTICATED"}}]}
    assert client.send("{ __typename }", authorization="Bearer 0123456789abcdeX").status_code == 401
    assert client.send("{ __typename }", authorization="Basic 0123456789abcdef").status_code == 401
    mutation = """mutation { keepApart(input: {a: {namespace: "email", value: "a@example.com"},
        b: {namespace: "email", value: "b@example.com"}, reason: "two people"}) { override { actor } } }"""
    response = client.send(mutation, authorization="Bearer fedcba9876543210")
    assert response.json()["data"]["keepApart"]["override"]["actor"] == "desk"


@pytest.mark.parametrize(
    "text",
    [
        "short:steward:123",
        "0123456789abcdef",
        "till:0123456789abcdef",
        ":till:0123456789abcdef",
        "a b:till:0123456789abcdef",
        "a:nobody:0123456789abcdef",
        "a:developer:0123456789abcdef",
        "a:till:0123456789abcdef,a:steward:0123456789abcdeX",
        "a:till:0123456789abcdef,b:till:0123456789abcdef",
    ],
)
def test_invalid_keys_are_rejected_at_start_without_being_shown(text: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        Authenticator(text, developer_keys=False)
    assert "KITH_API_KEYS" in raised.value.message
    assert "0123456789abcdef" not in raised.value.message


def test_keys_of_the_store_sign_in_and_state_a_purpose_and_a_reason(store: SQLiteStore, run: Run) -> None:
    # given
    admin = KeyAdministration(store, SystemClock().now)
    _, key = run(admin.add("shop", "feed", purposes=["contract", "marketing"]))
    client = Client(store, run)

    def send(**headers: str) -> tuple[int, str | None]:
        response = client.send("{ __typename }", **({"authorization": f"Bearer {key}"} | headers))
        errors = response.json().get("errors")
        return response.status_code, errors[0]["extensions"]["code"] if errors else None

    # then
    assert send() == send(**{"kith-purpose": "marketing", "kith-reason": "order 7"}) == (200, None)
    assert send(authorization="") == (401, "UNAUTHENTICATED")
    assert send(**{"kith-purpose": "profiling"}) == (403, "PURPOSE_NOT_ALLOWED")
    assert send(**{"kith-reason": "x" * 201}) == (400, "INVALID_REASON")


def test_an_address_that_tries_keys_has_to_wait_but_its_valid_keys_pass(store: SQLiteStore, run: Run) -> None:
    # given
    client = Client(store, run, api_keys="till:till:0123456789abcdef,prometheus:admin:0123456789abcdeg")
    # when
    responses = [client.send("{ __typename }", authorization=f"Bearer wrong-{number}") for number in range(12)]
    valid = client.send("{ __typename }", authorization="Bearer 0123456789abcdef")
    metrics = client.get("/metrics", authorization="Bearer 0123456789abcdeg").text
    # then
    assert [response.status_code for response in responses] == [401] * 10 + [429] * 2
    assert 0 < int(responses[-1].headers["retry-after"]) <= 60
    assert responses[-1].json()["errors"][0]["extensions"]["code"] == "TOO_MANY_INVALID_KEYS"
    assert valid.status_code == 200
    assert 'kith_authentication_failures_total{reason="unknown"} 12.0' in metrics


def test_nothing_is_answered_while_it_is_not_known_whether_there_are_keys(tmp_path: Path, run: Run) -> None:
    response = Client(SQLiteStore(tmp_path / "no-folder" / "kith.db"), run).send("{ __typename }")
    assert response.status_code == 503
    assert response.json()["errors"][0]["extensions"]["code"] == "STORE_UNAVAILABLE"


def test_probes_report_what_is_missing(tmp_path: Path, run: Run) -> None:
    store = SQLiteStore(tmp_path / "empty.db")
    client = Client(store, run)
    assert client.get("/livez").status_code == 200
    response = client.get("/readyz")
    assert response.status_code == 503
    assert set(response.json()["missing"]) == {"store", "rules"}
    run(client.wiring.prepare())
    assert client.get("/readyz").json() == {"status": "ok", "missing": {}}
    run(store.close())


class UnavailableStore:
    """A store whose database does not respond; it has no keys, as was known before."""

    bookmarks = frozenset()

    async def get_value(self, *_):
        return None

    async def customers(self, *_):
        raise StoreUnavailable("the database does not answer (ServiceUnavailable)")

    async def write(self, *_):
        raise StoreUnavailable("the database does not answer (ServiceUnavailable)")


def test_an_unavailable_database_is_503_with_retry_after(run: Run) -> None:
    client = Client(UnavailableStore(), run)
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


class BrokenStore:
    """A store with a defect whose error contains personal data."""

    bookmarks = frozenset()

    async def get_value(self, *_):
        return None

    async def customers(self, *_):
        raise RuntimeError("secret ann@example.com")


def test_an_unexpected_error_shows_only_an_id(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    client = Client(BrokenStore(), run)
    with caplog.at_level(logging.INFO):
        response = client.send('{ customer(by: {id: "x"}) { id } }')
    (error,) = response.json()["errors"]
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert error["extensions"]["id"] in caplog.text
    assert "ann@example.com" not in response.text + caplog.text
    assert "RuntimeError" not in response.text


def test_two_operations_require_an_operation_name(client: Client) -> None:
    response = client.send("query A { __typename } query B { __typename }")
    assert response.json().get("data") is None
    assert response.json()["errors"]


def test_no_personal_data_is_logged(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        client.send('{ customer(by: {identifier: {namespace: "email", value: "ann@example.com"}}) { nope } }')
        client.link({"source": "web", "identifiers": [{"namespace": "email", "value": "not-an-address"}]})
    assert "ann@example.com" not in caplog.text
    assert "not-an-address" not in caplog.text


PARTIAL_RESULT = '{ __typename weak: customer(by: {id: "x"}, at: "never") { id } }'


def test_the_draft_of_2026_is_selected_by_a_setting(store: SQLiteStore, run: Run) -> None:
    for http_status_profile, expected in (("2025", (400, 400, 200)), ("2026-08", (400, 422, 294))):
        client = Client(store, run, http_status_profile=http_status_profile)
        responses = [client.send(text, accept=GRAPHQL_RESPONSE_JSON) for text in ("{", "{ nope }", PARTIAL_RESULT)]
        assert tuple(response.status_code for response in responses) == expected
        assert responses[2].json()["data"]["__typename"] == "Query"


def test_batches_are_disabled_by_default(store: SQLiteStore, run: Run) -> None:
    batch = orjson.dumps([{"query": "{ __typename }"}, {"query": "{ nope }"}, {"documentId": "x"}])
    assert Client(store, run).post(batch).status_code == 400
    client = Client(store, run, max_batch=3)
    valid, invalid, unknown = client.post(batch).json()
    assert valid == {"data": {"__typename": "Query"}}
    assert invalid["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert unknown["errors"][0]["extensions"]["code"] == "DOCUMENT_NOT_FOUND"
    for body in (b"[]", orjson.dumps([{"query": "{ __typename }"}] * 4), b"[1]"):
        assert client.post(body).status_code == 400


def test_automatic_persisted_queries_are_registered_and_served_by_get_with_an_etag(client: Client, run: Run) -> None:
    text = '{ customer(by: {id: "x"}) { id } }'
    hash = hashlib.sha256(text.encode()).hexdigest()
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": hash}}

    def get(**headers: str):
        return run(
            client.http.get("/graphql", params={"extensions": orjson.dumps(extensions).decode()}, headers=headers)
        )

    (unknown,) = get().json()["errors"]
    assert unknown["message"] == "PersistedQueryNotFound"
    assert unknown["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"
    # when: the client sends the document once
    assert client.post(orjson.dumps({"query": text, "extensions": extensions})).json() == {"data": {"customer": None}}
    # then
    first = get()
    assert first.json() == {"data": {"customer": None}}
    assert get(**{"if-none-match": first.headers["etag"]}).status_code == 304


def test_an_invalid_document_is_not_registered(client: Client, run: Run) -> None:
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(b"{ nope }").hexdigest()}}
    for _ in range(2):
        client.post(orjson.dumps({"query": "{ nope }", "extensions": extensions}))
        (error,) = client.post(orjson.dumps({"extensions": extensions})).json()["errors"]
        assert error["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"


def test_the_cost_is_returned_on_request(client: Client) -> None:
    body = b'{"query": "{ customer(by: {id: \\"x\\"}) { id } }", "extensions": {"cost": true}}'
    assert client.post(body).json()["extensions"] == {"cost": {"requested": 1, "limit": 50000, "left": 49999}}
    assert "extensions" not in client.send('{ customer(by: {id: "x"}) { id } }').json()


def test_only_allowed_origins_get_cors_headers(store: SQLiteStore, run: Run) -> None:
    preflight = {"origin": "https://shop.example", "access-control-request-method": "POST"}
    client = Client(store, run, allowed_origins="https://shop.example")
    allowed = run(client.http.options("/graphql", headers=preflight))
    assert allowed.headers["access-control-allow-origin"] == "https://shop.example"
    denied = run(client.http.options("/graphql", headers=preflight | {"origin": "https://evil.example"}))
    assert "access-control-allow-origin" not in denied.headers
    unconfigured = run(Client(store, run).http.options("/graphql", headers=preflight))
    assert "access-control-allow-origin" not in unconfigured.headers


@pytest.mark.parametrize(
    ("settings", "enabled"),
    [
        ({}, True),
        ({"api_keys": "a:till:" + "k" * 16}, False),
        ({"host": "0.0.0.0"}, False),
        ({"profile": "development", "host": "0.0.0.0"}, True),
        ({"profile": "production"}, False),
        ({"profile": "production", "introspection": True}, True),
    ],
)
def test_the_profile_determines_defaults(settings: dict, enabled: bool) -> None:
    assert Settings(_env_file=None, **settings).limits.introspection is enabled


def test_trusted_documents_are_served_by_get_in_every_profile(store: SQLiteStore, run: Run, tmp_path: Path) -> None:
    # given
    text = "query Who($id: ID!) { customer(by: {id: $id}) { id } }"
    hash = hashlib.sha256(text.encode()).hexdigest()
    (tmp_path / "documents.json").write_bytes(orjson.dumps({f"sha256:{hash}": text}))
    client = Client(store, run, documents=tmp_path, profile="production")

    def get(**parameters: str):
        return run(client.http.get("/graphql", params=parameters))

    parameters = {"documentId": f"sha256:{hash}"}
    # when
    answer = get(**parameters, variables='{"id": "x"}')
    # then
    assert answer.json() == {"data": {"customer": None}}
    again = run(client.http.get(str(answer.url), headers={"if-none-match": answer.headers["etag"]}))
    assert (again.status_code, again.content) == (304, b"")
    assert (
        get(documentId="sha256:none", variables="{}").json()["errors"][0]["extensions"]["code"] == "DOCUMENT_NOT_FOUND"
    )
    assert get(query=text, variables='{"id": "x"}').status_code == 405
    assert get(**parameters, variables="nonsense").status_code == 400
    assert get(documentId="x" * 201).status_code == 400
