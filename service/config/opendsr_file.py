"""Parse `opendsr.toml`: the domain, the certificate and the identities of OpenDSR. docs/reference/opendsr-toml.md."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError

from graph.domain.model.errors import InvalidInput
from graph.domain.model.rules import NAMESPACE_NAME

DEFAULT_IDENTITIES: Mapping[str, str] = {
    "controller_customer_id": "crm_id",
    "email": "email",
    "email:sha256": "hashed_email",
    "phone": "phone",
    "android_advertising_id": "device",
    "android_id": "device",
    "fire_advertising_id": "device",
    "ios_advertising_id": "device",
    "ios_vendor_id": "device",
    "microsoft_advertising_id": "device",
    "microsoft_publisher_id": "device",
    "roku_advertising_id": "device",
    "roku_publisher_id": "device",
}
"""The namespace of each type of identity, and of its hashed formats as `TYPE:FORMAT`, if the file declares none."""
FORMATS = ("raw", "sha1", "md5", "sha256")
_DOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+")
_IDENTITY = re.compile(rf"[a-z][a-z0-9_]{{0,59}}(:({'|'.join(FORMATS)}))?")

Text = Annotated[str, Field(min_length=1, max_length=500)]
Days = Annotated[StrictInt, Field(ge=1, le=36_500)]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    domain: Text
    controller_id: Text
    certificate: Text
    private_key: Text
    erasure: Literal["confirm", "automatic"] = "confirm"
    completion_days: Days = 30
    results_days: Days = 7
    orders_kept_days: Days | None = None
    orders_kept_ground: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    callback_hosts: Annotated[list[Text], Field(max_length=100)] = []
    identities: Annotated[dict[str, Text], Field(min_length=1)] | None = None


class OpenDSRSettings(Struct, frozen=True):
    """What the file says. Paths are as the service opens them; `identities` maps (type, format) to namespaces.

    Without `automatic_erasure`, a person confirms the plan of each erasure; with it, orders are kept without a person
    for `orders_kept_days` on a ground, `None` if they are erased. `completion_days` is the time that the answers
    promise, `results_days` how long the results of an access request can be fetched.
    """

    domain: str
    controller_id: str
    certificate: Path
    private_key: Path
    automatic_erasure: bool
    completion_days: int
    results_days: int
    orders_kept_days: int | None
    orders_kept_ground: str
    callback_hosts: frozenset[str]
    identities: Mapping[tuple[str, str], str]


def read(path: Path | None) -> OpenDSRSettings | None:
    """Read a file; `None` without one. Raises `InvalidInput`."""
    if path is None:
        return None
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput("INVALID_SETTING", f"KITH_OPENDSR: {path} cannot be read: {error}") from error
    return parse(text, path)


def parse(text: str, path: Path = Path("opendsr.toml")) -> OpenDSRSettings:
    """Parse a TOML text; raise `InvalidInput` that names the file, the key and what is allowed.

    The paths in it are relative to the folder of `path`.
    """
    try:
        file = _File.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput("INVALID_SETTING", f"KITH_OPENDSR: {path}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise InvalidInput("INVALID_SETTING", f"KITH_OPENDSR: {path}: {key}: {first['msg']}") from error
    for name in (file.domain, *file.callback_hosts):
        if not _DOMAIN.fullmatch(name):
            raise _invalid(path, f"{name[:60]!r} is not the name of a host, in lower case and without scheme and port")
    if (file.orders_kept_days is None) != (file.orders_kept_ground is None):
        raise _invalid(path, "orders_kept_days and orders_kept_ground need one another")
    identities = DEFAULT_IDENTITIES if file.identities is None else file.identities
    for identity, namespace in identities.items():
        if not _IDENTITY.fullmatch(identity):
            allowed = f"TYPE or TYPE:FORMAT, with a format of {', '.join(FORMATS)}"
            raise _invalid(path, f"identities: {identity[:60]!r} is not a type of identity: {allowed}")
        if not NAMESPACE_NAME.fullmatch(namespace):
            raise _invalid(path, f"identities.{identity}: {namespace[:60]!r} cannot be the name of a namespace")
    return OpenDSRSettings(
        file.domain,
        file.controller_id,
        path.parent / file.certificate,
        path.parent / file.private_key,
        file.erasure == "automatic",
        file.completion_days,
        file.results_days,
        file.orders_kept_days,
        file.orders_kept_ground or "",
        frozenset(file.callback_hosts),
        {_typed(identity): namespace for identity, namespace in identities.items()},
    )


def _typed(identity: str) -> tuple[str, str]:
    type, _, format = identity.partition(":")
    return type, format or "raw"


def _invalid(path: Path, message: str) -> InvalidInput:
    return InvalidInput("INVALID_SETTING", f"KITH_OPENDSR: {path}: {message}")
