"""The keys in the store: one JSON document, which administrators and services change by compare-and-set."""

import re
from collections.abc import Callable, Collection, Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from graph.domain.access.roles import DEVELOPER, ROLES, Roles
from graph.domain.model.claims import CLAIMED, is_claimed
from graph.domain.model.dates import DAY
from graph.domain.model.errors import InvalidInput, StoreUnavailable
from graph.domain.model.observations import MAX_SOURCE_LENGTH
from graph.ports import Store
from service.access import key_format

DOCUMENT = "access_keys"
"""The name under which the store keeps the document."""
MAX_KEYS = 1_000
"""Maximum number of keys in the document, which each process reads four times a second."""
KEPT_DAYS = 400
"""How long a key is listed after its end."""
MAX_TRIES = 100
"""Tries of a change while others change the document too."""
NAME = re.compile(r"[\w.@+-]{1,64}")
"""The name of a caller. It has none of the characters that separate the parts of other callers' names."""
PURPOSE = re.compile(r"[a-z][a-z0-9_-]{0,63}")

State = Literal["valid", "expired", "revoked"]


class StoredKey(Struct, frozen=True, omit_defaults=True):
    """A key as it is stored, with the SHA-256 of its text in hexadecimal digits. Times are microseconds since 1970."""

    id: str
    name: str
    role: str
    digest: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    created: int
    sources: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    expires: int | None = None
    revoked: int | None = None
    last_used_day: int | None = None
    """The last day on which it was used, counted from 1970."""

    def state(self, now: int) -> State:
        """Return whether the key is valid at a time."""
        if self.revoked is not None:
            return "revoked"
        return "expired" if self.expires is not None and now >= self.expires else "valid"


class _Document(Struct):
    keys: tuple[StoredKey, ...]


def parse(text: str | None) -> tuple[StoredKey, ...]:
    """Return the keys of a document, none without one. Raises `StoreUnavailable` if it cannot be read."""
    if text is None:
        return ()
    try:
        return msgspec.json.decode(text, type=_Document).keys
    except msgspec.DecodeError as error:
        raise StoreUnavailable("the keys in the store cannot be read: restore a backup") from error


async def change(store: Store, decide: Callable[[tuple[StoredKey, ...]], Sequence[StoredKey]]) -> None:
    """Replace the keys by what `decide` returns for them; it is called again if others have changed them meanwhile."""
    for _ in range(MAX_TRIES):
        text = await store.get_value(DOCUMENT)
        before = parse(text)
        after = tuple(decide(before))
        if after == before or await store.replace_value(DOCUMENT, msgspec.json.encode(_Document(after)).decode(), text):
            return
    raise StoreUnavailable("the keys are changed too often by others: try again")


class KeyAdministration:
    """Makes, lists, rotates and revokes the keys of a store. `now` returns the time in microseconds since 1970."""

    def __init__(
        self, store: Store, now: Callable[[], int], allow_developer: bool = False, roles: Roles = ROLES
    ) -> None:
        self._store, self._now, self._allow_developer, self._roles = store, now, allow_developer, roles

    async def keys(self) -> tuple[StoredKey, ...]:
        """Return all keys, oldest first."""
        return parse(await self._store.get_value(DOCUMENT))

    async def add(
        self,
        name: str,
        role: str,
        sources: Collection[str] = (),
        purposes: Collection[str] = (),
        lifetime: int | None = None,
    ) -> tuple[StoredKey, str]:
        """Store the first key of a name; return it and its text, which is not stored. Raises `InvalidInput`.

        `lifetime` is in microseconds; without it, the key does not expire. The first of `purposes` is the default.
        """
        self._check(name, role, sources, purposes)
        added, text = self._made(name, role, tuple(sorted({*sources})), tuple(dict.fromkeys(purposes)), lifetime)

        def decide(keys: tuple[StoredKey, ...]) -> Sequence[StoredKey]:
            if any(key.name == name and key.state(added.created) == "valid" for key in keys):
                message = f"the name {name!r} has a valid key: `kith keys rotate {name}` makes a second one"
                raise InvalidInput("NAME_TAKEN", message)
            return self._with(keys, added)

        await change(self._store, decide)
        return added, text

    async def rotate(self, name: str, lifetime: int | None = None) -> tuple[StoredKey, str, StoredKey]:
        """Store a second key of a name, with the rights of its newest one; return it, its text, and the one before.

        It lives as long as the one before was made to, unless `lifetime` says otherwise. Raises `InvalidInput`.
        """
        found = [key for key in _of_name(await self.keys(), name) if key.revoked is None]
        if not found:
            raise _no_key_of(name)
        before = found[-1]
        self._check(name, before.role, before.sources, before.purposes)
        if lifetime is None and before.expires is not None:
            lifetime = before.expires - before.created
        added, text = self._made(name, before.role, before.sources, before.purposes, lifetime)

        def decide(keys: tuple[StoredKey, ...]) -> Sequence[StoredKey]:
            valid = [key for key in _of_name(keys, name) if key.state(added.created) == "valid"]
            if len(valid) > 1:
                message = f"the name {name!r} has two valid keys: revoke {valid[0].id} or {valid[1].id} first"
                raise InvalidInput("NAME_TAKEN", message)
            return self._with(keys, added)

        await change(self._store, decide)
        return added, text, before

    async def revoke(self, name_or_id: str) -> list[StoredKey]:
        """Revoke the key with an id, or all keys of a name; return those that were valid or expired until now.

        Raises `InvalidInput` if there is no such key.
        """
        now = self._now()
        revoked: list[StoredKey] = []

        def decide(keys: tuple[StoredKey, ...]) -> Sequence[StoredKey]:
            named = [key for key in keys if key.id == name_or_id] or _of_name(keys, name_or_id)
            if not named:
                raise _not_found(name_or_id)
            revoked[:] = [key for key in named if key.revoked is None]
            return [replace(key, revoked=now) if key in revoked else key for key in keys]

        await change(self._store, decide)
        return revoked

    def _made(
        self, name: str, role: str, sources: tuple[str, ...], purposes: tuple[str, ...], lifetime: int | None
    ) -> tuple[StoredKey, str]:
        now, id = self._now(), key_format.new_id()
        text = key_format.new_key(id)
        expires = None if lifetime is None else now + lifetime
        return StoredKey(id, name, role, key_format.digest_of(text).hex(), now, sources, purposes, expires), text

    def _with(self, keys: tuple[StoredKey, ...], added: StoredKey) -> Sequence[StoredKey]:
        """Return the keys with a new one, without those that ended long ago."""
        oldest = added.created - KEPT_DAYS * DAY
        kept = [key for key in keys if all(end is None or end > oldest for end in (key.revoked, key.expires))]
        if len(kept) >= MAX_KEYS:
            raise InvalidInput("TOO_MANY_KEYS", f"the store has {len(kept)} keys, and {MAX_KEYS} are allowed")
        return [*kept, added]

    def _check(self, name: str, role_name: str, sources: Collection[str], purposes: Collection[str]) -> None:
        if not NAME.fullmatch(name):
            raise InvalidInput("INVALID_KEY", f"the name {name!r} is not 1 to 64 letters, digits or any of . _ @ + -")
        role = self._roles.get(role_name)
        if role is None or (role is DEVELOPER and not self._allow_developer):
            allowed = ", ".join(self._roles.grantable)
            hint = "" if role is None else ", which is for the development profile only (KITH_PROFILE=development)"
            raise InvalidInput("INVALID_KEY", f"the role is {role_name!r}{hint}; allowed are {allowed}")
        if role.needs_sources and not sources:
            raise InvalidInput("INVALID_KEY", f"a key with the role {role.name} needs its sources: --source SOURCE")
        for source in sources:
            if not source.isprintable() or not source.strip() or len(source) > MAX_SOURCE_LENGTH:
                message = (
                    f"the source {source[:MAX_SOURCE_LENGTH]!r} is not 1 to {MAX_SOURCE_LENGTH} printable characters"
                )
                raise InvalidInput("INVALID_KEY", message)
            if is_claimed(source):
                message = f"the source {source!r} ends in {CLAIMED!r}, which Kith adds to what is claimed"
                raise InvalidInput("INVALID_KEY", message)
        for purpose in purposes:
            if not PURPOSE.fullmatch(purpose):
                message = f"the purpose {purpose!r} is not a word of lower-case letters, digits, _ and -"
                raise InvalidInput("INVALID_KEY", message)


def _of_name(keys: Collection[StoredKey], name: str) -> list[StoredKey]:
    return [key for key in keys if key.name == name]


def _no_key_of(name: str) -> InvalidInput:
    message = f"there is no caller {name!r} with a key that is not revoked: see `kith keys list`"
    return InvalidInput("KEY_NOT_FOUND", message)


def _not_found(name: str) -> InvalidInput:
    return InvalidInput(
        "KEY_NOT_FOUND", f"there is no key with the id, and no caller with the name, {name!r}: see `kith keys list`"
    )
