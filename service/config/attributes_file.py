"""Parse `attributes.toml` into a `Catalog`. docs/reference/attributes-toml.md describes the file."""

import importlib.resources
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError

from graph.domain.model.errors import InvalidInput
from graph.domain.model.validation import is_name
from graph.domain.profile.catalog import BUILT_IN, AttributeDefinition, AttributeType, Catalog, Precedence
from graph.domain.profile.journey import JourneyRules

Days = Annotated[StrictInt, Field(ge=1, le=3650)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Attribute(_Strict):
    name: str
    type: Literal["text", "date", "language", "number", "boolean", "address"] = "text"
    personal: bool = True
    precedence: Literal["newest", "oldest", "most_frequent", "source_priority", "all"] = "newest"
    sources: list[str] = []


class _Purpose(_Strict):
    name: str


class _Journey(_Strict):
    purchase_days: Days = 14
    consideration_days: Days = 14
    post_purchase_days: Days = 30
    discovery_days: Days = 30


class _File(_Strict):
    journey: _Journey = _Journey()
    attribute: list[_Attribute] = []
    purpose: list[_Purpose] = []


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
    attributes = {definition.name: definition for definition in BUILT_IN}
    attribute_names: set[str] = set()
    for attribute in file.attribute:
        _check_name(name, attribute.name, attribute_names)
        built_in = attributes.get(attribute.name)
        if built_in is not None and built_in.type.value != attribute.type:
            message = f"attribute {attribute.name!r} is of type {built_in.type.value}, not {attribute.type}"
            raise InvalidInput("INVALID_SETTING", f"KITH_ATTRIBUTES: {name}: {message}")
        attributes[attribute.name] = AttributeDefinition(
            attribute.name,
            AttributeType(attribute.type),
            attribute.personal,
            Precedence(attribute.precedence),
            tuple(attribute.sources),
        )
    purpose_names: set[str] = set()
    for purpose in file.purpose:
        _check_name(name, purpose.name, purpose_names)
    journey = JourneyRules(**file.journey.model_dump())
    return Catalog(attributes, tuple(purpose.name for purpose in file.purpose) or Catalog().purposes, journey)


def _check_name(file: str, name: str, names: set[str]) -> None:
    if not is_name(name):
        message = f"{name[:60]!r} is not a valid name: it must consist of a-z, 0-9 and _, and begin with a letter"
        raise InvalidInput("INVALID_SETTING", f"KITH_ATTRIBUTES: {file}: {message}")
    if name in names:
        raise InvalidInput("INVALID_SETTING", f"KITH_ATTRIBUTES: {file}: duplicate name {name!r}")
    names.add(name)
