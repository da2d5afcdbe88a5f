"""Delivers messages to the HTTP endpoints of a destination: to all of them, in order where order matters.

An item is done when each endpoint has it. What an endpoint has is part of the outcome's reference, so that an endpoint
does not get a message again because another one was down. Once an endpoint is busy or away, it is not asked again in
the same call, so that a call ends in time.
"""

import asyncio
import hashlib
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar
from urllib.parse import urlsplit

from msgspec import Struct
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo

from service.destinations.adapter import MAX_MESSAGE_LENGTH, Outcome, Status, Unavailable
from service.destinations.attempts import BATCH_SECONDS
from service.destinations.http import Address, Answer, HttpClient, require_tls
from service.destinations.messages import Message, Progress

CONCURRENCY = 8
MAX_ENDPOINTS = 20
MAX_TIMEOUT_SECONDS = 50
"""Maximum for `timeout_seconds`: a request that is begun in time ends before the sender gives the call up."""
_NO_ENDPOINT = frozenset({404, 405, 410})
_FAILED = 500
"""Mostly an error of the receiver with one message: the others are still sent."""

Encode = Callable[[Sequence[Message]], tuple[dict[str, str], bytes]]
"""Returns headers and body of the request that carries messages."""
Lane = Sequence[Sequence[int]]
"""Numbers of messages: groups that are sent one after another, each in a request."""


class EndpointSettings(BaseModel):
    """Where messages are posted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)

    url: Address
    """Where messages are posted."""


EndpointT = TypeVar("EndpointT", bound=EndpointSettings)


def _safe(endpoints: list[EndpointT], info: ValidationInfo) -> list[EndpointT]:
    for endpoint in endpoints:
        require_tls(endpoint.url, bool(info.data.get("allow_http")))
    names = [endpoint.url for endpoint in endpoints]
    if len(set(names)) < len(names):
        raise ValueError("an address is there twice")
    return endpoints


EndpointTables = Annotated[list[EndpointT], Field(min_length=1, max_length=MAX_ENDPOINTS), AfterValidator(_safe)]
"""The endpoints of `HttpSettings`."""


class Endpoint(Struct, frozen=True):
    """Where messages are posted, and how."""

    url: str
    encode: Encode

    @property
    def name(self) -> str:
        """A short name by which references remember the endpoint."""
        return hashlib.sha256(self.url.encode()).hexdigest()[:8]

    @property
    def host(self) -> str:
        """What messages call it: the path may be a secret."""
        return urlsplit(self.url).hostname or ""


def lanes_of(messages: Sequence[Message]) -> list[Lane]:
    """Return the lanes of messages that are sent one in a request: those that share an `order` follow one another."""
    lanes: dict[int, list[int]] = {}
    lane_of: dict[str, int] = {}
    for number, message in enumerate(messages):
        lane, *others = sorted({lane_of[key] for key in message.order if key in lane_of}) or [number]
        for other in others:
            # A merge names two customers: what happened to either comes before it.
            lanes[lane] += lanes.pop(other)
            lane_of.update({key: lane for key, known in lane_of.items() if known == other})
        lanes.setdefault(lane, []).append(number)
        lane_of.update(dict.fromkeys(message.order, lane))
    return [[[number] for number in sorted(lane)] for lane in lanes.values()]


def batches_of(messages: Sequence[Message], size: int) -> list[Lane]:
    """Return the lane of messages that are sent `size` in a request."""
    return [[range(start, min(start + size, len(messages))) for start in range(0, len(messages), size)]]


async def deliver(
    client: HttpClient,
    endpoints: Sequence[Endpoint],
    messages: Sequence[Message],
    progress: Sequence[Progress],
    lanes: Sequence[Lane],
    concurrency: int = CONCURRENCY,
    seconds: float = BATCH_SECONDS,
) -> list[Outcome]:
    """Deliver messages, and return an outcome for each. Raises `Unavailable` if no endpoint took anything.

    `concurrency` lanes are delivered at the same time. A lane ends at the first message that has to be sent again.
    After so many seconds no request is begun: the rest is sent again later.
    """
    delivery = _Delivery(client, endpoints, messages, progress, time.monotonic() + seconds)
    waiting = deque(lanes)

    async def work() -> None:
        while waiting:
            await delivery.run(waiting.popleft())

    async with asyncio.TaskGroup() as workers:
        for _ in range(min(concurrency, len(lanes))):
            workers.create_task(work())
    return delivery.outcomes()


class _Delivery:
    """One call: what became of each message at each endpoint."""

    def __init__(
        self,
        client: HttpClient,
        endpoints: Sequence[Endpoint],
        messages: Sequence[Message],
        progress: Sequence[Progress],
        end: float,
    ) -> None:
        self._client, self._endpoints, self._messages, self._progress = client, endpoints, messages, progress
        self._end = end
        self._reached = [set(one.reached) for one in progress]
        self._refused: list[list[str]] = [[] for _ in messages]
        self._retry: list[Outcome | None] = [None for _ in messages]
        self._down: dict[str, Unavailable] = {}
        self._taken = self._failed = 0

    async def run(self, lane: Lane) -> None:
        """Deliver the groups of a lane until one has to be sent again."""
        for number, group in enumerate(lane):
            for endpoint in self._endpoints:
                await self._send(endpoint, [one for one in group if endpoint.name not in self._reached[one]])
            if any(self._retry[one] for one in group):
                followers = Outcome(Status.RETRY, "waits for the message before it")
                for later in lane[number + 1 :]:
                    for one in later:
                        self._retry[one] = followers
                return

    async def _send(self, endpoint: Endpoint, group: Sequence[int]) -> None:
        if not group:
            return
        if time.monotonic() >= self._end:
            for one in group:
                self._retry[one] = Outcome(Status.RETRY, "the requests before it took too long")
            return
        try:
            if endpoint.name in self._down:
                raise self._down[endpoint.name]
            answer = await self._answer(endpoint, group)
        except Unavailable as error:
            self._down[endpoint.name] = error
            retry = Outcome(Status.RETRY, f"{endpoint.host}: {error.message}", retry_after=error.retry_after)
            for one in group:
                self._retry[one] = retry
            return
        if answer.is_success:
            self._taken += len(group)
            for one in group:
                self._reached[one].add(endpoint.name)
        elif answer.status == _FAILED:
            self._failed += len(group)
            retry = Outcome(Status.RETRY, f"{endpoint.host}: {self._said(answer, group)}")
            for one in group:
                self._retry[one] = retry
        elif len(group) > 1:
            # One of them is refused, and the answer does not say which.
            for one in group:
                await self._send(endpoint, [one])
        else:
            self._taken += 1
            self._refused[group[0]].append(f"{endpoint.host}: {self._said(answer, group)}")

    async def _answer(self, endpoint: Endpoint, group: Sequence[int]) -> Answer:
        headers, body = endpoint.encode([self._messages[one] for one in group])
        answer = await self._client.request(
            "POST",
            endpoint.url,
            content=body,
            headers=headers,
            accept={_FAILED},
            private=[value for one in group for value in self._messages[one].private],
        )
        if answer.status in _NO_ENDPOINT:
            # It says nothing of the message, only that nobody receives any here.
            raise Unavailable(f"{self._said(answer, group)}: the endpoint is gone")
        return answer

    def _said(self, answer: Answer, group: Sequence[int]) -> str:
        return answer.message([value for one in group for value in self._messages[one].private])

    def outcomes(self) -> list[Outcome]:
        """Return what became of each message. Raises `Unavailable`."""
        if not self._taken and self._down and len(self._down) == len(self._endpoints):
            first = next(iter(self._down.values()))
            waits = [error.retry_after for error in self._down.values() if error.retry_after is not None]
            login = any(error.login for error in self._down.values())
            raise Unavailable(first.message, min(waits, default=None), login)
        if not self._taken and self._failed == len(self._messages) * len(self._endpoints) and len(self._messages) > 1:
            raise Unavailable(next(retry.message for retry in self._retry if retry))
        return [self._outcome(number) for number in range(len(self._messages))]

    def _outcome(self, number: int) -> Outcome:
        id, reached = self._messages[number].id, frozenset(self._reached[number])
        reference = Progress(self._progress[number].last, id, reached).reference
        if (retry := self._retry[number]) is not None:
            return Outcome(retry.status, retry.message, reference, retry.retry_after)
        if refused := self._refused[number]:
            return Outcome(Status.DEAD, "; ".join(refused)[:MAX_MESSAGE_LENGTH], reference)
        return Outcome(Status.DONE, reference=id)
