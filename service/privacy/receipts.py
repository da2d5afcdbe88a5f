"""Signed receipts of erasures, which anybody can verify offline with the public keys of the service.

A receipt is a JSON object in the canonical form of RFC 8785. Its member `signature` is a detached JWS with an unencoded
payload (RFC 7797) over the canonical form of all other members, so libraries for JOSE verify it, too. It contains ids,
keyed hashes, counts and times, and no value of a person.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
import orjson
from jwt import PyJWTError
from jwt.api_jws import PyJWS
from jwt.utils import base64url_decode, base64url_encode
from msgspec import Struct

from graph.domain.model.erasures import Erasure
from graph.domain.model.times import iso
from service.privacy.keys import KeyVersion
from service.privacy.public_keys import ALGORITHM, PublicKeys, thumbprint

FORMAT = "kith-erasure-receipt-1"
MAX_BYTES = 16_000_000
"""Size beyond which a text is not read as a receipt."""


class Kept(Struct, frozen=True, rename="camel", omit_defaults=True):
    """What was kept, how many, and on which ground: a reason of the plan, or a law.

    `namespace` is that of identifiers. `until` (ISO 8601) is when what is kept for a law is removed.
    """

    what: str
    ground: str
    count: int
    namespace: str = ""
    until: str = ""


class AcknowledgedBy(Struct, frozen=True, rename="camel"):
    """A service that has confirmed that it erased its copies, and when (ISO 8601)."""

    service: str
    at: str


class Receipt(Struct, frozen=True, rename="camel"):
    """What a receipt says. Times are ISO 8601 in UTC.

    What was seen until `erased_at` is dropped. `customers` are the erased ids, live and retired, `counts` says how much
    was removed by what it is, `tombstones` are the keyed hashes of the identifiers.
    """

    erasure_id: str
    request_id: str
    mode: str
    actor: str
    erased_at: str
    issued_at: str
    plan_hash: str
    customers: tuple[str, ...]
    counts: Mapping[str, int]
    tombstones: tuple[str, ...]
    kept: tuple[Kept, ...]
    acknowledgements: tuple[AcknowledgedBy, ...]
    format: str = FORMAT


def receipt_of(erasure: Erasure, now: int) -> Receipt:
    """Return the receipt of an erasure that is issued at a time (microseconds)."""
    kept = [Kept("identifiers", kept.reason, kept.count, kept.namespace) for kept in erasure.kept]
    if erasure.orders_until is not None:
        orders = erasure.counts.get("held_orders", 0)
        kept.append(Kept("orders", erasure.orders_ground, orders, until=iso(erasure.orders_until)))
    return Receipt(
        erasure.id,
        erasure.request_id,
        erasure.mode.value,
        erasure.actor,
        iso(erasure.at),
        iso(now),
        erasure.plan_hash,
        erasure.customers,
        erasure.counts,
        erasure.tombstones,
        tuple(kept),
        tuple(AcknowledgedBy(one.service, iso(one.at)) for one in erasure.acknowledgements),
    )


class Unverified(Exception):
    """A receipt is not what a service signed. The message says what is wrong."""


class Verified(Struct, frozen=True):
    """A receipt that was verified, and the id of the key that signed it."""

    receipt: Receipt
    key_id: str


def canonical(value: object) -> bytes:
    """Return the canonical JSON of values that consist of strings, integers, arrays and objects (RFC 8785).

    orjson writes these as the RFC demands: without spaces, strings in UTF-8 with the shortest escapes, and integers
    that JavaScript can represent exactly. It sorts names by their characters, the RFC by their UTF-16 code units: the
    order is the same, because all names are ASCII. Raises `TypeError` for other integers.
    """
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER)


def signed(receipt: Receipt, key: KeyVersion) -> str:
    """Return the text of a receipt with its signature by a version of the keys."""
    members: dict[str, Any] = msgspec.to_builtins(receipt)
    private = key.signing_key
    headers = {"typ": "", "kid": thumbprint(private.public_key())}
    signature = PyJWS().encode(canonical(members), private, ALGORITHM, headers, is_payload_detached=True)
    return canonical(members | {"signature": signature}).decode()


def verify(text: bytes, keys: PublicKeys) -> Verified:
    """Return what a receipt says if one of the keys signed it. Raises `Unverified`: one changed byte is enough.

    A line break at the end, which editors add, does not count.
    """
    text = text.removesuffix(b"\r\n" if text.endswith(b"\r\n") else b"\n")
    if len(text) > MAX_BYTES:
        raise Unverified(f"it is larger than {MAX_BYTES:,} bytes")
    try:
        members = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Unverified(f"it is not JSON: {error.msg}") from None
    if not isinstance(members, dict) or members.get("format") != FORMAT:
        raise Unverified(f"it is not a receipt of the format {FORMAT}")
    if not _is_canonical(text, members):
        raise Unverified("it is not as it was written: spaces, the order of names or the notation of a value differ")
    signature = members.pop("signature", None)
    if not isinstance(signature, str):
        raise Unverified("it has no signature")
    key_id = _verify_signature(signature, canonical(members), keys)
    try:
        return Verified(msgspec.convert(members, Receipt), key_id)
    except msgspec.ValidationError as error:
        raise Unverified(f"its content is not that of a receipt: {error}") from None


def _is_canonical(text: bytes, members: dict[str, Any]) -> bool:
    try:
        return canonical(members) == text
    except TypeError:
        return False


def _verify_signature(signature: str, payload: bytes, keys: PublicKeys) -> str:
    """Return the id of the key that signed a payload; raises `Unverified`."""
    jws = PyJWS()
    try:
        key_id = jws.get_unverified_header(signature).get("kid")
        # The last character of base64 has unused bits: only one way to write a signature is accepted.
        last = signature.rpartition(".")[2]
        if base64url_encode(base64url_decode(last)).decode() != last:
            raise Unverified("its signature is not as it was written")
    except (PyJWTError, ValueError):
        raise Unverified("its signature cannot be read") from None
    key = keys.find(key_id) if isinstance(key_id, str) else None
    if key is None:
        raise Unverified(f"it was signed with the key {key_id!r}, which is not among the public keys")
    try:
        jws.decode_complete(signature, key, [ALGORITHM], detached_payload=payload)
    except PyJWTError:
        raise Unverified(f"its content or its signature was changed: the key {key_id} did not sign it") from None
    return str(key_id)
