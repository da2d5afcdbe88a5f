"""Makes the viewer of a request from its key or token."""

import hmac

from msgspec.structs import replace

from graph.domain.access.roles import DEVELOPER, ROLES, Role, Roles
from graph.domain.access.viewer import Reach, Viewer
from graph.domain.model.errors import InvalidInput
from service.access.signed_in import SignedIn
from service.access.tokens import Tokens

MIN_KEY_LENGTH = 16
"""Minimum number of characters of a key."""
LOCAL = Viewer("local", DEVELOPER.name, DEVELOPER.scopes, DEVELOPER.reach)
"""The viewer of a service without keys, which listens on loopback only."""


def viewer_of(caller: str, role: Role, sources: frozenset[str] | None = None) -> Viewer:
    """Return the viewer of a caller with a role."""
    return Viewer(caller, role.name, role.scopes, role.reach, sources=sources, party=role.party)


def signed_in_of(caller: str, role: Role) -> SignedIn:
    """Return a caller with a role."""
    return SignedIn(viewer_of(caller, role), scopes_with_reason=role.scopes_with_reason)


NOT_SIGNED_IN = Viewer("", "none", frozenset(), Reach.NONE)
"""The viewer of a connection on which nobody has signed in yet."""


class Authenticator:
    """Signs callers in by their bearer keys.

    `keys` is the value of `KITH_API_KEYS`: entries `NAME:ROLE:KEY`, comma-separated; with `developer_keys` also
    `NAME:KEY`, whose role may do everything. `roles` are those that a key may have. With `tokens`, also tokens are
    accepted, and nobody is let in without either. Raises `InvalidInput`.
    """

    def __init__(self, keys: str, developer_keys: bool, roles: Roles = ROLES, tokens: Tokens | None = None) -> None:
        self._tokens = tokens
        self._keys: list[tuple[bytes, SignedIn]] = []
        self.names: tuple[str, ...] = ()
        """The names of the callers."""
        for entry in filter(None, (part.strip() for part in keys.split(","))):
            name, role, key = _parsed(entry, developer_keys, roles)
            if name in self.names:
                raise InvalidInput("INVALID_SETTING", f"KITH_API_KEYS: duplicate name {name!r}")
            self.names += (name,)
            self._keys.append((key.encode(), signed_in_of(name, role)))
        self._local = None if self._keys or tokens is not None else SignedIn(LOCAL)

    @property
    def is_open(self) -> bool:
        """Whether no key is required."""
        return self._local is not None

    async def sign_in(self, authorization: str, reason: str = "") -> SignedIn | None:
        """Return the caller of an `Authorization` header; `None` if its key is not valid."""
        if self._local is not None:
            return self._local
        scheme, _, presented = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return None
        presented = presented.strip()
        found: SignedIn | None = None
        # All keys are compared, each in constant time, so that the response time reveals nothing.
        for key, signed_in in self._keys:
            if hmac.compare_digest(key, presented.encode()):
                found = signed_in
        if found is None and self._tokens is not None and presented.count(".") == 2:
            found = await self._tokens.sign_in(presented)
        return found if found is None or not reason else with_reason(found, reason)


def with_reason(signed_in: SignedIn, reason: str) -> SignedIn:
    """Return a caller with the reason that its request states, and with the scopes that the reason opens."""
    viewer = signed_in.viewer
    scopes = viewer.scopes | signed_in.scopes_with_reason
    return replace(signed_in, viewer=replace(viewer, reason=reason, scopes=scopes))


def _parsed(entry: str, developer_keys: bool, known: Roles) -> tuple[str, Role, str]:
    name, _, rest = entry.partition(":")
    role_name, colon, key = rest.partition(":")
    if not colon and developer_keys:
        role_name, key = DEVELOPER.name, rest
    role = known.get(role_name)
    if not name or role is None or len(key) < MIN_KEY_LENGTH:
        roles = ", ".join(known.grantable)
        message = (
            f"KITH_API_KEYS: each entry is NAME:ROLE:KEY with one of the roles {roles} and a key of {MIN_KEY_LENGTH} "
            "characters or more"
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
