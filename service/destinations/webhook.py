"""Destinations of type `webhook`: Standard Webhooks 1.0, one message in each request, signed.

Follows the specification at https://www.standardwebhooks.com: the headers `webhook-id`, `webhook-timestamp` and
`webhook-signature`, a body with `type`, `timestamp` and `data`, and what statuses mean. It has no batches.
"""

import time
from collections.abc import Callable, Sequence
from typing import Annotated, Literal

from pydantic import Field

from service.destinations.endpoint_adapter import EndpointAdapter
from service.destinations.endpoints import (
    CONCURRENCY,
    MAX_TIMEOUT_SECONDS,
    Encode,
    Endpoint,
    EndpointSettings,
    EndpointTables,
)
from service.destinations.http import HttpClient, HttpSettings
from service.destinations.messages import Message
from service.destinations.webhook_signatures import Signer, SigningSecret
from service.runtime.json_body import encode_json

MAX_SECRETS = 10


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


class WebhookAdapter(EndpointAdapter):
    """Sends webhooks. `now` returns seconds since 1970, the time that signatures state."""

    def __init__(self, settings: WebhookSettings, now: Callable[[], float] = time.time) -> None:
        secrets = [secret.get_secret_value() for endpoint in settings.endpoints for secret in endpoint.secrets]
        super().__init__(
            HttpClient(settings.timeout_seconds, secrets, settings.concurrency),
            [Endpoint(one.url, _encode(Signer(one.secrets), now)) for one in settings.endpoints],
            settings.concurrency,
        )


def _encode(signer: Signer, now: Callable[[], float]) -> Encode:
    def encode(messages: Sequence[Message]) -> tuple[dict[str, str], bytes]:
        (message,) = messages
        seconds = int(now())
        content = {"type": message.type, "timestamp": message.time, "data": message.data}
        body = encode_json({name: value for name, value in content.items() if value != ""})
        return {"Content-Type": "application/json", **signer.headers(message.id, seconds, body)}, body

    return encode
