"""The names by which a service may be asked."""

from pathlib import Path

import pytest

from graph.stores.sqlite import SQLiteStore
from service.access.stored_keys import KeyAdministration
from service.bootstrap import SystemClock
from service.config.settings import Settings
from service.http.allowed_hosts import AllowedHosts
from tests.builders.clients import Client
from tests.builders.runs import Run

NAMES = ("localhost", "127.0.0.1", "::1", "Kith.example", "*.shop.example")


@pytest.mark.parametrize(
    "header",
    [b"localhost", b"localhost:8000", b"LOCALHOST", b"127.0.0.1:1", b"[::1]:80", b"kith.example", b"a.shop.example"],
)
def test_a_name_is_allowed_with_any_port(header: bytes) -> None:
    assert AllowedHosts(NAMES).allows(header)
    assert AllowedHosts(["*"]).allows(header)


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b":80",
        b"evil.example",
        b"localhost.evil.example",
        b"shop.example",
        b"evilshop.example",
        b"[::2]",
        b"[",
        b"\xff",
    ],
)
def test_another_name_is_not_allowed(header: bytes) -> None:
    assert not AllowedHosts(NAMES).allows(header)


def test_a_service_without_keys_answers_to_its_own_names_only() -> None:
    assert Settings(_env_file=None).hosts == ("localhost", "127.0.0.1", "::1", "127.0.0.1")
    assert Settings(_env_file=None, allowed_hosts="a.example, *.b.example").hosts == ("a.example", "*.b.example")


@pytest.mark.parametrize(
    ("settings", "status"),
    [
        ({}, 421),
        ({"api_keys": "shop:till:0123456789abcdef"}, 401),
        ({"host": "0.0.0.0"}, 401),
        ({"host": "0.0.0.0", "allowed_hosts": "shop.example"}, 421),
    ],
)
def test_names_are_restricted_while_no_key_is_required_or_if_they_are_set(
    tmp_path: Path, run: Run, settings: dict[str, str], status: int
) -> None:
    store = SQLiteStore(tmp_path / "kith.db")
    run(store.migrate())
    client = Client(store, run, **settings)
    assert client.send("{ __typename }", host="proxy.example").status_code == status
    # when: the store gets a key
    run(KeyAdministration(store, SystemClock().now).add("feed", "feed"))
    late = Client(store, run)
    assert late.send("{ __typename }").status_code == 401
    # then
    assert late.send("{ __typename }", host="proxy.example").status_code == 401
    run(store.close())


def test_a_page_that_points_its_own_name_here_gets_nothing(tmp_path, run: Run) -> None:
    # given
    store = SQLiteStore(tmp_path / "kith.db")
    run(store.migrate())
    client = Client(store, run)
    # when
    answers = [
        client.get("/graphql", accept="text/html", host="evil.example"),
        client.send("{ __typename }", host="evil.example:8000"),
        client.get("/", host="evil.example"),
        client.get("/graphql/", host="evil.example"),
        run(client.http.get("/graphql", headers=[("host", "localhost"), ("host", "evil.example")])),
    ]
    # then
    for answer in answers:
        assert answer.status_code == 421
        assert answer.json()["errors"][0]["extensions"] == {"code": "HOST_NOT_ALLOWED"}
    assert client.get("/livez", host="10.0.0.7").status_code == 200
    assert client.get("/", host="localhost").headers["location"] == "/graphql"
    run(store.close())


def test_a_path_with_a_slash_at_its_end_answers_without_a_redirect(tmp_path, run: Run) -> None:
    store = SQLiteStore(tmp_path / "kith.db")
    run(store.migrate())
    assert Client(store, run).get("/graphql/?query={__typename}").json() == {"data": {"__typename": "Query"}}
    assert Client(store, run).get("/livez/").status_code == 404
    run(store.close())
