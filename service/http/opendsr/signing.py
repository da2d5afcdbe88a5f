"""Signs what OpenDSR answers with the key of the domain's certificate, and seals what is stored of requests."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from graph.domain.model.dates import SECOND
from graph.domain.model.errors import InvalidInput


class Signer:
    """The certificate of a domain with its private key.

    `now` returns microseconds since 1970. Raises `InvalidInput` if a file cannot be read, if the key is not that of the
    certificate, or if the certificate is not one that others can verify: another domain's, expired or self-signed.
    """

    def __init__(self, domain: str, certificate: Path, private_key: Path, now: Callable[[], int]) -> None:
        self.certificate = _read(certificate)
        self._key = _private_key(private_key)
        try:
            leaf = x509.load_pem_x509_certificates(self.certificate)[0]
        except ValueError:
            raise _invalid(f"{certificate} has no certificate in the format PEM") from None
        _check(leaf, domain, certificate, now())
        if _public(leaf.public_key()) != _public(self._key.public_key()):
            raise _invalid(f"the key in {private_key} is not that of the certificate in {certificate}")
        secret = self._key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self._fernet = Fernet(base64.urlsafe_b64encode(_derived(secret, b"kith-opendsr-seal-1")))
        self._digest_key = _derived(secret, b"kith-opendsr-digest-1")

    def sign(self, body: bytes) -> str:
        """Return the signature of the SHA-256 of a body, in base64."""
        if isinstance(self._key, rsa.RSAPrivateKey):
            signature = self._key.sign(body, padding.PKCS1v15(), hashes.SHA256())
        else:
            signature = self._key.sign(body, ec.ECDSA(hashes.SHA256()))
        return base64.b64encode(signature).decode()

    def digest(self, body: bytes) -> str:
        """Return a keyed hash, by which the same request is recognized without being stored."""
        return hmac.new(self._digest_key, body, hashlib.sha256).hexdigest()

    def seal(self, text: str) -> str:
        """Return a text encrypted, so that the store and its backups contain nothing of it."""
        return self._fernet.encrypt(text.encode()).decode()

    def unseal(self, sealed: str) -> str | None:
        """Return a sealed text; `None` if it was sealed with another private key."""
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken:
            return None


def _derived(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, None, purpose).derive(secret)


def _private_key(path: Path) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(_read(path), None)
    except (ValueError, TypeError):
        # The message of the library may say more about the key than a log should.
        raise _invalid(f"{path} has no private key in the format PEM without a password") from None
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise _invalid(f"the key in {path} is neither RSA nor of an elliptic curve")
    return key


def _public(key: object) -> bytes:
    return key.public_bytes(  # type: ignore[attr-defined,no-any-return]
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _check(leaf: x509.Certificate, domain: str, path: Path, now: int) -> None:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        names = x509.SubjectAlternativeName([])
    known = names.get_values_for_type(x509.DNSName)
    if domain not in known and f"*.{domain.partition('.')[2]}" not in known:
        raise _invalid(f"the certificate in {path} is for {', '.join(known) or 'no domain'}, not for {domain}")
    if leaf.issuer == leaf.subject:
        raise _invalid(f"the certificate in {path} is self-signed, which OpenDSR forbids")
    if leaf.not_valid_after_utc <= datetime.fromtimestamp(now // SECOND, UTC):
        raise _invalid(f"the certificate in {path} has expired")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise _invalid(f"{path} cannot be read: {reason}") from None


def _invalid(message: str) -> InvalidInput:
    return InvalidInput("INVALID_SETTING", f"KITH_OPENDSR: {message}")
