"""Notifies controllers of the status of their requests, with a signature, until they accept it."""

import asyncio
import logging
from collections.abc import Callable
from urllib.parse import urlsplit

import httpx
from msgspec.structs import replace

from graph.domain.model.dates import SECOND
from service.http.opendsr.answers import Answers
from service.http.opendsr.register import RETRIES, Callback, Register, RegisteredRequest
from service.http.opendsr.requests import VERSIONS
from service.http.opendsr.signing import Signer
from service.runtime.addresses import is_loopback
from service.runtime.json_body import encode_json

log = logging.getLogger("kith.opendsr")

TIMEOUT_SECONDS = 10.0
AT_ONCE = 8
"""Number of callbacks that are sent at the same time."""
LEASE = 60 * SECOND
"""How long no other process sends a callback that one has begun to send (microseconds)."""


class Callbacks:
    """Sends the callbacks of the register that are due. `now` returns microseconds since 1970."""

    def __init__(self, register: Register, answers: Answers, signer: Signer, now: Callable[[], int]) -> None:
        self._register, self._answers, self._signer, self._now = register, answers, signer, now
        self._limit = asyncio.Semaphore(AT_ONCE)

    async def send(self) -> int:
        """Send what is due, and return how many addresses accepted it. Raises `StoreUnavailable`."""
        now = self._now()
        leased = now + LEASE

        def lease(request: RegisteredRequest) -> RegisteredRequest:
            return replace(
                request,
                callbacks=tuple(
                    replace(callback, due=leased) if callback.due <= now else callback for callback in request.callbacks
                ),
            )

        # Only the process whose change is stored sends them.
        requests = await self._register.change(lease)
        mine = [(one, callback) for one in requests for callback in one.callbacks if callback.due == leased]
        accepted = await asyncio.gather(*(self._send(request, callback) for request, callback in mine))
        if mine:
            outcomes = {(one.id, callback): ok for (one, callback), ok in zip(mine, accepted, strict=True)}
            await self._register.change(lambda request: _after(request, outcomes, self._now()))
        return sum(accepted)

    async def _send(self, request: RegisteredRequest, callback: Callback) -> bool:
        body = encode_json(self._answers.callback(request, callback.url, callback.status))
        signed = self._answers.headers(VERSIONS[request.version], self._signer.sign(body))
        host = urlsplit(callback.url).hostname or ""
        try:
            # A proxy of the environment is for other machines.
            async with (
                self._limit,
                httpx.AsyncClient(
                    timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=not is_loopback(host)
                ) as client,
            ):
                answer = await client.post(
                    callback.url, content=body, headers={"Content-Type": "application/json", **signed}
                )
        except httpx.HTTPError as error:
            problem = type(error).__name__
        else:
            if answer.is_success:
                return True
            problem = f"status {answer.status_code}"
        last = " It is given up." if callback.tries >= len(RETRIES) else ""
        log.warning("the callback for request %s was not accepted by %s: %s.%s", request.id, host, problem, last)
        return False


def _after(
    request: RegisteredRequest, outcomes: dict[tuple[str, Callback], bool], now: int
) -> RegisteredRequest | None:
    """Return a request without the callbacks that were accepted or given up, with new times for the others."""
    left: list[Callback] = []
    for callback in request.callbacks:
        accepted = outcomes.get((request.id, callback))
        if accepted is None:
            left.append(callback)
        elif not accepted and callback.tries < len(RETRIES):
            left.append(replace(callback, due=now + RETRIES[callback.tries], tries=callback.tries + 1))
    return replace(request, callbacks=tuple(left))
