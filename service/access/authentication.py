"""Makes the viewer of a request from its key or token."""

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from msgspec.structs import replace

from graph.domain.access.roles import DEVELOPER, ROLES, Role, Roles
from graph.domain.access.viewer import Reach, Viewer
from graph.domain.model.errors import InvalidInput
from service.access import key_format
from service.access.keys import POLL_SECONDS, KeyRing, viewer_of
from service.access.signed_in import SignedIn
from service.access.stored_keys import NAME, PURPOSE
from service.access.throttle import Failure, FailureThrottle

MIN_KEY_LENGTH = 16
"""Minimum number of characters of a key in `KITH_API_KEYS`."""
MAX_REASON_LENGTH = 200
LOCAL = Viewer("local", DEVELOPER.name, DEVELOPER.scopes, DEVELOPER.reach)
"""The viewer of a service without keys, which listens on loopback only."""
NOT_SIGNED_IN = Viewer("", "none", frozenset(), Reach.NONE)
"""The viewer of a connection on which nobody has signed in yet."""
_TOKEN = re.compile(r"[\w-]+\.[\w-]+\.[\w-]*", re.ASCII)
"""The form of a JSON Web Token."""


class Tokens(Protocol):
    """What verifies the tokens of OpenID Connect issuers."""

    async def sign_in(self, token: str) -> SignedIn | None:
        """Return the caller of a token, `None` if it is not valid."""
        ...


class Authenticator:
    """Signs callers in by their bearer keys and tokens.

    `keys` is the value of `KITH_API_KEYS`: entries `NAME:ROLE:KEY`, comma-separated; with `developer_keys` also
    `NAME:KEY`, whose role may do everything. `roles` are those that a key may have. `ring` holds the keys of the store,
    `tokens` verifies tokens. With `open_without_keys`, everybody may do everything as long as there is none of all
    three. `on_failure` is called with the reason of each failure, one of `SIGN_IN_FAILURES`. Raises `InvalidInput`.
    """

    def __init__(
        self,
        keys: str = "",
        developer_keys: bool = False,
        ring: KeyRing | None = None,
        tokens: Tokens | None = None,
        open_without_keys: bool = True,
        on_failure: Callable[[str], None] | None = None,
        roles: Roles = ROLES,
    ) -> None:
        self._keys = configured_keys(keys, developer_keys, roles)
        self._ring, self._tokens, self._on_failure = ring, tokens, on_failure
        self._may_be_open = open_without_keys and not self._keys and tokens is None
        self._local = SignedIn(LOCAL, lambda: self.is_open)
        self._throttle = FailureThrottle(time.monotonic)

    @property
    def is_open(self) -> bool:
        """Whether no key is required, as far as is known."""
        return self._may_be_open and (self._ring is None or not self._ring.ever_had_keys)

    @property
    def may_be_open(self) -> bool:
        """Whether no key is required unless the store has one."""
        return self._may_be_open

    async def sign_in(self, authorization: str, reason: str = "", purpose: str = "") -> SignedIn | None:
        """Return the caller of an `Authorization` header; `None` if its key or token is not valid.

        The request states a reason and a purpose, or neither. Raises `InvalidInput` for one that is not allowed, and
        `StoreUnavailable` if the keys are not known.
        """
        if self._ring is not None and self._ring.is_outdated:
            await self._ring.read()
        found = self._local if self._may_be_open and self.is_open else await self._find(authorization)
        return found if found is None or not (reason or purpose) else _stated(found, reason, purpose)

    async def watch(self, after: Callable[[], object]) -> None:
        """Follow which keys are valid, and call `after` each time they are read; a few times a second without any."""
        if self._ring is not None:
            await self._ring.run(after)
        while True:
            await asyncio.sleep(POLL_SECONDS)
            after()

    def close(self) -> None:
        """End what runs."""
        if self._ring is not None:
            self._ring.close()

    async def _find(self, authorization: str) -> SignedIn | None:
        presented = _presented(authorization)
        if not presented:
            return None
        digest = key_format.digest_of(presented)
        if self._ring is not None and presented.startswith(key_format.PREFIX):
            found = self._ring.find(presented, digest)
            if found is not None:
                return found
        # A digest reveals nothing of the key, so it may be looked up in any time.
        found = self._keys.get(digest)
        if found is None and self._tokens is not None and _TOKEN.fullmatch(presented):
            return await self._tokens.sign_in(presented)
        return found

    def failed(self, authorization: str, address: str) -> Failure:
        """Count a failure of a client address, and return what follows from it."""
        reason = self._reason(authorization)
        if self._on_failure is not None:
            self._on_failure(reason)
        failure = self._throttle.failed(address)
        # Who sends no key does not guess any.
        return replace(failure, retry_after=None) if reason == "missing" else failure

    def _reason(self, authorization: str) -> str:
        if not authorization:
            return "missing"
        presented = _presented(authorization)
        if presented.startswith(key_format.PREFIX) and key_format.is_key(presented):
            return "unknown" if self._ring is None else self._ring.why_not(presented)
        if _TOKEN.fullmatch(presented):
            return "token"
        return "malformed" if not presented or presented.startswith(key_format.PREFIX) else "unknown"


def configured_keys(text: str, developer_keys: bool, known: Roles = ROLES) -> Mapping[bytes, SignedIn]:
    """Return the callers of `KITH_API_KEYS` by the digests of their keys. Raises `InvalidInput`.

    Two entries may have one name, so that a key can be replaced, if they have one role.
    """
    found: dict[bytes, SignedIn] = {}
    roles: dict[str, Role] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        name, role, key = _parsed(entry, developer_keys, known)
        digest = key_format.digest_of(key)
        if digest in found:
            raise InvalidInput("INVALID_SETTING", f"KITH_API_KEYS: {name!r} has a key that is there twice")
        if roles.setdefault(name, role) is not role:
            message = f"KITH_API_KEYS: the keys of {name!r} have different roles, {roles[name].name} and {role.name}"
            raise InvalidInput("INVALID_SETTING", message)
        # There is no place for sources in an entry: the caller is its own source.
        viewer = viewer_of(name, role, frozenset({name}) if role.needs_sources else None)
        found[digest] = SignedIn(viewer, scopes_with_reason=role.scopes_with_reason)
    return found


def _presented(authorization: str) -> str:
    """Return the key or token of a header; empty if it has none."""
    scheme, _, presented = authorization.partition(" ")
    return presented.strip() if scheme == "Bearer" or scheme.lower() == "bearer" else ""


def _stated(signed_in: SignedIn, reason: str, purpose: str) -> SignedIn:
    """Return a caller with what its request states, and with the scopes that a reason opens."""
    viewer = signed_in.viewer
    if purpose and not (PURPOSE.fullmatch(purpose) if viewer is LOCAL else purpose in viewer.purposes):
        allowed = f"allowed are {', '.join(viewer.purposes)}" if viewer.purposes else "it has none"
        raise InvalidInput("PURPOSE_NOT_ALLOWED", f"the purpose {purpose[:64]!r} is not one of the caller: {allowed}")
    if len(reason) > MAX_REASON_LENGTH or not reason.isprintable():
        message = f"the reason of a request has at most {MAX_REASON_LENGTH} characters, all of them printable"
        raise InvalidInput("INVALID_REASON", message)
    scopes = viewer.scopes | signed_in.scopes_with_reason if reason.strip() else viewer.scopes
    stated = replace(viewer, reason=reason.strip(), purpose=purpose or viewer.purpose, scopes=scopes)
    return replace(signed_in, viewer=stated)


def _parsed(entry: str, developer_keys: bool, known: Roles) -> tuple[str, Role, str]:
    name, _, rest = entry.partition(":")
    role_name, colon, key = rest.partition(":")
    if not colon and developer_keys:
        role_name, key = DEVELOPER.name, rest
    role = known.get(role_name)
    if not NAME.fullmatch(name) or role is None or len(key) < MIN_KEY_LENGTH:
        roles = ", ".join(known.grantable)
        message = (
            "KITH_API_KEYS: each entry is NAME:ROLE:KEY with a name of letters, digits and . _ @ + -, one of the roles "
            f"{roles} and a key of {MIN_KEY_LENGTH} characters or more"
        )
        raise InvalidInput("INVALID_SETTING", message)
    if role is DEVELOPER and not developer_keys:
        raise InvalidInput(
            "INVALID_SETTING",
            f"KITH_API_KEYS: the role {role.name} of {name!r} is allowed in the development profile only",
        )
    if not (key.isascii() and key.isprintable() and " " not in key):
        # A header contains no others that all clients and proxies send alike.
        raise InvalidInput("INVALID_SETTING", f"KITH_API_KEYS: the key of {name!r} must be ASCII without blanks")
    return name, role, key
