"""Signatures that others verify with the certificate, and certificates that they would not accept."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding

from graph.domain.model.errors import InvalidInput
from service.bootstrap import SystemClock
from service.http.opendsr.signing import Signer
from tests.builders.certificates import certificate, curve_key, private_pem, rsa_key, write_pair

DOMAIN = "opendsr.shop.example"


def opened(folder: Path) -> Signer:
    return Signer(DOMAIN, folder / "certificate.pem", folder / "key.pem", SystemClock().now)


@pytest.mark.parametrize(
    ("key", "arguments"),
    [(rsa_key, (padding.PKCS1v15(), hashes.SHA256())), (curve_key, (ec.ECDSA(hashes.SHA256()),))],
)
def test_a_body_is_signed_with_the_key_of_the_certificate(
    tmp_path: Path, key: Callable[[], Any], arguments: tuple[Any, ...]
) -> None:
    # given
    public = write_pair(tmp_path, DOMAIN, key())
    signer = opened(tmp_path)
    # when
    signature = base64.b64decode(signer.sign(b'{"request_status":"pending"}'))
    # then: it raises for any other body
    public.verify(signature, b'{"request_status":"pending"}', *arguments)
    assert signer.certificate == (tmp_path / "certificate.pem").read_bytes()


def test_what_is_sealed_is_read_with_the_same_key_only(tmp_path: Path) -> None:
    # given
    write_pair(tmp_path, DOMAIN)
    signer, again = opened(tmp_path), opened(tmp_path)
    write_pair(tmp_path, DOMAIN)
    other = opened(tmp_path)
    # when
    sealed = signer.seal('["email=anna@example.com"]')
    # then
    assert "anna" not in sealed
    assert again.unseal(sealed) == '["email=anna@example.com"]'
    assert other.unseal(sealed) is None
    assert signer.digest(b"body") == again.digest(b"body") != other.digest(b"body")


def test_a_certificate_of_the_whole_domain_is_accepted(tmp_path: Path) -> None:
    key = curve_key()
    (tmp_path / "certificate.pem").write_bytes(certificate(key, "*.shop.example"))
    (tmp_path / "key.pem").write_bytes(private_pem(key))
    assert opened(tmp_path)


KEY = curve_key()


@pytest.mark.parametrize(
    ("pem", "key", "reason"),
    [
        (certificate(KEY, DOMAIN), private_pem(curve_key()), "is not that of the certificate"),
        (certificate(KEY, "shop.example"), private_pem(KEY), "is for shop.example, not for"),
        (certificate(KEY), private_pem(KEY), "is for no domain"),
        (certificate(KEY, DOMAIN, issuer="opendsr"), private_pem(KEY), "is self-signed"),
        (certificate(KEY, DOMAIN, days=-1), private_pem(KEY), "has expired"),
        (b"nonsense", private_pem(KEY), "has no certificate"),
        (certificate(KEY, DOMAIN), b"nonsense", "has no private key"),
        (certificate(KEY, DOMAIN), private_pem(KEY, b"secret"), "without a password"),
        (certificate(KEY, DOMAIN), private_pem(ed25519.Ed25519PrivateKey.generate()), "neither RSA nor"),
        (None, private_pem(KEY), "cannot be read"),
    ],
)
def test_what_others_would_not_accept_is_refused(tmp_path: Path, pem: bytes | None, key: bytes, reason: str) -> None:
    # given
    if pem is not None:
        (tmp_path / "certificate.pem").write_bytes(pem)
    (tmp_path / "key.pem").write_bytes(key)
    # then
    with pytest.raises(InvalidInput, match="KITH_OPENDSR") as failure:
        opened(tmp_path)
    assert reason in failure.value.message
