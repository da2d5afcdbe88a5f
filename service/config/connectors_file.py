"""Parse `connectors.toml`: which systems send data to the service. docs/reference/connectors-toml.md."""

import hashlib
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, ValidationError

from graph.domain.model.claims import CLAIMED, claimed_source
from graph.domain.model.errors import InvalidInput
from graph.domain.model.observations import MAX_SOURCE_LENGTH, Party
from service.config.secret_references import read_secret

SOURCE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_ORIGIN = re.compile(r"https?://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]+)?")
_PARTIES = {party.name.lower(): party for party in Party}

Text = Annotated[str, Field(min_length=1, max_length=2_000)]


class _Source(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: Text
    mapping: Text
    secrets: Annotated[list[Text], Field(max_length=20)] = []
    browser: StrictBool = False
    origins: Annotated[list[Text], Field(max_length=100)] = []
    link_traits: StrictBool | None = None
    party: Literal["first_party", "second_party", "third_party"] | None = None
    values: Annotated[dict[str, Text], Field(max_length=50)] = {}
    max_waiting: Annotated[StrictInt, Field(ge=1, le=1_000_000)] = 10_000
    url: Annotated[str, Field(max_length=2_000, pattern="^(https?://.+)?$")] = ""


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    source: Annotated[list[_Source], Field(max_length=1_000)] = []


class ConnectorSource(Struct, frozen=True):
    """A system that sends data as one source.

    `mapping` is the name of a mapping or the path of a file. `secrets` are what its senders prove to know: keys, or
    secrets of signatures. The keys of a `browser` are public: its requests come from `origins` only, and what it says
    is of the second party unless `party` says otherwise. With `link_traits`, traits such as an email address are
    identifiers, too; they are not for browsers by default. `values` are read by mappings as `@name`. `max_waiting` is
    how many records may wait to be stored before senders are asked to slow down. `url` is the address that senders
    know, which some of them sign: behind a proxy, that of a request is another one.
    """

    name: str
    mapping: str
    secrets: tuple[bytes, ...] = ()
    browser: bool = False
    origins: frozenset[str] = frozenset()
    link_traits: bool = True
    party: Party = Party.FIRST_PARTY
    values: Mapping[str, str] = {}
    max_waiting: int = 10_000
    url: str = ""
    secret_files: tuple[Path, ...] = ()
    """The files that secrets were read from: when one changes, the source is read again."""


def read(path: Path | None, env: Mapping[str, str] = os.environ) -> tuple[ConnectorSource, ...]:
    """Read a file; no source without one. Raises `InvalidInput`."""
    if path is None:
        return ()
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput("INVALID_SETTING", f"KITH_CONNECTORS: {path} cannot be read: {error}") from error
    return parse(text, path, env)


def parse(text: str, path: Path, env: Mapping[str, str] = os.environ) -> tuple[ConnectorSource, ...]:
    """Parse a TOML text; raise `InvalidInput` that names the file, the key and what is allowed.

    Paths in it are relative to the folder of `path`; `env` holds the variables that secrets may name.
    """
    try:
        file = _File.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput("INVALID_SETTING", f"KITH_CONNECTORS: {path}: {error}") from error
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        key = ".".join(str(part + 1) if isinstance(part, int) else part for part in first["loc"])
        raise InvalidInput("INVALID_SETTING", f"KITH_CONNECTORS: {path}: {key}: {first['msg']}") from error
    sources = tuple(_source(source, path, env) for source in file.source)
    names = [source.name for source in sources]
    if doubled := next((name for name in names if names.count(name) > 1), None):
        raise _invalid(path, f"there are two sources with the name {doubled!r}")
    return sources


def _source(source: _Source, path: Path, env: Mapping[str, str]) -> ConnectorSource:
    if not SOURCE_NAME.fullmatch(source.name):
        message = f"source {source.name[:60]!r}: a name is 1 to 100 letters, digits and . _ -, as it is part of a URL"
        raise _invalid(path, message)
    where = f"source {source.name!r}"
    if source.browser and not source.origins:
        raise _invalid(path, f"{where}: a browser needs origins, such as https://shop.example")
    if source.browser and len(claimed_source(source.name)) > MAX_SOURCE_LENGTH:
        message = f"the name of a browser has at most {MAX_SOURCE_LENGTH - len(CLAIMED)} characters"
        raise _invalid(path, f"{where}: {message}, as {CLAIMED!r} is added for what its key does not prove")
    for origin in source.origins:
        if not _ORIGIN.fullmatch(origin):
            raise _invalid(path, f"{where}: {origin[:60]!r} is not an origin such as https://shop.example")
    secrets = tuple(_secret(secret, path, where, source.browser, env) for secret in source.secrets)
    mapping = source.mapping
    if mapping.endswith(".toml"):
        mapping = str(path.parent / mapping)
    return ConnectorSource(
        source.name,
        mapping,
        secrets,
        source.browser,
        frozenset(source.origins),
        not source.browser if source.link_traits is None else source.link_traits,
        _PARTIES[source.party] if source.party else Party.SECOND_PARTY if source.browser else Party.FIRST_PARTY,
        {name.lower(): value for name, value in source.values.items()},
        source.max_waiting,
        source.url,
        tuple(path.parent / secret.removeprefix("file:") for secret in source.secrets if secret.startswith("file:")),
    )


def _secret(text: str, path: Path, where: str, public: bool, env: Mapping[str, str]) -> bytes:
    """Return a secret: `env:NAME`, `file:PATH`, or for browsers the public key itself."""
    try:
        value = read_secret(text, path.parent, env)
    except ValueError as error:
        raise _invalid(path, f"{where}: {error}") from error
    if value is not None:
        return value.encode()
    if public:
        return text.encode()
    # The text is not shown: it may be the secret.
    raise _invalid(path, f"{where}: a secret is env:NAME or file:PATH; only the keys of browsers are in the file")


def fingerprint(path: Path) -> str:
    """Return what changes whenever a file does; empty if it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def _invalid(path: Path, message: str) -> InvalidInput:
    return InvalidInput("INVALID_SETTING", f"KITH_CONNECTORS: {path}: {message}")
