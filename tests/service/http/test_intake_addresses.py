"""Systems check an address before they send data to it, and some sign the address as they know it."""

import base64
import subprocess
from pathlib import Path

from graph.ports import Store
from tests.builders.connectors import BACKEND_KEY, connected, post
from tests.builders.runs import Run

MAPPING = """
title = "Shop"
ping = "webhook_id="
proof = { method = "hmac-sha256", header = "X-Signature", encoding = "base64", signed = "url+body" }
[[statement]]
kind = "observation"
id = "id"
[statement.identifiers]
email = "email"
"""
SOURCES = """
[[source]]
name = "shop"
mapping = "shop.toml"
secrets = ["file:secret"]
url = "https://kith.example.com/in/shop"
"""
BODY = b'{"id": "1", "email": "ann@example.com"}'


def signature(*parts: str) -> str:
    text = "".join(parts).encode()
    made = subprocess.run(
        ["openssl", "dgst", "-sha256", "-hmac", "a-secret-of-the-shop", "-binary"],
        input=text,
        capture_output=True,
        check=True,
    )
    return base64.b64encode(made.stdout).decode()


def test_the_check_of_an_address_is_answered_without_a_signature(store: Store, run: Run, tmp_path: Path) -> None:
    # given
    (tmp_path / "shop.toml").write_text(MAPPING)
    (tmp_path / "secret").write_text("a-secret-of-the-shop")
    client = connected(store, run, tmp_path, SOURCES)
    # when
    check = run(client.http.post("/in/shop", content=b"webhook_id=7"))
    unsigned = run(client.http.post("/in/shop", content=BODY))
    # then
    assert (check.status_code, unsigned.status_code) == (204, 401)


def test_a_signature_covers_the_address_that_the_sender_knows(store: Store, run: Run, tmp_path: Path) -> None:
    # given
    (tmp_path / "shop.toml").write_text(MAPPING)
    (tmp_path / "secret").write_text("a-secret-of-the-shop")
    client = connected(store, run, tmp_path, SOURCES)
    known = signature("https://kith.example.com/in/shop", BODY.decode())
    inner = signature("http://localhost/in/shop", BODY.decode())
    # when
    good = run(client.http.post("/in/shop", content=BODY, headers={"X-Signature": known}))
    bad = run(client.http.post("/in/shop", content=BODY, headers={"X-Signature": inner}))
    # then
    assert (good.status_code, bad.status_code) == (200, 401)
    assert good.json()["accepted"] == 1


def test_a_mapping_without_a_proof_lets_nobody_write_without_the_key(store: Store, run: Run, tmp_path: Path) -> None:
    # given
    (tmp_path / "own.toml").write_text('[[statement]]\nkind = "observation"\nidentifiers = { email = "email" }\n')
    (tmp_path / "open.toml").write_text('proof = { method = "none" }\n' + (tmp_path / "own.toml").read_text())
    sources = (
        '[[source]]\nname = "keyed"\nmapping = "own.toml"\nsecrets = ["file:backend-key"]\n'
        '[[source]]\nname = "files-only"\nmapping = "own.toml"\n[[source]]\nname = "open"\nmapping = "open.toml"\n'
    )
    client = connected(store, run, tmp_path, sources)
    # when
    answers = {
        (source, key): post(
            client, f"/in/{source}", BODY, key="", **({"authorization": f"Bearer {key}"} if key else {})
        )
        for source in ("keyed", "files-only", "open")
        for key in ("", "another-key", BACKEND_KEY)
    }
    # then
    assert {case for case, answer in answers.items() if answer.status_code == 200} == {
        ("keyed", BACKEND_KEY), ("open", ""), ("open", "another-key"), ("open", BACKEND_KEY)
    }  # fmt: skip
    assert {answer.status_code for answer in answers.values()} == {200, 401}
    assert "it needs a key of the source in Authorization: Bearer KEY" in answers["keyed", ""].json()["message"]
    assert "it needs one of its secrets, and it has none" in answers["files-only", BACKEND_KEY].json()["message"]


def test_a_request_without_a_proof_is_told_what_is_missing(store: Store, run: Run, tmp_path: Path) -> None:
    # given
    (tmp_path / "shop.toml").write_text(MAPPING)
    (tmp_path / "secret").write_text("a-secret-of-the-shop")
    client = connected(store, run, tmp_path, SOURCES)
    # when
    answer = run(client.http.post("/in/shop", content=BODY))
    # then
    assert answer.json()["message"] == (
        "the request does not prove that it comes from 'shop': it needs a valid signature in the header X-Signature"
    )


KEYED = """
at = { value = "2026-03-01T10:00:00Z" }
proof = { method = "bearer" }
[[statement]]
kind = "observation"
id = { join = ["@prefix", "id"] }
[statement.identifiers]
email = "email"
"""


def test_a_wrong_key_in_a_header_is_answered_before_the_body_is_read(store: Store, run: Run, tmp_path: Path) -> None:
    # given: a body that could not be read
    (tmp_path / "shop.toml").write_text(KEYED)
    (tmp_path / "secret").write_text("a-secret-of-the-shop")
    client = connected(store, run, tmp_path, SOURCES)
    broken = b"\x1f\x8b junk"
    # when
    answers = [
        run(client.http.post("/in/shop", content=broken, headers={"authorization": f"Bearer {key}"}))
        for key in ("a-wrong-key-of-somebody", "a-secret-of-the-shop")
    ]
    # then
    assert [answer.status_code for answer in answers] == [401, 400]
    assert b'kith_authentication_failures_total{reason="unknown"} 1.0' in client.get("/metrics").content


def test_no_sender_sets_a_value_of_its_source_by_a_header(store: Store, run: Run, tmp_path: Path) -> None:
    # given: a mapping that reads the prefix of the source, which has none
    (tmp_path / "shop.toml").write_text(KEYED)
    (tmp_path / "secret").write_text("a-secret-of-the-shop")
    client = connected(store, run, tmp_path, SOURCES)
    headers = {"authorization": "Bearer a-secret-of-the-shop", "event.id": "e-1"}
    # when the same record comes with and without the header
    answers = [
        run(client.http.post("/in/shop", content=BODY, headers=headers | more)).json()
        for more in ({}, {"prefix": "other"})
    ]
    # then it is the same record
    assert [(answer["accepted"], answer["duplicate"]) for answer in answers] == [(1, 0), (0, 1)]
