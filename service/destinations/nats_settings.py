"""The settings of destinations of type `nats`, without the package that they need."""

from typing import Annotated, Literal

from pydantic import Field, StrictBool

from service.config.destinations_file import DestinationSettings, FilePath, Secret
from service.destinations.cloud_event import SOURCE, TYPE_PREFIX, Mode, Source, TypePrefix

Server = Annotated[
    str, Field(pattern=r"^(?:nats|tls)://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$", max_length=500)
]
Subject = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$", max_length=200)]


class NatsSettings(DestinationSettings):
    """The settings of destinations of type `nats`."""

    type: Literal["nats"]
    servers: Annotated[list[Server], Field(min_length=1, max_length=50)]
    """Servers, as `nats://HOST:PORT` or `tls://HOST:PORT`."""
    stream: Annotated[str, Field(pattern=r"^[^\s.*>/\\]{1,100}$")]
    """The stream (JetStream) that takes the subjects, which must exist."""
    subject: Subject = "kith.audiences"
    """What the subjects of audiences begin with."""
    change_subject: Subject = "kith.changes"
    """What the subjects of changes begin with."""
    purge_erased: StrictBool = False
    """Whether an erasure also removes the earlier messages of the address from the stream."""
    mode: Mode = "structured"
    """The mode of CloudEvents: attributes as headers, or as one object of JSON with the data."""
    source: Source = SOURCE
    """The attribute `source` of all events: a URI or a path."""
    type_prefix: TypePrefix = TYPE_PREFIX
    """What the attribute `type` begins with, such as `com.example.`."""
    timeout_seconds: Annotated[float, Field(gt=0, le=50)] = 10.0
    """How many seconds sending a batch may take."""
    user: Annotated[str, Field(max_length=500)] = ""
    """The user of the login."""
    password: Secret | None = None
    """The password of the login."""
    token: Secret | None = None
    """The token of the login."""
    credentials: FilePath | None = None
    """A file of credentials (JWT and seed)."""
    tls_ca: FilePath | None = None
    """PEM file of the authorities that sign the servers' certificates; without it, the system's."""
    tls_certificate: FilePath | None = None
    """PEM file of the certificate that Kith shows, for servers that ask for it."""
    tls_key: FilePath | None = None
    """PEM file of the private key of that certificate."""
