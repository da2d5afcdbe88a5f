"""Access tokens of a real OpenID Connect server, and forged ones, over every transport."""

import itertools
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from jwt.algorithms import HMACAlgorithm
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.builders.key_servers import KeyServer, ec_key, public
from tests.builders.oidc import OidcServer, access_toml, claims_of, encoded, free_port, segment, signed
from tests.builders.services import Serve, Service

TRANSPORTS = ("http", "sse", "websocket")
WATCH = 'subscription { customerChanged(by: {identifier: {namespace: "email", value: "ann@example.com"}}) { id } }'
Start = Callable[..., OidcServer]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts servers; each ends the one before, whose port and keys it can have."""
    servers: list[OidcServer] = []

    def restart(port: int, *keys: str, **more: Any) -> OidcServer:
        if servers:
            servers[-1].stop()
        servers.append(OidcServer(port, keys, **more))
        return servers[-1]

    yield restart
    for server in servers:
        server.stop()


def status(service: Service, token: str, transport: str = "http", query: str = "{ __typename }") -> int:
    """The status, or close code, of an operation with a token: 200 if it was answered. Each comes from an address."""
    status.calls += 1  # type: ignore[attr-defined]
    address = f"10.{status.calls >> 16 & 255}.{status.calls >> 8 & 255}.{status.calls & 255}"  # type: ignore[attr-defined]
    headers = {"authorization": f"Bearer {token}", "x-forwarded-for": address}
    if transport != "websocket":
        accept = "text/event-stream" if transport == "sse" else "application/json"
        answer = service.http.post(service.url, json={"query": query}, headers={**headers, "accept": accept})
        return answer.status_code
    with connect(
        service.socket, subprotocols=["graphql-transport-ws"], additional_headers={"x-forwarded-for": address}
    ) as socket:
        init = {"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}}
        socket.send(json.dumps(init))
        try:
            assert json.loads(socket.recv())["type"] == "connection_ack"
            socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": query}}))
            assert json.loads(socket.recv())["type"] == "next"
        except ConnectionClosed as closed:
            return closed.rcvd.code
        return 200


status.calls = 0  # type: ignore[attr-defined]


def vectors(issuer: str, key: dict[str, Any], other: dict[str, Any], id_token: str) -> dict[str, str]:
    """The tokens of an attacker by what is wrong with them. `key` is the issuer's, `other` another with its id."""
    claims, now = claims_of(issuer), int(time.time())
    header, payload, signature = signed(claims, key).split(".")
    # HMAC with the text of the public key, which everybody knows.
    by_secret = f"{segment({'alg': 'HS256', 'typ': 'at+jwt', 'kid': key['kid']})}.{payload}"
    secret = HMACAlgorithm(HMACAlgorithm.SHA256).sign(by_secret.encode(), json.dumps(public(key)).encode())
    attacker = KeyServer(other)
    foreign = attacker.issuer
    attacker.stop()
    return {
        "none": f"{segment({'alg': 'none', 'typ': 'at+jwt', 'kid': key['kid']})}.{payload}.",
        "HS256 with the public key": f"{by_secret}.{encoded(secret)}",
        "jwk": signed(claims, other, jwk=public(other)),
        "jku": signed(claims, other, jku=f"{foreign}/jwks"),
        "unknown crit": signed(claims, key, crit=["https://example.com/extension"]),
        "unknown kid": signed(claims, other, kid="unknown"),
        "tampered": f"{header}.{segment({**claims, 'kith_roles': ['storefront']})}.{signature}",
        "expired": signed({**claims, "exp": now - 1}, key),
        "nbf ahead": signed({**claims, "nbf": now + 600}, key),
        "no exp": signed(claims_of(issuer, exp=None), key),
        "no aud": signed(claims_of(issuer, aud=None), key),
        "other aud": signed({**claims, "aud": "https://other.test"}, key),
        "iss with suffix": signed({**claims, "iss": f"{issuer}.evil.test"}, key),
        "other issuer": signed({**claims, "iss": foreign}, other),
        "other issuer's key": signed(claims, other),
        "id_token": id_token,
        "id_token for us": signed({**claims, "nonce": "n"}, key, typ="JWT"),
    }


def test_tokens_of_a_real_server_are_accepted_and_forged_ones_are_not(
    serve_sqlite: Serve, start: Start, tmp_path: Path
) -> None:
    # given
    server = start(free_port(), "k1")
    service = serve_sqlite(access=access_toml(tmp_path, server.issuer), log_level="debug")
    key, other = server.secrets["k1"], ec_key("k1")
    user = server.tokens_of("ann")
    aud_list = signed(claims_of(server.issuer, aud=["https://else.test", server.audience]), key)
    good = {"till": server.token(), "storefront": user["access_token"], "aud list": aud_list}
    bad = vectors(server.issuer, key, other, user["id_token"])
    # when
    accepted = {(name, way): status(service, token, way) for name, token in good.items() for way in TRANSPORTS}
    refused = {(name, way): status(service, token, way) for name, token in bad.items() for way in TRANSPORTS}
    # then
    assert set(accepted.values()) == {200}
    expected = {"http": 401, "sse": 401, "websocket": 4403}
    assert {place: code for place, code in refused.items() if code != expected[place[1]]} == {}
    # and nothing of a token is in the log
    log = service.log.read_text()
    parts = {part for token in (*good.values(), *bad.values()) for part in token.split(".") if part}
    assert "a token was refused" in log
    assert [part for part in parts if part in log] == []


def test_the_role_of_a_token_decides_what_it_may(serve_sqlite: Serve, start: Start, tmp_path: Path) -> None:
    # given
    server = start(free_port(), "k1")
    service = serve_sqlite(access=access_toml(tmp_path, server.issuer))
    unknown = signed(claims_of(server.issuer, kith_roles=["king"]), server.secrets["k1"])
    # then
    for token in (server.token(), server.tokens_of("ann")["access_token"], unknown):
        assert status(service, token, query="{ changes { nodes { kind } } }") == 403
    assert status(service, unknown, query="{ __typename }") == 200
    assert status(service, "not.a.token") == 401


def test_keys_rotate_without_a_restart(serve_sqlite: Serve, start: Start, tmp_path: Path) -> None:
    # given
    port = free_port()
    server = start(port, "k1")
    first = server.secrets
    toml = access_toml(tmp_path, server.issuer, "keys_refresh_seconds = 2")
    service = serve_sqlite(access=toml)
    old, unused = server.token(), signed(claims_of(server.issuer), first["k1"])
    assert status(service, old) == 200
    # when: the new key signs, the old one is still published
    server = start(port, "k2", "k1", secrets=first)
    # then: a new token is good at once, as is the old one
    assert status(service, server.token()) == 200
    assert status(service, old) == 200
    # when: the old key is withdrawn
    server = start(port, "k2", secrets=server.secrets)
    time.sleep(2.1)
    # then: after the stated time its tokens are refused
    assert status(service, server.token()) == 200
    assert status(service, unused) == 401


def test_known_keys_are_good_while_the_issuer_is_away(serve_sqlite: Serve, start: Start, tmp_path: Path) -> None:
    # given
    server = start(free_port(), "k1")
    toml = access_toml(tmp_path, server.issuer, "keys_refresh_seconds = 1")
    service = serve_sqlite(access=toml)
    assert status(service, server.token()) == 200
    # when
    server.stop()
    time.sleep(1.1)
    # then
    for number in range(3):
        assert status(service, signed(claims_of(server.issuer, sub=f"u-{number}"), server.secrets["k1"])) == 200


def test_a_thousand_unknown_keys_cost_two_fetches_at_most(serve_sqlite: Serve, start: Start, tmp_path: Path) -> None:
    # given
    server = start(free_port(), "k1")
    service = serve_sqlite(access=access_toml(tmp_path, server.issuer))
    other = ec_key("k1")
    # when
    refused = {
        status(service, signed(claims_of(server.issuer), other, kid=f"random-{number}")) for number in range(1_000)
    }
    # then
    assert refused == {401}
    assert server.fetches <= 2
    assert status(service, server.token()) == 200


@pytest.mark.parametrize("subscribed", [True, False])
def test_a_socket_is_closed_when_its_token_ends(
    serve_sqlite: Serve, start: Start, tmp_path: Path, subscribed: bool
) -> None:
    # given
    server = start(free_port(), "k1")
    service = serve_sqlite(access=access_toml(tmp_path, server.issuer))
    token = signed(claims_of(server.issuer, exp=int(time.time()) + 3), server.secrets["k1"])
    with connect(service.socket, subprotocols=["graphql-transport-ws"]) as socket:
        socket.send(json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}}))
        assert json.loads(socket.recv())["type"] == "connection_ack"
        if subscribed:
            socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": WATCH}}))
            assert json.loads(socket.recv())["type"] == "next"
        # when
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=30)
    # then
    assert closed.value.rcvd.code == 4403


def test_an_event_stream_ends_when_its_token_ends(serve_sqlite: Serve, start: Start, tmp_path: Path) -> None:
    # given
    server = start(free_port(), "k1")
    service = serve_sqlite(access=access_toml(tmp_path, server.issuer))
    token = signed(claims_of(server.issuer, exp=int(time.time()) + 3), server.secrets["k1"])
    headers = {"authorization": f"Bearer {token}", "accept": "text/event-stream"}
    # when
    with httpx.stream("POST", service.url, json={"query": WATCH}, headers=headers, timeout=30) as answer:
        assert answer.status_code == 200
        deadline = time.monotonic() + 30  # a stream that does not end has a ping every few seconds
        text = "".join(itertools.takewhile(lambda _: time.monotonic() < deadline, answer.iter_text()))
    # then
    events = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: {")]
    assert json.loads(events[0])["data"] == {"customerChanged": None}
    assert json.loads(events[-1])["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
