"""Senders prove who they are; signatures are made by OpenSSL, not by our own code."""

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from service.connectors.proofs import NO_PROOF, PROOFS, Request, expected, is_proved, reads_content
from tests.builders.connectors import SAMPLES, basic

SECRET = b"a-secret-of-the-shop"
OTHER = b"another-secret"
BODY = b'{"id": 1, "total": "59.90"}'
NOW = 1_795_889_644.0


def request(body: bytes = BODY, query: dict[str, str] | None = None, content: Any = None, **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(named, query or {}, body, "https://kith.example/in/shop", NOW, content)


def openssl(*arguments: str, input: bytes) -> bytes:
    return subprocess.run(["openssl", *arguments], input=input, capture_output=True, check=True).stdout


def hmac_of(body: bytes, secret: bytes = SECRET) -> bytes:
    return openssl("dgst", "-sha256", "-mac", "HMAC", "-macopt", f"hexkey:{secret.hex()}", "-binary", input=body)


@pytest.mark.parametrize(
    ("options", "made"),
    [
        ({"method": "none"}, request()),
        ({"method": "bearer"}, request(authorization=f"Bearer {SECRET.decode()}")),
        ({"method": "basic"}, request(authorization=f"Basic {basic(SECRET.decode())}")),
        ({"method": "header", "header": "X-Key"}, request(x_key=SECRET.decode())),
        ({"method": "query"}, request(query={"key": SECRET.decode()})),
        ({"method": "query", "parameter": "k"}, request(query={"k": SECRET.decode()})),
        ({"method": "write-key"}, request(authorization=f"Basic {basic(SECRET.decode())}")),
        ({"method": "write-key"}, request(x_write_key=f"{SECRET.decode()}:more")),
        ({"method": "write-key"}, request(query={"writeKey": SECRET.decode()})),
        ({"method": "write-key"}, request(content={"writeKey": SECRET.decode()})),
        (
            {"method": "hmac-sha256", "header": "X-Hmac", "encoding": "base64"},
            request(x_hmac=base64.b64encode(hmac_of(BODY)).decode()),
        ),
        (
            {"method": "hmac-sha256", "header": "X-Hmac", "prefix": "sha256="},
            request(x_hmac=f"sha256={hmac_of(BODY).hex()}"),
        ),
        (
            {"method": "hmac-sha256", "header": "X-Hmac", "signed": "url+body"},
            request(x_hmac=hmac_of(b"https://kith.example/in/shop" + BODY).hex()),
        ),
        (
            {
                "method": "hmac-sha256", "header": "X-Hmac", "signed": "timestamp+body", "timestamp_header": "X-Time",
                "separator": ".",
            },
            request(x_hmac=hmac_of(b"1795889600." + BODY).hex(), x_time="1795889600"),
        ),
    ],
)  # fmt: skip
def test_a_sender_that_knows_a_secret_proves_it(options: dict[str, str], made: Request) -> None:
    # one of several secrets is enough, so that one can be replaced
    assert is_proved(made, [OTHER, SECRET], options)
    # then another secret does not do, and neither does a changed body under a signature
    if options["method"] != "none":
        assert not is_proved(made, [OTHER], options)
        assert not is_proved(made, [], options)
        assert not is_proved(request(), [SECRET], options)
    if options["method"] == "hmac-sha256":
        changed = Request(made.headers, made.query, made.body + b" ", made.url, made.now)
        assert not is_proved(changed, [SECRET], options)


def test_the_recorded_standard_webhook_is_proved_while_it_is_recent() -> None:
    # given: signed by standardwebhooks of PyPI
    recorded = json.loads((SAMPLES / "sdks" / "standard-webhook.json").read_text())
    secret = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    options = {"method": "standard-webhooks"}
    body, headers = recorded["body"].encode(), recorded["h"]
    # then
    assert is_proved(Request(headers, {}, body, "", NOW), [OTHER, secret], options)
    assert is_proved(Request(svix(headers), {}, body, "", NOW), [secret], options)
    twice = headers | {"webhook-signature": f"v1,AAAA {headers['webhook-signature']}"}
    assert is_proved(Request(twice, {}, body, "", NOW), [secret], options)
    assert not is_proved(Request(headers, {}, body + b" ", "", NOW), [secret], options)
    assert not is_proved(Request(headers, {}, body, "", NOW + 400), [secret], options)
    assert not is_proved(Request(headers, {}, body, "", NOW), [OTHER], options)


def svix(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("webhook-", "svix-"): value for name, value in headers.items()}


def test_an_ecdsa_signature_is_proved_by_the_public_key(tmp_path: Path) -> None:
    # given: keys and a signature of OpenSSL
    key = tmp_path / "key.pem"
    key.write_bytes(openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", input=b""))
    public = openssl("ec", "-in", str(key), "-pubout", "-outform", "DER", input=b"")
    time = str(int(NOW))
    signature = openssl("dgst", "-sha256", "-sign", str(key), input=time.encode() + BODY)
    headers = {
        "x-twilio-email-event-webhook-timestamp": time,
        "x-twilio-email-event-webhook-signature": base64.b64encode(signature).decode(),
    }
    secret, pem = base64.b64encode(public), openssl("ec", "-in", str(key), "-pubout", input=b"")
    options = {"method": "ecdsa"}
    # then
    assert is_proved(Request(headers, {}, BODY, "", NOW), [secret], options)
    assert is_proved(Request(headers, {}, BODY, "", NOW), [pem], options)
    assert not is_proved(Request(headers, {}, BODY + b" ", "", NOW), [secret], options)
    assert not is_proved(Request({}, {}, BODY, "", NOW), [secret], options)
    assert not is_proved(Request(headers, {}, BODY, "", NOW), [b"no key", b"AAAA"], options)


IN_BODY = {
    "method": "hmac-sha256", "signature": "proof.made", "signed": ["proof.time", "proof.token"],
    "timestamp": "proof.time", "max_age": 3_600,
}  # fmt: skip


def in_body(time: str = "1795889600", token: str = "t-1", **more: Any) -> Request:
    made = hmac_of(f"{time}{token}".encode()).hex()
    return request(content={"proof": {"time": time, "token": token, "made": made, **more}})


def test_a_signature_may_be_in_the_body() -> None:
    assert is_proved(in_body(), [OTHER, SECRET], IN_BODY)
    assert is_proved(in_body("2026-11-28T18:13:20Z"), [SECRET], IN_BODY)
    # then not with another secret, another token, no token, an old time
    assert not is_proved(in_body(), [OTHER], IN_BODY)
    assert not is_proved(in_body(made="00"), [SECRET], IN_BODY)
    assert not is_proved(in_body(token=""), [SECRET], IN_BODY)
    assert not is_proved(in_body("1795880000"), [SECRET], IN_BODY)
    assert not is_proved(in_body("soon"), [SECRET], IN_BODY)
    for content in (None, [], "text", {"proof": []}, {"proof": {"time": ["1795889600"]}}):
        assert not is_proved(request(content=content), [SECRET], IN_BODY)
    assert reads_content(IN_BODY)
    assert not reads_content({"method": "hmac-sha256", "header": "X-Hmac"})


@pytest.mark.parametrize("time", ["1795889600", "2026-11-28T18:13:20Z", "2026-11-28T19:13:20+01:00"])
def test_a_signed_time_is_a_number_or_a_date(time: str) -> None:
    options = {"method": "hmac-sha256", "header": "X-Hmac", "signed": "timestamp+body", "timestamp_header": "X-Time"}
    assert is_proved(request(x_hmac=hmac_of(time.encode() + BODY).hex(), x_time=time), [SECRET], options)
    # then an old one counts only if the mapping says so
    old = Request(
        request().headers | {"x-time": time, "x-hmac": hmac_of(time.encode() + BODY).hex()}, {}, BODY, "", NOW + 900
    )
    assert not is_proved(old, [SECRET], options)
    assert is_proved(old, [SECRET], options | {"max_age": 1_000})


@pytest.mark.parametrize(
    ("time", "is_recent"),
    [
        (str(int(NOW)), True),
        (str(int(NOW * 1000)), True),
        ("2026-11-28T18:14:04+00:00", True),
        ("Sat, 28 Nov 2026 18:14:04 GMT", True),
        (str(int(NOW) - 301), False),
        (str(int(NOW * 1000) - 301_000), False),
        ("Sat, 28 Nov 2026 18:08:04 GMT", False),
        ("Sat, 32 Nov 2026 18:14:04 GMT", False),
        ("now", False),
        ("", False),
    ],
)
def test_a_signature_covers_all_parts_that_are_named_and_a_recent_time(time: str, is_recent: bool) -> None:
    # given
    options = {
        "method": "hmac-sha256", "header": "X-Hmac", "encoding": "base64", "timestamp_header": "X-Time",
        "signed": "method+url+body+timestamp",
    }  # fmt: skip
    signed = b"POST" + b"https://kith.example/in/shop" + BODY + time.encode()
    made = base64.b64encode(hmac_of(signed)).decode()
    # then
    assert is_proved(request(x_hmac=made, x_time=time), [SECRET], options) is is_recent
    assert not is_proved(request(b"{}", x_hmac=made, x_time=time), [SECRET], options)


def test_a_header_may_have_the_time_and_several_signatures() -> None:
    # given
    options = {
        "method": "hmac-sha256",
        "header": "X-Hmac",
        "signed": "timestamp+body",
        "separator": ".",
        "scheme": "v1",
    }
    time = str(int(NOW))
    made = hmac_of(f"{time}.".encode() + BODY).hex()
    # then
    assert is_proved(request(x_hmac=f"t={time},v1=00,v1={made},v0=1"), [SECRET], options)
    assert not is_proved(request(x_hmac=f"t={time},v0={made}"), [SECRET], options)
    assert not is_proved(request(x_hmac=f"v1={made}"), [SECRET], options)
    assert not is_proved(request(x_hmac=made), [SECRET], options)


@pytest.mark.parametrize(
    "presented", ["é", "Basic é", "Basic /w==", "Bearer é", "t=é,v1=é", "t=²,v1=x", "v1,é", "\x00"]
)
@pytest.mark.parametrize(
    "time", ["é", "²", "1e400", "xxx, ", "Mon, 01 Jan 99999999999 00:00:00 GMT", "9999-12-31T23:59:59-23:59"]
)
def test_headers_that_are_not_ascii_or_no_time_prove_nothing(presented: str, time: str) -> None:
    headers = {
        "authorization": presented, "x-write-key": presented, "x-signature": presented, "stripe-signature": presented,
        "webhook-id": presented, "webhook-signature": presented, "x-twilio-email-event-webhook-signature": presented,
        "x-time": time, "webhook-timestamp": time, "x-twilio-email-event-webhook-timestamp": time,
    }  # fmt: skip
    made = Request(headers, {}, BODY, "https://kith.example/in/shop", NOW)
    signed = {"method": "hmac-sha256", "signed": "timestamp+body"}
    methods: list[dict[str, Any]] = [
        *({"method": one} for one in ("bearer", "basic", "header", "query", "write-key", "standard-webhooks", "ecdsa")),
        signed | {"timestamp_header": "X-Time"},
        signed | {"header": "Stripe-Signature", "scheme": "v1"},
    ]

    assert not any(is_proved(made, (SECRET,), options) for options in methods)


@pytest.mark.parametrize("method", [*PROOFS, ""])
def test_without_secrets_nothing_is_proved_but_by_none(method: str) -> None:
    headers = {"authorization": "Bearer ", "x-write-key": "", "x-signature": ""}
    made = Request(headers, {"key": "", "writeKey": ""}, BODY, "https://kith.example/in/shop", NOW)
    options = {"method": method} if method else {}

    assert is_proved(made, (), options) == (method == NO_PROOF)
    assert expected(options)
