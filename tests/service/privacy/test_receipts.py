"""Signed receipts: what changes in them is found."""

from pathlib import Path

import orjson
import pytest
from jwt.api_jws import PyJWS
from msgspec.structs import replace

from service.privacy.receipts import Unverified, canonical, signed, verify
from tests.builders.audits import MONDAY
from tests.builders.erasures import ERASURE, RECEIPT, key_file


def test_a_receipt_verifies_with_the_public_keys_also_after_a_rotation(tmp_path: Path) -> None:
    # given
    file, keys = key_file(tmp_path)
    text = signed(RECEIPT, keys.versions[0])
    # when
    file.rotate(MONDAY, MONDAY)
    rotated = file.keys()
    assert rotated is not None
    # then
    assert verify(text.encode(), rotated.public).receipt == RECEIPT
    assert verify(text.encode() + b"\n", keys.public).receipt == RECEIPT
    newer = signed(RECEIPT, rotated.versions[1])
    assert verify(newer.encode(), rotated.public).receipt == RECEIPT
    with pytest.raises(Unverified, match="which is not among the public keys"):
        verify(newer.encode(), keys.public)


def test_any_changed_bit_of_any_byte_is_found(tmp_path: Path) -> None:
    # given
    _, keys = key_file(tmp_path)
    text, public = signed(RECEIPT, keys.versions[0]).encode(), keys.public
    verify(text, public)
    # when
    accepted = []
    for place in range(len(text)):
        for bit in range(8):
            changed = bytearray(text)
            changed[place] ^= 1 << bit
            try:
                verify(bytes(changed), public)
            except Unverified:
                continue
            accepted.append((place, bit))
    # then
    assert accepted == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: text[:-1], "is not JSON"),
        (lambda text: b"[]", "is not a receipt of the format"),
        (lambda text: orjson.dumps(orjson.loads(text), option=orjson.OPT_INDENT_2), "is not as it was written"),
        (lambda text: text.replace(b'"mode":', b'"extra":18446744073709551615,"mode":'), "is not as it was written"),
        (lambda text: text.replace(b'"era_1"', b'"era_2"'), "was changed"),
        (lambda text: text.replace(b'"observations":6', b'"observations":5'), "was changed"),
        (lambda text: canonical({**orjson.loads(text), "more": 1}), "was changed"),
        (lambda text: canonical({**orjson.loads(text), "signature": "a.b"}), "cannot be read"),
        (lambda text: canonical({**orjson.loads(text), "signature": 1}), "has no signature"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, change: object, reason: str) -> None:
    # given
    _, keys = key_file(tmp_path)
    text = signed(RECEIPT, keys.versions[0]).encode()
    # when / then
    assert callable(change)
    with pytest.raises(Unverified, match=reason):
        verify(change(text), keys.public)


def test_a_library_for_jose_verifies_it(tmp_path: Path) -> None:
    # given
    _, keys = key_file(tmp_path)
    members = orjson.loads(signed(RECEIPT, keys.versions[0]))
    # when
    signature = members.pop("signature")
    key = keys.versions[0].signing_key.public_key()
    # then
    payload = canonical(members)
    assert PyJWS().decode(signature, key, ["EdDSA"], detached_payload=payload) == payload


def test_the_form_is_that_of_rfc_8785() -> None:
    # the strings of section 3.2.2, without its numbers that are not integers
    value = {"string": '€$\x0f\nA\'B"\\\\"/', "literals": [None, True, False], "b": [2**53 - 1, -1], "a": {}}
    expected = (
        r'{"a":{},"b":[9007199254740991,-1],"literals":[null,true,false],"string":"€$\u000f\nA' + "'" + r'B\"\\\\\"/"}'
    )
    assert canonical(value) == expected.encode()
    with pytest.raises(TypeError):
        canonical({"too large": 2**53})


def test_a_receipt_has_no_free_text_and_the_same_receipt_the_same_text(tmp_path: Path) -> None:
    # given
    _, keys = key_file(tmp_path)
    other_order = replace(RECEIPT, counts={"held_orders": 1, "observations": 6})
    # when
    text = signed(RECEIPT, keys.versions[0])
    # then
    assert text == signed(other_order, keys.versions[0])
    assert ERASURE.reason not in text
    assert orjson.loads(text)["kept"] == [
        {"what": "identifiers", "ground": "SHARED", "count": 1, "namespace": "device_id"},
        {"what": "orders", "ground": "tax law", "count": 1, "until": "2026-01-06T08:00:00Z"},
    ]
