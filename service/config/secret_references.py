"""Secrets that a configuration file names without containing them: `env:NAME` and `file:PATH`."""

from collections.abc import Mapping
from pathlib import Path

MIN_SECRET_LENGTH = 8


def read_secret(reference: str, folder: Path, env: Mapping[str, str]) -> str | None:
    """Return the secret that a reference names; `None` for a text that is no reference.

    Paths are relative to `folder`. Raises `ValueError` with a message that does not contain the secret.
    """
    kind, _, name = reference.partition(":")
    if kind == "env":
        value = env.get(name, "")
        if not value:
            raise ValueError(f"the environment variable {name[:60]} is not set")
    elif kind == "file":
        try:
            value = (folder / name).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"{name} cannot be read: {type(error).__name__}") from error
    else:
        return None
    if len(value) < MIN_SECRET_LENGTH:
        raise ValueError(f"a secret has at least {MIN_SECRET_LENGTH} characters")
    return value
