"""References: texts that stand for an identifier or a position, and show nothing of it.

They are encrypted and authenticated by AES-SIV (RFC 5297), which is made for the same text to result in the same
reference. The secret is a named value of the store, so that all processes accept the references of each other.
"""

import base64
import binascii

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from graph.commands.stored_secrets import stored_secret
from graph.domain.model.errors import StoreUnavailable
from graph.ports import NamedValues

REFERENCES_KEY = "references"
"""The name under which the store keeps the secret."""
IDENTIFIER, CURSOR, CUSTOMER, ROW = b"identifier", b"cursor", b"customer ", b"row "
"""What a reference stands for: one kind is not accepted in place of the other."""
_KEY_BITS = 256
_MAC_BYTES = 16


class References:
    """Makes and reads references, once `open` has read the store's secret or made one."""

    def __init__(self, store: NamedValues) -> None:
        self._store = store
        self._cipher: AESSIV | None = None

    async def open(self) -> None:
        """Read the secret. The first process to do so makes it."""
        if self._cipher is None:
            text = await stored_secret(self._store, REFERENCES_KEY, lambda: AESSIV.generate_key(_KEY_BITS).hex())
            self._cipher = AESSIV(bytes.fromhex(text))

    def seal(self, text: str, kind: bytes) -> str:
        """Return the reference to a text. Raises `StoreUnavailable` before `open`."""
        sealed = self._opened().encrypt(text.encode(), [kind])
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def unseal(self, reference: str, kind: bytes) -> str | None:
        """Return the text of a reference; `None` if `seal` did not make it. Raises `StoreUnavailable` before `open`."""
        cipher = self._opened()
        try:
            sealed = base64.b64decode(reference + "=" * (-len(reference) % 4), b"-_", validate=True)
            return cipher.decrypt(sealed, [kind]).decode()
        except (binascii.Error, InvalidTag, ValueError):
            return None

    def pseudonym(self, text: str, kind: bytes) -> str:
        """Return 32 hexadecimal digits that stand for a text and from which nobody can find it, not even `unseal`.

        Raises `StoreUnavailable` before `open`.
        """
        # What AES-SIV begins with is a MAC of the text (RFC 5297, section 2.6).
        return self._opened().encrypt(text.encode(), [kind])[:_MAC_BYTES].hex()

    def _opened(self) -> AESSIV:
        if self._cipher is None:
            raise StoreUnavailable("the service is starting")
        return self._cipher
