"""`/.well-known/kith-keys`: the public keys that verify receipts of erasures, for anybody."""

import hashlib

from starlette.requests import Request
from starlette.responses import Response

from service.privacy.safeguards import Safeguards

PATH = "/.well-known/kith-keys"
MEDIA_TYPE = "application/jwk-set+json"
MAX_AGE = 300
"""Seconds for which an answer may be used: whoever gets a receipt of a new key asks again after that."""


class PublicKeysEndpoint:
    """Answers with the public keys of all versions, so that old receipts verify after a rotation, too."""

    def __init__(self, safeguards: Safeguards) -> None:
        self._safeguards = safeguards

    async def answer(self, request: Request) -> Response:
        """Answer a request."""
        keys = self._safeguards.public_keys()
        body = keys.encoded()
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        # Before there are keys, nothing may remember that there are none.
        headers = {"ETag": tag, "Cache-Control": f"public, max-age={MAX_AGE}" if keys else "no-cache"}
        if tag in request.headers.get("If-None-Match", ""):
            return Response(status_code=304, headers=headers)
        return Response(body, headers=headers, media_type=MEDIA_TYPE)
