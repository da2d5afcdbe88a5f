"""Receives requests of people and carries them out: at once, or once a person has confirmed the plan of an erasure."""

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Protocol

import msgspec
from msgspec.structs import replace

from graph.domain.access.viewer import Viewer
from graph.domain.model.dates import DAY
from graph.domain.model.errors import InvalidInput, KithError
from graph.domain.privacy.subject_requests import SubjectRequest as StoredSubjectRequest
from graph.domain.profile.pages import Page
from service.config.opendsr_file import OpenDSRSettings
from service.http.opendsr.callbacks import Callbacks
from service.http.opendsr.register import Register, RegisteredRequest
from service.http.opendsr.requests import ERASURE, SubjectRequest, Version
from service.http.opendsr.signing import Signer

log = logging.getLogger("kith.opendsr")

POLL_SECONDS = 15.0
"""How often requests are looked after: an erasure that an officer confirms completes its request by then."""


class SubjectActions(Protocol):
    """What the graph does for a person, who is named by identifiers."""

    async def customers(self, keys: tuple[str, ...]) -> tuple[str, ...]:
        """Return the ids of the customers that hold the identifiers, each once."""
        ...

    async def erase(self, keys: tuple[str, ...], request_id: str, caller: str) -> bool:
        """Erase the person, unless the identifiers are of several customers; return whether it was."""
        ...

    async def is_erased(self, request_id: str) -> bool:
        """Return whether an erasure for this request was carried out."""
        ...


class Processor:
    """The requests of one service. `now` returns microseconds since 1970."""

    def __init__(
        self,
        settings: OpenDSRSettings,
        register: Register,
        signer: Signer,
        callbacks: Callbacks,
        actions: SubjectActions,
        now: Callable[[], int],
    ) -> None:
        self._settings, self._signer, self._callbacks = settings, signer, callbacks
        self._actions, self._now = actions, now
        self.register = register
        self._woken = asyncio.Event()
        self._unreadable: set[str] = set()
        """Ids of open requests that cannot be carried out."""

    async def create(self, request: SubjectRequest, version: Version, viewer: Viewer) -> RegisteredRequest:
        """Register a request; the same one again is answered alike.

        Raises `InvalidInput` if another one is registered under its id, and `StoreUnavailable`.
        """
        now, digest = self._now(), self._signer.digest(msgspec.json.encode(request))
        new = RegisteredRequest(
            request.id,
            request.type,
            version.major,
            viewer.caller,
            request.submitted,
            now,
            now + self._settings.completion_days * DAY,
            digest,
            self._signer.seal(json.dumps(request.keys)),
            regulation=request.regulation,
            group=request.group,
            urls=request.callbacks,
        ).changed("pending", now)
        stored = await self.register.add(new)
        if stored.digest != digest:
            raise InvalidInput("REQUEST_EXISTS", "another request with this subject_request_id was received before")
        self._woken.set()
        return stored

    async def cancel(self, id: str) -> RegisteredRequest:
        """Cancel a pending request. Raises `InvalidInput` if there is none, or if it is not pending."""
        request = await self._found(id)
        now = self._now()

        def change(one: RegisteredRequest) -> RegisteredRequest | None:
            if one.id != id or one.status != "pending":
                return None
            return replace(one.changed("cancelled", now), sealed="")

        changed = await self.register.change(change)
        if not changed:
            raise InvalidInput("REQUEST_NOT_PENDING", f"the request is {request.status}, not pending")
        self._woken.set()
        return changed[0]

    async def find(self, id: str) -> RegisteredRequest:
        """Return a request as it is now. Raises `InvalidInput` if there is none."""
        request = await self._found(id)
        if request.type == ERASURE and request.is_open and await self._actions.is_erased(id):
            await self._complete(request, None)
            request = await self._found(id)
        return request

    def keys(self, request: RegisteredRequest) -> tuple[str, ...]:
        """Return the identifiers of a request. Raises `InvalidInput` if they were removed, or cannot be read."""
        if not request.sealed:
            message = f"results can be fetched for {self._settings.results_days} days after the completion"
            raise InvalidInput("RESULTS_EXPIRED", message)
        text = self._signer.unseal(request.sealed)
        if text is None:
            message = "the private key was replaced since the request was received: send it again under another id"
            raise InvalidInput("RESULTS_EXPIRED", message)
        return tuple(json.loads(text))

    async def page(self, after: tuple[int, str] | None, first: int) -> Page[StoredSubjectRequest]:
        """Return the requests as an officer sees them, with the identifiers as long as they are needed."""
        positions = {(request.received, request.id): request for request in await self.register.all()}
        following = [positions[position] for position in sorted(positions) if after is None or position > after]
        return Page([self._presented(request) for request in following[:first]], len(following) > first)

    def _presented(self, request: RegisteredRequest) -> StoredSubjectRequest:
        text = self._signer.unseal(request.sealed) if request.sealed else None
        return StoredSubjectRequest(
            request.id,
            request.type,
            request.status,
            request.caller,
            request.regulation,
            request.submitted,
            request.received,
            request.due,
            request.ended,
            () if text is None else tuple(json.loads(text)),
        )

    async def run(self) -> None:
        """Look after the requests until it is canceled."""
        while True:
            self._woken.clear()
            try:
                await self.advance()
                await self._callbacks.send()
            except KithError as error:
                log.debug("requests wait: %s", error.message)
            except Exception as error:
                # Whatever it is, requests are looked after; its message may contain values.
                log.error("looking after requests failed: %s", type(error).__name__)  # noqa: TRY400
            try:
                await asyncio.wait_for(self._woken.wait(), POLL_SECONDS)
            except TimeoutError:
                continue

    async def advance(self) -> None:
        """Carry out what can be carried out, and remove identifiers that are not needed anymore."""
        expired = self._now() - self._settings.results_days * DAY
        for request in await self.register.all():
            if request.is_open:
                try:
                    await self._advance(request)
                except InvalidInput as error:
                    if request.id not in self._unreadable:
                        log.warning("the request %s cannot be carried out: %s", request.id, error.code)
                    self._unreadable.add(request.id)
            elif request.sealed and (request.type == ERASURE or (request.ended or 0) <= expired):
                await self.register.change(
                    lambda one, id=request.id: replace(one, sealed="") if one.id == id else None  # type: ignore[misc]
                )

    async def _advance(self, request: RegisteredRequest) -> None:
        if request.type != ERASURE:
            await self._complete(request, len(await self._actions.customers(self.keys(request))))
        elif await self._actions.is_erased(request.id) or (
            self._settings.automatic_erasure
            and await self._actions.erase(self.keys(request), request.id, request.caller)
        ):
            await self._complete(request, None)

    async def _complete(self, request: RegisteredRequest, results: int | None) -> None:
        now = self._now()

        def change(one: RegisteredRequest) -> RegisteredRequest | None:
            if one.id != request.id or not one.is_open:
                return None
            completed = one.changed("completed", now, results)
            return replace(completed, sealed="") if one.type == ERASURE else completed

        if await self.register.change(change):
            self._woken.set()

    async def _found(self, id: str) -> RegisteredRequest:
        request = await self.register.find(id)
        if request is None:
            raise InvalidInput("REQUEST_NOT_FOUND", "there is no request with this id")
        return request
