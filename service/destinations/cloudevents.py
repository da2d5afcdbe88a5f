"""Destinations of type `cloudevents`: CloudEvents 1.0 over HTTP, in binary, structured or batched mode.

Follows the HTTP binding 1.0.2. An endpoint may want a token, which is a header `Authorization: Bearer`, or signatures
of Standard Webhooks beside the event, or both.
"""

import time
from collections.abc import Callable, Sequence
from typing import Annotated, Literal

from pydantic import Field

from service.config.destinations_file import Secret
from service.destinations.cloud_event import BATCHED, SOURCE, TYPE_PREFIX, CloudEvents, Source, TypePrefix
from service.destinations.endpoint_adapter import BATCH, EndpointAdapter
from service.destinations.endpoints import (
    CONCURRENCY,
    MAX_TIMEOUT_SECONDS,
    Encode,
    Endpoint,
    EndpointSettings,
    EndpointTables,
    batches_of,
    lanes_of,
)
from service.destinations.http import TIMEOUT_SECONDS, HttpClient, HttpSettings
from service.destinations.messages import Message, batch_id
from service.destinations.webhook_signatures import Signer, SigningSecret
from service.runtime.json_body import encode_json


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


class CloudEventsAdapter(EndpointAdapter):
    """Sends CloudEvents. `now` returns seconds since 1970, the time that signatures state."""

    def __init__(self, settings: CloudEventsSettings, now: Callable[[], float] = time.time) -> None:
        secrets = [one.get_secret_value() for endpoint in settings.endpoints for one in endpoint.secrets]
        secrets += [endpoint.token.get_secret_value() for endpoint in settings.endpoints if endpoint.token]
        size = settings.batch_size
        super().__init__(
            HttpClient(settings.timeout_seconds, secrets, settings.concurrency),
            [Endpoint(one.url, _encode(settings, one, now)) for one in settings.endpoints],
            settings.concurrency,
            (lambda messages: batches_of(messages, size)) if settings.mode == "batched" else lanes_of,
            max(BATCH, size),
        )


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
