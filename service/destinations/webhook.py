"""Destinations of type `webhook`: Standard Webhooks 1.0, one message in each request, signed.

Follows the specification at https://www.standardwebhooks.com: the headers `webhook-id`, `webhook-timestamp` and
`webhook-signature`, a body with `type`, `timestamp` and `data`, and what statuses mean. It has no batches.
"""

import time
from collections.abc import Callable, Sequence
from typing import Annotated, Literal

from pydantic import Field

from service.destinations.adapter import ChangeMessage, MemberUpdate, Outcome
from service.destinations.endpoints import (
    CONCURRENCY,
    MAX_TIMEOUT_SECONDS,
    Encode,
    Endpoint,
    EndpointSettings,
    EndpointTables,
    deliver,
    lanes_of,
)
from service.destinations.http import HttpClient, HttpSettings
from service.destinations.messages import Message, Progress, change_message, member_message
from service.destinations.webhook_signatures import Signer, SigningSecret
from service.runtime.json_body import encode_json

MAX_SECRETS = 10
BATCH = 200


class WebhookEndpoint(EndpointSettings):
    """An address, and the secrets that sign what it receives."""

    secrets: Annotated[list[SigningSecret], Field(min_length=1, max_length=MAX_SECRETS)]
    """What signs: shared secrets (`whsec_…`), private keys (`whsk_…`). Each signs, so that they can be replaced."""


class WebhookSettings(HttpSettings):
    """The settings of destinations of type `webhook`."""

    type: Literal["webhook"]
    endpoints: EndpointTables[WebhookEndpoint]
    """Who receives every message. A message is done when all of them have it."""
    timeout_seconds: Annotated[float, Field(gt=0, le=MAX_TIMEOUT_SECONDS)] = 15.0
    """How many seconds an answer may take."""
    concurrency: Annotated[int, Field(ge=1, le=100)] = CONCURRENCY
    """How many requests are sent at the same time."""


class WebhookAdapter:
    """Sends webhooks. `now` returns seconds since 1970, the time that signatures state."""

    batch_size = BATCH
    namespaces: frozenset[str] | None = None

    def __init__(self, settings: WebhookSettings, now: Callable[[], float] = time.time) -> None:
        secrets = [secret.get_secret_value() for endpoint in settings.endpoints for secret in endpoint.secrets]
        self._client = HttpClient(settings.timeout_seconds, secrets, settings.concurrency)
        self._endpoints = [Endpoint(one.url, _encode(Signer(one.secrets), now)) for one in settings.endpoints]
        self._concurrency = settings.concurrency

    async def send(self, updates: Sequence[MemberUpdate]) -> list[Outcome]:
        """Send updates: see `Adapter`."""
        pairs = [member_message(update) for update in updates]
        return await self._deliver([message for message, _ in pairs], [progress for _, progress in pairs])

    async def send_changes(self, changes: Sequence[ChangeMessage]) -> list[Outcome]:
        """Send changes, those of one customer in their order: see `ChangeAdapter`."""
        return await self._deliver(list(map(change_message, changes)), [Progress()] * len(changes))

    async def _deliver(self, messages: Sequence[Message], progress: Sequence[Progress]) -> list[Outcome]:
        return await deliver(self._client, self._endpoints, messages, progress, lanes_of(messages), self._concurrency)

    async def poll(self, updates: Sequence[MemberUpdate]) -> list[Outcome]:
        """Send again: nothing is ever pending here."""
        return await self.send(updates)

    async def close(self) -> None:
        """Close connections."""
        await self._client.close()


def _encode(signer: Signer, now: Callable[[], float]) -> Encode:
    def encode(messages: Sequence[Message]) -> tuple[dict[str, str], bytes]:
        (message,) = messages
        seconds = int(now())
        content = {"type": message.type, "timestamp": message.time, "data": message.data}
        body = encode_json({name: value for name, value in content.items() if value != ""})
        return {"Content-Type": "application/json", **signer.headers(message.id, seconds, body)}, body

    return encode
