"""Signs callers in by access tokens: JWTs of the issuers of `access.toml`.

A token is accepted if everything of this holds; nothing of it is decided by the token itself:

- its issuer is one of the file, and its key is one that this issuer publishes, by its id (`kid`);
- its algorithm is one of the file and of the key; no algorithm has a shared secret;
- `iss`, `aud`, `sub`, `exp` and `iat` are there and right, `nbf` has passed; a client is named;
- it says that it is an access token, and nothing of it says that it is another kind of token (see `_check_kind`).
"""

import hashlib
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

import jwt
from msgspec import Struct

from graph.domain.model.rules import Rules
from service.access.access_file import Issuer
from service.access.claims import Claims, Granted, RefusedToken, client_of, granted, signed_in, texts
from service.access.jwks import IssuerKeys
from service.access.signed_in import SignedIn

log = logging.getLogger("kith.access")

MAX_BYTES = 16_000
"""Maximum length of a token."""
LEEWAY_SECONDS = 30
"""How far the clocks of an issuer and of Kith may differ at the begin of a token. Its end is exact."""
CACHE_SECONDS = 60
"""How long a verified token is not verified again."""
CACHE_SIZE = 10_000
"""Maximum number of verified tokens that are remembered."""
_REQUIRED = ("iss", "aud", "sub", "exp", "iat")
_KEYS_IN_HEADER = ("jwk", "jku", "x5u")
"""Header parameters by which a token would name its own key."""
_OF_OTHER_TOKENS = ("nonce", "at_hash", "c_hash", "s_hash", "events")
"""Claims of ID tokens and logout tokens that access tokens do not have."""
_ACCESS_KINDS = {"typ": "bearer", "token_use": "access"}
"""Claims with which Keycloak and Cognito name the kind of a token, and their value in access tokens."""

_jwt = jwt.PyJWT()


class _Verified(Struct):
    """A verified token: what it grants, when it ends, and until when it is not verified again."""

    grant: Granted
    key: str
    """The id of the key that signed it."""
    expires: float
    remembered_until: float
    rules: Rules
    signed_in: SignedIn


class Tokens:
    """Signs callers in by access tokens.

    `rules` returns the rules in effect, by which the subject of a token is normalized. `clock` returns the seconds
    since 1970, `monotonic` seconds for the age of keys.
    """

    def __init__(
        self,
        issuers: Mapping[str, Issuer],
        rules: Callable[[], Rules],
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.issuers, self._rules, self._clock = issuers, rules, clock
        self._keys = {name: IssuerKeys(issuer, monotonic) for name, issuer in issuers.items()}
        self._verified: dict[bytes, _Verified] = {}

    async def sign_in(self, token: str) -> SignedIn | None:
        """Return the caller of a token; `None` if the token is not valid."""
        digest = hashlib.sha256(token.encode(errors="surrogatepass")).digest()
        verified = self._verified.get(digest)
        if verified is None or verified.remembered_until <= self._clock():
            self._verified.pop(digest, None)
            try:
                verified = await self._verify(token)
            except RefusedToken as refused:
                log.debug("a token was refused: %s", refused)
                return None
            self._remember(digest, verified)
        rules = self._rules()
        if verified.rules is not rules:
            # Other rules may normalize the subject in another way.
            verified.rules = rules
            verified.signed_in = self._signed_in(verified.grant, verified.key, verified.expires)
        return verified.signed_in

    def _signed_in(self, grant: Granted, key: str, expires: float) -> SignedIn:
        """Return the caller of a token. Its right ends with the token, or when the issuer has withdrawn its key."""
        clock, keys = self._clock, self._keys[grant.issuer]
        return signed_in(grant, self._rules(), lambda: clock() < expires and keys.counts(key))

    def _remember(self, digest: bytes, verified: _Verified) -> None:
        while len(self._verified) >= CACHE_SIZE:
            del self._verified[next(iter(self._verified))]
        self._verified[digest] = verified

    async def _verify(self, token: str) -> _Verified:
        header, claims = _unverified(token)
        name = claims.get("iss")
        issuer = self.issuers.get(name) if isinstance(name, str) else None
        if issuer is None:
            raise RefusedToken("its issuer is not in the file")
        _check_header(header, issuer)
        key = await self._keys[issuer.issuer].find(header["kid"])
        if key is None:
            raise RefusedToken("its key is not known")
        try:
            claims = _jwt.decode(
                token,
                key.key,
                algorithms=sorted(key.algorithms),
                audience=issuer.audience,
                issuer=issuer.issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": list(_REQUIRED)},
            )
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
            # The message may contain values of the token.
            raise RefusedToken(type(error).__name__) from None
        now, expires = self._clock(), claims["exp"]
        if isinstance(expires, bool) or not isinstance(expires, int | float) or not now < expires:
            raise RefusedToken("it has expired")
        _check_kind(header, claims, issuer)
        grant = granted(issuer, claims)
        rules = self._rules()
        until = min(expires, now + CACHE_SECONDS)
        return _Verified(grant, header["kid"], expires, until, rules, self._signed_in(grant, header["kid"], expires))


def _unverified(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the header and the claims of a token, which anyone may have written."""
    if len(token) > MAX_BYTES or not token.isascii():
        raise RefusedToken("it is too long, or not ASCII")
    try:
        parts = _jwt.decode_complete(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise RefusedToken("it is not a JWT") from None
    return parts["header"], parts["payload"]


def _check_header(header: Mapping[str, Any], issuer: Issuer) -> None:
    """Refuse a token by its header, before keys are fetched for it."""
    if header.get("alg") not in issuer.algorithms:
        raise RefusedToken("its algorithm is not in the file")
    if "crit" in header:
        raise RefusedToken("it requires an extension")
    if any(name in header for name in _KEYS_IN_HEADER):
        raise RefusedToken("it names its own key")
    if not isinstance(header.get("kid"), str):
        raise RefusedToken("it names no key")
    if _type(header) not in map(str.lower, issuer.token_types):
        raise RefusedToken("its type is not that of an access token")


def _type(header: Mapping[str, Any]) -> str:
    """Return the type of a token as its header names it."""
    return str(header.get("typ", "")).lower().removeprefix("application/")


def _check_kind(header: Mapping[str, Any], claims: Claims, issuer: Issuer) -> None:
    """Refuse tokens that are not access tokens, though the issuer signed them with the same key.

    The type `at+jwt` is that of access tokens alone (RFC 9068). The type `JWT` is that of ID tokens, too. Those are
    known by their audience, which is the client that requested them, and by claims that access tokens do not have.
    """
    if "cnf" in claims:
        raise RefusedToken("it is bound to a key of its client, which a bearer token does not prove")
    for name, value in _ACCESS_KINDS.items():
        if name in claims and str(claims[name]).lower() != value:
            raise RefusedToken(f"its {name} is not that of an access token")
    if _type(header) == "at+jwt":
        return
    if any(name in claims for name in _OF_OTHER_TOKENS):
        raise RefusedToken("it has claims of an ID token or a logout token")
    if client_of(issuer, claims) in texts(claims["aud"]):
        raise RefusedToken("its audience is the client, as in an ID token")
