"""The settings of destinations of type `files`."""

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import unquote, urlsplit

from msgspec import Struct
from pydantic import AfterValidator, Field, StrictBool, ValidationInfo, field_validator, model_validator

from service.config.destinations_file import Context, DestinationSettings, Secret
from service.destinations.adapter import SEND_SECONDS
from service.destinations.http import Url

_FOR_SFTP = ("user", "password", "private_key", "passphrase", "host_key", "known_hosts")
_FOR_S3 = ("endpoint", "region", "access_key_id", "secret_access_key", "session_token", "allow_http")
MAX_WRITE_SECONDS = SEND_SECONDS - 20
"""The adapter has to answer before the sender gives it up."""


class Place(Struct, frozen=True):
    """Where files go. `scheme` is empty for a folder of this machine, else `sftp` or `s3`.

    `host` is the server, or the bucket. `port` is `None` for the usual one. An empty `path` is the root of the bucket,
    or the folder that the SFTP server gives its user.
    """

    scheme: str
    host: str
    port: int | None
    path: str


def _relative(path: str, info: ValidationInfo) -> str:
    assert isinstance(info.context, Context)
    return str(info.context.folder / path)


class FilesSettings(DestinationSettings):
    """Where files go, in which format, and how long they stay."""

    type: Literal["files"]
    """The type of the destination."""
    url: Annotated[str, Field(min_length=1, max_length=1_000)]
    """A folder, relative to the file; `sftp://HOST:PORT/FOLDER`, or `sftp://HOST/~/FOLDER` below the folder of the
    user; `s3://BUCKET/FOLDER`."""
    format: Literal["csv", "parquet"] = "csv"
    """The format of the files."""
    formula_guard: StrictBool = False
    """Whether an apostrophe comes before texts in CSV that spreadsheet programs would compute."""
    snapshot_hours: Annotated[int, Field(ge=1, le=8_784)] | None = None
    """After how many hours each audience is written as a whole again, besides its changes: 1 to 8,784."""
    keep_days: Annotated[int, Field(ge=1, le=3650)] = 14
    """After how many days Kith deletes its files."""
    write_only: StrictBool = False
    """Whether Kith may only create files: it neither lists nor deletes any."""
    batch_size: Annotated[int, Field(ge=1, le=100_000)] = 10_000
    """The most addresses of a batch."""
    timeout_seconds: Annotated[float, Field(gt=0, le=MAX_WRITE_SECONDS)] = 10.0
    """How many seconds an answer of the server may take."""
    write_seconds: Annotated[float, Field(gt=0, le=MAX_WRITE_SECONDS)] = 60.0
    """How many seconds the writing of a batch may take."""

    user: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """SFTP: the user who logs in."""
    password: Secret | None = None
    """SFTP: the password of the user; either this or `private_key`."""
    private_key: Secret | None = None
    """SFTP: the private key of the user: Ed25519, ECDSA or RSA."""
    passphrase: Secret | None = None
    """SFTP: what opens the private key."""
    host_key: Annotated[str, Field(pattern=r"^[a-z0-9@.-]+ [A-Za-z0-9+/=]+( .*)?$")] | None = None
    """SFTP: the public key of the server, such as `ssh-ed25519 AAAA…`; either this or `known_hosts`."""
    known_hosts: Annotated[str, AfterValidator(_relative)] | None = None
    """SFTP: a file of the public keys of servers, relative to the file."""

    allow_http: StrictBool = False
    """S3: whether `endpoint` may begin with `http://` if it is another machine."""
    endpoint: Url | None = None
    """S3: the address of the server; without it, that of AWS."""
    region: str | None = None
    """S3: the region of the bucket; without it, that of the environment."""
    access_key_id: Secret | None = None
    """S3: the id of the access key; without it, the credentials of the environment."""
    secret_access_key: Secret | None = None
    """S3: the secret of the access key."""
    session_token: Secret | None = None
    """S3: the token of a temporary access key."""

    @field_validator("url")
    @classmethod
    def _check_url(cls, value: str, info: ValidationInfo) -> str:
        if "://" not in value:
            return _relative(value, info)
        parts = urlsplit(value)
        if parts.scheme not in ("sftp", "s3"):
            raise ValueError(f"is a folder, sftp://HOST/FOLDER or s3://BUCKET/FOLDER, not {parts.scheme[:20]}://")
        if "@" in parts.netloc:
            raise ValueError("must not contain credentials: they have settings of their own")
        if not parts.hostname:
            raise ValueError(f"has no {'bucket' if parts.scheme == 's3' else 'host'}")
        if parts.query or parts.fragment:
            raise ValueError("must not have a query or a fragment")
        if (_port(parts.netloc) is not None) and parts.scheme == "s3":
            raise ValueError("the bucket has no port: name the server by endpoint")
        return value

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        scheme = self.place.scheme
        for names, needed in ((_FOR_SFTP, "sftp"), (_FOR_S3, "s3")):
            given = [name for name in names if name in self.model_fields_set]
            if given and scheme != needed:
                raise ValueError(f"{given[0]} is for {needed}:// only")
        if scheme == "sftp":
            self._check_sftp()
        if (self.access_key_id is None) != (self.secret_access_key is None):
            raise ValueError("access_key_id and secret_access_key are given together")
        if self.session_token is not None and self.access_key_id is None:
            raise ValueError("session_token needs access_key_id")
        if self.formula_guard and self.format != "csv":
            raise ValueError("formula_guard is for format csv only")
        return self

    def _check_sftp(self) -> None:
        if self.user is None:
            raise ValueError("sftp:// needs user")
        if (self.password is None) == (self.private_key is None):
            raise ValueError("sftp:// needs either password or private_key")
        if self.passphrase is not None and self.private_key is None:
            raise ValueError("passphrase needs private_key")
        if (self.host_key is None) == (self.known_hosts is None):
            raise ValueError("sftp:// needs either host_key or known_hosts, so that no other server gets the files")

    @property
    def place(self) -> Place:
        """Where files go."""
        if "://" not in self.url:
            return Place("", "", None, str(Path(self.url)))
        parts = urlsplit(self.url)
        path = unquote(parts.path)
        if parts.scheme == "s3":
            # Unlike `hostname`, `netloc` keeps capital letters.
            return Place("s3", parts.netloc, None, path.strip("/"))
        # As in URLs for curl, a path that begins with /~/ is relative to the folder of the user.
        home = path in ("", "/~") or path.startswith("/~/")
        return Place("sftp", parts.hostname or "", _port(parts.netloc), path[3:] if home else path)


def _port(netloc: str) -> int | None:
    try:
        return urlsplit(f"//{netloc}").port
    except ValueError as error:
        raise ValueError("the port is no number from 0 to 65535") from error
