"""Settings, from the environment and from a file `.env` in the working folder. README.md documents each."""

import ipaddress
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from graph.domain.model.errors import InvalidInput
from schema.execution.limits import Limits

PROFILE = "Left out: on in the development profile, off in production."


class Settings(BaseSettings):
    """All settings; each is an environment variable with the prefix `KITH_`."""

    model_config = SettingsConfigDict(env_prefix="KITH_", env_file=".env", extra="ignore")

    store: str = Field("sqlite:///kith.db", description="Where the graph lives: sqlite:///FILE or neo4j://HOST:PORT.")
    neo4j_user: str = Field("", description="User of the Neo4j database; empty where it asks for none.")
    neo4j_password: SecretStr = Field(SecretStr(""), description="Password of that user.")
    neo4j_database: str = Field("neo4j", description="Name of the database on the server.")
    rules: Path | None = Field(None, description="A rules file; the default rules ship with the product.")
    attributes: Path | None = Field(None, description="A file of attributes and purposes; a default ships too.")
    host: str = Field("127.0.0.1", description="Address to listen on; any other than loopback needs KITH_API_KEYS.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    api_keys: SecretStr = Field(
        SecretStr(""), description="Bearer keys as NAME:KEY, comma-separated, each key of 16 characters or more."
    )
    allowed_origins: str = Field("", description="Web pages of these origins may ask, comma-separated; none else.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="What is logged.")

    profile: Literal["development", "production"] | None = Field(
        None, description="Left out: development on loopback without keys, else production."
    )
    explorer: bool | None = Field(None, description=f"Whether browsers get GraphiQL at /graphql. {PROFILE}")
    introspection: bool | None = Field(None, description=f"Whether the schema can be asked for. {PROFILE}")
    federation: bool | None = Field(None, description=f"Whether gateways can ask for entities and SDL. {PROFILE}")
    error_details: bool | None = Field(
        None, description=f"Whether errors tell what of a document does not fit, and what was perhaps meant. {PROFILE}"
    )
    get_queries: bool | None = Field(
        None, description=f"Whether GET serves any query; trusted and automatic documents it always serves. {PROFILE}"
    )

    documents: Path | None = Field(None, description="A manifest of trusted documents, or a folder of them.")
    only_trusted: bool = Field(False, description="Whether only documents of the manifests are run.")
    automatic_documents: bool = Field(True, description="Whether clients may register documents by their hash.")

    compiled: bool = Field(True, description="Whether documents seen before run compiled; the answers are the same.")

    max_body_bytes: int = Field(8_000_000, ge=1_000, description="Largest request body; a larger one gets 413.")
    max_depth: int = Field(10, ge=1, description="Most levels of fields in a document, introspection aside.")
    max_aliases: int = Field(30, ge=0, description="Most aliases, and fields named again, in an operation.")
    max_directives: int = Field(50, ge=0, description="Most directives in a document.")
    max_tokens: int = Field(2_000, ge=10, description="Most words and signs in a document.")
    max_batch: int = Field(1, ge=1, le=100, description="Most operations in one request; 1 allows no batches.")
    max_page: int = Field(100, ge=1, le=100, description="Largest page of a list.")
    max_cost: int = Field(50_000, ge=1, description="Most objects an operation may answer, counted before it runs.")
    timeout_seconds: float = Field(30, gt=0, description="Longest run of an operation; its database work stops too.")
    max_subscriptions: int = Field(20, ge=1, description="Most operations at once on one WebSocket.")
    max_connections: int = Field(50, ge=1, description="Most WebSockets and event streams at once of one caller.")
    slow_reader_seconds: float = Field(10, gt=0, description="How long a subscriber may leave an event unread.")
    feed_seconds: float = Field(1, gt=0, description="How often subscriptions look for other processes' changes.")
    population_seconds: float = Field(
        3600,
        ge=0,
        description="How often all customers are counted for scores, percentiles and predictions; 0 for never.",
    )
    statuses: Literal["2025", "2026-08"] = Field(
        "2025", description="HTTP statuses of GraphQL answers: as audited in 2025, or the draft of August 2026."
    )

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can ask."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins whose pages may ask."""
        return tuple(filter(None, (one.strip() for one in self.allowed_origins.split(","))))

    def open(self, chosen: bool | None) -> bool:
        """Whether what a profile decides is on, unless it was chosen by itself."""
        if chosen is not None:
            return chosen
        if self.profile is not None:
            return self.profile == "development"
        return self.on_loopback and not self.api_keys.get_secret_value()

    @property
    def limits(self) -> Limits:
        """What one request may ask for."""
        return Limits(
            depth=self.max_depth,
            aliases=self.max_aliases,
            directives=self.max_directives,
            tokens=self.max_tokens,
            page=self.max_page,
            cost=self.max_cost,
            seconds=self.timeout_seconds,
            compiled=self.compiled,
            introspection=self.open(self.introspection),
            federation=self.open(self.federation),
            details=self.open(self.error_details),
        )


def load(**chosen: object) -> Settings:
    """The settings, with what the command line chose laid over them; an error names the variable."""
    try:
        return Settings(**{name: value for name, value in chosen.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        wrong = error.errors()[0]
        name = "_".join(str(part) for part in wrong["loc"]).upper()
        raise InvalidInput("BAD_SETTING", f"KITH_{name}: {wrong['msg']}") from None
