"""Certificates of a domain, signed by an authority of the test."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def curve_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def certificate(
    key: Any, *domains: str, issuer: str = "Authority of the test", subject: str = "opendsr", days: int = 30
) -> bytes:
    """A certificate in PEM, valid for some days from now on, or since some days no more."""
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=days))
    )
    if domains:
        names = x509.SubjectAlternativeName([x509.DNSName(domain) for domain in domains])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(curve_key(), hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def private_pem(key: Any, password: bytes | None = None) -> bytes:
    encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


def write_pair(folder: Path, domain: str, key: Any = None) -> Any:
    """Write `certificate.pem` and `key.pem` of a domain into a folder; return the public key."""
    key = key or curve_key()
    (folder / "certificate.pem").write_bytes(certificate(key, domain))
    (folder / "key.pem").write_bytes(private_pem(key))
    return key.public_key()
