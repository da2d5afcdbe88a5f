"""Access tokens of a Google service account (RFC 7523): its key signs a request for a token that lasts an hour.

https://developers.google.com/identity/protocols/oauth2/service-account#httprest
"""

import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import BaseModel, ValidationError

from graph.domain.model.errors import InvalidInput
from service.destinations.adapter import Unavailable
from service.destinations.http import HttpClient, Url

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
AUDIENCE = "https://oauth2.googleapis.com/token"
"""Who a signature is for: Google's server of tokens, wherever the key says that requests go."""
LIFETIME_SECONDS = 3600
RENEW_SECONDS = 60
"""A token is renewed so long before it ends."""


class _TokenServer(BaseModel):
    allow_http: bool
    url: Url


class ServiceAccount:
    """The key of a service account, as Google's console saves it, and the present token."""

    def __init__(self, destination: str, key: str, scope: str, allow_http: bool = False) -> None:
        """Read a key, a JSON object. Raises `InvalidInput` that names the destination and what is missing."""
        where = f"destination {destination}: credentials"
        try:
            read: dict[str, Any] = dict(json.loads(key))
        except (ValueError, TypeError):
            # Not chained: the text is a secret.
            raise InvalidInput("INVALID_SETTING", f"{where}: they are not a JSON object") from None
        for name in ("client_email", "private_key", "token_uri"):
            if not isinstance(read.get(name), str):
                raise InvalidInput("INVALID_SETTING", f"{where}: {name} is missing; save a key of type JSON again")
        try:
            load_pem_private_key(read["private_key"].encode(), None)
        except (ValueError, TypeError):
            raise InvalidInput("INVALID_SETTING", f"{where}: private_key cannot be read") from None
        try:
            self._url = _TokenServer(allow_http=allow_http, url=read["token_uri"]).url
        except ValidationError as error:
            message = error.errors(include_input=False, include_url=False)[0]["msg"]
            raise InvalidInput("INVALID_SETTING", f"{where}: token_uri: {message}") from None
        self._email, self._key, self._id = read["client_email"], read["private_key"], read.get("private_key_id")
        self._scope = scope
        self._token, self._ends = "", 0.0

    @property
    def private_key(self) -> str:
        """The key, which no message may contain."""
        return str(self._key)

    async def token(self, http: HttpClient) -> str:
        """Return a token that is valid for the next minute. Raises `Unavailable`."""
        if time.monotonic() < self._ends:
            return self._token
        asked, now = time.monotonic(), int(time.time())
        claims = {
            "iss": self._email,
            "scope": self._scope,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + LIFETIME_SECONDS,
        }
        assertion = jwt.encode(claims, self._key, "RS256", headers={"kid": self._id} if self._id else None)
        answer = await http.request("POST", self._url, form={"grant_type": GRANT, "assertion": assertion})
        if not answer.is_success:
            raise Unavailable(f"no access token: {answer.message([assertion])}", login=True)
        granted = answer.json()
        if not isinstance(granted, dict) or not isinstance(granted.get("access_token"), str):
            raise Unavailable("no access token: the answer has none", login=True)
        seconds = granted.get("expires_in", LIFETIME_SECONDS)
        lasts = float(seconds) if isinstance(seconds, int | float) else float(LIFETIME_SECONDS)
        self._token, self._ends = granted["access_token"], asked + lasts - RENEW_SECONDS
        return self._token

    def forget(self) -> None:
        """Ask for another token next time: the present one was refused."""
        self._ends = 0.0
