"""The files of this repository, for tests that read them."""

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


@cache
def files() -> tuple[Path, ...]:
    """Every file that is committed, or would be if all were added: what `.gitignore` names is left out."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return tuple(ROOT / name for name in names if name and (ROOT / name).is_file())


@cache
def text_of(path: Path) -> str:
    """The text of a file; empty if it is not text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def pages() -> tuple[Path, ...]:
    """README.md and all pages of `docs`."""
    return (
        ROOT / "README.md",
        *(path for path in files() if path.suffix == ".md" and path.is_relative_to(ROOT / "docs")),
    )
