"""Parse `attributes.toml` into a `Catalog`. docs/reference/attributes-toml.md describes the file."""

import importlib.resources
import re
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError

from graph.domain.model.errors import InvalidInput
from graph.domain.model.rules import NAMESPACE_NAME
from graph.domain.model.validation import is_name
from graph.domain.profile.catalog import (
    BUILT_IN,
    CHANNELS,
    PROFILING,
    AttributeDefinition,
    AttributeType,
    Catalog,
    Precedence,
)
from graph.domain.profile.consents import EVERY_CHANNEL, Decision
from graph.domain.profile.derived_consents import ConsentFromInteraction, default_consents_from_interactions
from graph.domain.profile.journey import JourneyRules
from graph.domain.profile.purposes import Controller, LegalBasis, Processing, Purpose
from graph.domain.profile.tcf import PURPOSES, TcfTerms

_CHANNEL_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,59}")
_PROCESSING_PURPOSE = re.compile(r"[a-z][a-z0-9_-]{0,63}")
"""The name of a purpose without consent decisions: the purpose of a key may contain hyphens."""

TcfPurpose = Annotated[StrictInt, Field(ge=PURPOSES.start, lt=PURPOSES.stop)]
Days = Annotated[StrictInt, Field(ge=1, le=3650)]
Text = Annotated[str, Field(min_length=1, max_length=1000)]
Texts = Annotated[list[Text], Field(max_length=100)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Attribute(_Strict):
    name: str
    type: Literal["text", "date", "language", "number", "boolean", "address"] = "text"
    personal: bool = True
    precedence: Literal["newest", "oldest", "most_frequent", "source_priority", "all"] = "newest"
    sources: list[str] = []


class _Controller(_Strict):
    name: Text | None = None
    contact: Text | None = None
    joint_controllers: Texts | None = None
    representative: Text | None = None
    data_protection_officer: Text | None = None


class _Purpose(_Strict):
    name: str
    profiling: bool | None = None
    consent: bool = True
    description: Text | None = None
    legal_basis: (
        Literal["consent", "contract", "legal_obligation", "vital_interests", "public_task", "legitimate_interests"]
        | None
    ) = None
    data_subjects: Texts | None = None
    data_categories: Texts | None = None
    recipients: Texts | None = None
    transfers: Texts | None = None
    retention: Text | None = None

    @property
    def is_profiling(self) -> bool:
        """Whether the purpose is profiling: without a declaration, by its name."""
        return self.name == PROFILING if self.profiling is None else self.profiling

    tcf: Annotated[list[TcfPurpose], Field(min_length=1)] | None = None


class _Channel(_Strict):
    name: str
    namespaces: list[str] = []


class _ConsentFromInteraction(_Strict):
    type: str
    channel: str = EVERY_CHANNEL
    decision: Literal["given", "refused", "withdrawn"]
    purposes: Annotated[list[str], Field(min_length=1)]


class _Journey(_Strict):
    purchase_days: Days = 14
    consideration_days: Days = 14
    post_purchase_days: Days = 30
    discovery_days: Days = 30


class _Tcf(_Strict):
    vendor: Annotated[StrictInt, Field(ge=1, le=65535)] | None = None
    namespaces: Annotated[list[str], Field(min_length=1)] = list(TcfTerms().namespaces)


class _File(_Strict):
    tcf: _Tcf = _Tcf()
    journey: _Journey = _Journey()
    controller: _Controller = _Controller()
    attribute: list[_Attribute] = []
    purpose: list[_Purpose] = []
    channel: list[_Channel] = []
    consent_from_interaction: list[_ConsentFromInteraction] | None = None


def read(path: Path | None) -> Catalog:
    """Read the catalog of a file, or the default catalog; raise `InvalidInput` that names the file and the reason."""
    name = "attributes.toml" if path is None else str(path)
    try:
        default = importlib.resources.files("service.config") / "attributes.toml"
        text = default.read_text("utf-8") if path is None else path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput("INVALID_SETTING", f"KITH_ATTRIBUTES: {name} cannot be read: {error}") from error
    return parse(text, name)


def parse(text: str, name: str = "attributes.toml") -> Catalog:
    """Parse the catalog in a TOML text. `name` stands for the file in error messages."""
    try:
        file = _File.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput("INVALID_SETTING", f"KITH_ATTRIBUTES: {name}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise InvalidInput("INVALID_SETTING", f"KITH_ATTRIBUTES: {name}: {key}: {first['msg']}") from error
    purpose_names: set[str] = set()
    for purpose in file.purpose:
        _check_purpose(name, purpose, purpose_names)
    purposes = tuple(purpose.name for purpose in file.purpose if purpose.consent) or Catalog().purposes
    profiling = Catalog().profiling_purposes
    if file.purpose:
        profiling = tuple(purpose.name for purpose in file.purpose if purpose.consent and purpose.is_profiling)
    channels = _channels(name, file.channel) if file.channel else CHANNELS
    if file.consent_from_interaction is None:
        from_interactions = default_consents_from_interactions(purposes, channels)
    else:
        from_interactions = _from_interactions(name, file.consent_from_interaction, purposes, channels)
    journey = JourneyRules(**file.journey.model_dump())
    return Catalog(
        _attributes(name, file.attribute),
        purposes,
        journey,
        channels,
        from_interactions,
        profiling,
        _tcf(name, file),
        _processing(file),
    )


def _attributes(name: str, declared: list[_Attribute]) -> Mapping[str, AttributeDefinition]:
    attributes = {definition.name: definition for definition in BUILT_IN}
    attribute_names: set[str] = set()
    for attribute in declared:
        _check_name(name, attribute.name, attribute_names)
        built_in = attributes.get(attribute.name)
        if built_in is not None and built_in.type.value != attribute.type:
            raise _invalid(name, f"attribute {attribute.name!r} is of type {built_in.type.value}, not {attribute.type}")
        attributes[attribute.name] = AttributeDefinition(
            attribute.name,
            AttributeType(attribute.type),
            attribute.personal,
            Precedence(attribute.precedence),
            tuple(attribute.sources),
        )
    return attributes


def _tcf(file: str, content: _File) -> TcfTerms:
    for namespace in content.tcf.namespaces:
        if not NAMESPACE_NAME.fullmatch(namespace):
            raise _invalid(file, f"tcf: {namespace[:60]!r} cannot be the name of a namespace")
    mapped = {purpose.name: tuple(purpose.tcf) for purpose in content.purpose if purpose.tcf is not None}
    return TcfTerms(mapped, content.tcf.vendor, tuple(content.tcf.namespaces))


def _channels(file: str, declared: list[_Channel]) -> Mapping[str, tuple[str, ...]]:
    channels: dict[str, tuple[str, ...]] = {}
    for channel in declared:
        if not _CHANNEL_NAME.fullmatch(channel.name):
            message = (
                f"{channel.name[:60]!r} is not a valid name: it must consist of A-Z, 0-9 and _, beginning with A-Z"
            )
            raise _invalid(file, f"channel {message}")
        if channel.name in channels:
            raise _invalid(file, f"duplicate channel {channel.name!r}")
        for namespace in channel.namespaces:
            if not NAMESPACE_NAME.fullmatch(namespace):
                raise _invalid(file, f"channel {channel.name}: {namespace[:60]!r} cannot be the name of a namespace")
        channels[channel.name] = tuple(channel.namespaces)
    return channels


def _from_interactions(
    file: str, declared: list[_ConsentFromInteraction], purposes: Collection[str], channels: Collection[str]
) -> tuple[ConsentFromInteraction, ...]:
    rules: list[ConsentFromInteraction] = []
    decided: set[tuple[str, str]] = set()
    for entry in declared:
        name = f"consent_from_interaction {entry.type[:60]!r}"
        if not is_name(entry.type):
            raise _invalid(file, f"{name}: type must consist of a-z, 0-9 and _, and begin with a letter")
        if entry.channel != EVERY_CHANNEL and entry.channel not in channels:
            raise _invalid(file, f"{name}: channel {entry.channel[:60]!r} is not declared; {', '.join(channels)} are")
        for purpose in entry.purposes:
            if purpose not in purposes:
                raise _invalid(file, f"{name}: purpose {purpose[:60]!r} is not declared; {', '.join(purposes)} are")
            # The id of a decision names the interaction and the purpose.
            if (entry.type, purpose) in decided:
                raise _invalid(file, f"{name}: purpose {purpose!r} is declared twice")
            decided.add((entry.type, purpose))
        decision = Decision(entry.decision)
        rules.append(ConsentFromInteraction(entry.type, entry.channel, decision, tuple(entry.purposes)))
    return tuple(rules)


def _processing(file: _File) -> Processing:
    return Processing(Controller(**_declared(file.controller, Controller)), tuple(map(_purpose, file.purpose)))


def _purpose(table: _Purpose) -> Purpose:
    values = _declared(table, Purpose)
    basis = values.pop("legal_basis")
    return Purpose(legal_basis=None if basis is None else LegalBasis(basis), **values)


def _declared(table: BaseModel, kind: type[Struct]) -> dict[str, Any]:
    """Return the fields of a kind of value as a table declares them."""
    values = ((name, getattr(table, name)) for name in kind.__struct_fields__)
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values}


def _check_purpose(file: str, purpose: _Purpose, names: set[str]) -> None:
    if purpose.consent or not _PROCESSING_PURPOSE.fullmatch(purpose.name):
        _check_name(file, purpose.name, names)
    elif purpose.name in names:
        raise _invalid(file, f"duplicate name {purpose.name!r}")
    names.add(purpose.name)


def _check_name(file: str, name: str, names: set[str]) -> None:
    if not is_name(name):
        message = f"{name[:60]!r} is not a valid name: it must consist of a-z, 0-9 and _, and begin with a letter"
        raise _invalid(file, message)
    if name in names:
        raise _invalid(file, f"duplicate name {name!r}")
    names.add(name)


def _invalid(file: str, message: str) -> InvalidInput:
    return InvalidInput("INVALID_SETTING", f"KITH_ATTRIBUTES: {file}: {message}")
