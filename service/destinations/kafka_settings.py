"""The settings of destinations of type `kafka`, without the package that they need."""

from typing import Annotated, Literal

from pydantic import Field, StrictBool

from service.config.destinations_file import DestinationSettings, FilePath, Secret
from service.destinations.cloud_event import SOURCE, TYPE_PREFIX, Mode, Source, TypePrefix

Broker = Annotated[str, Field(pattern=r"^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}$")]
Topic = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,249}$")]


class KafkaSettings(DestinationSettings):
    """The settings of destinations of type `kafka`."""

    type: Literal["kafka"]
    brokers: Annotated[list[Broker], Field(min_length=1, max_length=50)]
    """Brokers to begin with, as `HOST:PORT`."""
    topic: Topic
    """The topic of audiences, which must exist."""
    change_topic: Topic | None = None
    """The topic of changes; without it, `topic`."""
    compacted: StrictBool = False
    """Whether `topic` is compacted: then a removal is followed by a message without a value (tombstone)."""
    mode: Mode = "binary"
    """The mode of CloudEvents: attributes as headers, or as one object of JSON with the data."""
    source: Source = SOURCE
    """The attribute `source` of all events: a URI or a path."""
    type_prefix: TypePrefix = TYPE_PREFIX
    """What the attribute `type` begins with, such as `com.example.`."""
    compression: Literal["none", "gzip", "lz4", "snappy", "zstd"] = "none"
    """How batches are compressed."""
    timeout_seconds: Annotated[float, Field(gt=0, le=50)] = 10.0
    """How many seconds connecting, and sending a batch, may take."""
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """With TLS (`SSL`), with a login (`SASL`), or both."""
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    """How the login is proven."""
    sasl_username: Annotated[str, Field(max_length=500)] = ""
    """The user of the login."""
    sasl_password: Secret | None = None
    """The password of the login."""
    ssl_ca: FilePath | None = None
    """PEM file of the authorities that sign the brokers' certificates; without it, the system's."""
    ssl_certificate: FilePath | None = None
    """PEM file of the certificate that Kith shows, for brokers that ask for it."""
    ssl_key: FilePath | None = None
    """PEM file of the private key of that certificate."""
    ssl_key_password: Secret | None = None
    """Password of that private key."""
