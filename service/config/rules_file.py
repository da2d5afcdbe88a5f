"""Parse `rules.toml` into `Rules`. docs/reference/rules-toml.md describes the file."""

import hashlib
import importlib.resources
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictFloat, StrictInt, ValidationError

from graph.domain.model.errors import RulesError
from graph.domain.model.rules import STRONGER, Composite, Contested, Guard, NamespaceRule, Proves, Rules, SourceRule

Count = Annotated[StrictInt, Field(ge=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Blocked(_Strict):
    values: list[str] = []
    patterns: list[str] = []
    digests_of: list[str] = []

    def all_values(self) -> list[str]:
        """Return the values and the digests, in hexadecimal, that trackers make of the texts of `digests_of`."""
        return [*self.values, *(digest for text in self.digests_of for digest in _digests(text.encode()))]


class _Namespace(_Strict):
    name: str
    limit: Count | None = None
    contested: Literal["newest", "first"] = "newest"
    shared_above: Count | dict[str, Count] | None = None
    normalize: list[str] = []
    blocked: list[str] | _Blocked = []
    min_length: Count = 1
    known: bool = False
    guarded: bool = True
    proves: Literal["nothing", "possession", "identity"] | None = None
    requires_consent: Annotated[str, Field(max_length=60)] = ""


class _Guard(_Strict):
    attribute: str
    compare: str


class _Composite(_Strict):
    namespace: str
    of: list[str]


class _Source(_Strict):
    name: Annotated[str, Field(min_length=1, max_length=100)]
    country: str = ""
    currency: Annotated[str, Field(pattern="^([A-Z]{3})?$")] = ""


class _File(_Strict):
    min_confidence: Annotated[StrictFloat | StrictInt, Field(ge=0, le=1)] = 0.9
    blocked: _Blocked = _Blocked()
    namespace: Annotated[list[_Namespace], Field(min_length=1)]
    source: list[_Source] = []
    guard: list[_Guard] = []
    composite: list[_Composite] = []
    returning: list[Annotated[str, Field(min_length=1, max_length=100)]] = []


def default_text() -> str:
    """Return the text of the default rules."""
    return (importlib.resources.files("service.config") / "rules.toml").read_text("utf-8")


def read_text(path: Path | None) -> str:
    """Return the text of a rules file, or of the default rules if `path` is `None`."""
    if path is None:
        return default_text()
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RulesError(f"{path}: cannot be read: {error}") from error


def parse(text: str, name: str = "rules.toml") -> Rules:
    """Parse the rules in a TOML text; raise `RulesError` that names the file, the key and what is allowed."""
    try:
        file = _File.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise RulesError(f"{name}: is not TOML: {error}") from error
    except ValidationError as error:
        raise RulesError(f"{name}: {_describe(error)}") from error
    try:
        blocked_values = frozenset(file.blocked.all_values())
        return Rules(
            tuple(_rule(namespace, blocked_values, file.blocked.patterns) for namespace in file.namespace),
            float(file.min_confidence),
            _sources(file.source),
            tuple(Guard(guard.attribute, guard.compare) for guard in file.guard),
            tuple(Composite(composite.namespace, tuple(composite.of)) for composite in file.composite),
            frozenset(file.returning),
        )
    except RulesError as error:
        raise RulesError(f"{name}: {error.message}") from error


def _describe(error: ValidationError) -> str:
    """Describe the first error: its key (counted from 1), what is allowed, and the value."""
    first = error.errors()[0]
    key = ".".join(str(part + 1 if isinstance(part, int) else part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"{key}: is not a known key"
    value = "" if first["type"] == "missing" else f", not {str(first['input'])[:60]!r}"
    return f"{key}: {first['msg']}{value}"


def _digests(text: bytes) -> tuple[str, ...]:
    # MD5 and SHA-1 are compared, not trusted: trackers send them.
    hashes = (hashlib.md5(text, usedforsecurity=False), hashlib.sha1(text, usedforsecurity=False), hashlib.sha256(text))
    digests = [hash.hexdigest() for hash in hashes]
    return (*digests, *map(str.upper, digests))


def _sources(sources: list[_Source]) -> dict[str, SourceRule]:
    rules: dict[str, SourceRule] = {}
    for source in sources:
        if source.name in rules:
            raise RulesError(f"duplicate source {source.name!r}")
        rules[source.name] = SourceRule(source.name, source.country, source.currency)
    return rules


def _rule(namespace: _Namespace, blocked_values: frozenset[str], blocked_patterns: list[str]) -> NamespaceRule:
    """Return the rules of a namespace; `blocked_values` and `blocked_patterns` are those of all namespaces."""
    blocked = namespace.blocked if isinstance(namespace.blocked, _Blocked) else _Blocked(values=namespace.blocked)
    shared_above = namespace.shared_above or {}
    return NamespaceRule(
        namespace.name,
        namespace.limit,
        Contested(namespace.contested),
        {STRONGER: shared_above} if isinstance(shared_above, int) else shared_above,
        tuple(namespace.normalize),
        blocked_values.union(blocked.all_values()),
        (*blocked_patterns, *blocked.patterns),
        namespace.min_length,
        namespace.known,
        namespace.guarded,
        None if namespace.proves is None else Proves(namespace.proves),
        namespace.requires_consent,
    )
