"""Settings, from the environment and from a file `.env` in the working folder. README.md documents each."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from graph.domain.errors import InvalidInput


class Settings(BaseSettings):
    """All settings; each is an environment variable with the prefix `KITH_`."""

    model_config = SettingsConfigDict(env_prefix="KITH_", env_file=".env", extra="ignore")

    store: str = Field("sqlite:///kith.db", description="Where the graph lives: sqlite:///FILE or neo4j://HOST:PORT.")
    neo4j_user: str = Field("", description="User of the Neo4j database; empty where it asks for none.")
    neo4j_password: SecretStr = Field(SecretStr(""), description="Password of that user.")
    neo4j_database: str = Field("neo4j", description="Name of the database on the server.")
    rules: Path | None = Field(None, description="A rules file; the default rules ship with the product.")
    host: str = Field("127.0.0.1", description="Address to listen on; any other than loopback needs KITH_API_KEYS.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    api_keys: SecretStr = Field(
        SecretStr(""), description="Bearer keys as NAME:KEY, comma-separated, each key of 16 characters or more."
    )
    max_body_bytes: int = Field(8_000_000, ge=1_000, description="Largest request body; a larger one gets 413.")
    explorer: bool = Field(True, description="Whether browsers get GraphiQL at /graphql.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="What is logged.")


def load(**chosen: object) -> Settings:
    """The settings, with what the command line chose laid over them; an error names the variable."""
    try:
        return Settings(**{name: value for name, value in chosen.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        wrong = error.errors()[0]
        name = "_".join(str(part) for part in wrong["loc"]).upper()
        raise InvalidInput("BAD_SETTING", f"KITH_{name}: {wrong['msg']}") from None
