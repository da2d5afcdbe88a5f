"""The version of Kith, and the commit that it was built from."""

import importlib.metadata
import importlib.resources
import subprocess
from pathlib import Path

DISTRIBUTION = "kith-graph"
COMMIT_FILE = "commit.txt"
"""Written into a wheel by `tools/build_hook.py`; a checkout has none and asks git."""


def number() -> str:
    """Return the version."""
    return importlib.metadata.version(DISTRIBUTION)


def describe() -> str:
    """Return version and commit in one line, such as `kith 0.2.0 (9221e30a1b2c)`."""
    return f"kith {number()} ({commit() or 'unknown commit'})"


def commit() -> str | None:
    """Return the first 12 digits of the commit of the wheel or the checkout; `None` if neither is known."""
    recorded = importlib.resources.files("service.runtime") / COMMIT_FILE
    if recorded.is_file():
        return recorded.read_text("utf-8").strip()
    return of_checkout(Path(__file__).parents[2])


def of_checkout(folder: Path) -> str | None:
    """Return the first 12 digits of the commit that a checkout is at; `None` if the folder is not a checkout."""
    if not (folder / ".git").exists():
        return None
    try:
        result = subprocess.run(  # noqa: S603
            ["git", "-C", str(folder), "rev-parse", "--short=12", "HEAD"],  # noqa: S607
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return result.stdout.strip()
