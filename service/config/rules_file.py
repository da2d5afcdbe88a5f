"""`rules.toml`, read at the edge into the plain values of the domain."""

import importlib.resources
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictFloat, StrictInt, ValidationError

from graph.domain.model.errors import RulesError
from graph.domain.model.rules import STRONGER, Contested, NamespaceRule, Rules

Count = Annotated[StrictInt, Field(ge=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Blocked(_Strict):
    values: list[str] = []
    patterns: list[str] = []


class _Namespace(_Strict):
    name: str
    limit: Count | None = None
    contested: Literal["newest", "first"] = "newest"
    shared_above: Count | dict[str, Count] | None = None
    normalise: list[str] = []
    blocked: list[str] | _Blocked = []
    min_length: Count = 1
    known: bool = False


class _File(_Strict):
    accept: Annotated[StrictFloat | StrictInt, Field(ge=0, le=1)] = 0.9
    blocked: _Blocked = _Blocked()
    namespace: Annotated[list[_Namespace], Field(min_length=1)]


def default_text() -> str:
    """The rules that ship with the product."""
    return (importlib.resources.files("service.config") / "rules.toml").read_text("utf-8")


def read_text(path: Path | None) -> str:
    """The text of a rules file, or of the default rules."""
    if path is None:
        return default_text()
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RulesError(f"{path}: cannot be read: {error}") from error


def parse(text: str, name: str = "rules.toml") -> Rules:
    """The rules in a TOML text; an error names the file, the key and what is allowed."""
    try:
        file = _File.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise RulesError(f"{name}: is not TOML: {error}") from error
    except ValidationError as error:
        raise RulesError(f"{name}: {_first(error)}") from error
    try:
        return Rules(tuple(_rule(one, file.blocked) for one in file.namespace), float(file.accept))
    except RulesError as error:
        raise RulesError(f"{name}: {error.message}") from error


def _first(error: ValidationError) -> str:
    """The first thing that is wrong: key, what is allowed, what is there."""
    wrong = error.errors()[0]
    key = ".".join(str(part + 1 if isinstance(part, int) else part) for part in wrong["loc"])
    found = "" if wrong["type"] == "missing" else f", not {str(wrong['input'])[:60]!r}"
    return f"{key}: {wrong['msg']}{found}"


def _rule(one: _Namespace, everywhere: _Blocked) -> NamespaceRule:
    mine = one.blocked if isinstance(one.blocked, _Blocked) else _Blocked(values=one.blocked)
    shared = one.shared_above or {}
    return NamespaceRule(
        one.name,
        one.limit,
        Contested(one.contested),
        {STRONGER: shared} if isinstance(shared, int) else shared,
        tuple(one.normalise),
        frozenset([*everywhere.values, *mine.values]),
        (*everywhere.patterns, *mine.patterns),
        one.min_length,
        one.known,
    )
