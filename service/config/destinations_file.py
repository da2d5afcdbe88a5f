"""Parse `destinations.toml`: the systems that audiences and changes go to. docs/reference/destinations-toml.md."""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StrictBool,
    ValidationError,
    ValidationInfo,
)

from graph.domain.model.changes import ChangeKind
from graph.domain.model.errors import InvalidInput
from service.config.secret_references import read_secret

NAME = re.compile(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")
SETTING = "KITH_DESTINATIONS"
PROBLEMS = {"extra_forbidden": "unknown key", "missing": "the key is required"}
"""What is said of errors of pydantic, by their types; of others, what pydantic says."""


class Context:
    """What the values of a file refer to: paths are relative to its folder, secrets may be variables of `env`."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self.folder, self.env = folder, env


def _resolve(reference: SecretStr, info: ValidationInfo) -> SecretStr:
    context = info.context
    assert isinstance(context, Context)
    value = read_secret(reference.get_secret_value(), context.folder, context.env)
    if value is None:
        # The text is not shown: it may be the secret.
        raise ValueError("a secret is env:NAME or file:PATH, not the secret itself")
    return SecretStr(value)


Secret = Annotated[SecretStr, AfterValidator(_resolve)]
"""A field of settings that names a secret: `env:NAME` or `file:PATH`. Its value is the secret."""


def _in_folder(path: Path, info: ValidationInfo) -> Path:
    context = info.context
    assert isinstance(context, Context)
    return context.folder / path


FilePath = Annotated[Path, Field(strict=False), AfterValidator(_in_folder)]
"""A field of settings: the path of a file or folder, in the file relative to its folder."""


def _change_kind(name: str) -> str:
    if name not in ChangeKind.__members__:
        raise ValueError(f"{name[:60]!r} is no kind of change; allowed are {', '.join(ChangeKind.__members__)}")
    return name


class DestinationSettings(BaseModel):
    """The settings that every destination has; each type adds its own.

    The texts below the fields are the meanings in docs/reference/destinations-toml.md.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)

    name: Annotated[str, Field(pattern=NAME)]
    """The name of the destination: 1 to 100 letters, digits and `.` `_` `-`."""
    type: str
    """The type of the destination."""
    changes: StrictBool = False
    """Whether the destination receives the entries of the change feed."""
    change_kinds: Annotated[list[Annotated[str, AfterValidator(_change_kind)]], Field(max_length=50)] = []
    """The kinds of changes that it receives, such as `CUSTOMERS_MERGED`; all without them."""
    identifiers: StrictBool = False
    """Whether the entries contain the identifiers that they name."""


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    destination: Annotated[list[dict[str, Any]], Field(max_length=200)] = []


Models = Mapping[str, type[DestinationSettings]]
"""The settings of each type of destination, by the name of the type."""


def read(path: Path | None, models: Models, env: Mapping[str, str] = os.environ) -> tuple[DestinationSettings, ...]:
    """Read a file; no destination without one. Raises `InvalidInput`."""
    if path is None:
        return ()
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput("INVALID_SETTING", f"{SETTING}: {path} cannot be read: {error}") from error
    return parse(text, path, models, env)


def parse(
    text: str, path: Path, models: Models, env: Mapping[str, str] = os.environ
) -> tuple[DestinationSettings, ...]:
    """Parse a TOML text; raise `InvalidInput` that names the file, the destination, the key and what is allowed."""
    try:
        file = _File.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput("INVALID_SETTING", f"{SETTING}: {path}: {error}") from error
    except ValidationError as error:
        raise _invalid(path, "", error) from error
    context = Context(path.parent, env)
    destinations = []
    for number, values in enumerate(file.destination, 1):
        where = f"destination {values.get('name', number)!s:.60}: "
        model = models.get(str(values.get("type", "")))
        if model is None:
            message = f"type is {str(values.get('type', ''))[:60]!r}; allowed are {', '.join(sorted(models))}"
            raise InvalidInput("INVALID_SETTING", f"{SETTING}: {path}: {where}{message}")
        try:
            destinations.append(model.model_validate(values, context=context))
        except ValidationError as error:
            raise _invalid(path, where, error) from error
    names = [destination.name for destination in destinations]
    if doubled := next((name for name in names if names.count(name) > 1), None):
        raise InvalidInput("INVALID_SETTING", f"{SETTING}: {path}: there are two destinations named {doubled!r}")
    return tuple(destinations)


def _invalid(path: Path, where: str, error: ValidationError) -> InvalidInput:
    # Without the input: it may be a secret.
    found = error.errors(include_input=False, include_url=False)
    # A misspelled key is unknown, and the right one is missing: the first of both says more.
    first = next((one for one in found if one["type"] == "extra_forbidden"), found[0])
    key = ".".join(str(part + 1) if isinstance(part, int) else part for part in first["loc"])
    problem = PROBLEMS.get(first["type"], first["msg"].removeprefix("Value error, "))
    return InvalidInput("INVALID_SETTING", f"{SETTING}: {path}: {where}{key}: {problem}")
