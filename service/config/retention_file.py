"""Parse `retention.toml` into `Retention`. docs/reference/retention-toml.md describes the file."""

import importlib.resources
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from msgspec.structs import replace
from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError

from graph.domain.model.errors import InvalidInput
from graph.domain.model.facts import FactKind
from graph.domain.model.observations import MAX_SOURCE_LENGTH, Party
from graph.domain.model.retention import Retention, RetentionRule, party_name
from graph.domain.model.rules import NAMESPACE_NAME, ORDER_NAMESPACE

DEFAULT = "default"
"""The value of KITH_RETENTION that puts the default file into effect."""

PARTY_NAMES = {party_name(party): party for party in Party}
_Kind = Literal["observation", "attributes", "consent", "interaction", "order", "external_segment", "text"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Rule(_Strict):
    days: Annotated[StrictInt, Field(ge=1, le=36_500)]
    reason: Annotated[str, Field(min_length=1, max_length=300)]
    kind: _Kind | None = None
    party: Literal["first", "second", "third"] | None = None
    source: Annotated[str, Field(min_length=1, max_length=MAX_SOURCE_LENGTH)] | None = None
    namespace: str | None = None


class _File(_Strict):
    retention: list[_Rule] = []
    hold: list[_Rule] = []


def read(setting: str) -> Retention:
    """Return the rules that a value of KITH_RETENTION names: none if it is empty.

    Raises `InvalidInput` that names the file and the reason.
    """
    if not setting:
        return Retention()
    name = "retention.toml" if setting == DEFAULT else setting
    try:
        text = default_text() if setting == DEFAULT else Path(setting).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _invalid(name, f"cannot be read: {error}") from error
    return parse(text, name)


def default_text() -> str:
    """Return the text of the default file."""
    return (importlib.resources.files("service.config") / "retention.toml").read_text("utf-8")


def parse(text: str, name: str = "retention.toml") -> Retention:
    """Parse the rules in a TOML text. `name` stands for the file in error messages."""
    try:
        file = _File.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise _invalid(name, str(error)) from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise _invalid(name, f"{key}: {first['msg']}") from error
    return Retention(_rules(name, "retention", file.retention), _rules(name, "hold", file.hold))


def _rules(file: str, table: str, declared: Sequence[_Rule]) -> tuple[RetentionRule, ...]:
    rules: list[RetentionRule] = []
    about: set[RetentionRule] = set()
    for number, entry in enumerate(declared, 1):
        name = f"{table} {number}"
        if entry.namespace is not None:
            _check_namespace(file, name, entry.namespace)
        if entry.namespace and entry.kind == "text":
            raise _invalid(file, f"{name}: kind text has no identifiers, so it cannot have a namespace")
        rule = _rule(entry)
        # The same twice is a mistake: nobody can see which of both counts.
        same = replace(rule, days=0, reason="")
        if same in about:
            raise _invalid(file, f"{name}: an entry before is about the same ({rule.label})")
        about.add(same)
        rules.append(rule)
    return tuple(rules)


def _check_namespace(file: str, name: str, namespace: str) -> None:
    if not NAMESPACE_NAME.fullmatch(namespace):
        raise _invalid(file, f"{name}: {namespace[:60]!r} cannot be the name of a namespace")
    if namespace == ORDER_NAMESPACE:
        message = "an order cannot lose its number: use kind order, without a namespace, for whole orders"
        raise _invalid(file, f"{name}: {message}")


def _rule(entry: _Rule) -> RetentionRule:
    kinds = {"observation": FactKind.NONE, "text": None, None: None}
    return RetentionRule(
        days=entry.days,
        reason=entry.reason,
        party=None if entry.party is None else PARTY_NAMES[entry.party],
        kind=kinds[entry.kind] if entry.kind in kinds else FactKind(entry.kind),
        source=entry.source or "",
        namespace=entry.namespace or "",
        text=entry.kind == "text",
    )


def _invalid(file: str, message: str) -> InvalidInput:
    return InvalidInput("INVALID_SETTING", f"KITH_RETENTION: {file}: {message}")
