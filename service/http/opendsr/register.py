"""The register of requests: one document in the store, which processes change by compare-and-set.

It contains no value of a person: identifiers are sealed, and removed once they are not needed anymore.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from graph.domain.model.dates import DAY, SECOND
from graph.domain.model.errors import StoreUnavailable
from graph.ports import NamedValues

DOCUMENT = "opendsr_requests"
"""The name under which the store keeps the document."""
MAX_REQUESTS = 10_000
"""Number of requests in the document."""
KEPT_AFTER_END = 400 * DAY
"""How long a request is listed after its end (microseconds): as proof that it was answered in time."""
MAX_TRIES = 100
"""Tries of a change while others change the document too."""
RETRIES = tuple(seconds * SECOND for seconds in (60, 300, 1_800, 7_200, 43_200, 86_400))
"""After how long a callback that failed is tried again (microseconds); then it is given up."""

Status = Literal["pending", "in_progress", "completed", "cancelled"]


class Callback(Struct, frozen=True):
    """A status that an address is to be notified of, from `due` on (microseconds), after some tries that failed."""

    url: str
    status: Status
    due: int
    tries: int = 0


class RegisteredRequest(Struct, frozen=True, omit_defaults=True):
    """A request as it is stored. Times are microseconds since 1970.

    `sealed` are the identifiers, empty once they are removed. `digest` is the keyed hash of the body. `due` is when the
    answers promise the end, `results` the number of customers that were found.
    """

    id: str
    type: str
    version: int
    caller: str
    submitted: int
    received: int
    due: int
    digest: str
    sealed: str = ""
    status: Status = "pending"
    regulation: str = ""
    group: str = ""
    urls: tuple[str, ...] = ()
    callbacks: tuple[Callback, ...] = ()
    ended: int | None = None
    results: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether something is to be done for it."""
        return self.status in ("pending", "in_progress")

    def changed(self, status: Status, now: int, results: int | None = None) -> "RegisteredRequest":
        """Return the request with another status, of which its addresses are notified."""
        ended = now if status in ("completed", "cancelled") else None
        notices = tuple(Callback(url, status, now) for url in self.urls)
        return replace(self, status=status, ended=ended, results=results, callbacks=(*self.callbacks, *notices))


class _Document(Struct):
    requests: tuple[RegisteredRequest, ...] = ()


Change = Callable[[RegisteredRequest], RegisteredRequest | None]
"""Returns a request as it should be, `None` if it stays as it is."""


class Register:
    """The requests in a store, oldest first. `now` returns microseconds since 1970."""

    def __init__(self, values: NamedValues, now: Callable[[], int]) -> None:
        self._values, self._now = values, now

    async def all(self) -> tuple[RegisteredRequest, ...]:
        """Return all requests. Raises `StoreUnavailable`."""
        return _parsed(await self._values.get_value(DOCUMENT))

    async def find(self, id: str) -> RegisteredRequest | None:
        """Return the request with an id."""
        return next((request for request in await self.all() if request.id == id), None)

    async def add(self, request: RegisteredRequest) -> RegisteredRequest:
        """Store a request; return the one that is stored under its id, which may be an earlier one.

        Raises `StoreUnavailable` if there are too many.
        """

        def decide(requests: tuple[RegisteredRequest, ...]) -> Sequence[RegisteredRequest]:
            if any(known.id == request.id for known in requests):
                return requests
            kept = [known for known in requests if known.ended is None or known.ended > self._now() - KEPT_AFTER_END]
            if len(kept) >= MAX_REQUESTS:
                raise StoreUnavailable(f"{MAX_REQUESTS} requests are registered: answer those that are pending first")
            return [*kept, request]

        after = await self._change(decide)
        return next(known for known in after if known.id == request.id)

    async def change(self, change: Change) -> tuple[RegisteredRequest, ...]:
        """Change requests; return those that were changed, as they are now."""
        changed: list[RegisteredRequest] = []

        def decide(requests: tuple[RegisteredRequest, ...]) -> Sequence[RegisteredRequest]:
            changed.clear()
            result = []
            for request in requests:
                new = change(request)
                if new is not None and new != request:
                    changed.append(new)
                    result.append(new)
                else:
                    result.append(request)
            return result

        await self._change(decide)
        return tuple(changed)

    async def _change(
        self, decide: Callable[[tuple[RegisteredRequest, ...]], Sequence[RegisteredRequest]]
    ) -> tuple[RegisteredRequest, ...]:
        for _ in range(MAX_TRIES):
            text = await self._values.get_value(DOCUMENT)
            before = _parsed(text)
            after = tuple(decide(before))
            if after == before:
                return after
            if await self._values.replace_value(DOCUMENT, msgspec.json.encode(_Document(after)).decode(), text):
                return after
        raise StoreUnavailable("the requests are changed too often by others: try again")


def _parsed(text: str | None) -> tuple[RegisteredRequest, ...]:
    if text is None:
        return ()
    try:
        return msgspec.json.decode(text, type=_Document).requests
    except msgspec.DecodeError as error:
        raise StoreUnavailable("the requests in the store cannot be read: restore a backup") from error
