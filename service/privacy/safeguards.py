"""What makes an erasure last: the keys fit the store, and what the ledger says is carried out, also after a restore.

One erasure at a time has the lock of the ledger, over all processes. Its order survives a crash at any place:

1. what the store lacks of the ledger is erased first,
2. the intent is written to the ledger, and is on disk,
3. the store commits, or refuses, which the ledger notes,
4. the store keeps the position of the intent,
5. the receipt is written to the ledger.

After a crash between 2 and 4 the intent is carried out again, which changes nothing if the store did commit.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TypeVar

import msgspec

from graph.commands.erasures import LedgerContent
from graph.domain.model.erasures import Erasure
from graph.domain.model.errors import InvalidInput, KithError, StoreFailure, StoreUnavailable, TemporaryFailure
from graph.domain.model.tombstones import TombstoneKeys
from graph.ports import Store
from service.privacy import check_values
from service.privacy.keys import SETTING as KEYS_SETTING
from service.privacy.keys import ErasureKeys, KeyFile, KeyVersion
from service.privacy.ledger import SETTING as LEDGER_SETTING
from service.privacy.ledger import Ledger
from service.privacy.ledger_entries import Completed, Intent, Pending, Position
from service.privacy.public_keys import PublicKeys
from service.privacy.receipts import receipt_of, signed

log = logging.getLogger("kith.erasure")

POSITION = "erasure_ledger"
"""The name under which the store keeps the position up to which it has carried out the ledger."""
LOCK_SECONDS = 10.0
"""How long an erasure waits for those of other processes."""
CHECK_SECONDS = 1.0
"""Interval at which keys, store and ledger are compared."""

T = TypeVar("T")
Apply = Callable[[Sequence[bytes]], Awaitable[object]]
"""Erases again what the contents of intents say, at the times that they say. It changes nothing if it was done."""
NO_KEYS = TombstoneKeys()


class Safeguards:
    """The keys and the ledger of a store, in one process. `now` returns microseconds since 1970.

    `off` says why erasure is not available; empty if it is. With `makes_keys` the key file is made at first use.
    """

    def __init__(
        self,
        store: Store,
        keys: KeyFile,
        ledger: Ledger,
        now: Callable[[], int],
        makes_keys: bool = False,
        off: str = "",
    ) -> None:
        self._store, self._file, self._ledger, self._now = store, keys, ledger, now
        self._makes_keys, self._off = makes_keys, off
        self._registered: set[int] = set()
        self._turn = asyncio.Lock()
        self._made_of: ErasureKeys | None = None
        self._tombstone_keys = NO_KEYS
        self._apply: Apply | None = None
        self._is_unsettled = False
        """Whether an erasure was begun whose end is not known."""
        self.problem = ""
        """Why the store is not ready: its keys or its ledger are missing or wrong; empty if they are not."""

    def keys(self) -> TombstoneKeys:
        """Return the keys as they are now; without secrets if there is no file."""
        keys = self._known_keys()
        if keys is None:
            return NO_KEYS
        # Every statement asks for them, so they are made once.
        if keys is not self._made_of or keys.current(self._now()).version != self._tombstone_keys.current:
            self._made_of, self._tombstone_keys = keys, keys.for_tombstones(self._now())
        return self._tombstone_keys

    def check_available(self) -> None:
        """Raise `InvalidInput` with the reason if nothing can be erased. In development, the keys are made."""
        if self._off:
            raise InvalidInput("FEATURE_DISABLED", self._off)
        if self._file.keys() is not None:
            return
        if not self._makes_keys:
            message = f"{KEYS_SETTING}: {self._file.path} does not exist: make it with `kith erasure-keys create`"
            raise InvalidInput("FEATURE_DISABLED", message)
        if self.problem:
            raise StoreUnavailable(self.problem)
        self._file.create(self._now())

    def receipt(self, erasure: Erasure) -> str:
        """Return the signed receipt of an erasure. Raises `InvalidInput` if there are no keys."""
        keys, now = self._known_keys(), self._now()
        if keys is None:
            self.check_available()
            keys = self._file.keys()
            assert keys is not None, "they are available"
        return signed(receipt_of(erasure, now), keys.current(now))

    def public_keys(self) -> PublicKeys:
        """Return what verifies receipts; no keys if there is no usable file."""
        keys = self._known_keys()
        return PublicKeys({}) if keys is None else keys.public

    async def carry_out(self, content: bytes, commit: Callable[[], Awaitable[T]]) -> T:
        """Record an erasure, commit it, and return the result. It is finished also if the caller is canceled.

        `content` is `LedgerContent` as JSON. `commit` raises a `KithError` that is not temporary if nothing was stored.
        """
        self.check_available()
        return await asyncio.shield(asyncio.create_task(self._carry_out(content, commit)))

    async def check(self) -> None:
        """Raise `StoreUnavailable` if the store was used with other keys or another ledger than there are."""
        with self._noting():
            await self._check()

    async def settle(self, apply: Apply | None = None) -> int:
        """Erase again what the store lacks of the ledger; return the number of erasures. `apply` is used from now on.

        Raises `StoreUnavailable` as `check` does, and if the store is ahead of its ledger.
        """
        self._apply = apply or self._apply
        with self._noting():
            return await self._settle()

    async def check_readable(self) -> None:
        """Raise `StoreUnavailable` as `settle` does, and if erasures have to be repeated first. Nothing is written."""
        await self._check()
        if not self._ledger.exists():
            return
        await asyncio.to_thread(self._ledger.read)
        if pending := self._ledger.pending(await self._position()):
            erasures = "1 erasure" if len(pending) == 1 else f"{len(pending)} erasures"
            message = f"{self._ledger.path} has {erasures} that the store lacks: start the service"
            raise StoreUnavailable(f"{LEDGER_SETTING}: {message}")

    async def watch(self, changed: Callable[[str], None], erased: Callable[[], None] = lambda: None) -> None:
        """Compare keys, store and ledger each second until canceled; `changed` gets each new problem, empty for none.

        Other processes rotate keys, and may end between the intent and the commit of an erasure. `erased` is called
        after they have erased.
        """
        known = self.problem
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            is_unread = self._ledger.is_unread()
            self.problem = await self._compared()
            if is_unread:
                erased()
            if self.problem != known:
                known = self.problem
                changed(known)

    async def _compared(self) -> str:
        try:
            await self._check()
            if self._is_unsettled or self._ledger.is_unread():
                await self._settle()
        except KithError as error:
            # A store that does not answer is reported as such; what was known of it holds.
            return error.message if _is_about_safeguards(error) else self.problem
        except Exception as error:
            # Whatever it is, this goes on.
            log.error("erasures could not be compared with the ledger: %s", type(error).__name__)  # noqa: TRY400
            return self.problem
        return ""

    async def _check(self) -> None:
        await self._check_keys()
        if not self._ledger.exists() and await self._position() is not None:
            message = f"{self._ledger.path} does not exist, and people were erased from the store: restore it"
            raise StoreUnavailable(f"{LEDGER_SETTING}: {message}")

    async def _settle(self) -> int:
        await self._check()
        if not self._ledger.exists():
            return 0
        async with self._exclusive() as pending:
            return len(pending)

    @contextmanager
    def _noting(self) -> Iterator[None]:
        """Keep the problem that is raised, or that there is none."""
        try:
            yield
        except StoreUnavailable as error:
            if _is_about_safeguards(error):
                self.problem = error.message
            raise
        self.problem = ""

    async def _carry_out(self, content: bytes, commit: Callable[[], Awaitable[T]]) -> T:
        async with self._exclusive():
            keys, now = self._file.keys(), self._now()
            if keys is None:
                raise StoreUnavailable(f"{KEYS_SETTING}: {self._file.path}: the file does not exist: restore it")
            for key in keys.versions:
                if key.used_from <= now:
                    await self._register(key)
            intent = Intent(now, {key.version: key.check_value for key in keys.versions}, msgspec.Raw(content))
            position = await asyncio.to_thread(self._ledger.append, intent)
            # If the store fails, it may have committed or not: what it lacks is carried out with the next turn.
            self._is_unsettled = True
            try:
                result = await commit()
            except (TemporaryFailure, StoreFailure):
                raise
            except KithError:
                await asyncio.to_thread(self._ledger.refuse, position)
                self._is_unsettled = False
                raise
            await self._store.put_value(POSITION, msgspec.json.encode(position).decode())
            self._is_unsettled = False
            await asyncio.to_thread(self._complete, position, content)
            return result

    def _complete(self, position: Position, content: bytes) -> None:
        """Write the receipt of what was stored. It can be made again from the store, so this may fail."""
        erasure = msgspec.json.decode(content, type=LedgerContent).erasure
        if erasure is None:
            return
        try:
            self._ledger.append(Completed(position.number, self.receipt(erasure)))
        except (StoreUnavailable, InvalidInput) as error:
            log.error("a receipt is not in the ledger: %s", error.message)  # noqa: TRY400

    async def _register(self, key: KeyVersion) -> None:
        if key.version not in self._registered:
            await check_values.register(self._store, key)
            self._registered.add(key.version)

    @asynccontextmanager
    async def _exclusive(self) -> AsyncIterator[list[Pending]]:
        """Hold the lock of the ledger; yield the intents that were carried out first, because the store lacked them."""
        async with self._turn:
            await asyncio.to_thread(self._ledger.acquire, LOCK_SECONDS)
            try:
                pending = self._ledger.pending(await self._position())
                if pending:
                    await self._carry_out_again(pending)
                self._is_unsettled = False
                yield pending
            finally:
                self._ledger.release()

    async def _carry_out_again(self, pending: Sequence[Pending]) -> None:
        if self._apply is None:
            raise StoreUnavailable("the service is starting")
        keys = self._file.keys()
        used = {version: check for one in pending for version, check in one.intent.keys.items()}
        if problem := check_values.difference(used, keys):
            raise StoreUnavailable(f"{KEYS_SETTING}: {self._file.path}: {problem}")
        assert keys is not None, "otherwise there is a difference"
        for version in used:
            key = keys.find(version)
            assert key is not None, "otherwise there is a difference"
            await self._register(key)
        await self._apply([bytes(one.intent.content) for one in pending])
        await self._store.put_value(POSITION, msgspec.json.encode(pending[-1].position).decode())
        log.warning("%d erasures of the ledger were missing in the store and were carried out again", len(pending))

    async def _check_keys(self) -> None:
        """Raise `StoreUnavailable` if the store was used with keys that the file lacks."""
        values = await check_values.read(self._store)
        try:
            keys = self._file.keys()
        except InvalidInput as error:
            raise StoreUnavailable(error.message) from None
        if problem := check_values.difference(values, keys):
            raise StoreUnavailable(f"{KEYS_SETTING}: {self._file.path}: {problem}")

    def _known_keys(self) -> ErasureKeys | None:
        """Return the keys of the file; if it is unusable, those that were read before, so that nobody comes back."""
        with suppress(InvalidInput):
            return self._file.keys() or self._file.last
        return self._file.last

    async def _position(self) -> Position | None:
        text = await self._store.get_value(POSITION)
        try:
            return None if text is None else msgspec.json.decode(text, type=Position)
        except msgspec.DecodeError:
            raise StoreUnavailable(
                f"{LEDGER_SETTING}: its position in the store cannot be read: restore a backup"
            ) from None


def _is_about_safeguards(error: KithError) -> bool:
    return KEYS_SETTING in error.message or LEDGER_SETTING in error.message
