"""Destinations of type `cloudevents`: CloudEvents 1.0 over HTTP, in binary, structured or batched mode.

Follows the HTTP binding 1.0.2. An endpoint may want a token, which is a header `Authorization: Bearer`, or signatures
of Standard Webhooks beside the event, or both.
"""

import time
from collections.abc import Callable, Sequence
from typing import Annotated, Literal

from pydantic import Field

from service.config.destinations_file import Secret
from service.destinations.adapter import ChangeMessage, MemberUpdate, Outcome
from service.destinations.cloud_event import BATCHED, SOURCE, TYPE_PREFIX, CloudEvents, Source, TypePrefix
from service.destinations.endpoints import (
    CONCURRENCY,
    MAX_TIMEOUT_SECONDS,
    Encode,
    Endpoint,
    EndpointSettings,
    EndpointTables,
    batches_of,
    deliver,
    lanes_of,
)
from service.destinations.http import TIMEOUT_SECONDS, HttpClient, HttpSettings
from service.destinations.messages import Message, Progress, batch_id, change_message, member_message
from service.destinations.webhook_signatures import Signer, SigningSecret
from service.runtime.json_body import encode_json

BATCH = 200


class CloudEventsEndpoint(EndpointSettings):
    """An address, and how a request to it proves who sent it."""

    token: Secret | None = None
    """The token of the header `Authorization: Bearer`."""
    secrets: Annotated[list[SigningSecret], Field(max_length=10, default_factory=list)]
    """What signs by Standard Webhooks, if the endpoint verifies it: see the type `webhook`."""


class CloudEventsSettings(HttpSettings):
    """The settings of destinations of type `cloudevents`."""

    type: Literal["cloudevents"]
    timeout_seconds: Annotated[float, Field(gt=0, le=MAX_TIMEOUT_SECONDS)] = TIMEOUT_SECONDS
    """How many seconds an answer may take."""
    endpoints: EndpointTables[CloudEventsEndpoint]
    """Who receives every event. An event is done when all of them have it."""
    mode: Literal["binary", "structured", "batched"] = "structured"
    """Attributes as headers, as one object of JSON with the data, or as a list of such objects."""
    batch_size: Annotated[int, Field(ge=1, le=1_000)] = 100
    """Maximum number of events in a request of the mode `batched`."""
    source: Source = SOURCE
    """The attribute `source` of all events: a URI or a path."""
    type_prefix: TypePrefix = TYPE_PREFIX
    """What the attribute `type` begins with, such as `com.example.`."""
    concurrency: Annotated[int, Field(ge=1, le=100)] = CONCURRENCY
    """How many requests are sent at the same time, except in the mode `batched`."""


class CloudEventsAdapter:
    """Sends CloudEvents. `now` returns seconds since 1970, the time that signatures state."""

    namespaces: frozenset[str] | None = None

    def __init__(self, settings: CloudEventsSettings, now: Callable[[], float] = time.time) -> None:
        secrets = [one.get_secret_value() for endpoint in settings.endpoints for one in endpoint.secrets]
        secrets += [endpoint.token.get_secret_value() for endpoint in settings.endpoints if endpoint.token]
        self._client = HttpClient(settings.timeout_seconds, secrets, settings.concurrency)
        self._settings = settings
        self._endpoints = [Endpoint(one.url, _encode(settings, one, now)) for one in settings.endpoints]
        self.batch_size = max(BATCH, settings.batch_size)

    async def send(self, updates: Sequence[MemberUpdate]) -> list[Outcome]:
        """Send updates: see `Adapter`."""
        pairs = [member_message(update) for update in updates]
        return await self._deliver([message for message, _ in pairs], [progress for _, progress in pairs])

    async def send_changes(self, changes: Sequence[ChangeMessage]) -> list[Outcome]:
        """Send changes, those of one customer in their order: see `ChangeAdapter`."""
        return await self._deliver(list(map(change_message, changes)), [Progress()] * len(changes))

    async def _deliver(self, messages: Sequence[Message], progress: Sequence[Progress]) -> list[Outcome]:
        settings = self._settings
        lanes = batches_of(messages, settings.batch_size) if settings.mode == "batched" else lanes_of(messages)
        return await deliver(self._client, self._endpoints, messages, progress, lanes, settings.concurrency)

    async def poll(self, updates: Sequence[MemberUpdate]) -> list[Outcome]:
        """Send again: nothing is ever pending here."""
        return await self.send(updates)

    async def close(self) -> None:
        """Close connections."""
        await self._client.close()


def _encode(settings: CloudEventsSettings, endpoint: CloudEventsEndpoint, now: Callable[[], float]) -> Encode:
    events, mode = CloudEvents(settings.source, settings.type_prefix), settings.mode
    signer = Signer(endpoint.secrets) if endpoint.secrets else None
    proof = {"Authorization": f"Bearer {endpoint.token.get_secret_value()}"} if endpoint.token else {}

    def encode(messages: Sequence[Message]) -> tuple[dict[str, str], bytes]:
        if mode == "batched":
            headers, body = {"Content-Type": BATCHED}, encode_json(list(map(events.structured, messages)))
        else:
            headers, body = events.http_headers(messages[0], mode), events.body(messages[0], mode)
        signed = signer.headers(batch_id(messages), int(now()), body) if signer else {}
        return {**headers, **proof, **signed}, body

    return encode
