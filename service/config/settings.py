"""Settings, from the environment and a file `.env` in the working folder. See docs/reference/settings.md."""

import difflib
import ipaddress
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from dotenv import dotenv_values
from pydantic import Field, PrivateAttr, SecretStr, ValidationError, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import SettingsConfigDict

from graph.domain.access.counts import DEFAULT_MIN_COUNT
from graph.domain.model.errors import InvalidInput
from graph.domain.model.refused_records import DEFAULT_REFUSED_DAYS
from schema.execution.limits import Limits
from service.config.broker_settings import BrokerSettings

PREFIX = "KITH_"
ENV_FILE = ".env"
_KUBERNETES = ("SERVICE_", "PORT_")
"""Beginnings of the variables that Kubernetes sets in every pod for a service named kith."""
_HOST = re.compile(r"[A-Za-z0-9._-]+|\[?[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*\]?")
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]+)?")
"""An origin as browsers send it: without path, in lower case."""
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
PROFILE_DEFAULT = "Default: on in the development profile, off in the production profile."


class Settings(BrokerSettings):
    """All settings; each is an environment variable with the prefix `KITH_`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=ENV_FILE, extra="ignore", env_ignore_empty=True, allow_inf_nan=False
    )

    store: str = Field(
        "sqlite:///kith.db", description="Where the graph is stored: sqlite:///FILE or neo4j://HOST:PORT."
    )
    neo4j_user: str = Field("", description="User of the Neo4j database; empty for a database without authentication.")
    neo4j_password: SecretStr = Field(SecretStr(""), description="Password of the Neo4j user.")
    neo4j_database: str = Field("neo4j", description="Name of the database on the Neo4j server.")
    rules: Path | None = Field(None, description="A rules file for a new store; without it, the default rules.")
    attributes: Path | None = Field(
        None, description="A file of attributes and purposes; without it, the default file."
    )
    retention: str = Field(
        "",
        description="A file that says how long data is kept, or `default` for the file that Kith ships; without it, "
        "nothing expires.",
    )
    retention_interval_seconds: float = Field(
        86_400,
        ge=0,
        description="Interval at which the service removes what has expired; 0 leaves it to `kith retention run`.",
    )
    refused_days: int = Field(
        DEFAULT_REFUSED_DAYS,
        ge=0,
        le=365,
        description="Days for which a refused record is kept after its last delivery; with 0 none is kept.",
    )
    host: str = Field(
        "127.0.0.1", description="Address to listen on; any other than loopback requires keys, or tokens (KITH_ACCESS)."
    )
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 selects a free port.")
    workers: int = Field(
        1,
        ge=1,
        le=64,
        description="Number of processes that serve on the same port, each on a core of its own.",
    )
    api_keys: SecretStr = Field(
        SecretStr(""), description="Bearer keys as NAME:ROLE:KEY, comma-separated, for a first start; see `kith keys`."
    )
    access: Path | None = Field(
        None, description="A file of issuers of tokens and of roles; with it, every caller needs a key or a token."
    )
    allowed_hosts: str = Field(
        "",
        description="Host names that requests may name, comma-separated; `*.example.com` allows all below it, `*` all. "
        "Default: all if callers need keys or tokens, otherwise KITH_HOST and the names of loopback.",
    )
    allowed_origins: str = Field("", description="Origins whose web pages may send requests, comma-separated.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severe level of messages that are logged."
    )
    log_format: Literal["text", "json"] = Field(
        "text", description="Whether a message is logged as a line of text or as a JSON object."
    )
    slow_seconds: float = Field(
        1, gt=0, description="Duration from which an operation is logged as slow, with its parts."
    )
    traces: float = Field(
        0, ge=0, le=1, description="Share of requests that are traced with OpenTelemetry: 0 for none, 1 for all."
    )
    metrics: Literal["key", "public", "off"] = Field(
        "key",
        description="Whether /metrics requires the scope service:metrics (if there are keys), is public, or absent.",
    )

    profile: Literal["development", "production"] | None = Field(
        None, description="Default: development on loopback without keys and tokens, otherwise production."
    )
    graphiql: bool | None = Field(None, description=f"Whether /graphql serves GraphiQL to browsers. {PROFILE_DEFAULT}")
    introspection: bool | None = Field(None, description=f"Whether clients can query the schema. {PROFILE_DEFAULT}")
    federation: bool | None = Field(
        None, description=f"Whether gateways can query entities and the SDL. {PROFILE_DEFAULT}"
    )
    error_details: bool | None = Field(
        None,
        description=f"Whether validation errors name the invalid field and suggest a valid one. {PROFILE_DEFAULT}",
    )
    get_queries: bool | None = Field(
        None,
        description=f"Whether GET serves any query; it always serves trusted and persisted ones. {PROFILE_DEFAULT}",
    )

    documents: Path | None = Field(None, description="A manifest of trusted documents, or a folder of manifests.")
    trusted_documents_only: bool = Field(False, description="Whether only trusted documents are executed.")
    persisted_queries: bool = Field(True, description="Whether clients may register documents by their hash.")

    compiled: bool = Field(
        True, description="Whether documents that were seen before run compiled; results are the same."
    )

    max_body_bytes: int = Field(
        8_000_000, ge=1_000, description="Maximum size of a request body, in bytes; a larger one gets status 413."
    )
    max_depth: int = Field(10, ge=1, description="Maximum depth of fields in a document.")
    max_aliases: int = Field(30, ge=0, description="Maximum number of aliases and repeated fields in an operation.")
    max_fields: int = Field(
        5_000,
        ge=1,
        description="Maximum number of fields in an operation; fragments count each time that they are spread.",
    )
    max_directives: int = Field(50, ge=0, description="Maximum number of directives in a document.")
    max_tokens: int = Field(2_000, ge=10, description="Maximum number of tokens in a document.")
    max_document_length: int = Field(
        100_000, ge=100, description="Maximum number of characters in a document; long texts are sent in variables."
    )
    max_values: int = Field(
        200_000, ge=100, description="Maximum number of values in the variables of a request, nested ones included."
    )
    max_batch: int = Field(
        1, ge=1, le=100, description="Maximum number of operations in a request; 1 disables batches."
    )
    max_page: int = Field(100, ge=1, le=100, description="Maximum number of items on a page of a list.")
    max_cost: int = Field(
        50_000, ge=1, description="Maximum number of objects that an operation may return, estimated before it runs."
    )
    timeout_seconds: float = Field(
        30, gt=0, description="Maximum time of an operation; its database work is stopped, too."
    )
    max_subscriptions: int = Field(
        20, ge=1, description="Maximum number of operations at the same time on one WebSocket."
    )
    max_connections: int = Field(
        50, ge=1, description="Maximum number of WebSockets and event streams of one caller at the same time."
    )
    slow_reader_seconds: float = Field(
        10, gt=0, description="Maximum time that a subscriber may leave an event unread."
    )
    request_seconds: float = Field(
        30, gt=0, description="Maximum time for the headers, and again for the body, to arrive; then status 408."
    )
    keep_alive_seconds: int = Field(
        75, ge=1, description="How long an idle connection is kept; longer than the proxy in front keeps it."
    )
    max_sockets: int = Field(
        2_000,
        ge=1,
        description="Maximum number of open connections; beyond it, the one that has waited longest is closed.",
    )
    shutdown_seconds: float = Field(
        20, gt=0, description="Maximum time from SIGTERM to the end; open requests are finished or answered by then."
    )
    drain_seconds: float = Field(
        1, ge=0, description="How long connections are still accepted after SIGTERM, while /readyz answers 503."
    )
    change_poll_seconds: float = Field(
        1, gt=0, description="Interval at which subscriptions look for changes by other processes."
    )
    min_count: int = Field(
        DEFAULT_MIN_COUNT,
        ge=2,
        description="Minimum number of customers that a number must be about for marketers to see it; numbers are "
        "rounded to it.",
    )
    rfm_interval_seconds: float = Field(
        3600,
        ge=0,
        description="Interval at which RFM scores and prediction models are recalculated; 0 disables this.",
    )
    audit: str = Field(
        "",
        description="The folder of the audit log, or `off` in the development profile. Default: beside the SQLite file "
        "with `-audit` added, for Neo4j `kith-audit`; off in the development profile.",
    )
    audit_checkpoints: str = Field(
        "",
        description="A file on another volume, or an address (https, or http on loopback), to which signed checkpoints "
        "of the audit log are written each minute. Default: beside the log, which protects less.",
    )
    audit_days: int = Field(
        730, ge=1, le=36_500, description="Days after which the content of entries of the audit log is removed."
    )
    audit_reasons: Literal["text", "hash"] = Field(
        "text", description="Whether the audit log keeps the reasons that callers state, or their keyed hashes."
    )
    erasure_keys: Path | None = Field(
        None,
        description="The file of the keys of erasures: see `kith erasure-keys`. The production profile requires it for "
        "erasing. Default: beside the SQLite file with `-erasure-keys` added, for Neo4j `kith-erasure-keys`; made at "
        "first use in the development profile.",
    )
    erasure_ledger: Path | None = Field(
        None,
        description="The ledger of erasures, from which a restored store is erased again; best on another volume. "
        "Default: beside the SQLite file with `-erasures.ndjson` added; for Neo4j `kith-erasures.ndjson`, and the "
        "production profile requires the setting for erasing.",
    )
    opendsr: Path | None = Field(
        None, description="A file that turns the endpoints of OpenDSR on: domain, certificate, identities."
    )
    connectors: Path | None = Field(
        None, description="A file of the systems that send data to `/in/SOURCE`: mappings, secrets, browsers."
    )
    destinations: Path | None = Field(
        None,
        description="A file of the systems that audiences and changes are sent to, with their addresses and secrets.",
    )
    unsubscribe_secrets: SecretStr = Field(
        SecretStr(""),
        description="Secrets of unsubscribe links, comma-separated, of at least 32 characters: the first makes links, "
        "all read them. Without any, the service has no /unsubscribe.",
    )
    unsubscribe_url: str = Field(
        "", description="The address of the service in unsubscribe links, such as https://id.shop.example."
    )
    http_status_profile: Literal["2025", "2026-08"] = Field(
        "2025", description="HTTP statuses of GraphQL responses: as audited in 2025, or of the draft of August 2026."
    )

    _keys_required: bool = PrivateAttr(False)

    @field_validator("store")
    @classmethod
    def _check_store(cls, store: str) -> str:
        if not store.startswith("sqlite:") and "@" in store:
            # Addresses are printed and logged.
            raise _invalid("an address must not contain a user or a password: use KITH_NEO4J_USER, KITH_NEO4J_PASSWORD")
        return store

    @field_validator("allowed_hosts")
    @classmethod
    def _check_hosts(cls, names: str) -> str:
        for name in _names(names):
            if name != "*" and not _HOST.fullmatch(name.removeprefix("*.")):
                raise _invalid(f"{name!r} is not the name of a host, without scheme and port")
        return names

    @field_validator("allowed_origins")
    @classmethod
    def _check_origins(cls, origins: str) -> str:
        for origin in _names(origins):
            if origin != "*" and not _ORIGIN.fullmatch(origin):
                raise _invalid(f"{origin!r} is not an origin, such as https://example.com or http://localhost:3000")
        return origins

    @property
    def secrets_of_unsubscribe_links(self) -> tuple[str, ...]:
        """Return the secrets of unsubscribe links; empty if there are no such links."""
        return _names(self.unsubscribe_secrets.get_secret_value())

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can connect."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def requires_keys(self) -> bool:
        """Whether every caller needs a key, as far as is known when the service starts."""
        return (
            self._keys_required
            or not self.on_loopback
            or bool(self.api_keys.get_secret_value())
            or self.access is not None
        )

    def requiring_keys(self) -> "Settings":
        """Return these settings for a service whose keys are, or may be, in its store."""
        copy = self.model_copy()
        copy._keys_required = True
        return copy

    def without_keys(self) -> "Settings":
        """Return these settings without the keys, which need not stay in memory once their digests are known."""
        copy = self.model_copy(update={"api_keys": SecretStr("")})
        copy._keys_required = self.requires_keys
        return copy

    @property
    def store_system(self) -> str:
        """The kind of the store, as OpenTelemetry names it."""
        return "sqlite" if self.store.startswith("sqlite:") else "neo4j"

    @property
    def origins(self) -> tuple[str, ...]:
        """Return the origins whose web pages may send requests."""
        return _names(self.allowed_origins)

    @property
    def hosts(self) -> tuple[str, ...]:
        """Return the host names that requests may name as long as no key is required, or always if they are set."""
        return _names(self.allowed_hosts) or (*LOOPBACK_NAMES, self.host)

    def is_enabled(self, chosen: bool | None) -> bool:
        """Whether a feature is on: as `chosen`, or as the profile decides if that is `None`."""
        if chosen is not None:
            return chosen
        if self.profile is not None:
            return self.profile == "development"
        return not self.requires_keys

    @property
    def limits(self) -> Limits:
        """Return the limits of one request."""
        return Limits(
            depth=self.max_depth,
            aliases=self.max_aliases,
            fields=self.max_fields,
            directives=self.max_directives,
            tokens=self.max_tokens,
            length=self.max_document_length,
            values=self.max_values,
            page=self.max_page,
            cost=self.max_cost,
            seconds=self.timeout_seconds,
            compiled=self.compiled,
            introspection=self.is_enabled(self.introspection),
            federation=self.is_enabled(self.federation),
            details=self.is_enabled(self.error_details),
        )


def _names(text: str) -> tuple[str, ...]:
    """Return the names in a comma-separated list."""
    return tuple(filter(None, map(str.strip, text.split(","))))


def _invalid(reason: str) -> PydanticCustomError:
    return PydanticCustomError("setting", "{reason}", {"reason": reason})


def load(**chosen: object) -> Settings:
    """Load the settings. Values of `chosen` that are not `None` take precedence; an error names the variable."""
    for place, names in _variables().items():
        for name in names:
            _check_name(name, place)
    try:
        return Settings(**{name: value for name, value in chosen.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        raise InvalidInput("INVALID_SETTING", f"KITH_{name}: {first['msg']}") from None


def origin(setting: str) -> str:
    """Return where the value of a setting comes from: the environment or the file `.env`; empty for its default."""
    return next((place for place, names in _variables().items() if PREFIX + setting.upper() in names), "")


def _variables() -> dict[str, dict[str, str | None]]:
    """Return the variables with the prefix that are not empty, by the place that sets them; the first place counts."""
    places: dict[str, Mapping[str, str | None]] = {"the environment": os.environ, ENV_FILE: dotenv_values(ENV_FILE)}
    return {
        place: {name.upper(): value for name, value in values.items() if name.upper().startswith(PREFIX) and value}
        for place, values in places.items()
    }


def _check_name(name: str, place: str) -> None:
    """Raise `InvalidInput` if there is no setting with this name."""
    known = [PREFIX + field.upper() for field in Settings.model_fields]
    if name in known:
        return
    message = f"{name} (in {place}) is not a setting of Kith"
    if name.removeprefix(PREFIX).startswith(_KUBERNETES):
        message += ": Kubernetes sets it for a service named kith unless the pod has enableServiceLinks: false"
    elif nearest := difflib.get_close_matches(name, known, 1):
        message += f"; did you mean {nearest[0]}?"
    raise InvalidInput("INVALID_SETTING", message)
