"""The public keys of receipts as a JSON Web Key set."""

import base64
from pathlib import Path

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jwt import PyJWKSet

from graph.domain.model.errors import InvalidInput
from service.privacy.public_keys import PublicKeys, thumbprint
from tests.builders.audits import MONDAY
from tests.builders.erasures import key_file

RFC_8037 = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
"""The key of appendix A.2."""


def test_an_id_is_the_thumbprint_of_the_rfc() -> None:
    key = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(RFC_8037["x"] + "="))
    assert thumbprint(key) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_all_versions_are_in_the_set_which_others_can_read(tmp_path: Path) -> None:
    # given
    file, _ = key_file(tmp_path)
    file.rotate(MONDAY, MONDAY)
    keys = file.keys()
    assert keys is not None
    # when
    encoded = keys.public.encoded()
    # then
    members = orjson.loads(encoded)["keys"]
    assert [{*key} for key in members] == [{"kty", "crv", "x", "kid", "use", "alg"}] * 2, "no private part"
    assert [key.key_id for key in PyJWKSet.from_json(encoded.decode()).keys] == [key["kid"] for key in members]
    parsed = PublicKeys.parse(encoded)
    for version, key in zip(keys.versions, members, strict=True):
        assert parsed.find(key["kid"]) == version.signing_key.public_key()


def test_an_id_that_somebody_else_chose_does_not_count() -> None:
    keys = PublicKeys.parse(orjson.dumps({"keys": [{**RFC_8037, "kid": "mine"}, {"kty": "RSA"}]}))
    assert keys.find("mine") is None
    assert keys.find("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k") is not None


@pytest.mark.parametrize(
    "text", [b"", b"\xff", b"[]", b'{"keys":[]}', b'{"keys":[{"kty":"OKP","crv":"Ed25519","x":"c2hvcnQ"}]}']
)
def test_another_file_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidInput, match="kith-keys"):
        PublicKeys.parse(text)
