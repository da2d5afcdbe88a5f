"""A folder in an S3-compatible object store. The extra `files`: obstore."""

import re
from datetime import timedelta
from typing import Any

from obstore import exceptions
from obstore.store import S3Store

from service.destinations.files.folders import FolderError
from service.destinations.files.settings import FilesSettings

_CODE = re.compile(r"<Code>([A-Za-z0-9.]{1,60})</Code>")
_STATUS = re.compile(r"\b([45]\d\d) (?:[A-Z][A-Za-z]+)")
_LOGIN_CODES = frozenset(
    {
        "AccessDenied",
        "ExpiredToken",
        "InvalidAccessKeyId",
        "InvalidToken",
        "SignatureDoesNotMatch",
        "TokenRefreshRequired",
    }
)
_ERRORS = (exceptions.BaseError, OSError, ValueError)
_TIMED_OUT = ("timed out", "TimedOut")
CHUNK = 1_000


class S3Folder:
    """The objects of a bucket whose keys begin with a path. An object appears as a whole, so none is renamed.

    Without `access_key_id` the credentials are those of the environment: `AWS_` variables or the role of the machine.
    """

    def __init__(self, settings: FilesSettings) -> None:
        config: dict[str, Any] = {}
        for name in ("access_key_id", "secret_access_key", "session_token"):
            if (secret := getattr(settings, name)) is not None:
                config[name] = secret.get_secret_value()
        for name in ("endpoint", "region"):
            if (value := getattr(settings, name)) is not None:
                config[name] = value
        timeout = timedelta(seconds=settings.timeout_seconds)
        self._timeout, self._write_only = settings.timeout_seconds, settings.write_only
        self._store = S3Store(
            settings.place.host,
            prefix=settings.place.path or None,
            config=config,  # type: ignore[arg-type]
            client_options={
                "connect_timeout": timeout,
                "read_timeout": timeout,
                "timeout": timedelta(seconds=settings.write_seconds),
                "allow_http": (settings.endpoint or "").startswith("http:"),
            },
            # The sender repeats: so that nothing waits here, and nothing newer behind it.
            retry_config={"max_retries": 0, "retry_timeout": timeout},
        )

    def write(self, name: str, content: bytes) -> None:
        """Write an object by one request, which leaves nothing behind if it is cut off."""
        try:
            self._store.put(name, content, use_multipart=False)
        except _ERRORS as error:
            raise self._failed("written", error) from error

    def names(self) -> list[str]:
        """Return the names of the objects in the folder."""
        try:
            found = [str(entry["path"]) for entries in self._store.list(chunk_size=CHUNK) for entry in entries]
        except _ERRORS as error:
            raise self._failed("listed", error) from error
        return [name for name in found if "/" not in name]

    def check(self) -> None:
        """List some objects. Who may not list them has logged in, too."""
        try:
            for _ in self._store.list(chunk_size=1):
                break
        except _ERRORS as error:
            code = _CODE.search(str(error))
            if not (self._write_only and code is not None and code[1] == "AccessDenied"):
                raise self._failed("reached", error) from error

    def delete(self, names: list[str]) -> None:
        """Delete objects."""
        try:
            self._store.delete(names)
        except FileNotFoundError:
            pass
        except _ERRORS as error:
            raise self._failed("cleaned", error) from error

    def close(self) -> None:
        """The library closes connections that are idle."""

    def _failed(self, what: str, error: Exception) -> FolderError:
        # Not the text itself: it has the request, with the key's id and the text that is signed.
        text = str(error)
        code, status = _CODE.search(text), _STATUS.search(text)
        reason = " ".join(found[1] for found in (status, code) if found is not None)
        login = isinstance(error, exceptions.UnauthenticatedError) or (code is not None and code[1] in _LOGIN_CODES)
        if not reason:
            timed_out = any(words in text for words in _TIMED_OUT)
            reason = f"no answer within {self._timeout:g} s" if timed_out else "no connection to the server"
        return FolderError(f"the bucket cannot be {what}: {reason}", login=login)
