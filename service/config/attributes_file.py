"""`attributes.toml`, read at the edge into the plain values of the domain."""

import importlib.resources
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError

from graph.domain.model.errors import InvalidInput
from graph.domain.model.validation import is_name
from graph.domain.profile.catalog import BUILT_IN, Attribute, AttributeType, Catalogue, Precedence
from graph.domain.profile.journey import JourneyRules

Days = Annotated[StrictInt, Field(ge=1, le=3650)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Attribute(_Strict):
    name: str
    type: Literal["text", "date", "language", "number", "boolean", "address"] = "text"
    personal: bool = True
    precedence: Literal["newest", "oldest", "most_frequent", "sources", "union"] = "newest"
    sources: list[str] = []


class _Purpose(_Strict):
    name: str


class _Journey(_Strict):
    purchase_days: Days = 14
    decision_days: Days = 14
    after_sales_days: Days = 30
    orientation_days: Days = 30


class _File(_Strict):
    journey: _Journey = _Journey()
    attribute: list[_Attribute] = []
    purpose: list[_Purpose] = []


def read(path: Path | None) -> Catalogue:
    """The catalogue in a file, or the one that ships with the product; an error names the file and what is wrong."""
    name = "attributes.toml" if path is None else str(path)
    try:
        default = importlib.resources.files("service.config") / "attributes.toml"
        text = default.read_text("utf-8") if path is None else path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput("BAD_SETTING", f"KITH_ATTRIBUTES: {name} cannot be read: {error}") from error
    return parse(text, name)


def parse(text: str, name: str = "attributes.toml") -> Catalogue:
    """The catalogue in a TOML text."""
    try:
        file = _File.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput("BAD_SETTING", f"KITH_ATTRIBUTES: {name}: {error}") from error
    except ValidationError as error:
        wrong = error.errors()[0]
        where = ".".join(str(part) for part in wrong["loc"])
        raise InvalidInput("BAD_SETTING", f"KITH_ATTRIBUTES: {name}: {where}: {wrong['msg']}") from error
    attributes = {one.name: one for one in BUILT_IN}
    seen: set[str] = set()
    for one in file.attribute:
        _check_name(name, one.name, seen)
        built_in = attributes.get(one.name)
        if built_in is not None and built_in.type.value != one.type:
            message = f"attribute {one.name!r} is of type {built_in.type.value}, not {one.type}"
            raise InvalidInput("BAD_SETTING", f"KITH_ATTRIBUTES: {name}: {message}")
        precedence, kind = Precedence(one.precedence), AttributeType(one.type)
        attributes[one.name] = Attribute(one.name, kind, one.personal, precedence, tuple(one.sources))
    purposes: set[str] = set()
    for purpose in file.purpose:
        _check_name(name, purpose.name, purposes)
    journey = JourneyRules(**file.journey.model_dump())
    return Catalogue(attributes, tuple(one.name for one in file.purpose) or Catalogue().purposes, journey)


def _check_name(file: str, name: str, seen: set[str]) -> None:
    if not is_name(name):
        message = f"{name[:60]!r}: a name is made of a-z, 0-9 and _, and starts with a letter"
        raise InvalidInput("BAD_SETTING", f"KITH_ATTRIBUTES: {file}: {message}")
    if name in seen:
        raise InvalidInput("BAD_SETTING", f"KITH_ATTRIBUTES: {file}: {name!r} is there twice")
    seen.add(name)
