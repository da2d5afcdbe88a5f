"""How a sender proves who it is. Secrets are compared in constant time."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key
from msgspec import Struct

from graph.domain.model.times import parse_time
from service.connectors.values import Scope, path

MAX_AGE = 300
"""Seconds that a signed time may be away from now unless a mapping says `max_age`, as Standard Webhooks recommends."""
SIGNED_PARTS = ("method", "url", "body", "timestamp")
"""What a signature may cover, in the order that a mapping names, with `+` between."""


class Request(Struct, frozen=True):
    """What a proof is read from. `headers` are by lower-case name, `query` are the parameters of the URL."""

    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    url: str
    now: float
    content: Any = None
    """The body, unpacked."""
    method: str = "POST"


_MAX_TIME_LENGTH = 40
_DIGITS_OF_SECONDS = 12

KEY_HEADER = "X-Write-Key"
SIGNATURE_HEADER = "X-Signature"
ECDSA_HEADER = "X-Twilio-Email-Event-Webhook-Signature"
"""Where keys and signatures are unless a mapping names another header."""

WRITE_KEY = "write-key"
"""The proof of mappings whose senders are SDKs, which find their source by a key."""

NO_PROOF = "none"
"""The proof of mappings that take in what anybody sends."""
DEFAULT_PROOF = "bearer"
"""The proof of mappings that do not name one: nobody writes without a key because a line is missing in a file."""

Proof = Callable[[Request, Sequence[bytes], Mapping[str, Any]], bool]
"""Whether a request proves that its sender knows one of some secrets, by the settings of a mapping."""


def _is_one_of(presented: str, secrets: Sequence[bytes]) -> bool:
    # All are compared, so that the time does not tell which one is close.
    return sum(hmac.compare_digest(digest_of(presented), secret) for secret in secrets) > 0


def digest_of(key: str) -> bytes:
    """Return what a key is compared by."""
    return hashlib.sha256(key.encode()).digest()


def basic_user(authorization: str) -> tuple[str, str]:
    """Return user and password of a header `Authorization: Basic`; empty if it is none."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except ValueError:  # It is not base64, not even ASCII, or not UTF-8.
        return "", ""
    return user, password


def _nothing(request: Request, secrets: Sequence[bytes], options: Mapping[str, Any]) -> bool:
    return True


def _bearer(request: Request, secrets: Sequence[bytes], options: Mapping[str, Any]) -> bool:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and _is_one_of(key.strip(), [digest_of(secret.decode()) for secret in secrets])


def _basic(request: Request, secrets: Sequence[bytes], options: Mapping[str, Any]) -> bool:
    user, password = basic_user(request.headers.get("authorization", ""))
    known = [digest_of(secret.decode()) for secret in secrets]
    # The key may be the user, the password, or both with a colon between them.
    return any(_is_one_of(one, known) for one in (user, password, f"{user}:{password}") if one.strip(":"))


def _header(request: Request, secrets: Sequence[bytes], options: Mapping[str, Any]) -> bool:
    key = request.headers.get(str(options.get("header", KEY_HEADER)).lower(), "")
    return _is_one_of(key, [digest_of(secret.decode()) for secret in secrets])


def _query(request: Request, secrets: Sequence[bytes], options: Mapping[str, Any]) -> bool:
    key = request.query.get(str(options.get("parameter", "key")), "")
    return _is_one_of(key, [digest_of(secret.decode()) for secret in secrets])


def _hmac_sha256(request: Request, secrets: Sequence[bytes], options: Mapping[str, Any]) -> bool:
    """HMAC-SHA256 of the raw body, or of what `signed` names, with a separator between the parts.

    A list of paths says that values in the body are signed; then `signature` and `timestamp` are paths, too.
    """
    presented = _presented(request, options)
    signatures = [presented.removeprefix(str(options.get("prefix", "")))]
    time = request.headers.get(str(options.get("timestamp_header", "")).lower(), "")
    if scheme := options.get("scheme"):
        # t=TIME,v1=SIGNATURE,v1=SIGNATURE: one of each secret that is in use.
        pairs = [part.strip().partition("=") for part in presented.split(",")]
        time = next((value for name, _, value in pairs if name == "t"), "")
        signatures = [value for name, _, value in pairs if name == scheme]
    names = options.get("signed", "body")
    if isinstance(names, list):
        parts = [_in_body(request, path).encode() for path in names]
        if not all(parts) or not _is_recent(_in_body(request, options.get("timestamp")), request.now, options):
            return False
    else:
        known = {
            "method": request.method.encode(),
            "url": request.url.encode(),
            "body": request.body,
            "timestamp": time.encode("latin-1"),
        }
        parts = [known[name] for name in names.split("+")]
        if "timestamp" in names.split("+") and not _is_recent(time, request.now, options):
            return False
    signed = str(options.get("separator", "")).encode().join(parts)
    encode: Callable[[bytes], str] = bytes.hex
    if options.get("encoding", "hex") == "base64":
        encode = _base64
    made = [encode(hmac.digest(secret, signed, "sha256")).encode() for secret in secrets]
    return any(hmac.compare_digest(one, signature.encode()) for one in made for signature in signatures)


def _presented(request: Request, options: Mapping[str, Any]) -> str:
    if "signature" in options:
        return _in_body(request, options["signature"])
    return request.headers.get(str(options.get("header", SIGNATURE_HEADER)).lower(), "")


def _in_body(request: Request, names: Any) -> str:
    """The text or number at a path in the body; empty if there is none."""
    value = path(str(names))(Scope(request.content, {}, request.content)) if names else None
    return str(value) if isinstance(value, str | int) else ""


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _standard_webhooks(request: Request, secrets: Sequence[bytes], options: Mapping[str, Any]) -> bool:
    """Standard Webhooks 1.0: `v1,` and the signature of `id.timestamp.body`; several signatures with blanks between."""
    id, time = (
        request.headers.get(f"webhook-{name}", "") or request.headers.get(f"svix-{name}", "")
        for name in ("id", "timestamp")
    )
    presented = request.headers.get("webhook-signature", "") or request.headers.get("svix-signature", "")
    if not id or not _is_recent(time, request.now, options):
        return False
    signed = b".".join((id.encode(), time.encode(), request.body))
    made = [hmac.digest(_webhook_secret(secret), signed, "sha256") for secret in secrets]
    found = [part.partition(",") for part in presented.split()]
    signatures = [signature for version, _, signature in found if version == "v1"]
    return any(
        hmac.compare_digest(_base64(one).encode(), signature.encode()) for one in made for signature in signatures
    )


def _webhook_secret(secret: bytes) -> bytes:
    text = secret.decode(errors="replace")
    if not text.startswith("whsec_"):
        return secret
    try:
        return base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except ValueError:
        return secret


def _ecdsa(request: Request, secrets: Sequence[bytes], options: Mapping[str, Any]) -> bool:
    """ECDSA over SHA-256 of a time and the raw body, as SendGrid signs; the secret is the public key."""
    time = request.headers.get(
        str(options.get("timestamp_header", "x-twilio-email-event-webhook-timestamp")).lower(), ""
    )
    presented = request.headers.get(str(options.get("header", ECDSA_HEADER)).lower(), "")
    if not _is_recent(time, request.now, options):
        return False
    try:
        signature = base64.b64decode(presented, validate=True)
    except ValueError:  # It is not base64, or not even ASCII.
        return False
    for secret in secrets:
        try:
            key = (
                load_pem_public_key(secret)
                if secret.startswith(b"-----")
                else load_der_public_key(base64.b64decode(secret))
            )
            if isinstance(key, ec.EllipticCurvePublicKey):
                key.verify(signature, time.encode() + request.body, ec.ECDSA(hashes.SHA256()))
                return True
        except (InvalidSignature, ValueError):
            continue
    return False


def _is_recent(time: str, now: float, options: Mapping[str, Any]) -> bool:
    """Whether a signed time is at most `max_age` seconds away.

    It is in seconds or milliseconds since 1970, in ISO 8601, or a date of HTTP.
    """
    if not time or len(time) > _MAX_TIME_LENGTH:
        return False
    try:
        if time.isdecimal() and len(time) <= _DIGITS_OF_SECONDS:
            seconds = float(time)
        elif time[3:5] == ", ":
            date = parsedate_to_datetime(time)
            seconds = (date if date.tzinfo is not None else date.replace(tzinfo=UTC)).timestamp()
        else:
            seconds = parse_time(time).microseconds / 1_000_000
    except (ValueError, OverflowError):
        return False
    return abs(now - seconds) <= float(options.get("max_age", MAX_AGE))


def write_keys(request: Request) -> list[str]:
    """Return the write keys that SDKs of Segment's kind send: as user, in a header, in the URL, in the body."""
    found = [basic_user(request.headers.get("authorization", ""))[0], request.query.get("writeKey", "")]
    header = request.headers.get("x-write-key", "")
    # Jitsu sends ID:SECRET.
    found += [header, header.partition(":")[0]]
    if isinstance(request.content, dict) and isinstance(key := request.content.get("writeKey"), str):
        found.append(key)
    return [key for key in found if key]


def _write_key(request: Request, secrets: Sequence[bytes], options: Mapping[str, Any]) -> bool:
    known = [digest_of(secret.decode()) for secret in secrets]
    return any(_is_one_of(key, known) for key in write_keys(request))


PROOF_KEYS: Mapping[str, tuple[str, ...]] = {
    "header": ("header",),
    "query": ("parameter",),
    "hmac-sha256": (
        "header", "encoding", "prefix", "signed", "signature", "timestamp", "timestamp_header", "separator",
        "scheme", "max_age",
    ),
    "standard-webhooks": ("max_age",),
    "ecdsa": ("header", "timestamp_header", "max_age"),
}  # fmt: skip
"""The keys that the table `proof` of a mapping may have beside `method`, by method."""

PROOFS: Mapping[str, Proof] = {
    NO_PROOF: _nothing,
    WRITE_KEY: _write_key,
    "bearer": _bearer,
    "basic": _basic,
    "header": _header,
    "query": _query,
    "hmac-sha256": _hmac_sha256,
    "standard-webhooks": _standard_webhooks,
    "ecdsa": _ecdsa,
}
"""The methods by the name that mappings use."""


def method_of(options: Mapping[str, Any]) -> str:
    """Return the method of a mapping's `proof`."""
    return str(options.get("method", DEFAULT_PROOF))


def expected(options: Mapping[str, Any]) -> str:
    """Return what a request needs, for the answer to one that lacks it."""
    match method_of(options):
        case "bearer":
            return "a key of the source in Authorization: Bearer KEY"
        case "basic":
            return "a key of the source in Authorization: Basic"
        case "header":
            return f"a key of the source in the header {options.get('header', KEY_HEADER)}"
        case "query":
            return f"a key of the source in the parameter {options.get('parameter', 'key')} of the URL"
        case "write-key":
            return "a write key of the source"
        case "standard-webhooks":
            return "a valid and recent signature in the header webhook-signature or svix-signature"
        case "ecdsa":
            return f"a valid and recent signature in the header {options.get('header', ECDSA_HEADER)}"
        case _ if "signature" in options:
            return f"a valid and recent signature in the body, in {options['signature']}"
        case _:
            return f"a valid signature in the header {options.get('header', SIGNATURE_HEADER)}"


def reads_content(options: Mapping[str, Any]) -> bool:
    """Return whether a proof reads the unpacked body: a key or a signature is in it."""
    return method_of(options) == WRITE_KEY or "signature" in options


def reads_body(options: Mapping[str, Any]) -> bool:
    """Return whether a proof needs the body: it is signed, or a key is in it."""
    return reads_content(options) or method_of(options) in ("hmac-sha256", "standard-webhooks", "ecdsa")


def is_proved(request: Request, secrets: Sequence[bytes], options: Mapping[str, Any]) -> bool:
    """Return whether a request proves who sent it, by the method of a mapping's `proof`."""
    return PROOFS[method_of(options)](request, secrets, options)
