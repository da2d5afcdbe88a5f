"""The keys of an issuer: fetched with limits, kept, and fetched again."""

import asyncio
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from service.access.access_file import Issuer
from service.access.jwks import MAX_BYTES, CannotFetch, IssuerKeys, fetch_json, usable_keys
from tests.builders.key_servers import KeyServer, Seconds, ec_key, public, rsa_key
from tests.builders.runs import Run

K1, K2 = ec_key("k1"), ec_key("k2")


@pytest.fixture
def server() -> Iterator[KeyServer]:
    made = KeyServer(K1)
    yield made
    made.stop()


def keys_of(server: KeyServer, seconds: Seconds | None = None, **more: object) -> IssuerKeys:
    issuer = Issuer(server.issuer, ("https://kith.example.com",), ("ES256", "RS256"))
    return IssuerKeys(replace(issuer, **more), seconds or Seconds())


def test_keys_are_found_by_discovery_and_fetched_once(server: KeyServer, run: Run) -> None:
    # given
    keys = keys_of(server)
    # when
    found = [run(keys.find("k1")) for _ in range(3)]
    # then
    assert found[0] is not None
    assert found[0].algorithms == {"ES256"}
    assert found == found[:1] * 3
    assert server.fetches == {"/.well-known/openid-configuration": 1, "/jwks": 1}


def test_a_named_address_needs_no_discovery(server: KeyServer, run: Run) -> None:
    # given
    keys = keys_of(server, jwks_uri=f"{server.issuer}/jwks")
    # then
    assert run(keys.find("k1"))
    assert server.fetches == {"/jwks": 1}


def test_many_tokens_at_once_cause_one_fetch(server: KeyServer, run: Run) -> None:
    # given
    keys = keys_of(server)
    server.seconds = 0.05

    async def all_at_once() -> list[object]:
        return await asyncio.gather(*(keys.find("k1") for _ in range(50)))

    # when
    found = run(all_at_once())
    # then
    assert all(found)
    assert server.fetches["/jwks"] == 1


def test_a_new_key_is_found_at_once_and_unknown_ones_cost_one_fetch_in_30_seconds(server: KeyServer, run: Run) -> None:
    # given
    seconds = Seconds()
    keys = keys_of(server, seconds)
    assert run(keys.find("k1"))
    # when: the issuer rotates
    server.keys = [public(K2), public(K1)]
    # then
    assert run(keys.find("k2"))
    assert server.fetches["/jwks"] == 2
    # when: somebody sends random ids
    found = [run(keys.find(f"random-{number}")) for number in range(1_000)]
    # then
    assert not any(found)
    assert server.fetches["/jwks"] == 2
    seconds.pass_(30)
    assert run(keys.find("random")) is None
    assert run(keys.find("random")) is None
    assert server.fetches["/jwks"] == 3


def test_a_withdrawn_key_is_refused_after_the_time_of_a_refresh(server: KeyServer, run: Run) -> None:
    # given
    seconds = Seconds()
    keys = keys_of(server, seconds, keys_refresh_seconds=600)
    assert run(keys.find("k1"))
    # when
    server.keys = [public(K2)]
    seconds.pass_(599)
    # then
    assert run(keys.find("k1"))
    seconds.pass_(1)
    assert run(keys.find("k1")) is None
    assert run(keys.find("k2"))


def test_known_keys_are_used_while_the_issuer_is_away_until_their_maximum_age(server: KeyServer, run: Run) -> None:
    # given
    seconds = Seconds()
    keys = keys_of(server, seconds, keys_refresh_seconds=600, keys_max_age_seconds=3_600)
    assert run(keys.find("k1"))
    # when
    server.answers["/jwks"] = (503, {}, b"")
    seconds.pass_(700)
    found = [run(keys.find("k1")) for _ in range(10)]
    # then: they are used, and the issuer is asked every 30 s only
    assert all(found)
    assert server.fetches["/jwks"] == 2
    seconds.pass_(2_899)
    assert run(keys.find("k1"))
    seconds.pass_(1)
    assert run(keys.find("k1")) is None
    # when: it is there again
    server.answers.clear()
    seconds.pass_(30)
    # then
    assert run(keys.find("k1"))


def test_without_any_key_a_token_is_refused(server: KeyServer, run: Run) -> None:
    # given
    keys = keys_of(server)
    server.stop()
    # then
    assert run(keys.find("k1")) is None


def test_keys_that_moved_are_found_again(server: KeyServer, run: Run) -> None:
    # given
    seconds = Seconds()
    keys = keys_of(server, seconds)
    assert run(keys.find("k1"))
    # when
    server.answers["/jwks"] = (404, {}, b"")
    moved = f'{{"issuer": "{server.issuer}", "jwks_uri": "{server.issuer}/new"}}'.encode()
    server.answers["/.well-known/openid-configuration"] = (200, {}, moved)
    server.answers["/new"] = (200, {}, b'{"keys": []}')
    seconds.pass_(600)
    run(keys.find("k1"))
    seconds.pass_(30)
    # then
    assert run(keys.find("k1")) is None
    assert server.fetches["/new"] == 1


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (302, {"Location": "/.well-known/openid-configuration"}, b""),
        (500, {}, b"{}"),
        (200, {}, b"not json"),
        (200, {}, b" " * (MAX_BYTES + 1)),
        (200, {"Content-Encoding": "gzip"}, b"{}"),
    ],
)
def test_an_answer_that_is_not_plain_json_is_refused(
    server: KeyServer, run: Run, status: int, headers: dict[str, str], body: bytes
) -> None:
    # given
    server.answers["/jwks"] = (status, headers, body)
    # then
    with pytest.raises(CannotFetch):
        run(fetch_json(f"{server.issuer}/jwks"))


@pytest.mark.parametrize(
    "description",
    [
        b"[]",
        b"{}",
        b'{"issuer": "https://other.example.com", "jwks_uri": "ISSUER/jwks"}',
        b'{"issuer": "ISSUER"}',
        b'{"issuer": "ISSUER", "jwks_uri": "http://10.0.0.1/jwks"}',
        b'{"issuer": "ISSUER", "jwks_uri": "file:///etc/passwd"}',
    ],
)
def test_a_description_of_another_issuer_or_place_is_refused(server: KeyServer, run: Run, description: bytes) -> None:
    # given
    body = description.replace(b"ISSUER", server.issuer.encode())
    server.answers["/.well-known/openid-configuration"] = (200, {}, body)
    # then
    assert run(keys_of(server).find("k1")) is None
    assert "/jwks" not in server.fetches


@pytest.mark.parametrize(
    ("key", "algorithms"),
    [
        (K1, {"ES256"}),
        ({**K1, "alg": "ES384"}, None),
        ({name: value for name, value in K1.items() if name != "alg"}, {"ES256"}),
        ({name: value for name, value in K1.items() if name != "kid"}, None),
        ({**K1, "kid": 7}, None),
        ({**K1, "use": "enc"}, None),
        ({**public(K1), "key_ops": ["sign"]}, None),
        ({**public(K1), "key_ops": 7}, None),
        ({**K1, "crv": "P-384"}, None),
        ({**K1, "crv": ["P-256"]}, None),
        ({**K1, "x": "AAAA"}, None),
        ({**K1, "x": 7}, None),
        ({"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0", "kid": "s", "alg": "HS256"}, None),
        ({"kty": ["EC"], "kid": "l"}, None),
        (rsa_key("r1"), {"RS256"}),
        (rsa_key("r2", 1024), None),
        (rsa_key("r3", alg="PS256"), None),
        (7, None),
    ],
)
def test_only_keys_for_the_algorithms_of_the_settings_are_used(key: object, algorithms: set[str] | None) -> None:
    # when
    found = usable_keys({"keys": [key]}, ("ES256", "RS256"))
    # then
    assert [key.algorithms for key in found.values()] == ([algorithms] if algorithms else [])


@pytest.mark.parametrize("document", [None, [], {}, {"keys": {}}, "keys"])
def test_what_is_not_a_key_set_is_refused(document: object) -> None:
    with pytest.raises(CannotFetch):
        usable_keys(document, ("ES256",))


def test_the_private_part_of_a_published_key_is_not_used() -> None:
    # when
    (found,) = usable_keys({"keys": [K1]}, ("ES256",)).values()
    # then
    assert not hasattr(found.key, "private_numbers")
