"""The keys of the store as one process knows them: it reads them again and again, so that a revoked key soon ends."""

import asyncio
import hmac
import logging
from collections.abc import Callable, Sequence
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from graph.domain.access.roles import DEVELOPER, ROLES, Role, Roles
from graph.domain.access.viewer import Viewer
from graph.domain.model.dates import DAY, SECOND
from graph.domain.model.errors import KithError, StoreUnavailable
from graph.ports import Store
from service.access import key_format, stored_keys
from service.access.signed_in import SignedIn
from service.access.stored_keys import DOCUMENT, StoredKey

log = logging.getLogger("kith.access")

POLL_SECONDS = 0.25
"""Time between two reads of the keys. A revoked key is refused within a second."""
READ_SECONDS = 5.0
"""How long a read may take."""
KEPT_SECONDS = 300
"""How long the keys that were read last stay valid while the store cannot be read."""


def viewer_of(caller: str, role: Role, sources: frozenset[str] | None = None, purposes: tuple[str, ...] = ()) -> Viewer:
    """Return the viewer of a caller with a role. It acts for the first of its purposes unless a request says else."""
    purpose = purposes[0] if purposes else ""
    return Viewer(
        caller,
        role.name,
        role.scopes,
        role.reach,
        sources=sources,
        party=role.party,
        purposes=purposes,
        purpose=purpose,
        clerk_segments=role.clerk_segments,
    )


class _Key(Struct):
    """A valid key in memory."""

    digest: bytes
    signed_in: SignedIn
    expires: int | None
    used_day: int | None


class KeyRing:
    """The valid keys of a store by id. `now` returns the time in microseconds since 1970.

    `roles` are those that a key may have. Without `allow_developer`, keys with the role that may do everything are not
    valid.
    """

    def __init__(
        self, store: Store, now: Callable[[], int], allow_developer: bool = False, roles: Roles = ROLES
    ) -> None:
        self._store, self._now, self._allow_developer, self._roles = store, now, allow_developer, roles
        self._text: str | None = None
        self._keys: dict[str, _Key] = {}
        self._ended: dict[str, str] = {}
        """Why keys are not valid, by id."""
        self._kept_until = 0
        self._problem = ""
        self._used: dict[str, int] = {}
        """The days of uses that are not stored yet, by id."""
        self._reading: asyncio.Task[None] | None = None
        """The one read that runs: while the store is away, as many reads as requests would keep it away."""
        self._storing: asyncio.Task[None] | None = None

    @property
    def ever_had_keys(self) -> bool:
        """Whether the store has or had a key, valid or not: from then on every caller needs one."""
        return self._text is not None

    @property
    def is_outdated(self) -> bool:
        """Whether the keys were never read, or too long ago to be relied on."""
        return self._now() > self._kept_until

    def find(self, text: str, digest: bytes) -> SignedIn | None:
        """Return the caller whose key has a text and a digest, `None` if it is not valid."""
        id = text[key_format.ID]
        key = self._keys.get(id)
        if key is None or not hmac.compare_digest(key.digest, digest):
            return None
        now = self._now()
        if key.expires is not None and now >= key.expires:
            return None
        day = now // DAY
        if day != key.used_day:
            key.used_day = self._used[id] = day
        return key.signed_in

    def why_not(self, text: str) -> str:
        """Return why a presented key is not valid: `revoked`, `expired` or `unknown`."""
        id = text[key_format.ID]
        return "expired" if id in self._keys and not self.holds(id) else self._ended.get(id, "unknown")

    def holds(self, id: str) -> bool:
        """Return whether the key with an id is valid.

        An unavailable store does not end it: a stream contains nothing but what is read from the store.
        """
        key = self._keys.get(id)
        return key is not None and (key.expires is None or self._now() < key.expires)

    async def read(self) -> None:
        """Read the keys, or wait for the read that runs. Raises `StoreUnavailable`, and keeps the known ones."""
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
        # A caller that goes away does not end the read for others.
        await asyncio.shield(self._reading)

    async def _read(self) -> None:
        try:
            async with asyncio.timeout(READ_SECONDS):
                text = await self._store.get_value(DOCUMENT)
        except TimeoutError:
            raise StoreUnavailable(f"the keys could not be read within {READ_SECONDS:g} s") from None
        finally:
            self._reading = None
        if text != self._text:
            self._replace(stored_keys.parse(text))
            self._text = text
        self._kept_until = self._now() + KEPT_SECONDS * SECOND

    def _replace(self, keys: Sequence[StoredKey]) -> None:
        now = self._now()
        valid: dict[str, _Key] = {}
        ended: dict[str, str] = {}
        for key in keys:
            role = self._roles.get(key.role)
            state = key.state(now)
            if state != "valid":
                ended[key.id] = state
            elif role is None or (role is DEVELOPER and not self._allow_developer):
                ended[key.id] = "unknown"
                log.warning("the key %s is not valid: this service has no role %s", key.id, key.role)
            else:
                # Without sources, a key whose role writes them may write none.
                sources = frozenset(key.sources) if key.sources or role.needs_sources else None
                viewer = viewer_of(key.name, role, sources, key.purposes)
                known = self._keys.get(key.id)
                used = key.last_used_day if known is None else known.used_day
                signed_in = SignedIn(viewer, partial(self.holds, key.id), role.scopes_with_reason)
                valid[key.id] = _Key(bytes.fromhex(key.digest), signed_in, key.expires, used)
        self._keys, self._ended = valid, ended

    async def run(self, after: Callable[[], object]) -> None:
        """Read the keys again and again, and call `after` after each time."""
        while True:
            try:
                await self.read()
            except Exception as error:
                self._report(error.message if isinstance(error, KithError) else type(error).__name__)
            else:
                self._problem = ""
                self._store_uses()
            try:
                after()
            except Exception:
                # Whatever it is, keys are read on.
                log.exception("ending the streams of callers failed")
            await asyncio.sleep(POLL_SECONDS)

    def _report(self, problem: str) -> None:
        if problem != self._problem:
            log.warning("the keys cannot be read (%s); those known stay valid for %g s", problem, KEPT_SECONDS)
        self._problem = problem

    def _store_uses(self) -> None:
        """Store the days of uses, in a task of its own: a write may wait for others for seconds."""
        if self._used and (self._storing is None or self._storing.done()):
            used, self._used = self._used, {}
            self._storing = asyncio.create_task(self._put_uses(used))

    async def _put_uses(self, used: dict[str, int]) -> None:
        """Store on which days keys were last used, by id. Uses that cannot be stored are tried again later."""

        def decide(keys: tuple[StoredKey, ...]) -> Sequence[StoredKey]:
            return [
                replace(key, last_used_day=max(used.get(key.id, 0), key.last_used_day or 0) or None) for key in keys
            ]

        try:
            await stored_keys.change(self._store, decide)
        except KithError as error:
            log.debug("the last use of keys was not stored: %s", error.message)
            self._used = {**used, **self._used}

    def close(self) -> None:
        """End what runs."""
        for task in (self._reading, self._storing):
            if task is not None:
                task.cancel()
